"""One change log, read in chunks from where it was left.

It is opened when it is read; `sources.choice` knows before which log it is.
"""

from __future__ import annotations

from collections import deque
from io import BufferedReader
from pathlib import Path

import anyio.to_thread
import msgspec
import orjson

from syncer.core.change import Chunk, LogIdentity, Mark, Stamp
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.sources.chunks import BLOCK_BYTES, LineSorter, pieces
from syncer.sources.cutter import Cutter, RawLine, without_bom
from syncer.sources.gunzip import DamagedLog
from syncer.sources.identity import (
    READING_FAILED,
    REPLACED,
    AppliedPart,
    difference,
    first_line,
    head_of,
)
from syncer.sources.lines import LineOptions, parse
from syncer.sources.opening import open_log, place_on_disk
from syncer.sources.stamps import stamp_of_open


class ChangeLog:
    """A log as a source. Its file is open from the first `read` to the end."""

    def __init__(
        self,
        path: Path,
        label: str,
        number: int,
        options: LineOptions,
        *,
        identity: LogIdentity | None = None,
        watermark: Watermark | None = None,
        strict: bool = False,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        """`identity`: the file as it was when it was chosen; None: nobody asks."""
        self.number = number
        self.label = label
        self.identity = identity
        self.unfinished: str | None = None
        """Why what is at its end was left unread."""
        self.damaged = False
        """It is not only still being written: what was left unread can never be read.
        """
        self._cut = ""
        self._block_bytes = block_bytes
        self._path = path
        watermark = watermark or Watermark()
        self._applied = AppliedPart.of(watermark)
        self._lines = Cutter(watermark.resume)
        self._sorter = LineSorter(number, label, options, parse, watermark=watermark, strict=strict)
        self._ended = False
        self._end = -1
        self._file: BufferedReader | None = None
        self._stamp: Stamp | None = None
        self._news: LogIdentity | None = None
        self._pieces: deque[bytes] = deque()

    # --- reading ----------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether it was read to its end."""
        return self._ended and self._sorter.stopped is None

    async def read(self) -> Chunk | None:
        """The next chunk; None at the end.

        Raises BadLineFound where strict, SyncerError where the file cannot be read or
        is not the one that was chosen.
        """
        while not self._ended and self._sorter.stopped is None:
            if not self._pieces:
                self._pieces.extend(pieces(await anyio.to_thread.run_sync(self._next_block)))
            block = self._pieces.popleft()
            before = self._lines.mark
            lines = self._lines.feed(block) if block else self._last_line()
            if lines or self._lines.mark.offset > before.offset or self._ended:
                return self._chunk(lines, before)
        if self._sorter.stopped is not None:
            await self.close()
            raise self._sorter.stopped
        return None

    def _chunk(self, lines: list[RawLine], before: Mark) -> Chunk:
        chunk = self._sorter.sort(lines, before, self._lines.mark)
        if self.ended:
            self._end_reading()
        chunk.identity, self._news = self._news, None
        return chunk

    async def wait(self) -> None:
        """What is written later is seen by the next run."""

    async def ack(self, log: int, mark: Mark) -> None:
        """A file needs no telling."""

    async def close(self) -> None:
        """Let go of the file."""
        self._let_go()

    def _let_go(self) -> None:
        """The next read, if any, opens it again after the last chunk."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._lines = Cutter(self._lines.mark)
            self._pieces.clear()
            self._applied = self._applied.up_to(self._lines.mark)

    @property
    def progress(self) -> tuple[int, int] | None:
        """(bytes read, bytes in all) of the file on disk; a guess until it is open."""
        known = self.identity
        if known is None or self._ended:
            return (0, 0) if known is None else (known.size, known.size)
        if self._file is not None:
            return min(place_on_disk(self._file), known.size), known.size
        offset = self._applied.resume.offset
        return (
            min(offset * known.size // known.end if known.end > 0 else offset, known.size),
            known.size,
        )

    def _next_block(self) -> bytes:
        if self._file is None:
            self._open()
        assert self._file is not None
        try:
            # Before it is read: what is written later is seen by the next run.
            self._stamp = stamp_of_open(self._file, self._stamp)
            return self._file.read1(self._block_bytes)
        except EOFError:
            self._cut = "the compressed data is cut off: the log is still being written"
        except DamagedLog as error:
            self._cut, self.damaged = f"{error}, so the rest is left unread", True
        except OSError as error:
            raise self._unreadable(error) from None
        return b""

    def _open(self) -> None:
        mark = self._lines.mark
        if self.identity is not None and not self._path.exists():
            raise SyncerError(
                f"the log {self.label} was renamed or removed while the run went on: run the same"
                " command again"
            )
        self._file = file = open_log(self._path, self.label)
        try:
            self._stamp = stamp_of_open(file)
            self._sorter.salt = first_line(file)
            if self.identity is not None and not self.identity.stamp.is_untouched(self._stamp):
                self._check_again(self.identity, file)
            file.seek(mark.offset)
        # of a compressed log all before the place is read
        except READING_FAILED as error:
            raise self._unreadable(error) from None
        except SyncerError:
            self._let_go()
            raise

    def _check_again(self, known: LogIdentity, file: BufferedReader) -> None:
        """Between the choice and the opening the file was written to, or another one
        came into its place.
        """
        head, stamp = head_of(self._sorter.salt), self._stamp
        assert stamp is not None
        if not self._applied and (known.device, known.inode) != (stamp.device, stamp.inode):
            raise SyncerError(
                f"the log {self.label} was replaced while the run went on: run the same command"
                " again"
            )
        if not self._applied:
            self.identity = self._news = LogIdentity.of(
                known.path, known.label, head, stamp, was=known.was, twin=known.twin
            )
        elif (
            how := REPLACED if known.head != head else difference(file, self._applied)
        ) is not None:
            raise SyncerError(
                f"the log {self.label} was {how}, while the run went on: run the same command again"
            )

    def _unreadable(self, error: Exception) -> SyncerError:
        self._let_go()
        at = self._lines.mark
        return SyncerError(
            f"{self.label}: cannot be read after line {at.line} (byte {at.offset}): {error}"
        )

    def _last_line(self) -> list[RawLine]:
        """At the end of the file: what stands behind the last line ending, if it is a
        whole line.
        """
        self._ended = True
        tail = without_bom(self._lines.tail)
        self._end = -1 if self._cut else self._lines.mark.offset + len(self._lines.tail)
        if self._cut:
            self.unfinished = f"{self.label}:{self._lines.mark.line + 1}: {self._cut}"
        if not tail.strip():
            return self._lines.finish()
        try:
            orjson.loads(tail)
        except orjson.JSONDecodeError:
            self.unfinished = self.unfinished or (
                f"{self.label}:{self._lines.mark.line + 1}: the last line has no line ending and is"
                " not complete JSON: the log is still being written"
            )
            return []
        return self._lines.finish()

    def _end_reading(self) -> None:
        """Let go of the file; its end is known now."""
        self._let_go()
        known, stamp = self.identity, self._stamp
        if known is None or stamp is None:
            return
        found = LogIdentity.of(
            known.path,
            known.label,
            head_of(self._sorter.salt),
            stamp,
            was=known.was,
            twin=known.twin,
        )
        self.identity = msgspec.structs.replace(found, end=self._end)
        if self.identity != known:
            self._news = self.identity
