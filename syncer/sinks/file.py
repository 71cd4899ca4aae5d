"""One file that grows by a page at a time and is named once it is whole.

part:   head ─► page ─► fsync ─► page ─► fsync ─► …        a position is its size behind a page, and a checksum of how it begins and ends
close:  part ─► made into PATH, at once or not at all

So an older PATH stays whole until the new one is, and what stands in the part behind a position is from a page that was never
acknowledged: it is cut off, and the page is written again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from zlib import crc32

from syncer.core.pull import Row
from syncer.errors import OutputError
from syncer.sinks import disk
from syncer.sinks.position import FROM_THE_START, parsed, written

CHECKED_BYTES = 4096
"""How much of a file's begin, and before a position, is checked, so that another file is not taken for this one."""


class Form(Protocol):
    """How rows become bytes, and how a part becomes the file."""

    @property
    def head(self) -> bytes:
        """What a file begins with."""
        ...

    def part(self, path: Path) -> Path:
        """Where the part of `path` is to be. Raises OSError, OutputError: `path` cannot become such an output."""
        ...

    def page(self, rows: Sequence[Row]) -> bytes:
        """A page; one after another makes the part."""
        ...

    def finish(self, part: Path, path: Path, position: str) -> None:
        """Make `path` from a whole part, atomically and durably; the part is gone afterwards. Raises OSError, OutputError."""
        ...

    def finished(self, path: Path, position: str) -> bool:
        """Was `path` made from a part with this last position? Raises OSError."""
        ...


class FileSink:
    """Rows in an output that is made whole at the end. Implements `syncer.core.pull.Sink`."""

    def __init__(self, path: Path, form: Form) -> None:
        self._path = path
        self._part = path
        self._form = form
        self._file = -1
        self._position = ""

    def open(self, position: str) -> None:
        """Take the part up, or begin one. Raises OutputError: it cannot be written, is in use, or is not what the pull left."""
        with disk.told(self._path):
            self._part = self._form.part(self._path)
            disk.refuse_what_is_no_file(self._part)
            if position and not self._part.exists():
                if self._path.exists() and self._form.finished(self._path, position):
                    return  # a crash came between `close` and the note that it was done
                raise OutputError(f"{self._part}, which the pull wrote, is not there. {FROM_THE_START}")
            self._file = os.open(self._part, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (0 if position else os.O_CREAT), 0o666)
            try:
                self._take_up(position)
            except BaseException:
                self.abandon()
                raise

    def _take_up(self, position: str) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"{self._part} is being written by another pull") from None
        if not position:
            os.ftruncate(self._file, 0)
            self._append(self._form.head)
            disk.sync(self._part.parent)
            return
        _, size = parsed(position)
        there = os.fstat(self._file).st_size
        if there < size or mark(self._file, size) != position:
            found = f"it has {there:,} bytes, fewer than the {size:,}" if there < size else f"its first {size:,} bytes are not those"
            raise OutputError(f"{self._part} is not what the pull left there: {found} that were written. {FROM_THE_START}")
        os.ftruncate(self._file, size)
        self._position = position

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Append a page and sync it; the position behind it. Raises OutputError."""
        if self._file < 0:
            raise OutputError(f"{self._path} is whole already, so that page {page} cannot be added. {FROM_THE_START}")
        with disk.told(self._path):
            self._append(self._form.page(rows))
        return self._position

    def close(self) -> None:
        """Make the part into the file. Raises OutputError."""
        if self._file < 0:
            return
        with disk.told(self._path):
            self._form.finish(self._part, self._path, self._position)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the part, as it is."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fsync(self._file)
        self._position = mark(self._file, os.fstat(self._file).st_size)


def mark(file: int, size: int) -> str:
    """The position at `size` bytes of an open file. Raises OSError."""
    start = max(0, size - CHECKED_BYTES)
    ends = os.pread(file, min(size, CHECKED_BYTES), 0) + os.pread(file, size - start, start)
    return written(f"{crc32(ends):08x}", size)
