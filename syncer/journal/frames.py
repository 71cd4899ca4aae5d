"""Frames: what one commit writes. A line each: crc32 of the rest of the line (8 hex
digits), length of the array, offset, JSON array.

    271e902d 17 133 [["deleted",128]]

A frame that fails its checksum is a torn tail only where nothing valid follows it: each
frame is fsynced before the next one is written. The offset is the frame's own place in
the file: frames that were lost, doubled or swapped inside it show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

LINE_BYTES_MAX = 256 << 20
"""More than a frame can be: the changes of a full window, with every byte of their
lines and annotations escaped.
"""

_HEAD = re.compile(rb"([0-9a-f]{8}) ([0-9]{1,12}) ([0-9]{1,15}) ")
_HEAD_INSIDE = re.compile(rb"(?=[0-9a-f]{8} [0-9]{1,12} [0-9]{1,15} )")
_CRC_LENGTH = 9


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of the file: a frame, or bytes that are not one."""

    offset: int
    line: bytes
    start: int = 0
    """Where in the line the payload is; 0: no frame."""
    moved: bool = False
    """Whole, but written for another place in the file."""
    hides: bool = False
    """No frame, but one begins inside."""

    @property
    def frame(self) -> bool:
        """Whether it is whole, and where it belongs."""
        return self.start > 0 and not self.moved

    @property
    def payload(self) -> bytes:
        """The parts of a frame."""
        return self.line[self.start : -1]


def encode(payload: bytes, offset: int) -> bytes:
    """The frame of a payload that holds no line feed, at this place in the file."""
    head = b"%d %d " % (len(payload), offset)
    return b"%08x %s%s\n" % (crc32(payload, crc32(head)), head, payload)


def head_length(payload: bytes, offset: int) -> int:
    """Bytes of the frame before its payload."""
    return _CRC_LENGTH + len(str(len(payload))) + 1 + len(str(offset)) + 1


def lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The lines of the first `size` bytes, with their line endings; a longer line than
    any frame comes in pieces.

    What another process appends meanwhile lies beyond `size`, so that nothing is seen
    half.
    """
    left = size
    while left > 0 and (line := file.readline(min(left, LINE_BYTES_MAX))):
        left -= len(line)
        yield line


def pieces(lines: Iterable[bytes]) -> Iterator[Piece]:
    """Yield each line as a frame or not.

    A torn tail is what holds, moves and hides no frame and stands before none.
    """
    at = 0
    for line in lines:
        start, offset = whole(line, 0)
        hides = not start and any(
            whole(line, head.start())[0] for head in _HEAD_INSIDE.finditer(line, 1)
        )
        yield Piece(at, line, start, start > 0 and offset != at, hides)
        at += len(line)


def whole(line: bytes, at: int) -> tuple[int, int]:
    """(where its payload starts, the place in the file that it was written for) of the
    valid frame that begins here and ends with the line.

    (0, 0) if no frame does.
    """
    head = _HEAD.match(line, at)
    if head is None or not line.endswith(b"\n") or head.end() + int(head[2]) + 1 != len(line):
        return 0, 0
    return (
        (head.end(), int(head[3]))
        if crc32(line[at + _CRC_LENGTH : -1]) == int(head[1], 16)
        else (0, 0)
    )
