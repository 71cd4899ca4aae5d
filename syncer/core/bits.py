"""A set of keys in fixed memory: what was added is always found, a stranger now and then (never a false no)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from zlib import crc32

from syncer.core.change import Key

BYTES = 4 << 20
"""2^25 bits: after a million keys 3 in 100 strangers are taken for known ones, after 5 million 14."""


class Bytes(Protocol):
    """A buffer of which single bytes can be read and set: a bytearray, or a mapped file."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: int, /) -> int: ...
    def __setitem__(self, at: int, value: int, /) -> None: ...


class KeyBits:
    """One bit a key, by the hash of it, in a buffer whose length is a power of two."""

    def __init__(self, buffer: Bytes) -> None:
        assert len(buffer).bit_count() == 1, len(buffer)
        self._buffer = buffer
        self._mask = len(buffer) * 8 - 1

    def add(self, keys: Iterable[Key]) -> None:
        """Remember these keys."""
        buffer, mask, hashed = self._buffer, self._mask, crc32
        for input_id, id in keys:
            bit = hashed(id.encode(), hashed(input_id.encode())) & mask
            buffer[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, key: Key) -> bool:
        bit = crc32(key[1].encode(), crc32(key[0].encode())) & self._mask
        return bool(self._buffer[bit >> 3] & 1 << (bit & 7))
