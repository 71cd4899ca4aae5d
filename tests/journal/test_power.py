"""Power that goes at the wrong moment: what a start builds on stays, and a write that
failed leaves nothing that a start cannot read.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import count
from pathlib import Path

import msgspec
import pytest

from syncer.core.change import Mark
from syncer.core.facts import Deleted, Destination, Fact, Read, Settled
from syncer.errors import StateError
from syncer.journal.checkpoint import Checkpoint, Checkpoints
from syncer.journal.journal import Journal
from tests.journal.made import HERE, letter, opened, small_history, state
from tests.support.disk import EVERYTHING, NOTHING, STATE, Fault, Operation, SimulatedDisk


class Killed(BaseException):
    """The process is gone."""


def killed_at(disk: SimulatedDisk, kind: str, name: str, act: Callable[[], object]) -> None:
    """The process is killed before the first operation of this kind on this file."""
    hit = {"path": STATE / name if name else STATE}

    def fault(operation: Operation) -> Fault | None:
        return Fault(Killed()) if operation.kind == kind and operation.path == hit["path"] else None

    disk.fault = fault
    with pytest.raises(Killed):
        act()
    disk.fault = lambda _: None
    disk.kill()


def with_history() -> tuple[SimulatedDisk, Journal]:
    """A state with the small history."""
    disk = SimulatedDisk()
    journal = Journal.open(STATE, HERE, disk=disk)
    for facts in small_history():
        journal.commit(facts)
    return disk, journal


def found(disk: SimulatedDisk) -> object:
    """What a start finds."""
    journal = Journal.open(STATE, HERE, disk=disk)
    value = state(journal.ledger)
    journal.close()
    return value


MORE: list[Fact] = [letter(9, id="c"), Settled(1, 9, 1, 99, "dead"), Read(1, Mark(10, 1000, 11, 1))]


def test_a_frame_that_a_start_found_is_there_after_the_power_went() -> None:
    """Killed between writing and syncing: the next process sees the frame, sends what
    waited for it, and then the power goes.
    """
    disk, journal = with_history()
    killed_at(disk, "sync", "journal", lambda: journal.commit(MORE))
    seen = found(disk)
    disk.crash(NOTHING)
    assert found(disk) == seen


def test_commits_behind_a_compaction_whose_rename_was_never_synced_survive_a_power_cut() -> None:
    disk, journal = with_history()
    journal._compact_at = 0
    killed_at(disk, "sync_folder", "", lambda: journal.commit([Deleted(1)]))
    journal = Journal.open(STATE, HERE, disk=disk)
    journal.commit(MORE)
    wanted = state(journal.ledger)
    disk.crash(NOTHING)
    assert found(disk) == wanted


def test_a_checkpoint_that_a_start_found_is_there_after_the_power_went() -> None:
    disk = SimulatedDisk()
    checkpoints = Checkpoints(STATE, "job", disk=disk)
    checkpoints.commit(Checkpoint("job", "one", pages=1))
    last = msgspec.structs.replace(checkpoints.last, cursor="two", pages=2)
    killed_at(disk, "sync_folder", "", lambda: checkpoints.commit(last))
    for lost in (False, True):
        if lost:
            disk.crash(NOTHING)
        checkpoints = Checkpoints(STATE, "job", disk=disk)
        assert checkpoints.last == last
        checkpoints.close()


def test_dead_letters_in_a_file_that_a_start_made_anew_are_there_after_the_power_went() -> None:
    disk = SimulatedDisk()
    journal = Journal.open(STATE, HERE, disk=disk)
    journal.commit([opened()])
    journal.close()
    disk.put(STATE / "dead.jsonl", None)
    journal = Journal.open(STATE, HERE, disk=disk)
    journal.commit([letter(0), Settled(1, 0, 1, 1, "dead")])
    disk.crash(NOTHING)
    assert found(disk) == state(journal.ledger)


def test_a_new_folder_with_its_state_is_there_after_the_power_went() -> None:
    disk = SimulatedDisk()
    folder = Path("/home/me/deep/state")
    journal = Journal.open(folder, HERE, disk=disk)
    journal.commit([opened()])
    disk.crash(NOTHING)
    assert folder / "journal" in disk.files()
    again = Journal.open(folder, None, disk=disk)
    assert state(again.ledger) == state(journal.ledger)


def test_a_folder_that_a_killed_process_made_is_there_after_the_power_went() -> None:
    disk = SimulatedDisk()
    folder = Path("/home/state")
    for parent in (Path("/"), Path("/home")):
        disk.fault = lambda done, parent=parent: (
            Fault(Killed()) if (done.kind, done.path) == ("sync_folder", parent) else None
        )
        with pytest.raises(Killed):
            Journal.open(folder, HERE, disk=disk)
        disk.kill()
    disk.fault = lambda _: None
    Journal.open(folder, HERE, disk=disk)
    disk.crash(NOTHING)
    assert folder / "journal" in disk.files()


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("name", ["journal", "dead.jsonl"])
@pytest.mark.parametrize("kind", ["write", "sync", "truncate"])
def test_a_failed_write_and_then_no_power_leaves_a_state_that_starts(
    kind: str, name: str, code: int
) -> None:
    """The part that was written, the cuts that undo it: each may be on disk, or not."""
    disk, journal = with_history()
    before = state(journal.ledger)
    journal.commit(MORE)
    allowed = before, state(journal.ledger)
    fails = {kind, "sync"} if kind == "truncate" else {kind}
    for survivors in range(1 << 6):
        disk, journal = with_history()
        disk.fault = lambda done: (
            Fault(OSError(code, "broken"), 20)
            if done.path == STATE / name and done.kind in fails
            else None
        )
        with pytest.raises(StateError, match="cannot be written"):
            journal.commit(MORE)
        disk.fault = lambda _: None
        numbers = count()
        disk.crash(
            lambda operation, numbers=numbers, chosen=survivors: (
                EVERYTHING(operation) if chosen >> next(numbers) & 1 else 0
            )
        )
        assert found(disk) in allowed


@pytest.mark.parametrize("kind", ["write", "sync"])
def test_a_commit_that_failed_leaves_both_files_as_they_were(kind: str) -> None:
    disk, journal = with_history()
    before = disk.files()
    failures = iter([Fault(OSError(errno.EIO, "broken"), 20)])
    disk.fault = lambda done: (
        next(failures, None) if (done.path, done.kind) == (STATE / "journal", kind) else None
    )
    with pytest.raises(StateError, match="cannot be written"):
        journal.commit(MORE)
    assert disk.files() == before


def test_a_pause_survives() -> None:
    disk, journal = with_history()
    journal.commit([Destination("paused", 99.0, "throttled")])
    disk.crash(NOTHING)
    assert Journal.open(STATE, HERE, disk=disk).ledger.destination.until == 99.0
