"""Facts and folders that the journal's tests are made of."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from syncer.core.change import LogIdentity, Mark
from syncer.core.facts import (
    DeadLetter,
    Deleted,
    Destination,
    Fact,
    Opened,
    Queued,
    Read,
    Retried,
    Settled,
    Superseded,
    Unqueued,
)
from syncer.core.ledger import Ledger
from syncer.journal.journal import DestinationId, Journal

HERE = DestinationId("http://127.0.0.1:1", "me", "app")
ELSEWHERE = DestinationId("http://127.0.0.1:1", "me", "another-app")


def opened(log: int = 1) -> Opened:
    return Opened(log, LogIdentity(f"/logs/{log}.jsonl", f"{log}.jsonl", "head", 7, 1000, 1, 2))


def queued(
    number: int,
    index: int,
    *,
    log: int = 1,
    id: str = "a",
    raw: str | None = None,
    written: str | None = None,
) -> Queued:
    text = (
        f'{{"op":"delete","annotation":{{"id":"{id}","input_id":"i","n":"ä\\u2028{number}"}}}}'
        if raw is None
        else raw
    )
    return Queued(
        number,
        log,
        index,
        index + 1,
        "delete",
        "i",
        id,
        len(text),
        1,
        False,
        10.0,
        11.0,
        "HTTP 500",
        None,
        text,
        3,
        -1,
        written,
    )


def letter(
    index: int, *, log: int = 1, input_id: str | None = "i", id: str | None = "a"
) -> DeadLetter:
    change = f'{{"line":{index}}}'
    return DeadLetter(
        "x.jsonl",
        index + 1,
        "post",
        input_id,
        id,
        "refused",
        21200,
        1,
        "1970-01-01",
        "1970-01-01",
        change,
        log,
        index,
    )


def small_history() -> list[list[Fact]]:
    """A commit of every kind that a run writes."""
    return [
        [opened()],
        [Settled(1, 0, 5, 55, "applied"), Read(1, Mark(5, 500, 5, 555)), Deleted(2)],
        [
            Settled(1, 7, 1, 77, "queued"),
            queued(1, 7),
            Settled(1, 8, 1, 88, "queued"),
            queued(2, 8, written='{"w":1}'),
        ],
        [
            letter(5, id="b"),
            letter(6),
            Settled(1, 5, 2, 66, "dead"),
            Read(1, Mark(9, 900, 10, 999)),
        ],
        [
            Destination("paused", 1234.5, "throttled"),
            Retried(1, 2, True, 10.0, 20.0, "timeout", 98004),
        ],
        [Unqueued(1, "applied"), Superseded("i", "a", 1, 9)],
    ]


def state(ledger: Ledger) -> object:
    """All of a ledger that has to be there after a restart, as a value to compare.

    `next_number` only ever grows above the waiting.
    """
    logs = {}
    for number, log in ledger.logs.items():
        mark = log.watermark
        logs[number] = (
            log.identity,
            replace(log.counts),
            mark.resume,
            mark.index,
            mark.runs(),
            mark.marks(),
        )
    return (
        logs,
        dict(ledger.queue),
        ledger.destination,
        ledger.deleted,
        ledger.dead_size,
    )


def states_of(folder: Path, commits: Sequence[Sequence[Fact]]) -> list[object]:
    """The states before the first commit and after each of them, as a journal in this
    folder goes through them.
    """
    journal = Journal.open(folder, HERE)
    states = [state(journal.ledger)]
    for facts in commits:
        journal.commit(facts)
        states.append(state(journal.ledger))
    journal.close()
    return states


def bodies(journal: Journal) -> dict[int, tuple[bytes, bytes | None]]:
    """Of everything that waits, the line and the rewritten annotation, read back."""
    changes = {number: journal.read_queued(number) for number in journal.ledger.queue}
    return {number: (change.raw, change.written) for number, change in changes.items()}


def histories(seed: int, commits: int) -> Iterator[list[Fact]]:
    """Commits as an engine could write them, from a seed: several logs, settled out of
    order, queued, retried, buried, superseded.
    """
    rng = random.Random(seed)
    logs: dict[int, tuple[int, int, list[tuple[int, int]]]] = {}
    """By log: (changes handed out, offset read, runs that have not left the window)."""
    waiting: dict[int, None] = {}
    next_number = 1
    for _ in range(commits):
        facts: list[Fact] = []
        for _ in range(rng.randrange(1, 6)):
            roll = rng.random()
            if not logs or roll < 0.05:
                number = max(logs, default=0) + 1
                logs[number] = (0, 0, [])
                facts.append(opened(number))
                continue
            log = rng.choice(list(logs))
            handed, offset, open_runs = logs[log]
            if roll < 0.35:
                count = rng.randrange(0, 4)
                at = handed
                while at < handed + count:
                    length = rng.randrange(1, handed + count - at + 1)
                    open_runs.append((at, length))
                    at += length
                logs[log] = (handed + count, offset + count * 10 + 1, open_runs)
                facts.append(
                    Read(
                        log,
                        Mark(
                            handed + count,
                            offset + count * 10 + 1,
                            handed + count,
                            rng.randrange(1 << 32),
                        ),
                    )
                )
            elif roll < 0.75 and open_runs:
                start, count = open_runs.pop(rng.randrange(len(open_runs)))
                place = rng.choice(["applied", "ignored", "dead", "queued"])
                facts.append(Settled(log, start, count, rng.randrange(1 << 32), place))  # type: ignore[arg-type]
                for index in range(start, start + count):
                    if place == "queued":
                        facts.append(
                            queued(
                                next_number,
                                index,
                                log=log,
                                id=rng.choice("abc"),
                                written=rng.choice([None, '{"w":"é"}']),
                            )
                        )
                        waiting[next_number] = None
                        next_number += 1
                    elif place == "dead":
                        facts.append(
                            letter(
                                index,
                                log=log,
                                input_id=rng.choice(["i", "j", None]),
                                id=rng.choice(["a", "b", None]),
                            )
                        )
            elif roll < 0.82 and waiting:
                facts.append(
                    Retried(
                        rng.choice(list(waiting)),
                        rng.randrange(9),
                        rng.random() < 0.5,
                        1.5,
                        rng.random(),
                        "again",
                        None,
                    )
                )
            elif roll < 0.9 and waiting:
                number = rng.choice(list(waiting))
                del waiting[number]
                facts.append(Unqueued(number, rng.choice(["applied", "ignored", "dead"])))
            elif roll < 0.95:
                facts.append(
                    Superseded(rng.choice("ij"), rng.choice(["a", "b", ""]), log, rng.randrange(99))
                )
            else:
                facts.append(
                    rng.choice(
                        [
                            Deleted(3),
                            Destination("paused", rng.random(), "quota"),
                            Destination("open", 0.0, ""),
                        ]
                    )
                )
        yield facts


def frame_ends(data: bytes) -> list[int]:
    """Where each line of a journal ends."""
    return [at + 1 for at, byte in enumerate(data) if byte == 0x0A]


def decoded(path: Path) -> list[object]:
    """The payload of every line, decoded without the code under test."""
    return [msgspec.json.decode(line.split(b" ", 3)[3]) for line in path.read_bytes().splitlines()]
