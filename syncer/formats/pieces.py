"""Files that are read piece by piece, none of which may fill the memory."""

from __future__ import annotations

from typing import BinaryIO

__all__ = ["FileInPieces", "PieceTooLarge"]

BYTES_MAX = 8 << 20


class PieceTooLarge(Exception):
    """One piece of a file (a tag) is larger than what is held in memory."""


class FileInPieces:
    """A file that stops being read when a piece of it gets too large.

    The reader calls `begin_piece` at each piece that it is done with. What is counted
    are the bytes that were read since then.
    """

    def __init__(self, file: BinaryIO, bytes_max: int = BYTES_MAX) -> None:
        self._file = file
        self._bytes_max = bytes_max
        self._bytes = 0
        self.bytes_read = 0
        """Of the file as a whole."""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most 64 KiB.

        Raises: PieceTooLarge.
        """
        data = self._file.read(min(size, 1 << 16) if size >= 0 else 1 << 16)
        self._bytes += len(data)
        self.bytes_read += len(data)
        if self._bytes > self._bytes_max:
            raise PieceTooLarge(f"one piece of it is larger than {self._bytes_max >> 20} MiB")
        return data

    def begin_piece(self) -> None:
        """Count from here."""
        self._bytes = 0
