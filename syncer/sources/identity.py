"""The identity of a change log: its first line, and its applied part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from io import BufferedReader
from zlib import crc32

from syncer.core.change import Mark
from syncer.core.watermark import Run, Watermark
from syncer.sources.cutter import Cutter, RawLine, without_bom
from syncer.sources.gunzip import DamagedLog
from syncer.sources.lines import LINE_BYTES_MAX

BLOCK_BYTES = 1 << 20

REPLACED = "replaced: its first line has changed"
EMPTIED = "emptied"

READING_FAILED = (OSError, EOFError, DamagedLog)
"""What reading a log may raise; the last two where it is compressed."""


@dataclass(frozen=True, slots=True)
class AppliedPart:
    """The part of a log whose changes have left the window: all before `resume`, and
    the runs after it.
    """

    resume: Mark
    runs: tuple[Run, ...]

    @classmethod
    def of(cls, watermark: Watermark) -> AppliedPart:
        """Return that of a log."""
        return cls(watermark.resume, tuple(watermark.runs()))

    def __bool__(self) -> bool:
        return bool(self.resume.offset or self.runs)

    def up_to(self, mark: Mark) -> AppliedPart:
        """Return the same part with all before this later mark."""
        return AppliedPart(mark, tuple(run for run in self.runs if run.end > mark.index))

    @property
    def index(self) -> int:
        """The least number of changes that have left the window."""
        return self.resume.index + sum(run.count for run in self.runs)


def read_first_line(file: BufferedReader) -> bytes:
    """Return the first line of a log that was just opened, as it stands there; empty
    where it cannot be read.
    """
    try:
        return file.readline(LINE_BYTES_MAX)
    except READING_FAILED:
        return b""  # reading says so


def is_whole(line: bytes) -> bool:
    """Return whether a first line is not still being written."""
    return line.endswith(b"\n") or len(line) == LINE_BYTES_MAX


def first_line(file: BufferedReader) -> bytes:
    """The first line of a log that was just opened, without line ending and byte-order
    mark; empty where it cannot be read.
    """
    return text_of(read_first_line(file))


def text_of(line: bytes) -> bytes:
    """Return a line without its ending and byte-order mark."""
    return without_bom(line.rstrip(b"\r\n"))


def head_of(line: bytes) -> str:
    """The hash by which a first line is remembered."""
    return blake2b(line, digest_size=16).hexdigest()


def next_block(file: BufferedReader, most: int) -> bytes:
    """Return the next bytes of a log; none at the end, also where compressed data is
    cut off. Raises READING_FAILED.
    """
    try:
        return file.read1(most)
    except EOFError:
        return b""


def difference(file: BufferedReader, applied: AppliedPart) -> str | None:
    """Say how an open log, whose first line is the known one, was changed where it was
    applied; None where it was not.

    Raises READING_FAILED.
    """
    resume = applied.resume
    found = _checksums(file, [resume.offset])
    if resume.offset not in found:
        return f"cut: it ends before byte {resume.offset}, up to which it was applied"
    if found[resume.offset] != resume.crc:
        return (
            f"edited before byte {resume.offset} (line {resume.line}), up to which it was applied"
        )
    return _difference_of_runs(file, applied) if applied.runs else None


def find_held(file: BufferedReader, applied: Mapping[int, AppliedPart]) -> list[int]:
    """Return the logs, by number, whose applied part this open log begins with: the
    longest part first. It is read once.
    """
    try:
        found = _checksums(file, sorted({one.resume.offset for one in applied.values()}))
        held = [
            number
            for number, one in applied.items()
            if found.get(one.resume.offset) == one.resume.crc
        ]
        held = [
            number
            for number in held
            if not applied[number].runs or _difference_of_runs(file, applied[number]) is None
        ]
    except READING_FAILED:
        return []  # reading says so
    return sorted(held, key=lambda number: -applied[number].resume.offset)


def _checksums(file: BufferedReader, offsets: list[int]) -> dict[int, int]:
    """The crc32 of all bytes before each of these offsets, which ascend, as far as the
    file reaches.
    """
    file.seek(0)
    found: dict[int, int] = {}
    at = crc = 0
    for offset in offsets:
        while at < offset:
            block = next_block(file, min(BLOCK_BYTES, offset - at))
            if not block:
                return found
            crc = crc32(block, crc)
            at += len(block)
        found[offset] = crc
    return found


def _difference_of_runs(file: BufferedReader, applied: AppliedPart) -> str | None:
    resume = applied.resume
    waiting = iter(applied.runs)
    run = next(waiting, None)
    crc = 0
    file.seek(resume.offset)
    for index, (raw, number, _) in enumerate(_lines_from(file, resume), resume.index):
        if run is None:
            return None
        if index >= max(run.start, resume.index):
            crc = crc32(raw, crc)
        if index == run.end - 1:
            if crc != run.crc and run.start >= resume.index:
                return f"edited at or before line {number}, which was applied"
            run, crc = next(waiting, None), 0
    return None if run is None else "cut: lines that were applied are gone"


def _lines_from(file: BufferedReader, mark: Mark) -> Iterator[RawLine]:
    cutter = Cutter(mark)
    while block := next_block(file, BLOCK_BYTES):
        yield from cutter.feed(block)
    yield from cutter.finish()
