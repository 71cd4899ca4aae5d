"""One change log, read in chunks from where it was left, to its end or as it grows.

It is opened when it is read; `sources.choice` knows before which log it is.
"""

from __future__ import annotations

import os
from collections import deque
from io import BufferedReader

import anyio.to_thread
import msgspec
import orjson

from syncer.core.change import Chunk, LogIdentity, Mark, Stamp
from syncer.core.columns import Posts
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.sources.chosen import tell_changed
from syncer.sources.chunks import LineSorter, pieces
from syncer.sources.cutter import Cutter, RawLine, without_bom
from syncer.sources.gunzip import DamagedLog
from syncer.sources.identity import (
    READING_FAILED,
    REPLACED,
    AppliedPart,
    difference,
    head_of,
    is_whole,
    read_first_line,
    text_of,
)
from syncer.sources.lines import LineOptions, parse
from syncer.sources.log_disk import REAL_LOGS, LogDisk
from syncer.sources.opening import holds_before, is_packed, place_on_disk

LAST_BYTES = 256
"""Of what was read, kept to tell whether the file was written over."""


class ChangeLog:
    """A log as a source. Its file is open from the first `read` to the end."""

    def __init__(
        self,
        path: str,
        label: str,
        number: int,
        options: LineOptions,
        *,
        identity: LogIdentity | None = None,
        watermark: Watermark | None = None,
        strict: bool = False,
        disk: LogDisk = REAL_LOGS,
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
        self._poll_seconds: float | None = None
        self._ending = False
        """Nobody writes to the file any more."""
        self._cut = ""
        self._begun: bytes | None = None
        """A first line that was half written at opening: that is all there is."""
        self._last = b""
        self._left: tuple[Stamp, int, bytes] | None = None
        """Of a file that was closed before its end: what was known of it, how many
        bytes were read, and the last of them.
        """
        self._disk = disk
        self._path = path
        watermark = watermark or Watermark()
        self._applied = AppliedPart.of(watermark)
        self._lines = Cutter(watermark.resume)
        self._sorter = LineSorter(number, label, options, parse, watermark=watermark, strict=strict)
        self._ended = False
        self._file: BufferedReader | None = None
        self._read_bytes: int | None = None
        """Of the open file, which is not asked: another thread may be closing it."""
        self._stamp: Stamp | None = None
        self._news: LogIdentity | None = None
        self._pieces: deque[bytes] = deque()

    # --- reading ----------------------------------------------------------------------

    def follow(self, poll_seconds: float) -> None:
        """Let it not end as long as it grows: what is written later is read, too, once
        its line has an ending. It ends where another file has come to its name, after a
        last look. `poll_seconds`: how often to look.
        """
        self._poll_seconds = poll_seconds

    def let_end(self) -> None:
        """Let a followed log end where its file does: nobody writes to it any more."""
        self._ending = True

    def move(self, identity: LogIdentity) -> None:
        """Follow it in this file, which holds all that was read, also if it had ended.
        A file that only got another name stays open.
        """
        stamp = self._stamp
        if stamp is None or identity.stamp.file != stamp.file:
            self._let_go()
            self._left = None
        self.identity, self.label, self._path = identity, identity.label, identity.path
        self._news = self.unfinished = None
        self._ended = self._ending = False

    @property
    def ended(self) -> bool:
        """Whether it was read to its end."""
        return self._ended and self._sorter.stopped is None

    @property
    def is_open(self) -> bool:
        """Whether its file is open."""
        return self._file is not None

    @property
    def stamp(self) -> Stamp | None:
        """Of its file before the last block was read; None: it was not opened yet."""
        return self._stamp

    @property
    def watermark(self) -> Watermark:
        """The part that was read, and what earlier runs settled after it."""
        watermark = Watermark(self._lines.mark)
        for run in self._applied.up_to(self._lines.mark).runs:
            watermark.settle(run)
        return watermark

    async def read(self) -> Chunk | None:
        """Return the next chunk; None at the end of the file.

        Raises BadLineFound where strict, SyncerError where the file cannot be read or
        is not the one that was chosen.
        """
        while not self._ended and self._sorter.stopped is None:
            if not self._pieces:
                self._pieces.extend(pieces(await anyio.to_thread.run_sync(self._next_block)))
            block = self._pieces.popleft()
            if not block and self._poll_seconds is not None and not self._ending:
                return self._chunk_of_news()
            before = self._lines.mark
            if (posts := self._posts(block)) is not None:
                return self._complete(Chunk(self.number, posts, [], [], self._lines.mark))
            lines = self._lines.feed(block) if block else self._last_line()
            if lines or self._lines.mark.offset > before.offset or self._ended:
                return self._complete(self._sorter.sort(lines, before, self._lines.mark))
        if self._sorter.stopped is not None:
            await self.close()
            raise self._sorter.stopped
        return None

    def _posts(self, block: bytes) -> Posts | None:
        """The lines that this block completes, where all are plain posts."""
        lines = self._lines.peek(block)
        posts = self._sorter.sort_posts(lines, self._lines.mark)
        if posts is not None:
            self._lines.skip(block, lines, len(posts))
        return posts

    def _complete(self, chunk: Chunk) -> Chunk:
        if self.ended:
            self._let_go()
        chunk.identity, self._news = self._news, None
        if self._stamp is not None:
            chunk.written_at = self._stamp.mtime_ns / 1e9
        return chunk

    def _chunk_of_news(self) -> Chunk | None:
        """The file as it is now, where it is not as it was known, so that a later run
        need not check what was applied of it.
        """
        self._note_end()
        if self._news is None:
            return None
        news, self._news = self._news, None
        return Chunk(self.number, [], [], [], self._lines.mark, news)

    async def wait(self) -> None:
        """Return when it is time to look again."""
        if self._poll_seconds is not None:
            replaced = await anyio.to_thread.run_sync(self._is_replaced)
            # Whoever writes may need a moment to turn to the new file.
            await anyio.sleep(self._poll_seconds)
            if replaced:
                self.let_end()

    def _is_replaced(self) -> bool:
        known = self._stamp
        if self._file is None or known is None:
            return False
        try:
            found = self._disk.stamp(self._path, known)
        except OSError:
            return False
        return found is not None and found.file != known.file

    def _is_touched(self) -> bool:
        try:
            return self._stamp is None or self._disk.stamp(self._path, self._stamp) != self._stamp
        except OSError:
            return True  # reading says so

    async def ack(self, log: int, mark: Mark) -> None:
        """A file needs no telling."""

    async def close(self) -> None:
        """Let go of the file."""
        self._let_go()

    def _let_go(self) -> None:
        """The next read, if any, opens it again after the last chunk."""
        if self._file is not None:
            if self._stamp is not None and self._read_bytes and not is_packed(self._file):
                self._left = self._stamp, self._read_bytes, self._last
            self._file.close()
            self._file = self._read_bytes = None
            self._last = b""
            self._lines = Cutter(self._lines.mark)
            self._pieces.clear()
            self._applied = self._applied.up_to(self._lines.mark)

    @property
    def progress(self) -> tuple[int, int] | None:
        """(bytes read, bytes in all) of the file on disk; a guess until it is read."""
        known = self.identity
        if known is None or self._ended:
            return (0, 0) if known is None else (known.size, known.size)
        if (read_bytes := self._read_bytes) is not None:
            return min(read_bytes, known.size), known.size
        offset = self._applied.resume.offset
        return (
            min(offset * known.size // known.end if known.end > 0 else offset, known.size),
            known.size,
        )

    def _next_block(self) -> bytes:
        if self._file is None:
            if self._cut and not self._is_touched():
                return b""
            self._open()
        if self._file is None:
            return b""
        if self._begun is not None:
            begun, self._begun = self._begun, b""
            return begun
        try:
            # Before it is read: what is written later is seen by the next look.
            self._stamp = self._disk.stamp_of_open(self._file, self._stamp)
            if self._poll_seconds is not None:
                self._check_what_was_read(self._file, self._stamp)
            block = self._file.read1(self._disk.block_bytes)
            self._read_bytes = place_on_disk(self._file)
            self._last = block[-LAST_BYTES:] or self._last
            return block
        except EOFError:
            self._cut = "the compressed data is cut off: the log is still being written"
            if self._poll_seconds is not None:
                self._let_go()
        except DamagedLog as error:
            if self._poll_seconds is not None:
                raise self._unreadable(error) from None
            self._cut, self.damaged = f"{error}, so the rest is left unread", True
        except OSError as error:
            raise self._unreadable(error) from None
        return b""

    def _open(self) -> None:
        mark = self._lines.mark
        if self.identity is not None and not os.path.exists(self._path):
            raise SyncerError(
                f"the log {self.label} was renamed or removed during the run: run the same"
                " command again"
            )
        self._file = file = self._disk.open(self._path, self.label)
        self._cut, self._begun = "", None
        try:
            self._stamp = self._disk.stamp_of_open(file)
            first = read_first_line(file)
            self._sorter.salt = text_of(first)
            if self.identity is not None and not self.identity.stamp.is_untouched(self._stamp):
                self._check_again(self.identity, file)
            if not mark.offset and not is_whole(first):
                # The ids need the first line as it will be.
                if self._poll_seconds is not None:
                    self._let_go()
                    return
                self._begun = first or None
            file.seek(mark.offset)
        # of a compressed log all before the place is read
        except READING_FAILED as error:
            raise self._unreadable(error) from None
        except SyncerError:
            self._let_go()
            raise

    def _check_again(self, known: LogIdentity, file: BufferedReader) -> None:
        """Between the choice, or the last look, and the opening the file was written
        to, or another one came into its place.
        """
        head, stamp = head_of(self._sorter.salt), self._stamp
        assert stamp is not None
        if not self._applied and (known.device, known.inode) != (stamp.device, stamp.inode):
            raise self._refuse("replaced")
        if not self._applied:
            self.identity = self._news = LogIdentity.of(
                known.path, known.label, head, stamp, was=known.was, twin=known.twin
            )
        elif known.head != head:
            raise self._refuse(REPLACED)
        elif not self._is_as_left(file, stamp) and (how := difference(file, self._applied)):
            raise self._refuse(how)

    def _is_as_left(self, file: BufferedReader, stamp: Stamp) -> bool:
        """Whether this is the file that was closed, and what was read of it last is
        still there: to check all of it would take as long as to read it.
        """
        if self._left is None or is_packed(file):
            return False
        left, place, last = self._left
        return left.file == stamp.file and stamp.size >= place and holds_before(file, last, place)

    def _refuse(self, how: str) -> SyncerError:
        if self._poll_seconds is None:
            return SyncerError(
                f"the log {self.label} was {how} during the run: run the same command again"
            )
        return SyncerError(tell_changed(self.label, how))

    def _unreadable(self, error: Exception) -> SyncerError:
        self._let_go()
        at = self._lines.mark
        return SyncerError(
            f"{self.label}: cannot be read after line {at.line} (byte {at.offset}): {error}"
        )

    def _check_what_was_read(self, file: BufferedReader, stamp: Stamp) -> None:
        if stamp.size >= place_on_disk(file) and holds_before(file, self._last, file.tell()):
            return
        self._let_go()
        at = self._lines.mark
        raise self._refuse(
            f"cut or written over after it was read up to line {at.line} (byte {at.offset})"
        )

    def _last_line(self) -> list[RawLine]:
        """At the end of the file: what comes after the last line ending, if it is a
        whole line.
        """
        self._ended = True
        tail = without_bom(self._lines.tail)
        self._note_end()
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

    def _note_end(self) -> None:
        """Keep what is known of the file now, at its end."""
        end = -1 if self._cut else self._lines.mark.offset + len(self._lines.tail)
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
        self.identity = msgspec.structs.replace(found, end=end)
        if self.identity != known:
            self._news = self.identity
