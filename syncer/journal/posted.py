"""The annotations that this state may have created, in fixed memory.

A patch of what the remote does not know is dead at once, unless this state created it:
then the remote only lags. The answer may be a false yes (then the patch is tried some
more times before it dies), never a false no; so a bitmap with one bit per hash serves.
It is a mapped file: what is set survives a killed process, and a lost bit after a power
cut costs one early dead letter.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

from syncer import files
from syncer.core.bits import BYTES, KeyBits
from syncer.core.change import Key
from syncer.errors import StateError
from syncer.journal.lock import WAY_OUT

_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
"""All of it is in memory from the start where the system can do that: a daemon does not
grow by it for hours.
"""


class Posted:
    """The bitmap in a file of the state folder."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises StateError."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                # Written, not only declared: a mapped hole on a full disk ends the
                # process with SIGBUS.
                while size < BYTES:
                    size += _write(descriptor, bytes(BYTES - size), size)
                self._file = _map(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StateError(
                f"the state's {path} cannot be used: {error.strerror or error}"
            ) from None
        self._bits = KeyBits(self._file)

    def add(self, keys: Iterable[Key]) -> None:
        """Remember these (input_id, id)."""
        self._bits.add(keys)

    def __contains__(self, key: Key) -> bool:
        return key in self._bits

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _write(descriptor: int, data: bytes, at: int) -> int:
    try:
        return os.pwrite(descriptor, data, at)
    except OSError as error:
        raise files.explain(error, "append to a file", descriptor, WAY_OUT) from None


def _map(descriptor: int) -> mmap.mmap:
    try:
        return mmap.mmap(descriptor, BYTES, flags=_FLAGS)
    except OSError as error:
        raise files.explain(error, "map a file into memory", descriptor, WAY_OUT) from None
