"""A log that is appended to and read at the same time, in files that are rotated at a
size and removed from the front.

    00000000000000000000.log   ■■■■■■■■■■  all of it settled: removed by `cut`
    00000000000016777216.log   ■■■■■■□□□□  read again from any mark in it
    00000000000033554432.log   □□□□□□      appended to; always there, also if empty

A file is called by its place in the log, and begins with a head that holds the mark
there and the log's salt. What follows in a file after the place at which the next one
begins is not part of the log: an append that fails leaves its file as it is, and the
next append begins another one. So does the first append after a crash that tore one.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from zlib import crc32

from syncer.core.change import Mark
from syncer.errors import StateError, SyncerError
from syncer.sources.appends import Appended, encode, holds_append, read_append
from syncer.sources.cutter import without_bom
from syncer.sources.disk import SpoolDisk

FORMAT, VERSION = "syncer-spool", 1
SEGMENT_BYTES = 16 << 20
WAITING_BYTES_MAX = 1 << 30
_NAME = re.compile(r"[0-9]{20}\.log")
_PART = "next.part"


class SpoolFull(SyncerError):
    """There is no room for these lines before some that wait are settled. None of them
    was taken.
    """


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the log, and the mark at which it begins."""

    path: Path
    start: Mark
    at: int
    """Where its first append begins in the file."""


