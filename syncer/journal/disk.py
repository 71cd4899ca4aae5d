"""All that the journal does to files, as one port: tests record it, fail it, and lose
what was not synced (tests/support/disk.py).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from syncer import files
from syncer.journal.lock import WAY_OUT, Lock


class HeldLock(Protocol):
    """A lock that is held."""

    def release(self) -> None:
        """Give it back."""


class Disk:
    """The real disk.

    Everything raises OSError: an Unable, which says the way out, where its file system
    lacks a call.
    """

    def make_folder(self, path: Path, mode: int = 0o700) -> None:
        """The folder is there and stays: also where an earlier process was killed while
        it made it.
        """
        if not path.exists():
            self.make_folder(path.parent, 0o777)
            path.mkdir(mode, exist_ok=True)
        elif not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        with suppress(PermissionError):
            # A user who may not even list the parent did not make this folder.
            self.sync_folder(path.parent)

    def lock(self, path: Path) -> HeldLock:
        """Take the lock of this file.

        Raises StateError where another process holds it.
        """
        return Lock(path)

    def try_folder(self, folder: Path) -> None:
        """Try whether files in this folder can do what those of a state have to.

        Raises Unable: better now than after hours.
        """
        _try(Disk(), folder / "probe", folder / "probe.new")

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder."""
        return [path.name for path in folder.iterdir()]

    def size(self, path: Path) -> int | None:
        """Return the bytes of a file; None if it does not exist."""
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def reader(self, path: Path) -> BinaryIO:
        """The file from its start, as it is now: a rename over it changes nothing."""
        return path.open("rb")

    def open(self, path: Path) -> int:
        """A descriptor for reading and appending; the file is created, 0600."""
        try:
            return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise files.explain(error, "append to a file", path, WAY_OUT) from None

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of it."""
        try:
            files.append(descriptor, data)
        except OSError as error:
            raise files.explain(error, "append to a file", descriptor, WAY_OUT) from None

    def sync(self, descriptor: int) -> None:
        """Put what was written on the disk; it is there when this returns."""
        try:
            files.sync_open(descriptor)
        except OSError as error:
            raise files.explain(error, "sync a file that is open", descriptor, WAY_OUT) from None

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""
        try:
            os.ftruncate(descriptor, size)
        except OSError as error:
            raise files.explain(error, "cut a file", descriptor, WAY_OUT) from None

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        """Bytes at a place; safe beside appends from another thread."""
        return os.pread(descriptor, size, offset)

    def replace(self, source: Path, target: Path) -> None:
        """Rename, and make the rename durable."""
        self.rename(source, target)
        self.sync_folder(target.parent)

    def rename(self, source: Path, target: Path) -> None:
        """Rename; what was at `target` goes. Not durable yet."""
        try:
            source.replace(target)
        except OSError as error:
            raise files.explain(error, "rename a file over another", target, WAY_OUT) from None

    def unlink(self, path: Path) -> None:
        """Take the name away; nothing happens if it does not exist. Not durable yet."""
        path.unlink(missing_ok=True)

    def scratch(self, path: Path) -> Path | None:
        """Return where a database may be that nobody needs once the process is gone."""
        return path

    def sync_folder(self, folder: Path) -> None:
        """Put the names in this folder on the disk, as far as its file system can be
        asked for it.
        """
        files.sync(folder)

    def close(self, descriptor: int) -> None:
        """Let go of the file."""
        os.close(descriptor)


def _try(disk: Disk, *probes: Path) -> None:
    try:
        for path in probes:
            descriptor = disk.open(path)
            try:
                disk.write(descriptor, b"probe")
                disk.truncate(descriptor, 0)
                disk.sync(descriptor)
            finally:
                disk.close(descriptor)
        disk.rename(probes[1], probes[0])
    finally:
        for path in probes:
            with suppress(OSError):
                disk.unlink(path)


REAL = Disk()
