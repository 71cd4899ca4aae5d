"""What a repair makes of dead letters: what was decided about them stands as far as it
is known, and what is lost gets a letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from syncer.core.facts import Closed, Fact, Settled, Unburied, Unqueued
from syncer.core.ledger import LogCounts
from syncer.jobs.dead import open_in
from syncer.journal.check import check
from syncer.journal.dead import list_unapplied
from syncer.journal.journal import Journal
from syncer.journal.repair import repair
from tests.journal.made import HERE, letter, opened, queued
from tests.journal.test_repair import flip
from tests.support.disk import NOTHING, STATE, SimulatedDisk

DIED: list[Fact] = [opened(), letter(3), Settled(1, 3, 1, 33, "dead")]
DROPPED: list[Fact] = [Closed(0, "dropped"), Unburied(1, "ignored")]


@dataclass
class After:
    """A state that was repaired."""

    counts: LogCounts
    open_lines: list[int]
    """The lines of the letters that are open."""
    unknown: str
    waiting: list[int]
    """The indexes of the changes that wait to be sent again."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def written(folder: Path, *commits: list[Fact]) -> None:
    journal = Journal.open(folder, HERE)
    for facts in commits:
        journal.commit(facts)
    journal.close()


def repaired(folder: Path) -> After:
    told = repair(folder, "2026-11-26T12-00-00")
    assert told.damages
    assert check(folder).damages == []
    journal = Journal.open(folder, HERE)
    journal.close()
    lines = [found.letter.line for found in open_in(folder)]
    assert len(lines) == journal.ledger.logs[1].counts.dead
    waiting = [waiting.index for waiting in journal.ledger.queue.values()]
    return After(journal.ledger.logs[1].counts, lines, " ".join(told.unknown), waiting)


def rot_first_letter(folder: Path) -> None:
    """The line stays as long as it was."""
    path = folder / "dead.jsonl"
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(b"#" * len(first) + b"\n" + rest)


def test_a_letter_that_was_dropped_before_the_damage_stays_dropped(folder: Path) -> None:
    written(
        folder,
        [*DIED, *DROPPED],
        [Settled(1, 0, 1, 11, "applied")],
        [Settled(1, 1, 1, 12, "applied")],
    )
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert (after.open_lines, after.counts.ignored) == ([], 1)
    assert "may be open again" not in after.unknown


def test_a_letter_that_was_dropped_behind_the_damage_stays_dropped(folder: Path) -> None:
    written(folder, DIED, [Settled(1, 0, 1, 11, "applied")], DROPPED)
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert (after.open_lines, after.counts.ignored) == ([], 1)
    assert "may be open again" not in after.unknown


def test_a_letter_sent_again_behind_the_damage_is_open_again_since_the_queue_of_then_is_lost(
    folder: Path,
) -> None:
    written(
        folder,
        DIED,
        [Settled(1, 0, 1, 11, "applied")],
        [Closed(0, "retried"), Unburied(1, "queued"), queued(1, 3)],
    )
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert after.open_lines == [4]
    assert (
        "up to 1 dead letter that had been dropped or sent again may be open again" in after.unknown
    )


def test_a_line_that_died_behind_the_damage_not_kept_whole_is_read_again_and_not_counted_twice(
    folder: Path,
) -> None:
    cut = msgspec.structs.replace(letter(3), whole=False)
    written(
        folder, [opened()], [Settled(1, 0, 1, 11, "applied")], [cut, Settled(1, 3, 1, 33, "dead")]
    )
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert (after.open_lines, after.counts.dead) == ([], 0)


def test_each_letter_that_is_lost_gets_one_that_says_so(folder: Path) -> None:
    written(folder, [opened(), letter(3), letter(4), letter(5), Settled(1, 3, 3, 33, "dead")])
    path = folder / "dead.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"#" * (len(second) - 1) + b"\n" + third)
    after = repaired(folder)
    assert sorted(after.open_lines) == [0, 4, 6]
    assert "lost 1 dead letter of 1.jsonl" in after.unknown


def test_a_letter_that_was_sent_again_and_died_again_behind_the_damage_is_one_letter(
    folder: Path,
) -> None:
    sent_again: list[Fact] = [Closed(0, "retried"), Unburied(1, "queued"), queued(1, 3)]
    written(
        folder,
        DIED,
        [Settled(1, 0, 1, 11, "applied")],
        sent_again,
        [letter(3), Unqueued(1, "dead")],
    )
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert (after.open_lines, after.counts.dead) == ([4], 1)
    assert "may be open again" not in after.unknown


def test_where_no_letter_is_lost_none_is_said_to_be(folder: Path) -> None:
    written(folder, DIED, [Settled(1, 0, 1, 11, "applied")], [Settled(1, 1, 1, 12, "applied")])
    flip(folder / "journal", 2)
    assert "lost" not in repaired(folder).unknown


def test_of_a_letter_that_is_lost_no_line_is_said_not_to_be_applied(folder: Path) -> None:
    written(folder, DIED, [opened(2), letter(5, log=2), Settled(2, 5, 1, 55, "dead")])
    path = folder / "dead.jsonl"
    rot_first_letter(folder)
    repair(folder, "2026-11-26T12-00-00")
    found = list_unapplied(path, path.stat().st_size)
    assert {
        log: [index for index in range(10_000) if index in indexes]
        for log, indexes in found.items()
    } == {2: [5]}


