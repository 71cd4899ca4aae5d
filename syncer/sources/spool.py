"""A durable inbox as a source: for changes that cannot be read again from where they
came, such as those that come by HTTP.

    append(lines) ──► FOLDER/<place>.log ──► fsync ──► it returns
                             │
                             └──► read … settled ──► ack ──► the file is removed

It is one log that never ends, with places, numbers of lines and ids that go on over its
files and over restarts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import anyio
import anyio.to_thread

from syncer.core.change import INBOX, Chunk, LogIdentity, Mark
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.finish import finish
from syncer.sources.appends import Appended
from syncer.sources.chunks import BLOCK_BYTES, LineSorter, pieces
from syncer.sources.cutter import Cutter, RawLine
from syncer.sources.lines import LineOptions, parse
from syncer.sources.segment_reader import SegmentReader
from syncer.sources.segments import Segments


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of lines that come from elsewhere: in letters, and in the ids that are
    made, they are called as there, and not by their place in the spool.
    """

    salt: bytes
    name_lines: Callable[[list[RawLine], int], list[RawLine]]
    """Returns the lines from an index on with their numbers and places there."""


class Spool:
    """Segments as a source, and the way into them."""

    ended = False

    def __init__(
        self,
        segments: Segments,
        name: str,
        number: int,
        options: LineOptions,
        *,
        watermark: Watermark | None = None,
        strict: bool = False,
        block_bytes: int = BLOCK_BYTES,
        naming: Naming | None = None,
    ) -> None:
        """`segments`: opened with the watermark's `resume` as settled."""
        watermark = watermark or Watermark()
        self.number = number
        self.label = name
        self.identity = identity(name, segments.salt)
        self._segments = segments
        self._block_bytes = block_bytes
        self._lines = Cutter(watermark.resume)
        self._sorter = LineSorter(
            number,
            name,
            options,
            parse,
            watermark=watermark,
            strict=strict,
            salt=naming.salt if naming else segments.salt.encode(),
        )
        self._naming = naming
        self._reader = SegmentReader(segments, watermark.resume)
        self._pieces: deque[bytes] = deque()
        self._one_at_a_time = anyio.Lock()
        self._appended = anyio.Event()

    @property
    def unread(self) -> range:
        """The indexes of lines that were added and not read."""
        return range(self._lines.mark.index, self._segments.end.index)

    async def append(self, lines: Sequence[bytes], note: object = "") -> Appended:
        """Add these lines, all or none; they are durable when this returns. If it is
        cancelled, they may be: it ends only when the write is over.

        Raises SpoolFull, StateError; see `Segments.append`.
        """
        try:
            async with self._one_at_a_time:
                append = partial(self._segments.append, lines, note)
                return await finish(partial(anyio.to_thread.run_sync, append))
        finally:
            self._appended.set()
            self._appended = anyio.Event()

    async def read(self) -> Chunk | None:
        """Return the next chunk; None where nothing waits.

        Raises BadLineFound where strict, StateError where a segment is damaged or
        cannot be read.
        """
        while self._sorter.stopped is None:
            if not self._pieces:
                block = await self._next_block()
                if not block:
                    return None
                self._pieces.extend(pieces(block))
            before = self._lines.mark
            lines = self._lines.feed(self._pieces.popleft())
            if self._naming:
                lines = self._naming.name_lines(lines, before.index)
            if self._lines.mark.offset > before.offset:
                return self._sorter.sort(lines, before, self._lines.mark)
        raise self._sorter.stopped

    async def _next_block(self) -> bytes:
        if not self._is_behind() and not self._reader.is_open:
            return b""
        try:
            return await anyio.to_thread.run_sync(self._reader.read, self._block_bytes)
        except SyncerError:
            self._let_go()
            raise

    async def wait(self) -> None:
        """Return once lines were added that were not read."""
        if not self._is_behind():
            await self._appended.wait()

    def _is_behind(self) -> bool:
        """Whether something was added that was not read."""
        return self._reader.offset < self._segments.end.offset

    async def ack(self, log: int, mark: Mark) -> None:
        """Remove the files of which nothing is needed any more. Raises StateError."""
        await anyio.to_thread.run_sync(self._segments.cut, mark)

    async def close(self) -> None:
        """Let go of the files."""
        self._let_go()
        self._segments.close()

    def _let_go(self) -> None:
        """The next read, if any, goes on after the last chunk."""
        self._reader.close()
        self._pieces.clear()
        self._lines = Cutter(self._lines.mark)
        self._reader = SegmentReader(self._segments, self._lines.mark)


def identity(name: str, salt: str) -> LogIdentity:
    """Return a spool's identity among the logs of a state."""
    head = blake2b(salt.encode(), digest_size=16).hexdigest()
    return LogIdentity(INBOX + name, name, head, 0, 0, 0, 0)
