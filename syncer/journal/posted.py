"""Which annotations this state may have created, in fixed memory.

A patch of what the remote does not know is dead at once, unless this state created it: then the remote only lags. The answer may be a
false yes (then the patch is tried some more times before it dies), never a false no; so a bitmap with one bit a hash serves. It is a
mapped file: what is set survives a killed process, and a lost bit after a power cut costs one early dead letter.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from syncer.core.change import Key

BITS = 1 << 25
"""4 MiB: after a million posts 3 in 100 strangers look like ours, after 5 million 14."""


class Posted:
    """The bitmap in a file of the state folder."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, BITS >> 3)
            self._bits = mmap.mmap(descriptor, BITS >> 3)
        finally:
            os.close(descriptor)

    def add(self, keys: Iterable[Key]) -> None:
        """Remember these (input_id, id)."""
        bits, mask, hashed = self._bits, BITS - 1, crc32
        for input_id, id in keys:
            bit = hashed(id.encode(), hashed(input_id.encode())) & mask
            bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, key: Key) -> bool:
        bit = crc32(key[1].encode(), crc32(key[0].encode())) & (BITS - 1)
        return bool(self._bits[bit >> 3] & 1 << (bit & 7))

    def close(self) -> None:
        """Let go of the file."""
        self._bits.close()
