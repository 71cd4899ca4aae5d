"""What a repair makes of dead letters: what was decided about them stands as far as it is known, and what is lost gets a letter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from syncer.core.facts import Closed, Fact, Settled, Unburied, Unqueued
from syncer.core.ledger import LogCounts
from syncer.journal.check import check
from syncer.journal.dead import read_dead, unapplied
from syncer.journal.journal import Journal
from syncer.journal.repair import repair
from tests.journal.made import HERE, letter, opened, queued
from tests.journal.test_repair import flip

DIED: list[Fact] = [opened(), letter(3), Settled(1, 3, 1, 33, "dead")]
DROPPED: list[Fact] = [Closed(0, "dropped"), Unburied(1, "ignored")]


@dataclass
class After:
    """A state that was repaired."""

    counts: LogCounts
    open_lines: list[int]
    """The lines of the letters that are open."""
    unknown: str


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
    lines = [found.letter.line for found in read_dead(folder)]
    assert len(lines) == journal.ledger.logs[1].counts.dead
    return After(journal.ledger.logs[1].counts, lines, " ".join(told.unknown))


def test_a_letter_that_was_dropped_before_the_damage_stays_dropped(folder: Path) -> None:
    written(folder, [*DIED, *DROPPED], [Settled(1, 0, 1, 11, "applied")], [Settled(1, 1, 1, 12, "applied")])
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


def test_a_letter_that_was_sent_again_behind_the_damage_is_open_again_since_the_queue_of_then_is_lost(folder: Path) -> None:
    written(folder, DIED, [Settled(1, 0, 1, 11, "applied")], [Closed(0, "retried"), Unburied(1, "queued"), queued(1, 3)])
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert after.open_lines == [4]
    assert "up to 1 dead letter that had been dropped or sent again may be open again" in after.unknown


def test_a_line_that_died_behind_the_damage_without_being_kept_whole_is_read_again_and_not_counted_twice(folder: Path) -> None:
    cut = msgspec.structs.replace(letter(3), whole=False)
    written(folder, [opened()], [Settled(1, 0, 1, 11, "applied")], [cut, Settled(1, 3, 1, 33, "dead")])
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


def test_a_letter_that_was_sent_again_and_died_again_behind_the_damage_is_one_letter(folder: Path) -> None:
    sent_again: list[Fact] = [Closed(0, "retried"), Unburied(1, "queued"), queued(1, 3)]
    written(folder, DIED, [Settled(1, 0, 1, 11, "applied")], sent_again, [letter(3), Unqueued(1, "dead")])
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
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"#" * (len(first) - 1) + b"\n" + second)
    repair(folder, "2026-11-26T12-00-00")
    found = unapplied(path, path.stat().st_size)
    assert {log: [index for index in range(10_000) if index in indexes] for log, indexes in found.items()} == {2: [5]}


def test_of_letters_behind_one_that_is_damaged_it_is_not_known_which_were_dropped_and_that_is_said(folder: Path) -> None:
    written(folder, [opened(), letter(3), letter(4), Settled(1, 3, 2, 33, "dead")], [Closed(1, "dropped"), Unburied(1, "ignored")])
    path = folder / "dead.jsonl"
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(b"#" * len(first) + b"\n" + rest)
    after = repaired(folder)
    assert after.open_lines == [5]
    assert "up to 1 dead letter that had been dropped or sent again may be open again" in after.unknown


def test_where_a_letter_was_closed_that_is_not_there_no_number_is_relied_on_from_then_on(folder: Path) -> None:
    there = [opened(), letter(3), letter(4), Settled(1, 3, 2, 33, "dead")]
    written(folder, there, [Closed(7, "dropped")], [Closed(0, "dropped"), Unburied(1, "ignored")])
    after = repaired(folder)
    assert after.open_lines == [4, 5]
    assert "up to 2 dead letters that had been dropped or sent again may be open again" in after.unknown


@pytest.mark.parametrize(
    ("closed", "ignored"),
    [(DROPPED, 1), ([Closed(0, "retried"), Unburied(1, "queued"), queued(1, 3)], 0)],
    ids=["dropped", "sent again"],
)
def test_a_change_that_died_behind_the_damage_is_asked_again_if_it_was_sent_again_and_not_if_it_was_dropped(
    folder: Path, closed: list[Fact], ignored: int
) -> None:
    written(folder, [opened()], [Settled(1, 0, 1, 11, "applied")], [letter(3), Settled(1, 3, 1, 33, "dead")], closed)
    flip(folder / "journal", 2)
    after = repaired(folder)
    assert (after.open_lines, after.counts.read, after.counts.ignored) == ([], ignored, ignored)
