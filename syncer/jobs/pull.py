"""A pull lane: its parts, and the engine.

fetched ─► repeats left out ─► sink.write, durable ─► checkpoint, durable ─► next page
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
import msgspec

from syncer.core.events import Event
from syncer.core.facts import Destination
from syncer.core.ports.pull import Found, Problem, Unit
from syncer.engine.advice import OUTPUT_KEPT
from syncer.engine.pull import Pull
from syncer.engine.signal import Signal
from syncer.errors import SyncerError, exit_code, first_error
from syncer.finish import finish
from syncer.jobs.progress import Sending, Share, sending
from syncer.jobs.pull_parts import PullParts
from syncer.jobs.signals import Listen, ignore, until_signal
from syncer.jobs.wiring import EarlierRun, wire
from syncer.journal.checkpoint import Checkpoint
from syncer.printable import counted

Destinations = dict[str, Destination]
"""By their names in a checkpoint."""
PROBLEMS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class PullReport:
    """A pull, all its runs together, except requests, throttles and time. fetched =
    written + duplicates.
    """

    fetched: int
    written: int
    duplicates: int
    """Hits that repeated others."""
    unreadable: int
    """Things that are listed but could not be had."""
    requests: int
    throttled: int
    elapsed_seconds: float
    out: str

    def sentence(self) -> str:
        """One line for people."""
        rate = self.fetched / self.elapsed_seconds if self.elapsed_seconds else 0.0
        return (
            f"fetched {self.fetched:,}: written {self.written:,} to {self.out},"
            f" {counted(self.duplicates, 'duplicate')}, {self.unreadable:,} unreadable;"
            f" {counted(self.requests, 'request')}, {self.throttled:,} throttled;"
            f" {self.elapsed_seconds:.1f} s, {rate:,.0f}/s"
        )


@dataclass(frozen=True, slots=True)
class Pulled:
    """The end of a pull."""

    report: PullReport
    error: SyncerError | None
    interrupted: int | None
    problems: tuple[Problem, ...]
    """Some of what could not be had in this run."""
    notes: tuple[str, ...] = ()
    """What users are to know of the output."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command line."""
        return exit_code(self.error, self.interrupted, self.report.unreadable)