class Segments:
    """The files of one log. Every method blocks: call them from a thread.

    The caller holds the lock of the state. One thread appends, one reads, one cuts.
    """

    def __init__(
        self,
        folder: Path,
        disk: SpoolDisk,
        settled: Mark | None = Mark(),
        *,
        segment_bytes: int = SEGMENT_BYTES,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        """Open the log, or make it. `settled`: all before this mark is; None: all that
        was removed, and no more.

        Raises StateError.
        """
        self.folder = folder
        self.disk = disk
        self.settled = Mark() if settled is None else settled
        self.notes: list[str] = []
        """What users are to know of the recovery."""
        self.waiting_bytes_max = waiting_bytes_max
        self._segment_bytes = segment_bytes
        self._lock = threading.RLock()
        self._closed = False
        self.salt = ""
        """Random, and the same for as long as the folder is there."""
        self.segments: tuple[Segment, ...] = ()
        self.end = Mark()
        """All before it is durable."""
        # appended to; None: the next append begins another segment
        self._file: int | None = None
        self._size = 0
        try:
            self._open(settled)
        except OSError as error:
            self.close()
            raise self._explain_failure("opened", error) from None
        except BaseException:
            self.close()
            raise

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the lines that are not settled."""
        return self.end.offset - self.settled.offset

    @property
    def room_bytes(self) -> int:
        """Bytes of lines, line feeds counted, for which there is room."""
        return max(0, self.waiting_bytes_max - self.waiting_bytes)

    def append(self, lines: Sequence[bytes], note: object = "") -> Appended:
        """Add lines to the log, all or none, durably: also where it crashes meanwhile,
        all of them are there afterwards, or none. Blank ones are left out.

        `note`: what JSON can hold, for `appends`; it is as durable as the lines.
        Raises SpoolFull, StateError; then nothing was added, and nothing will be unless
        the machine goes down before the next append.
        """
        data = b"".join(_line(line) for line in lines)
        with self._lock:
            if self._closed:
                raise StateError(f"{self.folder} is closed: send the changes again")
            if len(data) > self.room_bytes:
                raise SpoolFull(
                    f"{self.folder} is full: {self.waiting_bytes:,} bytes of changes wait there,"
                    f" and it takes {self.waiting_bytes_max:,}. Try again when some are applied"
                )
            try:
                return self._append(data, note)
            except OSError as error:
                raise self._explain_failure("written", error) from None

    def find_cut(self, mark: Mark) -> int:
        """Return the place in the log from which a cut at this mark keeps its files."""
        starts = [segment.start.offset for segment in self.segments]
        return max((start for start in starts if start <= mark.offset), default=starts[0])

    def cut(self, mark: Mark) -> None:
        """Remove the files that hold nothing from this mark on: all before it is
        settled. Raises StateError.
        """
        with self._lock:
            if mark.offset > self.settled.offset:
                self.settled = mark
            try:
                while len(self.segments) > 1 and self.segments[1].start.offset <= mark.offset:
                    self.disk.unlink(self.segments[0].path)
                    self.segments = self.segments[1:]
            except OSError as error:
                raise self._explain_failure("cut", error) from None

    def close(self) -> None:
        """Let go of the files, after an append that is under way. It may come twice."""
        with self._lock:
            self._closed = True
            self._let_go()

    def _let_go(self) -> None:
        if (file := self._file) is not None:
            self._file = None
            with suppress(OSError):
                self.disk.close(file)

    def segment_of(self, offset: int) -> tuple[Segment, int]:
        """Return the segment that holds what follows this place, which is not the end,
        and the place up to which it can be read.
        """
        # In this order: another thread may begin a segment and append to it meanwhile.
        end = self.end.offset
        segments = self.segments
        following = (*(segment.start.offset for segment in segments[1:]), end)
        return next(
            (segment, until)
            for segment, until in zip(segments, following, strict=True)
            if offset < until
        )

    def appends(self) -> Iterator[tuple[Appended, BinaryIO]]:
        """Yield what was appended, each with its file at the place of its lines. Files
        that a crash brought back after a cut may have gaps between them. Raises
        StateError.
        """
        starts = [segment.start.offset for segment in self.segments]
        try:
            for segment, until in zip(self.segments, (*starts[1:], self.end.offset), strict=True):
                with self.disk.reader(segment.path) as file:
                    size = self.disk.size(segment.path) or 0
                    end, at = segment.start, segment.at
                    while end.offset < until and (found := read_append(file, at, size, end)):
                        file.seek(found.at)
                        yield found, file
                        end, at = found.end, found.at + found.length
        except OSError as error:
            raise self._explain_failure("read", error) from None

    def check_holds(self, mark: Mark) -> None:
        """Raise StateError where the log cannot be read on from this mark."""
        first, end = self.segments[0].start, self.end
        if not first.offset <= mark.offset <= end.offset:
            raise StateError(
                f"{self.folder} holds lines {first.line + 1:,} to {end.line:,} of its log, but the"
                f" state knows it up to line {mark.line:,}: it is not the folder that the state was"
                " used with. Put that one back; or move it away and forget its log"
                " (`syncer state forget`)"
            )

    def explain_damage(self, segment: Segment, at: int) -> StateError:
        """Return the error about a file in which no append stands where one must."""
        return StateError(
            f"{segment.path}: damaged at byte {at}: what was taken there cannot be read as it was"
            f" written. Put back the file as it was; or move {self.folder} away and forget its log"
            " (`syncer state forget`): the lines of its files that do not begin with # can be"
            " pushed as a change log"
        )

    # --- opening ----------------------------------------------------------------------

    def _open(self, settled: Mark | None) -> None:
        disk = self.disk
        disk.make_folder(self.folder)
        names = sorted(disk.names(self.folder))
        paths = [self.folder / name for name in names if _NAME.fullmatch(name)]
        # A process that was killed may have left a name that is not durable yet.
        disk.sync_folder(self.folder)
        self.segments = tuple(self._open_segment(path) for path in paths)
        if not self.segments:
            self.salt = secrets.token_hex(16)
            self._rotate()
        else:
            self._find_end(self.segments[-1])
        self.settled = self.segments[0].start if settled is None else settled
        self.check_holds(self.settled)
        self.cut(self.settled)

    def _open_segment(self, path: Path) -> Segment:
        with self.disk.reader(path) as file:
            size = self.disk.size(path) or 0
            place = Mark(offset=int(path.stem))
            head = read_append(file, 0, size, place)
        if head is None or not isinstance(head.note, dict):
            raise self.explain_damage(Segment(path, place, 0), 0)
        note = cast(dict[str, object], head.note)
        if (note.get("format"), note.get("version")) != (FORMAT, VERSION):
            raise StateError(
                f"{path} was written by another version of syncer: use that one, or another --state"
            )
        self.salt = cast(str, note["salt"])
        line = cast(int, note["line"])
        start = Mark(line, place.offset, line, cast(int, note["crc"]))
        return Segment(path, start, head.at)

    def _find_end(self, last: Segment) -> None:
        """Walk the last segment: a write that was cut off ends the log before it."""
        self._file = self.disk.open(last.path)
        # What a killed process wrote can be read, but may not be durable yet.
        self.disk.sync(self._file)
        size = self.disk.size(last.path) or 0
        self.end, at = last.start, last.at
        with self.disk.reader(last.path) as file:
            while (found := read_append(file, at, size, self.end)) is not None:
                self.end, at = found.end, found.at + found.length
            if at < size and holds_append(file, at, size, self.end.offset):
                raise self.explain_damage(last, at)
        self._size = at
        if at < size:
            self.notes.append(
                f"{last.path}: the last write was cut off at byte {at}: what it was to hold was"
                " never taken"
            )
            self._let_go()

    # --- appending --------------------------------------------------------------------

    def _append(self, data: bytes, note: object) -> Appended:
        before = self.end
        if not data:
            return Appended(before, before, note, self._size)
        if self._file is None or self._size >= self._segment_bytes:
            self._rotate()
        assert self._file is not None
        written = encode(data, before.offset, note)
        try:
            self.disk.write(self._file, written)
            self.disk.sync(self._file)
        except BaseException:
            self._let_go()
            raise
        self._size += len(written)
        lines = before.line + data.count(b"\n")
        self.end = Mark(lines, before.offset + len(data), lines, crc32(data, before.crc))
        return Appended(before, self.end, note, self._size - len(data))

    def _rotate(self) -> None:
        """Begin the next segment; the old one stays as it is, with any end."""
        self._let_go()
        end, part = self.end, self.folder / _PART
        path = self.folder / f"{end.offset:020}.log"
        note = {
            "format": FORMAT,
            "version": VERSION,
            "salt": self.salt,
            "line": end.line,
            "crc": end.crc,
        }
        head = encode(b"", end.offset, note)
        self.disk.unlink(part)
        file = self.disk.open(part)
        try:
            self.disk.write(file, head)
            self.disk.sync(file)
            # over one of the same place, to which nothing was added
            self.disk.replace(part, path)
        except BaseException:
            with suppress(OSError):
                self.disk.close(file)
            raise
        kept = [segment for segment in self.segments if segment.path != path]
        self.segments = (*kept, Segment(path, end, len(head)))
        self._file, self._size = file, len(head)

    def _explain_failure(self, what: str, error: OSError) -> StateError:
        return StateError(f"{self.folder} cannot be {what}: {error.strerror or error}")


def _line(raw: bytes) -> bytes:
    line = without_bom(raw.rstrip(b"\r\n"))
    if b"\n" in line:
        raise ValueError("several lines in the place of one")
    return line + b"\n" if line.strip() else b""
