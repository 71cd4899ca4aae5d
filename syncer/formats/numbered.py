"""Bytes by small whole numbers, in hardly more memory than they are."""

from __future__ import annotations

from array import array

_NUMBERS_MAX = 1 << 21
_BYTES_MAX = 24 << 20
_LENGTH_MAX = (1 << 16) - 1


class NumberedBytes:
    """Some bytes for each number, of six more. It refuses what would be too much."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._begins = array("I")
        self._lengths = array("H")

    def put(self, number: int, value: bytes) -> bool:
        """Keep what a number that has nothing stands for; whether there was space."""
        if not (0 <= number < _NUMBERS_MAX and 0 < len(value) <= _LENGTH_MAX):
            return False
        if len(self._bytes) + len(value) > _BYTES_MAX:
            return False
        missing = number + 1 - len(self._begins)
        if missing > 0:
            self._begins.frombytes(bytes(missing * self._begins.itemsize))
            self._lengths.frombytes(bytes(missing * self._lengths.itemsize))
        self._begins[number] = len(self._bytes)
        self._lengths[number] = len(value)
        self._bytes += value
        return True

    def find(self, number: int) -> bytes | None:
        """Return it; None where nothing was kept."""
        if not 0 <= number < len(self._begins):
            return None
        length = self._lengths[number]
        if not length:
            return None
        begin = self._begins[number]
        return bytes(self._bytes[begin : begin + length])