class PullLane:
    """One pull into one sink, carried on where an earlier run left it."""

    def __init__(self, parts: PullParts, *, out: str) -> None:
        """`out`: where rows go, for people. Raises SyncerError."""
        self._parts = parts
        self._origin = parts.origin
        self._sink = parts.sink
        self._checkpoints = parts.checkpoints
        self._out = out
        self._sink.open(self._checkpoints.last.position)
        self._problems: list[Problem] = []
        self._one_at_a_time = anyio.Lock()
        self._engine: Pull | None = None
        self._share: Share | None = None
        self._started = time.monotonic()

    async def run(
        self, observe: Callable[[Event], None] = lambda _: None, *, signals: Listen = ignore
    ) -> Pulled:
        """Pull to the end of the list. Errors that stop a run are in what it returns;
        what is written is kept.

        A signal that comes while the output is made whole changes nothing: there is
        nothing left to carry on.
        """
        self._started = time.monotonic()
        error: SyncerError | None = None
        interrupted: list[int] = []
        try:
            await until_signal(
                lambda: self._run(observe, interrupted), self._drain, interrupted, signals
            )
        except SyncerError as stopped:
            error = stopped
        early = interrupted[0] if interrupted and not self._checkpoints.last.done else None
        return Pulled(self.report(), error, early, tuple(self._problems), tuple(self._sink.notes))

    async def _run(self, observe: Callable[[Event], None], interrupted: list[int]) -> None:
        last = self._checkpoints.last
        async with wire(
            self._origin,
            observe,
            earlier=EarlierRun(last.destination, last.storage, self._parts.state),
            leaves=OUTPUT_KEPT,
            clock=self._parts.clock,
            rng=self._parts.rng,
        ) as engine:
            self._engine = engine
            self._share = Share(self._origin.pace, anyio.current_time())
            try:
                if not interrupted:
                    await self._read(engine)
                if not interrupted:
                    await self._alone(self._finish, self._destinations())
            finally:
                if not self._checkpoints.last.done:
                    await finish(partial(self._alone, self._leave, self._destinations()))

    def _drain(self) -> None:
        if self._engine is not None:
            self._engine.drain()

    async def _read(self, engine: Pull) -> None:
        """The rest of the list, which may have grown since: once its end was reached,
        it is not read on.
        """
        last = self._checkpoints.last
        if last.listed:
            return
        try:
            async with anyio.create_task_group() as tasks:
                for way in engine.ways.values():
                    tasks.start_soon(self._keep_pauses, way.turns.to_keep)
                await engine.run(
                    last.cursor,
                    self._deliver,
                    None if last.pages and not last.parts else self._parts.done.done,
                )
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    async def _keep_pauses(self, paused: Signal) -> None:
        """A pause is written down when it is asked for: it may be long until the next
        page, and a killed process says nothing any more.
        """
        while True:
            await paused.wait()
            await self._alone(self._note_destinations, self._destinations())

    async def _deliver(self, unit: Unit, found: Found) -> None:
        await self._alone(self._write, unit, found, self._destinations())

    async def _alone(self, write: Callable[..., None], *arguments: object) -> None:
        """In a thread, to its end, and not beside another write."""
        async with self._one_at_a_time:
            await finish(partial(anyio.to_thread.run_sync, write, *arguments))

    def _write(self, unit: Unit, found: Found, destinations: Destinations) -> None:
        """A page to the sink, then the checkpoint, each durable before the next."""
        last, done, seen = self._checkpoints.last, self._parts.done, self._parts.seen
        rows = found.rows
        if seen is not None:
            fresh = seen.fresh([row.key for row in rows], last.pages)
            rows = [row for row, new in zip(rows, fresh, strict=True) if new]
        duplicates = found.duplicates + len(found.rows) - len(rows)
        if unit.parts:
            done.add(unit.parts)
        self._problems += found.problems[: max(0, PROBLEMS_SHOWN_MAX - len(self._problems))]
        self._checkpoints.commit(
            msgspec.structs.replace(
                last,
                cursor=unit.cursor,
                position=self._sink.write(last.pages, rows),
                pages=last.pages + 1,
                parts=done.count,
                fetched=last.fetched + len(rows) + duplicates,
                written=last.written + len(rows),
                duplicates=last.duplicates + duplicates,
                unreadable=last.unreadable + len(found.problems),
                **destinations,
            )
        )

    def _finish(self, destinations: Destinations) -> None:
        """The list is at its end, which is noted first: an output that is whole takes
        no page more. Then the job is done.
        """
        self._checkpoints.commit(msgspec.structs.replace(self._checkpoints.last, listed=True))
        self._sink.close()
        done = msgspec.structs.replace(
            self._checkpoints.last,
            done=True,
            out=self._parts.place,
            wrote=self._identify_output(),
            **destinations,
        )
        self._checkpoints.commit(done)

    def _identify_output(self) -> tuple[int, int] | None:
        """Return what the whole output is known by."""
        path = self._parts.path
        if path is None or not path.is_file():
            return None
        status = path.stat()
        return status.st_size, status.st_mtime_ns

    def _leave(self, destinations: Destinations) -> None:
        """The run stops before the end: a pause of the destination outlives it."""
        self._sink.abandon()
        self._note_destinations(destinations)

    def _note_destinations(self, destinations: Destinations) -> None:
        noted = msgspec.structs.replace(self._checkpoints.last, **destinations)
        if noted != self._checkpoints.last:
            self._checkpoints.commit(noted)

    def _destinations(self) -> Destinations:
        """Return how a later run is to treat the remote.

        Asked for within the event loop, which has the time.
        """
        names = {"api": "destination", "storage": "storage"}
        return (
            {names[via]: way.turns.fact() for via, way in self._engine.ways.items()}
            if self._engine
            else {}
        )

    def report(self) -> PullReport:
        """Return where the pull stands, also while it is under way."""
        last: Checkpoint = self._checkpoints.last
        ways = self._engine.ways.values() if self._engine else ()
        transports = [
            transport
            for transport in (self._origin.api, self._origin.storage)
            if transport is not None
        ]
        return PullReport(
            fetched=last.fetched,
            written=last.written,
            duplicates=last.duplicates,
            unreadable=last.unreadable,
            requests=sum(way.turns.requests for way in ways)
            + sum(transport.hidden_retries for transport in transports),
            throttled=sum(way.turns.throttled for way in ways),
            elapsed_seconds=round(time.monotonic() - self._started, 3),
            out=self._out,
        )

    def sending(self) -> Sending:
        """Return how the requests to the API go just now. From within the event
        loop.
        """
        return (
            sending(self._engine.ways["api"].turns, self._share)
            if self._engine and self._share
            else Sending()
        )
