"""Reads a log of segments from a mark on, beside its appends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from zlib import crc32

from syncer.core.change import Mark
from syncer.errors import StateError
from syncer.sources.appends import BLOCK_BYTES, Appended, read_append
from syncer.sources.segments import Segment, Segments


class SegmentReader:
    """The lines after a mark, in blocks: those of an append once its checksum holds.

    Every method blocks. After an error a reader is of no more use; another one goes on
    from the mark of the reader.
    """

    def __init__(self, segments: Segments, mark: Mark) -> None:
        self.offset = mark.offset
        """The place in the log up to which lines were given."""
        self._segments = segments
        self._mark = mark
        self._segment: Segment | None = None
        self._file: BinaryIO | None = None
        self._at = 0
        self._until = 0
        # the append that is being read, and what is left of it
        self._append: Appended | None = None
        self._left = 0

    @property
    def is_open(self) -> bool:
        """Whether it holds a file, which the next read closes where nothing follows."""
        return self._file is not None

    def read(self, most: int) -> bytes:
        """Return the next bytes; none where there is nothing more now.

        Raises StateError.
        """
        try:
            if not self._left and not self._next():
                return b""
            assert self._file is not None
            assert self._segment is not None
            if not (block := self._file.read(min(self._left, most))):
                raise self._segments.explain_damage(self._segment, self._file.tell())
        except OSError as error:
            raise self._unreadable(error) from None
        self._left -= len(block)
        self.offset += len(block)
        return block

    def appends(self) -> Iterator[Appended]:
        """Yield what was appended, from the append that holds the mark to the last one
        that is there now. Raises StateError.
        """
        try:
            while self._next():
                assert self._append is not None
                yield self._append
                self._left, self.offset = 0, self._append.end.offset
        except OSError as error:
            raise self._unreadable(error) from None

    def close(self) -> None:
        """Let go of the file. It may come twice."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self) -> bool:
        """Go to the next append; False if none is there yet."""
        if self.offset >= self._segments.end.offset:
            self.close()
            return False
        if self._file is None or self.offset >= self._until:
            self._open()
        if self._append is None:
            self._find()
            return True
        self._append = self._to_append(self._append.end)
        self._left = self._append.length
        return True

    def _open(self) -> None:
        """Open the file that goes on here, as it is now."""
        self.close()
        segment, self._until = self._segments.segment_of(self.offset)
        if self._segment is None or segment.path != self._segment.path:
            self._segment, self._at = segment, segment.at
        self._file = self._segments.disk.reader(segment.path)

    def _find(self) -> None:
        """Go to the mark: all before it in its file must be what it was."""
        assert self._segment is not None
        assert self._file is not None
        found = self._to_append(self._segment.start)
        while found.end.offset <= self.offset:
            found = self._to_append(found.end)
        left = self.offset - found.before.offset
        crc = found.before.crc
        while left:
            block = self._file.read(min(left, BLOCK_BYTES))
            crc = crc32(block, crc)
            left -= len(block)
        if crc != self._mark.crc:
            raise self._segments.explain_damage(self._segment, self._file.tell())
        self._append, self._left = found, found.end.offset - self.offset

    def _to_append(self, before: Mark) -> Appended:
        assert self._segment is not None
        assert self._file is not None
        size = self._segments.disk.size(self._segment.path) or 0
        found = read_append(self._file, self._at, size, before)
        if found is None:
            raise self._segments.explain_damage(self._segment, self._at)
        self._file.seek(found.at)
        self._at = found.at + found.length
        return found

    def _unreadable(self, error: OSError) -> StateError:
        where = self._segment.path if self._segment else self._segments.folder
        return StateError(f"{where} cannot be read: {error.strerror or error}")
