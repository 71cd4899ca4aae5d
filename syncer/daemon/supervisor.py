"""The daemon: its lanes, each in a task of its own, and the end of all of them.

    lane ── source, source …       none of them holds up another
    lane ── source …
    HTTP                           shows them

It goes on until it is drained. Then lanes finish what is in flight and write it down;
what they were not done with stays in their states. Lanes may begin, end, and go on with
other settings meanwhile: each is stopped as in a drain first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal

import anyio
import anyio.abc

from syncer.daemon.lane import Lane
from syncer.daemon.status import Faults
from syncer.errors import SyncerError, exit_code
from syncer.jobs.signals import Listen

Phase = Literal["starting", "following", "draining"]
Renew = Callable[[Lane], None]
"""Gives a lane that is stopped its other settings."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The way in which the daemon came to its end."""

    unfinished: tuple[str, ...] = ()
    """The lanes that were stopped before they had written down what was in flight."""

    @property
    def error(self) -> SyncerError | None:
        """The error of a drain that took too long, or was cut short."""
        if not self.unfinished:
            return None
        lanes = "lane" if len(self.unfinished) == 1 else "lanes"
        return SyncerError(
            f"stopped before the {lanes} {', '.join(self.unfinished)} had finished what was in"
            " flight; nothing is lost: the next start asks what became of it"
        )

    @property
    def exit_code(self) -> int:
        """0 after a drain in time, else 1."""
        return exit_code(self.error, None, 0)


@dataclass(eq=False, slots=True)
class _Kept:
    """A lane with a task of its own."""

    lane: Lane
    is_wanted: bool = True
    renew: Renew | None = None
    """What is done before it goes on; None: it ends with its run."""
    predecessors: list[anyio.Event] = field(default_factory=list)
    """The ends of runs that it waits for before it begins or goes on."""
    run: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    stopped: anyio.Event = field(default_factory=anyio.Event)
    """Set while it does not run."""
    settled: anyio.Event = field(default_factory=anyio.Event)
    """Set once it is as it is wanted to be."""

    def __post_init__(self) -> None:
        self.stopped.set()


class Supervisor:
    """All lanes. `run` once; `drain` ends it."""

    def __init__(self, lanes: Sequence[Lane], drain_seconds: float) -> None:
        """`drain_seconds`: how long a drain may take."""
        self.lanes = list(lanes)
        """Those that are wanted. This list stays the same one: it can be handed on."""
        self.phase: Phase = "starting"
        self.drain_seconds = drain_seconds
        self.began = anyio.Event()
        """Set once its lanes are at work."""
        self.draining = anyio.Event()
        """Set once it comes to its end."""
        self.faults = Faults()
        """Of the daemon as a whole."""
        self._tasks: anyio.abc.TaskGroup | None = None
        self._kept: dict[str, _Kept] = {}
        """By name: all that are at work, those that are to end included."""

    async def run(self, listen: Listen, serve: Serve) -> Ended:
        """Go on until a signal drains it; a second one stops it at once.

        `serve`: what shows it while it is on.
        """
        with anyio.CancelScope() as scope:

            def take(_: int) -> None:
                if self.draining.is_set():
                    scope.cancel()
                self.drain()

            with listen(take):
                async with serve(self):
                    await self._follow()
        return Ended(tuple(sorted(self._kept)))

    def drain(self) -> None:
        """Let every lane finish what is in flight, and end."""
        self.phase = "draining"
        self.draining.set()
        for kept in self._kept.values():
            kept.lane.drain()

    # --- while it runs ----------------------------------------------------------------

    def begin(self, name: str, make: Callable[[], Lane], renew: Renew) -> None:
        """Take in a lane. One of that name that still comes to its end goes on with
        other settings.
        """
        kept = self._kept.get(name)
        if kept is None:
            self._keep(make())
        else:
            kept.is_wanted, kept.renew = True, renew

    def let_wait(self, name: str, predecessors: Collection[str]) -> None:
        """Let a lane that begins or was stopped wait for what others, which were
        stopped, have in flight.
        """
        others = [self._kept[other].stopped for other in predecessors if other in self._kept]
        self._kept[name].predecessors += others

    def stop(self, name: str, renew: Renew | None = None) -> Lane:
        """Let a lane finish what is in flight, as far as a drain may take; then it goes
        on with other settings, or ends. Return it.
        """
        kept = self._kept[name]
        kept.is_wanted, kept.renew = renew is not None, renew
        if kept.settled.is_set():
            kept.settled = anyio.Event()
            assert self._tasks is not None
            self._tasks.start_soon(self._stop_in_time, kept.run, kept.stopped)
        kept.lane.drain()
        return kept.lane

    def arrange(self, names: Sequence[str]) -> None:
        """Show the lanes of these names, in this order."""
        self.lanes[:] = [self._kept[name].lane for name in names]

    def is_at_work(self, name: str) -> bool:
        """Whether there is a lane of this name, also one that is coming to its end."""
        return name in self._kept

    async def settle(self, names: Collection[str]) -> None:
        """Return once these lanes are as they are wanted to be."""
        for settled in [self._kept[name].settled for name in names if name in self._kept]:
            await settled.wait()

    # --- tasks ------------------------------------------------------------------------

    async def _follow(self) -> None:
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._end_in_time, self._tasks.cancel_scope)
            for lane in self.lanes:
                self._keep(lane)
            if not self.draining.is_set():
                self.phase = "following"
            self.began.set()

    async def _end_in_time(self, scope: anyio.CancelScope) -> None:
        await self.draining.wait()
        await anyio.sleep(self.drain_seconds)
        scope.cancel()

    async def _stop_in_time(self, run: anyio.CancelScope, stopped: anyio.Event) -> None:
        with anyio.move_on_after(self.drain_seconds):
            await stopped.wait()
        if not stopped.is_set() and not self.draining.is_set():
            run.cancel()

    def _keep(self, lane: Lane) -> None:
        assert self._tasks is not None
        kept = self._kept[lane.name] = _Kept(lane)
        self._tasks.start_soon(self._run, kept, self._tasks.cancel_scope)

    async def _run(self, kept: _Kept, scope: anyio.CancelScope) -> None:
        while True:
            while kept.predecessors:
                await kept.predecessors.pop().wait()
            if self.draining.is_set() or not kept.is_wanted:
                break
            if kept.renew is not None:
                kept.renew(kept.lane)
                kept.renew = None
            kept.stopped = anyio.Event()
            kept.settled.set()
            with anyio.CancelScope() as kept.run:
                await kept.lane.run()
            kept.stopped.set()
            if kept.renew is None:
                break
        kept.settled.set()
        del self._kept[kept.lane.name]
        if not self._kept:
            scope.cancel()


Serve = Callable[[Supervisor], AbstractAsyncContextManager[None]]
