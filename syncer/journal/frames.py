"""Frames: what one commit writes. A line each: crc32 (8 hex digits), length, JSON array.

    6daabea0 17 [["deleted",128]]

A frame that fails its checksum is a torn tail only where nothing valid follows it: each frame is fsynced before the next one is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO
from zlib import crc32

LINE_BYTES_MAX = 256 << 20
"""More than a frame can be: the changes of a full window, with every byte of their lines and annotations escaped."""

_HEAD = re.compile(rb"([0-9a-f]{8}) ([0-9]{1,12}) ")
_HEAD_INSIDE = re.compile(rb"(?=[0-9a-f]{8} [0-9]{1,12} )")


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


def lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The lines of the first `size` bytes, with their line endings; a longer line than any frame comes in pieces.

    What another process appends meanwhile lies behind `size`, so that nothing is seen half.
    """
    left = size
    while left > 0 and (line := file.readline(min(left, LINE_BYTES_MAX))):
        left -= len(line)
        yield line


def scan(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(offset of the payload, payload) of each whole frame. Ends before a torn tail; raises Damaged for anything else."""
    at = 0
    torn: int | None = None
    for line in lines:
        start = _payload(line, 0)
        if torn is None and start:
            yield at + start, line[start:-1]
        else:
            torn = at if torn is None else torn
            if start or any(_payload(line, head.start()) for head in _HEAD_INSIDE.finditer(line, 1)):
                raise Damaged(torn)
        at += len(line)


def _payload(line: bytes, at: int) -> int:
    """Where the payload starts of the valid frame that begins here and ends with the line; 0 where there is none."""
    head = _HEAD.match(line, at)
    if head is None or not line.endswith(b"\n") or head.end() + int(head[2]) + 1 != len(line):
        return 0
    return head.end() if crc32(line[head.end() : -1]) == int(head[1], 16) else 0
