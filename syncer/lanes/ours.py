"""What syncer itself keeps on disk, told from users' change logs."""

from __future__ import annotations

import os
from collections.abc import Set
from pathlib import Path
from typing import BinaryIO

from syncer.journal import check, checkpoint, dead, replay, seen
from syncer.journal.disk import REAL
from syncer.sources.logs import NamedLogs
from syncer.sources.spool import Spool

SPOOL = "spool"
LOCK = "lock"

_STATE_FILES = frozenset((replay.FILE, dead.FILE, check.POSTED, checkpoint.FILE, seen.FILE))


class OnDisk:
    """Implements `syncer.sources.folders.Ours` for the pulls of one [state] dir."""

    def is_state(self, folder: Path, names: Set[str]) -> bool:
        """Return whether there is a lock with something that it guards, or a journal: users may call a log dead.jsonl, too."""
        return (LOCK in names and not _STATE_FILES.isdisjoint(names)) or (replay.FILE in names and _is_journal(folder / replay.FILE))

    def is_pulled(self, path: Path, status: os.stat_result) -> bool:
        """Return whether a pull of the [state] dir wrote this file."""
        return False


def _is_journal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return f'"format":"{replay.FORMAT}"'.encode() in file.read(1024)
    except OSError:
        return False


def named_logs(state: Path, stdin: BinaryIO, *, spool: Path | None = None) -> NamedLogs:
    """Return what turns arguments into logs. `state`: the [state] dir; `spool`: where stdin is kept, if not in there."""
    return NamedLogs(Spool(state / SPOOL if spool is None else spool, REAL), stdin, OnDisk())
