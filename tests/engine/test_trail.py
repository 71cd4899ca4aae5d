"""What those are told who follow the changes of a push."""

from __future__ import annotations

from collections.abc import Sequence

from syncer.core.batch import Settlement
from syncer.core.change import Change, Chunk
from syncer.core.entry import Entry
from syncer.engine.trail import Trails
from tests.engine.answers import not_now
from tests.engine.answers import posts_of_inputs as posts
from tests.support.pushing import Process, Pushing


class Steps:
    """Notes what it is told, by the indexes of changes."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int]]] = []

    def note_read(self, source: str, chunk: Chunk, now: float) -> None:
        self.told.append((f"read {source}", [change.index for change in chunk.changes]))

    def note_sent(self, changes: Sequence[Change], now: float) -> None:
        self.told.append(("sent", sorted(change.index for change in changes)))

    def note_settled(self, settlement: Settlement, now: float) -> None:
        if applied := [change.index for change, _ in settlement.list_applied()]:
            self.told.append(("applied", sorted(applied)))
        for what in ("dead", "queued", "retried"):
            entries: list[Entry] = getattr(settlement, what)
            if entries:
                self.told.append((what, sorted(entry.change.index for entry in entries)))


def follow(pushing: Pushing, lines: list[bytes]) -> list[tuple[str, list[int]]]:
    steps = Steps()
    pushing.trail = Trails([steps])
    process: Process = pushing.push(lines)
    assert process.error is None
    return steps.told


def test_a_change_is_read_and_sent_and_then_applied() -> None:
    assert follow(Pushing(), posts(2)) == [
        ("read log.jsonl", [0, 1]),
        ("sent", [0, 1]),
        ("applied", [0, 1]),
    ]


def test_a_change_that_fails_once_waits_and_is_sent_again() -> None:
    pushing = Pushing()
    pushing.service.plays("post", not_now)
    assert follow(pushing, posts(1)) == [
        ("read log.jsonl", [0]),
        ("sent", [0]),
        ("queued", [0]),
        ("sent", [0]),
        ("applied", [0]),
    ]


def test_all_is_told_once_it_is_durable() -> None:
    pushing, steps = Pushing(), Steps()
    pushing.trail = steps
    seen: list[list[str]] = []
    pushing.journal.told = lambda _: seen.append([what for what, _ in steps.told])
    pushing.push(posts(1))
    assert "applied" not in seen[-1]
    assert steps.told[-1][0] == "applied"
