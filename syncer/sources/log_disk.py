"""The disk as change logs see it; tests put another one in its place."""

from __future__ import annotations

from io import BufferedReader
from typing import BinaryIO

from syncer.core.change import Stamp
from syncer.sources.chunks import BLOCK_BYTES
from syncer.sources.opening import open_log
from syncer.sources.stamps import inodes_in, stamp_of, stamp_of_open


class LogDisk:
    """Files as the operating system has them."""

    def __init__(self, block_bytes: int = BLOCK_BYTES) -> None:
        self.block_bytes = block_bytes
        """How much of a log is read at a time."""

    def open(self, path: str, label: str) -> BufferedReader:
        """Open a log; see `open_log`."""
        return open_log(path, label)

    def stamp(self, path: str, known: Stamp | None = None) -> Stamp | None:
        """Return what is said of a file; see `stamp_of`."""
        return stamp_of(path, known)

    def stamp_of_open(self, file: BinaryIO, known: Stamp | None = None) -> Stamp:
        """Return what is said of an open file. Raises OSError."""
        return stamp_of_open(file, known)

    def inodes(self, folder: str) -> list[tuple[str, int]]:
        """Return (path, inode) of all in a folder; see `inodes_in`."""
        return inodes_in(folder)


REAL_LOGS = LogDisk()
