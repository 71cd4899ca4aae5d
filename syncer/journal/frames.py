"""Frames: what one commit writes. A line each: crc32 (8 hex digits), length, JSON array. Pure.

    1c291ca3 17 [["deleted",128]]

A frame that fails its checksum is a torn tail only where nothing valid follows it: each frame is fsynced before the next one is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zlib import crc32

_HEAD = re.compile(rb"([0-9a-f]{8}) ([0-9]{1,12}) ")


class Damaged(Exception):
    """Bytes that no crash explains. `offset`: where they begin."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"damaged at byte {offset}")
        self.offset = offset


def encode(payload: bytes) -> bytes:
    """The frame of a payload that holds no line feed."""
    return b"%08x %d %s\n" % (crc32(payload), len(payload), payload)


def head_length(payload: bytes) -> int:
    """Bytes of the frame before its payload."""
    return 8 + 1 + len(str(len(payload))) + 1


def scan(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset of the payload, payload) of each whole frame. Ends before a torn tail; raises Damaged for anything else."""
    at = 0
    while at < len(data):
        frame = _frame(data, at)
        if frame is None:
            if any(_frame(data, match.start()) is not None for match in _HEAD.finditer(data, at + 1)):
                raise Damaged(at)
            return
        start, end = frame
        yield start, data[start:end]
        at = end + 1


def _frame(data: bytes, at: int) -> tuple[int, int] | None:
    """(start, end) of the payload of the valid frame at this offset."""
    head = _HEAD.match(data, at)
    if head is None:
        return None
    start = head.end()
    end = start + int(head[2])
    if end >= len(data) or data[end] != 0x0A or crc32(data[start:end]) != int(head[1], 16):
        return None
    return start, end
