"""The few things that the journal does to files, so that tests can record them, fail them, and lose what was not synced."""

from __future__ import annotations

import os
from pathlib import Path


class Disk:
    """The real disk."""

    def open(self, path: Path) -> int:
        """A descriptor for reading and appending; the file is created, 0600."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of it."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """What was written is on the disk when this returns."""
        os.fsync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(descriptor, size)

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        """Bytes at a place; safe beside appends from another thread."""
        return os.pread(descriptor, size, offset)

    def replace(self, source: Path, target: Path) -> None:
        """Rename, and make the rename durable."""
        source.replace(target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self, descriptor: int) -> None:
        """Let go of the file."""
        os.close(descriptor)
