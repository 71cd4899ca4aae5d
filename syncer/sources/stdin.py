"""The inputs that came by stdin, kept in files that are named by their content: the
same input again is the same log.

stdin ──► FOLDER/stdin.part ──► fsync ──► FOLDER/<digest>.jsonl ──► fsync of the folder

The caller holds the lock of the folder above, so one part at a time is enough; one that
is found was never finished.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from syncer.errors import StateError, UsageError
from syncer.sources.disk import SpoolDisk

BLOCK_BYTES = 1 << 20
WHOLE, PART = ".jsonl", ".part"


class StdinStore:
    """The folder of a state that holds what came by stdin."""

    def __init__(self, folder: Path, disk: SpoolDisk) -> None:
        self._folder = folder
        self._disk = disk

    def keep(self, stdin: BinaryIO) -> Path:
        """Store all of stdin durably; return the path of its file, resolved.

        Raises UsageError where stdin cannot be read, StateError where the folder cannot
        be written. Neither leaves a part.
        """
        digest = blake2b(digest_size=16)
        part = self._folder / f"stdin{PART}"
        try:
            self._disk.make_folder(self._folder)
            self._disk.unlink(part)
            file = self._disk.open(part)
            try:
                while block := _read(stdin):
                    digest.update(block)
                    self._disk.write(file, block)
                self._disk.sync(file)
            finally:
                self._disk.close(file)
            path = self._folder.resolve() / (digest.hexdigest() + WHOLE)
            # over an older one as well, which may have rotted since
            self._disk.replace(part, path)
        except BaseException as error:
            with suppress(OSError):
                self._disk.unlink(part)
            if isinstance(error, OSError):
                raise StateError(
                    f"stdin cannot be spooled into {self._folder}: {error.strerror or error}"
                ) from None
            raise
        return path

    def sweep(self, known: Collection[str]) -> None:
        """Remove inputs that did not come to their end, and files that are not among
        the logs `known` (by name: a state may be moved).
        """
        with suppress(OSError):
            for name in self._disk.names(self._folder):
                if name.endswith(PART) or (name.endswith(WHOLE) and name not in known):
                    self._disk.unlink(self._folder / name)


def _read(stdin: BinaryIO) -> bytes:
    try:
        return stdin.read(BLOCK_BYTES)
    except OSError as error:
        raise UsageError(
            f"stdin cannot be read: {error.strerror or error}. None of it was taken; pipe it in"
            " again"
        ) from None
