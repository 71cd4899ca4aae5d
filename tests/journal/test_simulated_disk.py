"""The disk in memory loses what a disk may lose, and nothing else."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.errors import StateError
from syncer.journal.disk import Disk
from syncer.journal.journal import Journal
from tests.journal.made import HERE, bodies, small_history, state
from tests.support.disk import EVERYTHING, NOTHING, STATE, Fault, SimulatedDisk, torn


def folder_on(disk: SimulatedDisk) -> Path:
    """A durable folder."""
    disk.make_folder(STATE)
    return STATE


def test_what_was_not_synced_is_lost_and_what_was_synced_stays() -> None:
    disk = SimulatedDisk()
    path = folder_on(disk) / "file"
    file = disk.open(path)
    disk.sync_folder(STATE)
    disk.write(file, b"kept ")
    disk.sync(file)
    disk.write(file, b"lost")
    assert disk.files() == {path: b"kept lost"}
    disk.crash(NOTHING)
    assert disk.files() == {path: b"kept "}
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk.write(file, b"more")


def test_a_name_needs_a_sync_of_its_folder() -> None:
    disk = SimulatedDisk()
    file = disk.open(folder_on(disk) / "file")
    disk.write(file, b"nameless")
    disk.sync(file)
    disk.crash(NOTHING)
    assert disk.files() == {}


def test_a_rename_is_lost_as_a_whole_and_kept_as_a_whole() -> None:
    def renamed(survives: Callable[..., int]) -> dict[str, bytes]:
        disk = SimulatedDisk()
        for name in ("old", "new"):
            file = disk.open(folder_on(disk) / name)
            disk.write(file, name.encode())
            disk.sync(file)
        disk.sync_folder(STATE)
        disk.rename(STATE / "new", STATE / "old")
        disk.crash(survives)
        return {path.name: content for path, content in disk.files().items()}

    assert renamed(NOTHING) == {"old": b"old", "new": b"new"}
    assert renamed(EVERYTHING) == {"old": b"new"}


def test_writes_tear_and_holes_are_zeros() -> None:
    seen = set()
    for seed in range(200):
        disk = SimulatedDisk()
        file = disk.open(folder_on(disk) / "file")
        disk.sync_folder(STATE)
        disk.write(file, b"ab")
        disk.write(file, b"cd")
        disk.crash(torn(random.Random(seed)))
        seen.add(disk.files()[STATE / "file"])
    assert seen == {b"", b"a", b"ab", b"abc", b"abcd", b"\0\0c", b"\0\0cd", b"a\0c", b"a\0cd"}


def test_an_operation_fails_as_told_and_a_write_that_fails_leaves_its_part() -> None:
    disk = SimulatedDisk()
    file = disk.open(folder_on(disk) / "file")
    disk.fault = lambda operation: (
        Fault(OSError(errno.ENOSPC, "full"), written=3) if operation.kind == "write" else None
    )
    with pytest.raises(OSError, match="full"):
        disk.write(file, b"abcdef")
    assert disk.read(file, 10, 0) == b"abc"
    disk.fault = lambda operation: (
        Fault(OSError(errno.EIO, "broken")) if operation.kind == "read" else None
    )
    with pytest.raises(OSError, match="broken"):
        disk.read(file, 10, 0)


def test_a_lock_is_held_until_it_is_released_or_the_process_is_gone() -> None:
    disk = SimulatedDisk()
    held = disk.lock(folder_on(disk) / "lock")
    with pytest.raises(StateError, match="is locked"):
        disk.lock(STATE / "lock")
    held.release()
    disk.lock(STATE / "lock")
    disk.crash()
    disk.lock(STATE / "lock")


def test_the_record_gives_the_disk_back_as_it_was_behind_any_operation() -> None:
    disk = SimulatedDisk()
    journal = Journal.open(STATE, HERE, disk=disk)
    for facts in small_history():
        journal.commit(facts)
    again = SimulatedDisk().then(disk.operations)
    assert again.files() == disk.files()
    again.crash(NOTHING)
    assert again.files() == disk.files()  # all that the journal says is durable is


@pytest.mark.parametrize("compacted", [False, True])
def test_a_journal_on_it_holds_the_same_bytes_as_on_the_real_disk(
    tmp_path: Path, compacted: bool
) -> None:
    def run(folder: Path, disk: Disk) -> tuple[object, object]:
        journal = Journal.open(folder, HERE, disk=disk)
        for facts in small_history():
            journal._compact_at = 0 if compacted else 1 << 30
            journal.commit(facts)
        journal.close()
        journal = Journal.open(folder, HERE, disk=disk)
        found = state(journal.ledger), bodies(journal)
        journal.close()
        return found

    disk = SimulatedDisk()
    assert run(tmp_path / "state", Disk()) == run(STATE, disk)
    real = {
        path.name: path.read_bytes()
        for path in (tmp_path / "state").iterdir()
        if path.name != "lock"
    }
    assert {path.name: content for path, content in disk.files().items()} == real
