"""Bytes by small whole numbers, in hardly more memory than they are."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from mmap import mmap

_NUMBERS_MAX = 1 << 21
_BYTES_MAX = 24 << 20
_LENGTH_MAX = (1 << 16) - 1


class NumberedBytes:
    """Some bytes for each number, of six more. It refuses what would be too much."""

    def __init__(self) -> None:
        self._bytes: mmap | None = None
        """Memory that does not move, and is there once it is written to."""
        self._end = 0
        self._begins = array("I")
        self._lengths = array("H")
        self._is_crowded = False
        """Whether there was no space for one of these numbers."""

    def put(self, number: int, value: bytes) -> bool:
        """Keep what a number that has nothing stands for; whether there was space."""
        if not 0 <= number < _NUMBERS_MAX:
            return False
        begin, end = self._end, self._end + len(value)
        if not 0 < len(value) <= _LENGTH_MAX or end > _BYTES_MAX:
            self._is_crowded = True
            return False
        memory = self._make_room(number)
        self._begins[number] = begin
        self._lengths[number] = len(value)
        memory[begin:end] = value
        self._end = end
        return True

    def count_free(self, numbers: Sequence[int]) -> int:
        """Return how many are free, up to the first that may have something, or was
        refused.
        """
        if self._is_crowded:
            return 0
        lengths, known = self._lengths, len(self._lengths)
        for count, number in enumerate(numbers):
            if not 0 <= number < _NUMBERS_MAX or (number < known and lengths[number]):
                return count
        return len(numbers)

    def put_all(self, numbers: Sequence[int], values: Sequence[bytes]) -> int:
        """Keep what these free numbers stand for, up to the first that comes again, or
        is refused; how many.
        """
        if not values:
            return 0
        memory = self._make_room(max(numbers))
        begins, lengths = self._begins, self._lengths
        begin = end = self._end
        count = 0
        for number, value in zip(numbers, values, strict=True):
            length = len(value)
            if lengths[number] or not 0 < length <= _LENGTH_MAX or end + length > _BYTES_MAX:
                break
            begins[number] = end
            lengths[number] = length
            end += length
            count += 1
        memory[begin:end] = b"".join(values[:count])
        self._end = end
        return count

    def find(self, number: int) -> bytes | None:
        """Return it; None where nothing was kept."""
        if self._bytes is None or not 0 <= number < len(self._begins):
            return None
        begin = self._begins[number]
        return self._bytes[begin : begin + self._lengths[number]] or None

    def _make_room(self, number: int) -> mmap:
        """Let numbers up to this one have something; the memory for it."""
        missing = number + 1 - len(self._begins)
        if missing > 0:
            self._begins.frombytes(bytes(missing * self._begins.itemsize))
            self._lengths.frombytes(bytes(missing * self._lengths.itemsize))
        if self._bytes is None:
            self._bytes = mmap(-1, _BYTES_MAX)
        return self._bytes

    def find_all(self, numbers: Sequence[int]) -> list[bytes]:
        """Return that of each number, empty where nothing was kept."""
        kept, begins, lengths = self._bytes, self._begins, self._lengths
        if kept is None:
            return [b""] * len(numbers)
        count = len(begins)
        return [
            kept[(begin := begins[number]) : begin + lengths[number]]
            if 0 <= number < count
            else b""
            for number in numbers
        ]
