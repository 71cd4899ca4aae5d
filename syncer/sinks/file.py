"""One file that grows by a page at a time and is named once it is whole.

part:   head ─► page ─► fsync ─► page ─► fsync ─► …
close:  part ─► made into PATH, at once or not at all

A position is the part's size after a page, and a checksum of how it begins and ends.

So an older PATH stays whole until the new one is, and what stands in the part after a
position is from a page that was never acknowledged: it is cut off, and the page is
written again. Where the output's file system cannot do that (mounted object stores),
the part is in a folder of ours, and the file is copied at the end.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from zlib import crc32

from syncer import files
from syncer.core.ports.pull import Row
from syncer.errors import OutputError
from syncer.sinks import disk
from syncer.sinks.position import FROM_THE_START, parse_position, write_position

PART = "output"
"""The part's name in a folder of ours."""
CHECKED_BYTES = 4096
"""How much of a file's begin, and before a position, is checked, so that another file
is not taken for this one.
"""


class Form(Protocol):
    """The form of a file: how rows become bytes, and a part becomes the file."""

    @property
    def head(self) -> bytes:
        """The bytes that a file begins with."""
        ...

    def part(self, path: Path) -> Path:
        """Return the path of the part.

        Raises OSError, OutputError if `path` cannot become such an output.
        """
        ...

    def page(self, rows: Sequence[Row]) -> bytes:
        """A page; one after another makes the part."""
        ...

    def finish(self, part: Path, path: Path, position: str) -> bool:
        """Make `path` from a whole part, durably; the part is gone afterwards.

        Was it at once? Raises OSError, OutputError.
        """
        ...

    def finished(self, path: Path, position: str) -> bool:
        """Whether `path` was made from a part with this last position. Raises
        OSError.
        """
        ...


class FileSink:
    """Rows in an output that is made whole at the end.

    Implements `syncer.core.ports.pull.Sink`.
    """

    def __init__(self, path: Path, form: Form, work: Path | None = None) -> None:
        """`work`: a folder on a local disk, where the part is written if it cannot grow
        beside the output.
        """
        self.notes: list[str] = []
        self._path = path
        self._part = path
        self._local = work / PART if work is not None else None
        self._form = form
        self._file = -1
        self._position = ""

    def open(self, position: str) -> None:
        """Take the part up, or begin one.

        Raises OutputError: it cannot be written, is in use, or is not what the pull
        left.
        """
        with disk.translate_errors(self._path):
            self._part = self._form.part(self._path)
            if self._local is not None and self._local.exists():
                if position:
                    # Remove what was copied from there, if a crash came after that.
                    self._part.unlink(missing_ok=True)
                    self._part = self._local
                else:
                    self._local.unlink()
            try:
                self._open(position)
            except files.Unable as unable:
                self._go_local(position, unable)

    def _open(self, position: str) -> None:
        disk.refuse_what_is_no_file(self._part)
        if position and not self._part.exists():
            if self._path.exists() and self._form.finished(self._path, position):
                return  # a crash came between `close` and the note that it was done
            raise OutputError(f"{self._part}, which the pull wrote, is not there. {FROM_THE_START}")
        try:
            self._file = os.open(
                self._part,
                os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (0 if position else os.O_CREAT),
                0o666,
            )
        except OSError as error:
            raise files.explain(error, "append to a file", self._part) from None
        try:
            self._take_up(position)
        except BaseException:
            self.abandon()
            raise

    def _take_up(self, position: str) -> None:
        self._lock()
        if not position:
            self._cut(0)
            self._append(self._form.head)
            files.sync(self._part.parent)
            return
        _, size = parse_position(position)
        there = os.fstat(self._file).st_size
        if there < size or mark(self._file, size) != position:
            found = (
                f"it has {there:,} bytes, fewer than the {size:,}"
                if there < size
                else f"its first {size:,} bytes are not those"
            )
            raise OutputError(
                f"{self._part} is not what the pull left there: {found} that were written."
                f" {FROM_THE_START}"
            )
        self._cut(size)
        self._position = position

    def _go_local(self, position: str, unable: files.Unable) -> None:
        """Go on with what there is up to this position on a local disk.

        Raises Unable if it cannot be kept there.
        """
        self.abandon()
        if self._local is None or self._part == self._local:
            raise unable
        if position:
            fresh = self._local.with_suffix(".new")
            files.copy(self._part, fresh, parse_position(position)[1])
            fresh.replace(self._local)
            files.sync(self._local.parent)
        self._part.unlink(missing_ok=True)
        self.notes.append(
            f"the file system of {self._path} cannot {unable.what}: the output is built in"
            f" {self._local.parent} and copied there at its end"
        )
        self._part = self._local
        self._open(position)

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Append a page and sync it; return the position after it. Raises
        OutputError.
        """
        if self._file < 0:
            raise OutputError(
                f"{self._path} is whole already, so page {page} cannot be added. {FROM_THE_START}"
            )
        data = self._form.page(rows)
        with disk.translate_errors(self._path):
            try:
                self._append(data)
            except files.Unable as unable:
                self._go_local(self._position, unable)
                self._append(data)
        return self._position

    def close(self) -> None:
        """Make the part into the file. Raises OutputError."""
        if self._file < 0:
            return
        with disk.translate_errors(self._path):
            if not self._form.finish(self._part, self._path, self._position):
                self.notes.append(disk.not_at_once(self._path))
        self.abandon()

    def abandon(self) -> None:
        """Let go of the part, as it is."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"{self._part} is being written by another pull") from None
        except OSError as error:
            raise files.explain(error, "lock a file", self._part) from None

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._file, size)
        except OSError as error:
            raise files.explain(error, "cut a file", self._part) from None

    def _append(self, data: bytes) -> None:
        try:
            files.append(self._file, data)
            files.sync_open(self._file)
            self._position = mark(self._file, os.fstat(self._file).st_size)
        except OSError as error:
            raise files.explain(
                error, "write, sync and read a file that grows", self._part
            ) from None


def mark(file: int, size: int) -> str:
    """The position at `size` bytes of an open file. Raises OSError."""
    start = max(0, size - CHECKED_BYTES)
    ends = os.pread(file, min(size, CHECKED_BYTES), 0) + os.pread(file, size - start, start)
    return write_position(f"{crc32(ends):08x}", size)
