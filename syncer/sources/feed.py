"""A source that users write themselves: chunks of change-log lines after a cursor of
its own.

chunks(after="")     ──► SourceChunk(changes, cursor="1")
                     ──► SourceChunk(changes, cursor="2") …
ack("1")             when everything up to there is settled, durably
chunks(after="1")    is how a later run takes it up: it must give the same changes
                     again, in the same order
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from logging import getLogger
from typing import Protocol, runtime_checkable

from syncer.core.change import FEED, BadLine, Change, Chunk, IgnoredLine, LogIdentity, Mark
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.sources.chunks import LineSorter
from syncer.sources.lines import LineOptions, LinePlace, bad_line, parse
from syncer.sources.misuse import await_ack, check_chunk, check_source, open_chunks
from syncer.sources.objects import Unwritable, as_line, ids_of

_log = getLogger("syncer")


@dataclass(frozen=True, slots=True)
class SourceChunk:
    """Neighbouring changes, best some hundreds of them, and where the source goes on
    after them.
    """

    changes: Sequence[bytes | str | Mapping[str, object]]
    """Lines of a change log (docs/changelog.md), as JSON or as objects.
    Blank ones are passed over.
    """
    cursor: str
    """The source's own name of the place after these changes; given back to `chunks`
    and `ack`.
    """


@runtime_checkable
class ChangeSource(Protocol):
    """A source of changes.

    What `chunks` gives after a cursor must be the same, in the same order, each time it
    is asked.
    """

    @property
    def name(self) -> str:
        """The name of this source among others of the state; the same over restarts.

        Posts without id get theirs from it and their place.
        """
        ...

    def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
        """The chunks after this cursor (empty: from the beginning) up to the end that
        is there now.
        """
        ...

    async def ack(self, cursor: str) -> None:
        """Everything up to this cursor is settled for good: applied, a dead letter,
        ignored, or in the durable retry queue.

        May come again after a crash.
        """
        ...


class Feed:
    """A user's source as the engine's.

    What it raises becomes a SyncerError that names it; nothing read so far is lost.
    """

    unfinished: str | None = None

    def __init__(
        self,
        source: ChangeSource,
        number: int,
        options: LineOptions,
        *,
        watermark: Watermark | None = None,
        strict: bool = False,
    ) -> None:
        watermark = watermark or Watermark()
        self.number = number
        check_source(source)
        self.identity = identity(source.name)
        self.label = self.identity.label
        self._source = source
        self._mark = watermark.resume
        self._sorter = LineSorter(
            number,
            self.label,
            options,
            _parse,
            watermark=watermark,
            strict=strict,
            salt=self.identity.head.encode(),
        )
        self._chunks: AsyncIterator[object] | None = None
        self._acked = not self._mark.cursor
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether its chunks came to their end."""
        return self._ended

    @property
    def progress(self) -> tuple[int, int] | None:
        """None: only its owner knows how long it is."""
        return None

    async def read(self) -> Chunk | None:
        """The next chunk; None at the end.

        Raises BadLineFound where strict, SyncerError for misuse and for all that the
        source raises; then its chunks are asked for again, from the last cursor.
        """
        if self._sorter.stopped is not None:
            raise self._sorter.stopped
        if self._ended:
            return None
        if not self._acked:
            await self.ack(self.number, self._mark)  # a crash may have come before the last one
            self._acked = True
        try:
            if self._chunks is None:
                self._chunks = open_chunks(self.label, self._source.chunks(self._mark.cursor))
            found = await anext(self._chunks, _END)
            if found is not _END:
                return self._chunk(found)
        except SyncerError:
            await self.close()
            raise
        except Exception as error:
            await self.close()
            raise self._explain_failure("cannot be read after", self._mark, error) from error
        except BaseException:
            # A generator that was cancelled gives nothing more: that is not the end.
            self._chunks = None
            raise
        self._ended = True
        return None

    async def wait(self) -> None:
        """Return at once: what comes later is seen by the next run."""

    async def ack(self, log: int, mark: Mark) -> None:
        """Hand the cursor on."""
        try:
            await await_ack(self.label, self._source.ack(mark.cursor))
        except SyncerError:
            raise
        except Exception as error:
            raise self._explain_failure("cannot acknowledge", mark, error) from error

    async def close(self) -> None:
        """Let the source's generator end where it is.

        What it raises then changes nothing of what is done: it is a warning.
        """
        chunks, self._chunks = self._chunks, None
        if isinstance(chunks, AsyncGenerator):
            try:
                await chunks.aclose()
            except Exception as error:
                _log.warning(
                    "%s could not be closed: %s: %s", self.label, type(error).__name__, error
                )

    def _explain_failure(self, how: str, mark: Mark, error: Exception) -> SyncerError:
        return SyncerError(
            f"{self.label} {how} cursor {mark.cursor!r}: {type(error).__name__}: {error}"
        )

    def _chunk(self, found: object) -> Chunk:
        before = self._mark
        number = before.offset + 1
        check_chunk(self.label, number, found, SourceChunk, before.cursor)
        assert isinstance(found, SourceChunk)
        lines = _lines(found.changes, before.index)
        index = before.index + len(lines)
        chunk = self._sorter.sort(lines, before, Mark(index, number, index, 0, found.cursor))
        self._mark = chunk.end
        return chunk


_END = object()


def identity(name: str) -> LogIdentity:
    """A feed among the logs of a state."""
    return LogIdentity(
        FEED + name, FEED + name, blake2b(name.encode(), digest_size=16).hexdigest(), 0, 0, 0, 0
    )


FeedRow = bytes | tuple[Unwritable, dict[str, object]]
"""A change as a line; or why it is not one, and as much of its ids as could be read."""


def _lines(changes: Sequence[object], index: int) -> list[tuple[FeedRow, int, int]]:
    """Those that are not blank, with their numbers from this index on."""
    lines: list[tuple[FeedRow, int, int]] = []
    for change in changes:
        row: FeedRow
        try:
            row = as_line(change)
            if not row.strip():
                continue
        except Unwritable as bad:
            row = (bad, ids_of(change))
        lines.append((row, index + len(lines) + 1, index + len(lines)))
    return lines


def _parse(row: FeedRow, place: LinePlace, options: LineOptions) -> Change | BadLine | IgnoredLine:
    if isinstance(row, bytes):
        return parse(row, place, options)
    bad, ids = row
    return bad_line(bad.shown, bad.reason, place, ids)
