"""What comes by stdin: kept whole and durably, or not at all."""

from __future__ import annotations

import errno
import os
from io import BytesIO, RawIOBase
from pathlib import Path

import pytest

from syncer.errors import StateError, UsageError
from syncer.journal.disk import REAL
from syncer.sources.stdin import StdinStore
from tests.support.disk import EVERYTHING, NOTHING, STATE, Fault, SimulatedDisk, Survives

LINE = b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n'


class Failing(RawIOBase):
    """A stdin that gives one block and then fails."""

    def __init__(self, error: BaseException) -> None:
        self._given = False
        self._error = error

    def read(self, size: int = -1) -> bytes:
        if self._given:
            raise self._error
        self._given = True
        return LINE


@pytest.mark.parametrize("survives", [NOTHING, EVERYTHING])
def test_what_is_spooled_is_there_after_the_power_fails(survives: Survives) -> None:
    """Folders, name and content: the journal is about to name it."""
    disk = SimulatedDisk()
    path = StdinStore(STATE / "spool", disk).keep(BytesIO(LINE))
    disk.crash(survives)
    assert disk.files() == {path: LINE}


def test_the_same_input_is_the_same_file_and_another_one_is_not(tmp_path: Path) -> None:
    spool = StdinStore(tmp_path / "spool", REAL)
    first = spool.keep(BytesIO(LINE))
    first.write_bytes(b"rotten")
    assert spool.keep(BytesIO(LINE)) == first
    assert first.read_bytes() == LINE
    assert spool.keep(BytesIO(LINE * 2)) != first


@pytest.mark.parametrize("error", [OSError(errno.EIO, os.strerror(errno.EIO)), KeyboardInterrupt()])
def test_an_input_that_does_not_come_to_its_end_is_discarded(
    error: BaseException, tmp_path: Path
) -> None:
    with pytest.raises((UsageError, KeyboardInterrupt)):
        StdinStore(tmp_path, REAL).keep(Failing(error))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_an_input_that_cannot_be_read_is_a_usage_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="stdin cannot be read: Input/output error"):
        StdinStore(tmp_path, REAL).keep(Failing(OSError(errno.EIO, os.strerror(errno.EIO))))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["folder", "create", "write", "sync", "rename", "sync_folder"])
def test_a_folder_that_cannot_be_written_is_named_and_keeps_no_part(kind: str) -> None:
    disk = SimulatedDisk(
        lambda operation: (
            Fault(OSError(errno.ENOSPC, "No space left on device"))
            if operation.kind == kind
            else None
        )
    )
    with pytest.raises(
        StateError, match=r"stdin cannot be spooled into /state/spool: No space left on device"
    ):
        StdinStore(STATE / "spool", disk).keep(BytesIO(LINE))
    assert [path for path in disk.files() if path.suffix == ".part"] == []


def test_a_part_that_a_killed_process_left_is_discarded_and_so_is_what_no_log_is(
    tmp_path: Path,
) -> None:
    spool = StdinStore(tmp_path, REAL)
    kept, stray = spool.keep(BytesIO(LINE)), spool.keep(BytesIO(LINE * 2))
    for name in ("stdin.part", "tmpabc.part", "a user's file"):
        (tmp_path / name).write_bytes(b"half")
    spool.sweep({kept.name})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([kept.name, "a user's file"])
    assert not stray.exists()


def test_a_state_without_a_spool_is_swept_in_silence(tmp_path: Path) -> None:
    StdinStore(tmp_path / "none", REAL).sweep(())
    assert list(tmp_path.iterdir()) == []
