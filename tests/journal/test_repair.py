"""A repair keeps what makes the next run more careful, from before and from behind the
damage, and claims nothing that may not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from syncer.core.change import Mark
from syncer.core.facts import (
    Deleted,
    Destination,
    Fact,
    Forgotten,
    LettersForgotten,
    Read,
    Settled,
    Unqueued,
)
from syncer.core.ledger import Ledger
from syncer.jobs.dead import open_in
from syncer.journal import aside
from syncer.journal.check import check
from syncer.journal.disk import REAL
from syncer.journal.journal import Journal
from syncer.journal.repair import Repaired, repair
from tests.journal.made import HERE, bodies, frame_ends, letter, opened, queued
from tests.support.disk import STATE, SimulatedDisk

PAUSED = Destination("paused", 5000.0, "throttled by the remote", 90.0)
OPEN = Destination("open", 0.0, "")
FINE = Settled(1, 0, 1, 11, "applied")
"""A commit whose frame is the one that is damaged."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def repaired(
    folder: Path, before: Sequence[Fact], behind: Sequence[Sequence[Fact]]
) -> tuple[Ledger, Repaired]:
    """The state after commits of which the second one rots, and is repaired."""
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), *before])
    journal.commit([FINE])
    for facts in behind:
        journal.commit(facts)
    journal.close()
    flip(folder / "journal", 2)
    told = repair(folder, "2026-11-26T12-00-00")
    assert check(folder).damages == []
    journal = Journal.open(folder, HERE)
    journal.close()
    assert journal.notes == []
    return journal.ledger, told


