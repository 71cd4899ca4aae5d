"""One change log, read in chunks from where it was left.

unchanged (inode, size, times)  ──► carried on by seeking to the mark
anything else                   ──► its applied part is checked first: cut, replaced and edited logs are refused; grown ones go on
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast
from zlib import crc32

import anyio.to_thread
import orjson

from syncer.core.change import BadLine, Change, Chunk, IgnoredLine, LogIdentity, Mark
from syncer.core.watermark import Run, Skip, Watermark
from syncer.errors import BadLineFound, LogChanged, SyncerError
from syncer.sources.cutter import Cutter, Line, without_bom
from syncer.sources.gunzip import DamagedLog
from syncer.sources.identity import first_line, identify, is_untouched
from syncer.sources.lines import LINE_BYTES_MAX, LineOptions, Place, bad_line, parse
from syncer.sources.opening import open_log, place_on_disk

BLOCK_BYTES = 256 << 10
_TOO_LONG = f"longer than {LINE_BYTES_MAX >> 20} MiB"


class ChangeLog:
    """A log as a source. Opening it checks it; raises UsageError (unreadable) and LogChanged (not the log that was applied)."""

    def __init__(
        self,
        path: Path,
        label: str,
        number: int,
        options: LineOptions,
        *,
        known: LogIdentity | None = None,
        watermark: Watermark | None = None,
        strict: bool = False,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.number = number
        self.label = label
        self.unfinished: str | None = None
        """Why what is at its end was left unread."""
        self.damaged = False
        """It is not only still being written: what was left unread can never be read."""
        self._cut = ""
        self._options = options
        self._strict = strict
        self._block_bytes = block_bytes
        self._path = path
        watermark = watermark or Watermark()
        runs = watermark.runs()
        self._skip = Skip(runs)
        self._stopped: BadLineFound | None = None
        self._ended = False
        self._file = open_log(path, label)
        self._lines = Cutter(watermark.resume)
        try:
            self._salt = first_line(self._file)
            self.identity = identify(path, label, self._salt)
            if known is not None and (watermark.resume.offset or runs) and not is_untouched(known, self.identity):
                self._check(known, watermark.resume, runs)
            self._seek(watermark.resume.offset)
        except BaseException:
            self._file.close()
            raise

    # --- reading ------------------------------------------------------------------------------------------------

    async def read(self) -> Chunk | None:
        """The next chunk; None at the end. Raises BadLineFound where strict, SyncerError where the file cannot be read."""
        while not self._ended:
            if self._stopped is not None:
                raise self._stopped
            block = await anyio.to_thread.run_sync(self._block, self._block_bytes)
            before = self._lines.mark
            lines = self._lines.feed(block) if block else self._last_line()
            if lines or self._lines.mark.offset > before.offset:
                return self._chunk(lines, before)
        return None

    async def ack(self, mark: Mark) -> None:
        """A file needs no telling."""

    async def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def progress(self) -> tuple[int, int] | None:
        """(bytes read, bytes in all) of the file as it is on disk."""
        if self._ended:
            return self.identity.size, self.identity.size
        return min(place_on_disk(self._file), self.identity.size), self.identity.size

    def _block(self, most: int) -> bytes:
        try:
            return self._file.read1(most)
        except EOFError:
            self._cut = "the compressed data is cut off: the log is still being written"
        except DamagedLog as error:
            self._cut, self.damaged = f"{error}, so the rest is left unread", True
        except OSError as error:
            raise self._unreadable(error) from None
        return b""

    def _seek(self, offset: int) -> None:
        try:
            self._file.seek(offset)
        except (OSError, EOFError, DamagedLog) as error:  # of a compressed log: all before it is read
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> SyncerError:
        at = self._lines.mark
        return SyncerError(f"{self.label}: cannot be read after line {at.line} (byte {at.offset}): {error}")

    def _last_line(self) -> list[Line]:
        """At the end of the file: what stands behind the last line ending, if it is a whole line."""
        self._ended = True
        self._file.close()
        tail = without_bom(self._lines.tail)
        if self._cut:
            self.unfinished = f"{self.label}:{self._lines.mark.line + 1}: {self._cut}"
        if not tail.strip():
            return self._lines.finish()
        try:
            orjson.loads(tail)
        except orjson.JSONDecodeError:
            self.unfinished = self.unfinished or (
                f"{self.label}:{self._lines.mark.line + 1}: the last line has no line ending and is not complete JSON: "
                "the log is still being written"
            )
            return []
        return self._lines.finish()

    def _chunk(self, lines: list[Line], before: Mark) -> Chunk:
        changes: list[Change] = []
        bad: list[BadLine] = []
        ignored: list[IgnoredLine] = []
        index, skip, options = before.index, self._skip, self._options
        place = Place(self.number, index, 0, 0, self._salt)
        for raw, number, offset in lines:
            if index < skip.end and index in skip:
                index += 1
                continue
            place.index, place.line, place.offset = index, number, offset
            found = parse(raw, place, options) if len(raw) <= LINE_BYTES_MAX else bad_line(raw, _TOO_LONG, place)
            if type(found) is Change:
                changes.append(found)
            elif type(found) is BadLine:
                if self._strict:
                    self._stopped = BadLineFound(f"{self.label}:{number}: {found.reason}; stopped here because of --strict")
                    return Chunk(self.number, changes, bad, ignored, before)
                bad.append(found)
            else:
                ignored.append(cast(IgnoredLine, found))
            index += 1
        return Chunk(self.number, changes, bad, ignored, self._lines.mark)

    # --- is it the log that was applied? ------------------------------------------------------------------------

    def _check(self, known: LogIdentity, resume: Mark, runs: list[Run]) -> None:
        if known.head != self.identity.head:
            raise self._changed("replaced: its first line is another one")
        self._file.seek(0)
        crc, left = 0, resume.offset
        while left:
            block = self._block(min(self._block_bytes * 4, left))
            if not block:
                how = "damaged: it cannot be unpacked up to" if self.damaged else "cut: it ends before"
                raise self._changed(f"{how} byte {resume.offset}, up to which it was applied")
            crc = crc32(block, crc)
            left -= len(block)
        if crc != resume.crc:
            raise self._changed(f"edited before byte {resume.offset} (line {resume.line}), up to which it was applied")
        self._check_runs(resume, runs)

    def _check_runs(self, resume: Mark, runs: list[Run]) -> None:
        waiting = iter(runs)
        run = next(waiting, None)
        crc = 0
        for index, (raw, number, _) in enumerate(self._all_lines(resume), resume.index):
            if run is None:
                return
            if index >= max(run.start, resume.index):
                crc = crc32(raw, crc)
            if index == run.end - 1:
                if crc != run.crc and run.start >= resume.index:
                    raise self._changed(f"edited at or before line {number}, which was applied")
                run, crc = next(waiting, None), 0
        if run is not None:
            raise self._changed("cut: lines that were applied are gone")

    def _all_lines(self, resume: Mark) -> Iterator[Line]:
        lines = Cutter(resume)
        while block := self._block(self._block_bytes):
            yield from lines.feed(block)
        yield from lines.finish()

    def _changed(self, how: str) -> LogChanged:
        return LogChanged(
            f"the log {self.label} was {how}. Restore it, or give up what is known of it with "
            f"`syncer state forget {self.label}` and push it again: posts with the same content are recognised, nothing is doubled"
        )
