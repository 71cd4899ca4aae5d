"""The marks by which what syncer itself keeps on disk differs from users' change
logs.
"""

from __future__ import annotations

import os
from collections.abc import Set
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from syncer.errors import StateError
from syncer.journal import check, checkpoint, dead, parts, replay, seen
from syncer.journal.checkpoint import Checkpoint
from syncer.journal.damage import Damage
from syncer.journal.disk import REAL
from syncer.journal.lock import LOCK
from syncer.printable import as_argument
from syncer.sources.logs import NamedLogs
from syncer.sources.stdin import StdinStore

SPOOL = "spool"

_STATE_FILES = frozenset(
    (
        replay.JOURNAL_FILE,
        dead.DEAD_FILE,
        check.POSTED,
        checkpoint.CHECKPOINT_FILE,
        parts.PARTS_FILE,
        seen.SEEN_FILE,
    )
)


class OnDisk:
    """Implements `syncer.sources.folders.Ours` for the pulls of one [state] dir."""

    def __init__(self, state: Path) -> None:
        self._pulled = _PullOutputs(state)

    def is_state(self, folder: str, names: Set[str]) -> bool:
        """Return whether there is a lock with something that it guards, or a journal:
        users may call a log dead.jsonl, too.
        """
        return (LOCK in names and not _STATE_FILES.isdisjoint(names)) or (
            replay.JOURNAL_FILE in names and _is_journal(Path(folder, replay.JOURNAL_FILE))
        )

    def is_pulled(self, path: str, status: os.stat_result) -> bool:
        """Return whether a pull of the [state] dir wrote this file: it is where one
        writes, or it is as one left it, even if it was moved.

        Raises StateError where it is not known what a pull wrote.
        """
        return (
            path in self._pulled.places
            or (status.st_size, status.st_mtime_ns) in self._pulled.written
        )


class _PullOutputs:
    """The outputs that the pulls of a [state] dir wrote.

    Their checkpoints are read on the first question: most pushes never ask.
    """

    def __init__(self, state: Path) -> None:
        self._state = state

    @cached_property
    def places(self) -> Set[str]:
        """The paths they write to, resolved."""
        return {place for one in self._checkpoints if (place := one.out or _place_in(one.job))}

    @cached_property
    def written(self) -> Set[tuple[int, int]]:
        """(size, modification time) of what they wrote to the end."""
        return {one.wrote for one in self._checkpoints if one.wrote is not None}

    @cached_property
    def _checkpoints(self) -> list[Checkpoint]:
        found = []
        for path in sorted(self._state.glob(f"*/{checkpoint.CHECKPOINT_FILE}")):
            one = checkpoint.read(path.parent)
            if isinstance(one, Damage):
                raise StateError(
                    f"{path}: {one.what}, so it is not known which file a pull wrote, and it might"
                    " be taken for a change log. Repair it (`syncer state repair --state"
                    f" {as_argument(path.parent)}`) or remove that folder; or name the logs one"
                    " by one"
                )
            if one is not None:
                found.append(one)
        return found


def _place_in(job: str) -> str:
    """Return the output in the name of a pull's job: pulls of older versions noted it
    nowhere else.
    """
    _, found, place = job.rpartition(" to /")
    return os.path.realpath(f"/{place}") if found else ""


def _is_journal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'"format":"{replay.FORMAT}"'.encode() in file.read(1024)
    except OSError:
        return False


def name_logs(spool: Path, stdin: BinaryIO | None, shared: Path) -> NamedLogs:
    """Return what turns arguments into logs.

    `spool`: where stdin is kept; `shared`: the [state] dir, with the states of pulls in
    it.
    """
    return NamedLogs(StdinStore(spool, REAL), stdin, OnDisk(shared))
