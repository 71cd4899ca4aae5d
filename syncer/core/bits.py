"""Sets in a bit for each member: of keys by their hash, in fixed memory and with false
members now and then; of numbers, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from zlib import crc32

from syncer.core.change import Key

BYTES = 4 << 20
"""2^25 bits: after a million keys 3 in 100 strangers are taken for known ones, after 5
million 14.
"""


class Bytes(Protocol):
    """A buffer whose bytes can be read and set singly: a bytearray or a mapped file."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> int: ...
    def __setitem__(self, at: int, value: int, /) -> None: ...


class KeyBits:
    """One bit per key, by its hash, in a buffer whose length is a power of two."""

    def __init__(self, buffer: Bytes) -> None:
        assert len(buffer).bit_count() == 1, len(buffer)
        self._buffer = buffer
        self._mask = len(buffer) * 8 - 1

    def add(self, keys: Iterable[Key]) -> None:
        """Remember these keys."""
        buffer, mask = self._buffer, self._mask
        for hashed in map(crc32, map(str.encode, map("".join, keys))):
            bit = hashed & mask
            buffer[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, key: Key) -> bool:
        bit = crc32("".join(key).encode()) & self._mask
        return bool(self._buffer[bit >> 3] & 1 << (bit & 7))


class NumberBits:
    """An exact set of numbers from 0 on: a bit for each number up to the largest."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        """Put a number in."""
        missing = (number >> 3) + 1 - len(self._bits)
        if missing > 0:
            self._bits.extend(bytes(missing + 1024))
        self._bits[number >> 3] |= 1 << (number & 7)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = number >> 3
        return at < len(self._bits) and bool(self._bits[at] & 1 << (number & 7))