def test_of_letters_behind_one_that_is_damaged_it_is_not_known_which_were_dropped_and_that_is_said(
    folder: Path,
) -> None:
    written(
        folder,
        [opened(), letter(3), letter(4), Settled(1, 3, 2, 33, "dead")],
        [Closed(1, "dropped"), Unburied(1, "ignored")],
    )
    rot_first_letter(folder)
    after = repaired(folder)
    assert after.open_lines == [5]
    assert (
        "up to 1 dead letter that had been dropped or sent again may be open again" in after.unknown
    )


def test_where_a_letter_was_closed_that_is_not_there_no_number_is_relied_on_from_then_on(
    folder: Path,
) -> None:
    """What is open again is counted where it is now, and no more than that is."""
    there = [
        opened(),
        letter(3),
        letter(4),
        Settled(1, 3, 2, 33, "dead"),
        Settled(1, 0, 1, 11, "applied"),
    ]
    written(folder, there, [Closed(7, "dropped")], [Closed(0, "dropped"), Unburied(1, "ignored")])
    after = repaired(folder)
    assert after.open_lines == [4, 5]
    assert after.counts == LogCounts(applied=1, dead=2)
    assert (
        "up to 2 dead letters that had been dropped or sent again may be open again"
        in after.unknown
    )


def test_what_waits_is_no_open_letter_though_it_is_not_known_any_more_which_letter_was_sent_again(
    folder: Path,
) -> None:
    sent_again: list[Fact] = [Closed(1, "retried"), Unburied(1, "queued"), queued(1, 4)]
    written(folder, [opened(), letter(3), letter(4), Settled(1, 3, 2, 33, "dead")], sent_again)
    rot_first_letter(folder)
    after = repaired(folder)
    assert (after.open_lines, after.waiting) == ([0], [4])


def test_what_waited_before_the_damage_and_died_behind_it_waits_no_more(folder: Path) -> None:
    waiting: list[Fact] = [opened(), Settled(1, 3, 1, 33, "queued"), queued(1, 3)]
    written(folder, waiting, [Settled(1, 0, 1, 11, "applied")], [letter(3), Unqueued(1, "dead")])
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert (after.open_lines, after.waiting, after.counts) == ([4], [], LogCounts(dead=1))


@pytest.mark.parametrize("known", [True, False])
def test_each_change_that_died_behind_the_damage_is_settled_whatever_came_of_those_before_it(
    folder: Path, *, known: bool
) -> None:
    """The first of them was a letter before, or sent again and then not waited for."""
    first: list[Fact] = [letter(3), Settled(1, 3, 1, 33, "dead")]
    again: list[Fact] = [Closed(0, "retried"), Unburied(1, "queued"), queued(1, 3)]
    died: list[Fact] = [letter(4), Settled(1, 4, 1, 44, "dead")]
    fine: list[Fact] = [Settled(1, 0, 1, 11, "applied")]
    if known:
        written(folder, [opened(), *first], fine, again, [letter(3), Unqueued(1, "dead")], died)
    else:
        written(folder, [opened()], fine, first, again, died)
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert after.open_lines == ([4, 5] if known else [5])
    assert after.counts == LogCounts(dead=len(after.open_lines))


def test_letters_of_a_log_of_which_nothing_else_is_left_are_closed_and_that_is_said(
    folder: Path,
) -> None:
    written(folder, DIED, [Settled(1, 0, 1, 11, "applied")])
    flip(folder / "journal", 1)
    told = repair(folder, "2026-11-26T12-00-00")
    assert list(open_in(folder)) == []
    assert any(
        sentence.startswith("x.jsonl: only that it was pushed is known")
        for sentence in told.unknown
    )


def test_what_was_written_anew_is_there_after_the_power_went() -> None:
    disk = SimulatedDisk()
    journal = Journal.open(STATE, HERE, disk=disk)
    for facts in (
        DIED,
        [Settled(1, 0, 1, 11, "applied")],
        [letter(5), Settled(1, 5, 1, 55, "dead")],
    ):
        journal.commit(facts)
    journal.close()
    whole = disk.files()[STATE / "journal"]
    second = whole.index(b"\n", whole.index(b"\n") + 1) + 30
    disk.put(STATE / "journal", whole[:second] + b"#" + whole[second + 1 :])
    found = disk.files()
    told = repair(STATE, "2026-11-26T12-00-00", disk=disk)
    disk.crash(NOTHING)
    assert told.quarantine is not None
    assert {name: disk.files()[told.quarantine / name] for name in told.set_aside} == {
        name: found[STATE / name] for name in ("journal", "dead.jsonl")
    }
    assert check(STATE, disk=disk).damages == []
    journal = Journal.open(STATE, HERE, disk=disk)
    assert journal.ledger.dead == 2


def test_a_repair_leaves_no_file_open(folder: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    written(folder, DIED)
    rot_first_letter(folder)
    before = open_files()
    repair(folder, "2026-11-26T12-00-00")
    assert open_files() == before


@pytest.mark.parametrize(
    ("closed", "ignored"),
    [(DROPPED, 1), ([Closed(0, "retried"), Unburied(1, "queued"), queued(1, 3)], 0)],
    ids=["dropped", "sent again"],
)
def test_a_change_that_died_behind_the_damage_is_asked_again_if_sent_again_and_not_if_dropped(
    folder: Path, closed: list[Fact], ignored: int
) -> None:
    written(
        folder,
        [opened()],
        [Settled(1, 0, 1, 11, "applied")],
        [letter(3), Settled(1, 3, 1, 33, "dead")],
        closed,
    )
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert (after.open_lines, after.counts.read, after.counts.ignored) == ([], ignored, ignored)
