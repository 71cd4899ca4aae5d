"""Bytes of a change log to its lines, in bounded memory, for blocks of any size."""

from __future__ import annotations

from zlib import crc32

from syncer.core.change import Mark
from syncer.sources.lines import LINE_BYTES_MAX

BOM = b"\xef\xbb\xbf"

RawLine = tuple[bytes, int, int]
"""(its bytes without line ending and byte-order mark, 1-based number, byte offset with
no byte-order mark counted)
"""


class Cutter:
    """Cuts what it is fed into lines that are not blank.

    `mark` is the place after the last of them.
    """

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.tail = b""
        # inside a line that is too long: its first bytes are in the tail, the rest is
        # dropped
        self._long = False
        self._long_bytes = 0
        self._long_bom_bytes = 0
        self._long_crc = 0

    def feed(self, block: bytes) -> list[RawLine]:
        """The lines that this block completes."""
        if self._long:
            return self._feed_long(block)
        data = self.tail + block if self.tail else block
        cut = data.rfind(b"\n") + 1
        self.tail = data[cut:]
        lines = self._split(data[:cut]) if cut else []
        self._cut_long()
        return lines

    def peek(self, block: bytes) -> bytes:
        """All of the lines that this block completes, as they are; nothing inside a
        line that is too long.
        """
        if self._long:
            return b""
        return b"".join((self.tail, memoryview(block)[: block.rfind(b"\n") + 1]))

    def skip(self, block: bytes, lines: bytes, count: int) -> None:
        """Take this block in, whose lines, as `peek` gave them, are so many, none of
        them blank, and hold no byte-order mark at their start.
        """
        mark = self.mark
        self.mark = Mark(
            mark.index + count,
            mark.offset + len(lines),
            mark.line + count,
            crc32(lines, mark.crc),
            bom_bytes=mark.bom_bytes,
        )
        self.tail = block[block.rfind(b"\n") + 1 :]
        self._cut_long()

    def finish(self) -> list[RawLine]:
        """Return what is left, as the last line."""
        data, self.tail = self.tail, b""
        return self._split(data) if data else []

    def _cut_long(self) -> None:
        """Keep no more of a line that is too long than shows that."""
        line = without_bom(self.tail)
        if len(line) > LINE_BYTES_MAX + 1:  # one more may be a carriage return
            self._long, self._long_bytes = True, len(self.tail)
            self._long_bom_bytes = len(self.tail) - len(line)
            self._long_crc = crc32(self.tail, self.mark.crc)
            self.tail = line[: LINE_BYTES_MAX + 1]

    def _feed_long(self, block: bytes) -> list[RawLine]:
        """Pass over the rest of a line that is too long, in bounded memory."""
        at = block.find(b"\n")
        part = block if at < 0 else block[: at + 1]
        self._long_bytes += len(part)
        self._long_crc = crc32(part, self._long_crc)
        if at < 0:
            return []
        mark = self.mark
        line = (self.tail, mark.line + 1, mark.offset - mark.bom_bytes)
        bom_bytes = mark.bom_bytes + self._long_bom_bytes
        self.mark = Mark(
            mark.index + 1,
            mark.offset + self._long_bytes,
            mark.line + 1,
            self._long_crc,
            bom_bytes=bom_bytes,
        )
        self.tail, self._long = b"", False
        return [line, *self.feed(block[at + 1 :])]

    def _split(self, data: bytes) -> list[RawLine]:
        raws = data.split(b"\n")
        if not raws[-1]:
            raws.pop()
        offset, number, bom_bytes = self.mark.offset, self.mark.line, self.mark.bom_bytes
        # the first question is much the faster one
        marked = b"\xef" in data and BOM in data
        lines: list[RawLine] = []
        for raw in raws:
            number += 1
            start = offset - bom_bytes
            offset += len(raw) + 1
            if marked:
                length = len(raw)
                raw = without_bom(raw)
                bom_bytes += length - len(raw)
            if raw.endswith(b"\r"):
                raw = raw[:-1]
            if raw and not raw.isspace():
                lines.append((raw, number, start))
        crc = crc32(data, self.mark.crc)
        self.mark = Mark(
            self.mark.index + len(lines),
            self.mark.offset + len(data),
            number,
            crc,
            bom_bytes=bom_bytes,
        )
        return lines


def without_bom(line: bytes) -> bytes:
    """Return the line without the byte-order marks it begins with: where files were
    joined, any line may begin with one or more.
    """
    at = 0
    while line.startswith(BOM, at):
        at += len(BOM)
    return line[at:]
