"""An inbox as a source: bodies of lines that others post, taken once each.

    judge ──► the spool and the key, with one fsync ──► the answer
                    │
                    └──► read … settled ──► cut

A body that comes again under its key is answered as before, and not stored again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import anyio
import anyio.to_thread
import msgspec

from syncer.core.change import Chunk, Mark
from syncer.finish import finish
from syncer.sources.body import JudgedBody, LineFault, judge
from syncer.sources.body_index import KnownBody, Receipt
from syncer.sources.keys import KnownBodies, digest
from syncer.sources.lines import LineOptions
from syncer.sources.segments import SpoolFull
from syncer.sources.spool import Spool

LINE_BYTES_MIN = len(b'{"input_id":"i"}\n')
"""Of the shortest line that asks for something."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Nothing of a body was stored, and its key is not known from now on."""

    cause: Literal["malformed", "key used", "too large", "full"]
    reason: str
    bad: tuple[LineFault, ...] = ()


class Inbox:
    """Bodies in, chunks out."""

    ended = False

    def __init__(
        self,
        spool: Spool,
        known: KnownBodies,
        options: LineOptions,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`spool`: over the segments of `known`, with the same options. `now`: seconds
        since 1970.
        """
        self._spool = spool
        self._known = known
        self._options = options
        self._now = now
        self._one_at_a_time = anyio.Lock()
        self._wanted_bytes = LINE_BYTES_MIN
        """Of a line for which there must be room."""
        self._taken = deque[tuple[int, float]]()
        """The place after each append that was not read yet, and its time."""

    @property
    def label(self) -> str:
        """The name of the source."""
        return self._spool.label

    @property
    def is_full(self) -> bool:
        """Whether a body of one line would not fit: of a line as in the last body for
        which there was no room.
        """
        return self._known.segments.room_bytes < self._wanted_bytes

    async def take(
        self, body: bytes, key: str | None = None, *, strict: bool = False
    ) -> Receipt | NotTaken:
        """Store the lines of a body that are not bad; they are durable when this
        returns. If it is cancelled, it still comes to its end, and the next one with
        this key gets its answer.

        `strict`: store nothing where a line is bad. Raises StateError where nothing can
        be stored just now.
        """
        return await finish(partial(self._take, body, key, strict))

    async def _take(self, body: bytes, key: str | None, strict: bool) -> Receipt | NotTaken:
        async with self._one_at_a_time:
            key_digest = None if key is None else digest(key.encode("utf-8", "surrogateescape"))
            body_digest = digest(body)
            if (
                key_digest is not None
                and (known := self._known.find(key_digest, body_digest)) is not None
            ):
                if known.body == body_digest:
                    return known.receipt
                return NotTaken("key used", "this Idempotency-Key came with another body before")
            judged = await anyio.to_thread.run_sync(judge, body, self._options)
            if (reason := _find_fault(judged, strict=strict, keyed=key is not None)) is not None:
                return NotTaken("malformed", f"{reason}: nothing was stored", tuple(judged.bad))
            if (refused := self._find_too_large(judged)) is not None:
                return refused
            receipt = Receipt(len(judged.lines), tuple(judged.bad))
            if key_digest is None:
                return await self._store(judged, receipt, None)
            named = KnownBody(key_digest, body_digest, self._now(), receipt)
            return await self._store(judged, receipt, named)

    def _find_too_large(self, judged: JudgedBody) -> NotTaken | None:
        most = self._known.segments.waiting_bytes_max
        if sum(len(line) + 1 for line in judged.lines) <= most:
            return None
        return NotTaken("too large", f"the inbox takes {most:,} bytes: nothing was stored")

    async def _store(
        self, judged: JudgedBody, receipt: Receipt, named: KnownBody | None
    ) -> Receipt | NotTaken:
        if judged.lines:
            note = "" if named is None else msgspec.to_builtins(named)
            try:
                appended = await self._spool.append(judged.lines, note)
            except SpoolFull as error:
                self._wanted_bytes = min(len(line) + 1 for line in judged.lines)
                return NotTaken("full", str(error))
            self._wanted_bytes = LINE_BYTES_MIN
            self._taken.append((appended.end.index, self._now()))
            if named is not None:
                self._known.add(named)
        elif named is not None:
            await anyio.to_thread.run_sync(self._known.save, [named])
        return receipt

    async def read(self) -> Chunk | None:
        """Return the next chunk; None where nothing waits. Raises as the spool does."""
        chunk = await self._spool.read()
        if chunk is not None and self._taken:
            chunk.written_at = self._taken[0][1]
            while self._taken and self._taken[0][0] <= chunk.end.index:
                self._taken.popleft()
        return chunk

    async def wait(self) -> None:
        """Return once lines were added that were not read."""
        await self._spool.wait()

    async def ack(self, log: int, mark: Mark) -> None:
        """Remove the files of which nothing is needed any more. Raises StateError."""
        async with self._one_at_a_time:
            await finish(partial(anyio.to_thread.run_sync, self._known.cut, mark))

    async def close(self) -> None:
        """Let go of the files, after what is being taken."""
        async with self._one_at_a_time:
            await self._spool.close()
            self._known.close()


def _find_fault(judged: JudgedBody, *, strict: bool, keyed: bool) -> str | None:
    """Return why nothing of a body may be stored, None if it may."""
    if judged.fault:
        return judged.fault
    if strict and judged.bad:
        return f"line {judged.bad[0].line} is bad: {judged.bad[0].reason}"
    if not judged.is_repeatable and not keyed:
        return "give an Idempotency-Key: there is more in the body than posts with ids"
    return None
