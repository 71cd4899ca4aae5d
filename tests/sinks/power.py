"""Power that fails: a folder as it is on the disk when nothing got there but what was
synced.

Writes of other libraries go past Python, so what they wrote is seen where it ended up:
a file holds what it held at its last sync, and a folder the names that it had at its
own. Of a file that was never synced there is the first half.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest


class PowerFailure(BaseException):
    """Nothing is done any more."""


@dataclass
class Synced:
    """What is on the disk, by the numbers of files and folders."""

    files: dict[int, bytes] = field(default_factory=dict)
    names: dict[int, dict[str, int]] = field(default_factory=dict)
    held: list[int] = field(default_factory=list)
    """Open, so that no number is given to another file."""
    syncs: int = 0

    def sync(self, descriptor: int) -> None:
        """A file's content, or a folder's names, reach the disk."""
        status = os.fstat(descriptor)
        self.held.append(os.dup(descriptor))
        self.syncs += 1
        if stat.S_ISDIR(status.st_mode):
            self.names[status.st_ino] = _names(descriptor)
        else:
            with os.fdopen(os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY), "rb") as file:
                self.files[status.st_ino] = file.read()

    def sync_all(self, folder: Path) -> None:
        """All below reaches the disk, as with time."""
        for path in (folder, *folder.rglob("*")):
            descriptor = os.open(path, os.O_RDONLY)
            self.sync(descriptor)
            os.close(descriptor)
        self.syncs = 0

    def after_power_failure(self, folder: Path, target: Path, *, names_kept: bool) -> None:
        """What a start finds.

        `names_kept`: names reached the disk unasked, as they often do before the
        content that they stand for.
        """
        there = {path.stat().st_ino: path for path in folder.rglob("*") if not path.is_symlink()}
        self._restore(folder.stat().st_ino, there, folder, target, names_kept)
        for descriptor in self.held:
            os.close(descriptor)

    def _restore(
        self,
        number: int,
        there: dict[int, Path],
        folder: Path | None,
        target: Path,
        names_kept: bool,
    ) -> None:
        target.mkdir()
        now = (
            {path.name: path.stat().st_ino for path in folder.iterdir() if not path.is_symlink()}
            if folder
            else {}
        )
        for name, file in (now if names_kept else self.names.get(number, {})).items():
            path = there.get(file)
            if file in self.names or (path and path.is_dir()):
                self._restore(file, there, path, target / name, names_kept)
            else:
                (target / name).write_bytes(self.files[file] if file in self.files else _half(path))


def _half(path: Path | None) -> bytes:
    """Of a file that was never synced."""
    content = path.read_bytes() if path else b""
    return content[: len(content) // 2]


def _names(folder: int) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(folder) if not entry.is_symlink()}


@contextmanager
def power_fails_at(sync: int, synced: Synced, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Before the sync of this number, and all behind it."""

    def fsync(descriptor: int) -> None:
        if synced.syncs >= sync:
            raise PowerFailure
        synced.sync(descriptor)

    with patch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        yield


def lay(target: Path, source: Path) -> None:
    """Put a folder in the place of another."""
    shutil.rmtree(target)
    source.rename(target)
