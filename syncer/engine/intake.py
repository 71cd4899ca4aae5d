"""Reads any number of sources at once, and tells each how far it is settled.

    source ──read──┐
    source ──read──┼──► one chunk each, in turns, where there is room ──► the push
    source ──fails─┘    waits, and is read on while the others go on
       ▲
       └──── ack ◄──── its newest marks, in a task of its own

A source that fails, and an acknowledgement that hangs, hold up nothing else: neither
another source nor a commit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from syncer.core.backoff import Backoff
from syncer.core.change import Chunk, Mark
from syncer.core.events import Event, SourceFailed, SourceRecovered
from syncer.core.ports.push import Source
from syncer.engine.signal import Signal
from syncer.errors import SyncerError

Fail = Callable[[SyncerError], None]
"""Receives the reason for which a source is given up."""


class _Member:
    """A source, and the marks that it has still to receive, by log."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.marks: dict[int, Mark] = {}
        self.more = Signal()


class _Tries:
    """The failures in a row of one thing that a source does."""

    def __init__(self, label: str, again: Backoff | None, observe: Callable[[Event], None]) -> None:
        self._label = label
        self._again = again
        self._observe = observe
        self._failures = 0

    def fail(self, error: SyncerError) -> float | None:
        """Return the seconds until the next try, None if no try is due."""
        if self._again is None:
            return None
        self._failures += 1
        seconds = self._again.delay(self._failures)
        self._observe(SourceFailed(self._label, str(error), seconds))
        return seconds

    def succeed(self) -> None:
        """Begin to count again."""
        if self._failures:
            self._failures = 0
            self._observe(SourceRecovered(self._label))


class Intake:
    """The sources of a push."""

    def __init__(
        self,
        sources: Sequence[Source],
        observe: Callable[[Event], None],
        again: Backoff | None = None,
    ) -> None:
        """`again`: between the tries of a source that fails; None: it is given up."""
        self.read: dict[int, int] = {}
        """By log, what this run took: changes, bad and ignored lines. Lines settled by
        earlier runs are not among them.
        """
        self._members = [_Member(source) for source in sources]
        self._by_log: dict[int, _Member] = {}
        self._observe = observe
        self._again = again
        self._door = anyio.Lock(fast_acquire=True)
        self._closing = anyio.Event()

    # --- reading ----------------------------------------------------------------------

    async def read_all(
        self,
        has_room: Callable[[], Awaitable[bool]],
        take: Callable[[Chunk], None],
        fail: Fail,
    ) -> bool:
        """Hand over what the sources give; return whether all have come to their ends.

        `has_room` waits until one more chunk may come; it gives False where none may
        come any more.
        """

        ended = 0

        async def read(member: _Member) -> None:
            nonlocal ended
            tries = _Tries(member.source.label, self._again, self._observe)
            try:
                while True:
                    async with self._door:
                        if not await has_room():
                            return
                    chunk = await self._next(member.source, tries)
                    if chunk is None:
                        ended += 1
                        return
                    # The lock is fair: each source hands over one chunk, then the next.
                    async with self._door:
                        if not await has_room():
                            return
                        self._by_log[chunk.log] = member
                        self.read[chunk.log] = self.read.get(chunk.log, 0) + chunk.count
                        take(chunk)
            except SyncerError as error:
                fail(error)

        async with anyio.create_task_group() as tasks:
            for member in self._members:
                tasks.start_soon(read, member)
        return ended == len(self._members)

    async def _next(self, source: Source, tries: _Tries) -> Chunk | None:
        """Return the source's next chunk, however late; None at its end."""
        while True:
            try:
                chunk = await source.read()
            except SyncerError as error:
                seconds = tries.fail(error)
                if seconds is None:
                    raise
                await anyio.sleep(seconds)
                continue
            tries.succeed()
            if chunk is not None or source.ended:
                return chunk
            await source.wait()

    # --- acknowledgements -------------------------------------------------------------

    def acknowledge(self, log: int, mark: Mark) -> None:
        """Let the source of this log be told that all before the mark is settled."""
        member = self._by_log[log]
        member.marks[log] = mark
        member.more.set()

    async def acknowledge_all(self, fail: Fail) -> None:
        """Tell the sources what `acknowledge` is given, until closed."""
        async with anyio.create_task_group() as tasks:
            for member in self._members:
                tasks.start_soon(self._acknowledge, member, fail)

    def close(self) -> None:
        """Let `acknowledge_all` end once every source has been told."""
        self._closing.set()
        for member in self._members:
            member.more.set()

    async def _acknowledge(self, member: _Member, fail: Fail) -> None:
        tries = _Tries(member.source.label, self._again, self._observe)
        while member.marks or not self._closing.is_set():
            if not member.marks:
                await member.more.wait()
                continue
            log = next(iter(member.marks))  # the one that waits longest
            mark = member.marks.pop(log)
            try:
                await member.source.ack(log, mark)
                tries.succeed()
            except SyncerError as error:
                seconds = tries.fail(error)
                if seconds is None:
                    fail(error)
                elif not self._closing.is_set():  # else the next run tells it again
                    member.marks.setdefault(log, mark)
                    with anyio.move_on_after(seconds):
                        await self._closing.wait()
