"""One append to a segment of a spool: a head with a checksum, then its lines.

    #271e902d 54 1047 "a note"
    {"op":"delete","annotation":{"id":"a","input_id":"i"}}

The head holds the crc32 of all that follows it, the bytes of the lines, the place of
the first of them in the log, and a note as JSON. Without the lines that begin with #
the file is a change log, so what waits in a damaged spool can be pushed by hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

import orjson

from syncer.core.change import Mark

BLOCK_BYTES = 1 << 20
HEAD_BYTES_MAX = 1 << 20

_HEAD = re.compile(rb"#([0-9a-f]{8}) ([0-9]{1,15}) ([0-9]{1,15}) ([^\n]*)\n")
_CRC_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Appended:
    """The lines of one append: the marks before and after them, and its note."""

    before: Mark
    end: Mark
    note: object
    at: int
    """Where its lines begin in the file."""

    @property
    def length(self) -> int:
        """Bytes of its lines."""
        return self.end.offset - self.before.offset


def encode(lines: bytes, offset: int, note: object) -> bytes:
    """Return what an append writes. `lines`: each with its line feed.

    Raises ValueError for a note that no reader would take.
    """
    head = b"%d %d %s\n" % (len(lines), offset, orjson.dumps(note))
    if len(head) + _CRC_LENGTH > HEAD_BYTES_MAX:
        raise ValueError(f"a note of more than {HEAD_BYTES_MAX:,} bytes")
    return b"#%08x %s%s" % (crc32(lines, crc32(head)), head, lines)


def read_append(file: BinaryIO, at: int, size: int, before: Mark) -> Appended | None:
    """Return the append that begins here in the first `size` bytes of a file; None if
    none is whole and follows this mark. Its lines pass in blocks.

    Raises OSError.
    """
    file.seek(at)
    head = file.readline(min(HEAD_BYTES_MAX, size - at))
    found = _HEAD.fullmatch(head)
    if found is None or int(found[3]) != before.offset:
        return None
    start, left = at + len(head), int(found[2])
    if start + left > size:
        return None
    lines, check, crc = before.line, crc32(head[_CRC_LENGTH:]), before.crc
    while left:
        if not (block := file.read(min(left, BLOCK_BYTES))):
            return None
        left -= len(block)
        lines += block.count(b"\n")
        check, crc = crc32(block, check), crc32(block, crc)
    if check != int(found[1], 16):
        return None
    end = Mark(lines, before.offset + int(found[2]), lines, crc)
    return Appended(before, end, orjson.loads(found[4]), start)


def holds_append(file: BinaryIO, at: int, size: int, offset: int) -> bool:
    """Return whether an append of this place in the log or a later one begins after
    this place in the file, and is whole: then what stands here is damage, and not a
    write that was cut off. Raises OSError.

    An append of an earlier place is not one of the log: its lines came in from another
    spool.
    """
    file.seek(at)
    rest = file.read(size - at)
    return any(
        read_append(file, at + head.start(), size, Mark(offset=int(head[3]))) is not None
        for head in _HEAD.finditer(rest, 1)
        if int(head[3]) >= offset
    )
