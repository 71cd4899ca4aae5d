"""The disk of spools; tests lose what was not synced (tests/support/disk.py)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol


class SpoolDisk(Protocol):
    """The work of a spool on files; `syncer.journal.disk.Disk` is one.

    Everything raises OSError.
    """

    def make_folder(self, path: Path, mode: int = 0o700) -> None:
        """Make the folder, durably."""

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder."""
        ...

    def size(self, path: Path) -> int | None:
        """Return the bytes of a file; None if it does not exist."""

    def reader(self, path: Path) -> BinaryIO:
        """Open the file for reading; what is appended later may not be seen."""
        ...

    def open(self, path: Path) -> int:
        """Return a descriptor for appending to this file, which is created."""
        ...

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of the data."""

    def sync(self, descriptor: int) -> None:
        """Make what was written durable."""

    def close(self, descriptor: int) -> None:
        """Let go of the file."""

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file, durably."""

    def unlink(self, path: Path) -> None:
        """Remove a file if it is there."""

    def scratch(self, path: Path) -> Path | None:
        """Return where a database may be that nobody needs once the process is gone;
        None: in memory.
        """

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""
