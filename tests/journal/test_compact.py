"""A journal written anew: in frames that a start can hold in memory, with the bodies of
what waits.
"""

from __future__ import annotations

import errno
from pathlib import Path

import msgspec
import pytest

from syncer.core.facts import Deleted, Settled
from syncer.errors import StateError
from syncer.journal.journal import Journal
from tests.journal.made import HERE, bodies, opened, queued, state
from tests.support.disk import STATE, Fault, Operation, SimulatedDisk

FULL = 760
"""Bytes that fill a frame."""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """One where bodies of many lengths wait; the next commit brings a compaction."""
    monkeypatch.setattr("syncer.journal.compact.FRAME_BYTES", FULL)
    journal = Journal.open(tmp_path, HERE)
    journal.commit([opened()])
    for number in range(1, 200):
        journal.commit(
            [
                Settled(1, number, 1, number, "queued"),
                queued(number, number, raw='"é' + "x" * (number * 37 % 600)),
            ]
        )
    monkeypatch.setattr(journal, "_compact_at", 0)
    return journal


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_each_frame_ends_with_the_fact_that_fills_it(journal: Journal, tmp_path: Path) -> None:
    journal.commit([Deleted(1)])
    journal.close()
    _, *payloads = (
        line.split(b" ", 3)[3] for line in (tmp_path / "journal").read_bytes().splitlines()
    )
    *filled, rest = (
        [len(msgspec.json.encode(fact)) for fact in msgspec.json.decode(payload)]
        for payload in payloads
    )
    for sizes in filled:
        assert sum(sizes[:-1]) < FULL <= sum(sizes)
    assert sum(rest) < FULL
    assert FULL in map(sum, filled)


def test_what_waits_has_its_body_in_it_at_once_and_after_a_restart(
    journal: Journal, tmp_path: Path
) -> None:
    before = state(journal.ledger), bodies(journal)
    journal.commit([Deleted(0)])
    assert (state(journal.ledger), bodies(journal)) == before
    journal.close()
    journal = Journal.open(tmp_path, HERE)
    assert (state(journal.ledger), bodies(journal)) == before
    journal.close()


def test_compactions_keep_no_descriptor_and_the_next_one_comes_when_it_has_grown_several_times_over(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_compact_bytes_min", 1)
    journal.commit([Deleted(1)])
    descriptors = open_files()
    path = tmp_path / "journal"
    least = path.stat().st_size
    sizes = []
    while not sizes or path.stat().st_size >= sizes[-1]:
        sizes.append(path.stat().st_size)
        journal.commit([Deleted(1)] * 1000)
    assert 3.5 * least < sizes[-1] <= 4 * least
    assert open_files() == descriptors
    journal.close()


@pytest.mark.parametrize("kind", ["write", "sync", "rename", "sync_folder"])
def test_a_compaction_that_fails_keeps_no_descriptor(kind: str) -> None:
    disk = SimulatedDisk()
    journal = Journal.open(STATE, HERE, disk=disk, compact_bytes_min=1)

    def fail_beside_the_journal(operation: Operation) -> Fault | None:
        beside = operation.path.name == "journal.new" or operation.kind == "sync_folder"
        return Fault(OSError(errno.EIO, "broken")) if beside and operation.kind == kind else None

    disk.fault = fail_beside_the_journal
    with pytest.raises(StateError, match="cannot be written: broken"):
        journal.commit([Deleted(1)] * 1000)
    journal.close()
    assert disk.open_files == 0