def flip(path: Path, frame: int) -> None:
    """A bit in the middle of this frame."""
    data = bytearray(path.read_bytes())
    ends = [0, *frame_ends(bytes(data))]
    data[(ends[frame] + ends[frame + 1]) // 2] ^= 1
    path.write_bytes(data)


def test_a_pause_that_was_told_before_the_damage_is_kept(folder: Path) -> None:
    ledger, _ = repaired(folder, [PAUSED], [[Deleted(1)]])
    assert ledger.destination == PAUSED


def test_a_pause_that_was_told_behind_the_damage_is_kept(folder: Path) -> None:
    ledger, _ = repaired(folder, [], [[PAUSED], [Deleted(1)]])
    assert ledger.destination == PAUSED


def test_of_several_pauses_the_last_one_counts_and_one_that_is_over_is_over(folder: Path) -> None:
    longer = Destination("paused", 9000.0, "throttled by the remote", 600.0)
    assert repaired(folder / "a", [PAUSED], [[PAUSED], [longer]])[0].destination == longer
    assert repaired(folder / "b", [PAUSED], [[OPEN]])[0].destination == OPEN


def test_deletions_before_and_behind_the_damage_are_all_counted(folder: Path) -> None:
    ledger, _ = repaired(folder, [Deleted(3)], [[Deleted(4)], [Deleted(5)]])
    assert ledger.deleted == 12


@pytest.fixture
def compacted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state whose journal is what a compaction wrote, a frame for each fact: logs
    first, then what waits, deletions and pause last.
    """
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), opened(2), FINE, PAUSED, Deleted(3)])
    journal.commit(
        [
            fact
            for at in range(1, 20)
            for fact in (Settled(1, at, 1, at, "queued"), queued(at, at, id=f"a{at}"))
        ]
    )
    journal.close()
    monkeypatch.setattr("syncer.journal.journal.COMPACT_BYTES_MIN", 1)
    monkeypatch.setattr("syncer.journal.compact.FRAME_BYTES", 1)
    journal = Journal.open(folder, HERE)
    journal.commit([Deleted(4)])
    journal.close()
    assert len(frame_ends((folder / "journal").read_bytes())) > 3
    monkeypatch.undo()
    return folder


def test_where_a_compacted_journals_beginning_rots_pause_and_deletions_stay_the_rest_is_asked_again(
    compacted: Path,
) -> None:
    flip(compacted / "journal", 1)
    repair(compacted, "2026-11-26T12-00-00")
    journal = Journal.open(compacted, HERE)
    journal.close()
    assert (journal.ledger.deleted, journal.ledger.destination) == (7, PAUSED)
    assert journal.ledger.queue == {}


def test_where_a_compacted_journal_is_cut_its_logs_are_known_and_nothing_is_claimed_of_them(
    compacted: Path,
) -> None:
    """All that a compaction wrote is one thing: a part of it is no state."""
    path = compacted / "journal"
    path.write_bytes(path.read_bytes()[: frame_ends(path.read_bytes())[-2]])
    assert check(compacted).damages
    repair(compacted, "2026-11-26T12-00-00")
    journal = Journal.open(compacted, HERE)
    journal.close()
    assert {number: log.counts.read for number, log in journal.ledger.logs.items()} == {1: 0, 2: 0}
    assert (journal.ledger.deleted, journal.ledger.destination) == (7, PAUSED)
    assert journal.ledger.queue == {}


def test_what_was_settled_before_the_damage_stands_and_behind_it_is_asked_again(
    folder: Path,
) -> None:
    behind = [[Settled(1, 5, 3, 33, "applied"), Read(1, Mark(8, 800, 8, 8))]]
    ledger, told = repaired(
        folder, [Settled(1, 1, 4, 44, "applied"), Read(1, Mark(5, 500, 5, 5))], behind
    )
    assert ledger.logs[1].counts.applied == 4
    assert ledger.logs[1].watermark.resume == Mark()
    assert any("lines 1 to 8" in sentence for sentence in told.unknown)
    assert any("sending again doubles nothing" in sentence for sentence in told.unknown)


def test_what_waited_before_the_damage_waits_with_its_body_whatever_came_of_it_since(
    folder: Path,
) -> None:
    waiting = queued(1, 7, written='{"w":1}')
    ledger, told = repaired(
        folder, [Settled(1, 7, 1, 77, "queued"), waiting], [[Unqueued(1, "applied")]]
    )
    assert list(ledger.queue) == [1]
    assert any("1 change waited to be sent again" in sentence for sentence in told.unknown)
    journal = Journal.open(folder, HERE)
    assert bodies(journal) == {1: (waiting.raw.encode(), b'{"w":1}')}
    journal.close()


def test_what_died_behind_the_damage_is_dead_and_not_asked_again(folder: Path) -> None:
    ledger, _ = repaired(folder, [], [[letter(3), Settled(1, 3, 1, 33, "dead")]])
    assert ledger.logs[1].counts.dead == 1
    assert [found.letter.index for found in open_in(folder)] == [3]


def test_logs_that_came_behind_the_damage_are_known_and_keep_their_numbers(folder: Path) -> None:
    ledger, _ = repaired(folder, [], [[opened(2)], [opened(3)]])
    assert set(ledger.logs) == {1, 2, 3}
    assert ledger.logs[3].identity.path == "/logs/3.jsonl"
    assert ledger.next_log() == 4


def test_a_log_that_was_given_up_behind_the_damage_is_not_known_any_more(folder: Path) -> None:
    ledger, _ = repaired(
        folder,
        [Settled(1, 7, 1, 77, "queued"), queued(1, 7)],
        [[Forgotten(1), LettersForgotten(1)], [opened(2)]],
    )
    assert set(ledger.logs) == {2}
    assert ledger.queue == {}


def test_a_log_that_came_and_was_given_up_behind_the_damage_leaves_nothing(folder: Path) -> None:
    ledger, _ = repaired(
        folder, [], [[opened(2)], [Forgotten(2), LettersForgotten(2)], [Deleted(1)]]
    )
    assert set(ledger.logs) == {1}


def test_what_was_damaged_is_kept_beside_as_it_was_found(folder: Path) -> None:
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), letter(1), Settled(1, 1, 1, 11, "dead")])
    journal.commit([FINE])
    journal.close()
    (folder / "journal.new").write_bytes(b"left over")
    flip(folder / "journal", 1)
    found = {name: (folder / name).read_bytes() for name in ("journal", "dead.jsonl")}
    told = repair(folder, "2026-11-26T12-00-00")
    assert told.quarantine is not None
    assert {name: (told.quarantine / name).read_bytes() for name in found} == found
    assert sorted(told.set_aside) == ["dead.jsonl", "journal"]
    assert check(folder).damages == []
    assert not (folder / "journal.new").exists()
    assert not (folder / "dead.new").exists()


def test_what_is_not_there_is_not_set_aside(folder: Path) -> None:
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), letter(3), Settled(1, 3, 1, 33, "dead")])
    journal.close()
    (folder / "dead.jsonl").unlink()
    assert repair(folder, "2026-11-26T12-00-00").set_aside == ["journal"]
    assert [found.letter.line for found in open_in(folder)] == [0]
    there = aside.make_folder(folder, "2026-11-26T12-00-00", REAL)
    assert aside.copy_files([folder / "missing", folder / "journal"], there, REAL) == ["journal"]


def test_a_file_set_aside_is_in_the_quarantine_for_good_before_it_is_gone_from_its_place() -> None:
    """Else a power cut between the two might take its only name."""
    disk = SimulatedDisk()
    journal = Journal.open(STATE, HERE, disk=disk)
    journal.commit([opened(), letter(3), Settled(1, 3, 1, 33, "dead")])
    journal.close()
    disk.put(STATE / "journal", b"#" + disk.files()[STATE / "journal"][1:])
    done = len(disk.operations)
    assert sorted(repair(STATE, "2026-11-26T12-00-00", disk=disk).set_aside) == [
        "dead.jsonl",
        "journal",
    ]
    operations = disk.operations[done:]
    moves = [at for at, operation in enumerate(operations) if operation.kind == "rename"]
    assert len(moves) == 2
    for at in moves:
        target = operations[at].target
        assert target is not None
        assert [(step.kind, step.path) for step in operations[at + 1 : at + 3]] == [
            ("sync_folder", target.parent),
            ("sync_folder", STATE),
        ]


def test_a_whole_state_is_left_as_it_is(folder: Path) -> None:
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), PAUSED])
    journal.close()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    told = repair(folder, "2026-11-26T12-00-00")
    assert (told.damages, told.quarantine, told.set_aside, told.unknown) == ([], None, [], [])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_where_not_even_the_header_is_left_nothing_is_claimed(folder: Path) -> None:
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), PAUSED, Deleted(3)])
    journal.close()
    (folder / "posted.bits").write_bytes(b"\xff" * 100)
    flip(folder / "journal", 0)
    told = repair(folder, "2026-11-26T12-00-00")
    assert sorted(told.set_aside) == ["dead.jsonl", "journal", "posted.bits"]
    assert any("--max-delete counts from 0" in sentence for sentence in told.unknown)
    journal = Journal.open(folder, HERE)
    assert journal.ledger.logs == {}
    journal.close()
