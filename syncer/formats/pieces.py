"""Files that are read piece by piece, none of which may fill the memory."""

from __future__ import annotations

from typing import BinaryIO

__all__ = ["FileInPieces", "PieceTooLarge"]

BYTES_MAX = 64 << 20
BRACKETS_MAX = 1_000_000


class PieceTooLarge(Exception):
    """One piece of a file (a tag, a task) is larger than what is held in memory."""


class FileInPieces:
    """A file that stops being read when a piece of it gets too large.

    The reader calls `begin_piece` at each piece that it is done with. What is counted
    is what was read since then: bytes, and brackets that open, as each of them may
    become an object of its own.
    """

    def __init__(self, file: BinaryIO, begun: bytes = b"", bytes_max: int = BYTES_MAX) -> None:
        """`begun` is what was read of it already."""
        self._file = file
        self._begun = begun
        self._bytes_max = bytes_max
        self._bytes = 0
        self._brackets = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most 64 KiB.

        Raises: PieceTooLarge.
        """
        if self._begun and size:
            data, self._begun = self._begun, b""
            return data
        data = self._file.read(min(size, 1 << 16) if size >= 0 else 1 << 16)
        self._bytes += len(data)
        self._brackets += data.count(b"[") + data.count(b"{")
        if self._bytes > self._bytes_max:
            raise PieceTooLarge(f"one piece of it is larger than {self._bytes_max >> 20} MiB")
        if self._brackets > BRACKETS_MAX:
            raise PieceTooLarge(f"one piece of it has more than {BRACKETS_MAX:,} parts")
        return data

    def begin_piece(self) -> None:
        """Count from here."""
        self._bytes = self._brackets = 0
