"""The daemon: its lanes, each in a task of its own, and the end of all of them.

    lane ── source, source …       none of them holds up another
    lane ── source …
    HTTP                           shows them

It goes on until it is drained. Then lanes finish what is in flight and write it down;
what they were not done with stays in their states.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal

import anyio

from syncer.daemon.lane import Lane
from syncer.errors import SyncerError, exit_code
from syncer.jobs.signals import Listen

Phase = Literal["starting", "following", "draining"]


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


class Supervisor:
    """All lanes. `run` once; `drain` ends it."""

    def __init__(self, lanes: Sequence[Lane], drain_seconds: float) -> None:
        """`drain_seconds`: how long a drain may take."""
        self.lanes = lanes
        self.phase: Phase = "starting"
        self._drain_seconds = drain_seconds
        self.draining = anyio.Event()
        """Set once it comes to its end."""
        self._at_work: set[str] = set()

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
                    self.phase = "following"
                    await self._follow()
        return Ended(tuple(sorted(self._at_work)))

    def drain(self) -> None:
        """Let every lane finish what is in flight, and end."""
        self.phase = "draining"
        self.draining.set()
        for lane in self.lanes:
            lane.drain()

    async def _follow(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_in_time, tasks.cancel_scope)
            for lane in self.lanes:
                self._at_work.add(lane.name)
                tasks.start_soon(self._run, lane, tasks.cancel_scope)

    async def _end_in_time(self, scope: anyio.CancelScope) -> None:
        await self.draining.wait()
        await anyio.sleep(self._drain_seconds)
        scope.cancel()

    async def _run(self, lane: Lane, scope: anyio.CancelScope) -> None:
        await lane.run()
        self._at_work.remove(lane.name)
        if not self._at_work:
            scope.cancel()


Serve = Callable[[Supervisor], AbstractAsyncContextManager[None]]
