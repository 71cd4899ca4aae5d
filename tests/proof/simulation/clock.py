"""Virtual time: an event loop whose clock moves only when nothing else can happen, and
everything else that tells the time.

A run in it is the same each time: nothing waits for the machine, nothing is left to the
system's own order, threads are turns of the loop.
"""

from __future__ import annotations

import asyncio
import gc
import math
import random
import selectors
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from unittest import mock

import anyio

T = TypeVar("T")

EPOCH = 1_750_000_000.0
"""What the wall clock shows at the beginning of every simulation: some day in June
2025.
"""


class Crashed(BaseException):
    """The process is gone: killed, or without power.

    Nothing in it may catch this and go on.
    """


class Wedged(Exception):
    """Nothing can ever happen again, or the end is out of sight."""


class _Selector(selectors.SelectSelector):
    """Where the loop would wait for the machine, it takes a step in time instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.loop.step(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`started`: the time it begins at.

    After `crash_at` turns, or at `killed_at`, the process is gone. `steps_max`: then it
    is wedged.
    """

    def __init__(
        self, started: float, crash_at: int | None, steps_max: int, killed_at: float | None = None
    ) -> None:
        self.now = started
        self.steps = 0
        self._crash_at = crash_at
        self._killed_at = math.inf if killed_at is None else killed_at
        self._steps_max = steps_max
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)
        # after decades a float tells no finer apart, and a timer that is due must be
        # seen to be
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.now

    def step(self, timeout: float | None) -> None:
        """One turn of the loop; `timeout`: until something is to be done, None where
        nothing ever is.
        """
        self.steps += 1
        if self._crash_at is not None and self.steps >= self._crash_at:
            raise Crashed
        if timeout is None:
            if self._killed_at < math.inf:
                self.now = max(self.now, self._killed_at)
                raise Crashed
            raise Wedged("nothing is left that could happen, and the run is not over")
        if self.steps >= self._steps_max:
            raise Wedged(f"no end after {self.steps:,} turns of the loop")
        if self.now + timeout >= self._killed_at:
            self.now = max(self.now, self._killed_at)
            raise Crashed
        if timeout > 0:
            self.now = max(self.now + timeout, math.nextafter(self.now, math.inf))


class Clock:
    """The time of a simulation, over all processes that live in it: how much of it has
    passed, and what the wall clock shows.

    The wall clock may be set at any time, forward or back. The remote has a right one.
    """

    def __init__(self, settings: Iterable[tuple[float, float]] = ()) -> None:
        """`settings` of the wall clock: when, and by how many seconds."""
        self.loop: VirtualLoop | None = None
        self._between = 0.0
        self._settings = sorted(settings)

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.loop.now if self.loop is not None else self._between

    @property
    def turns(self) -> int:
        """Of the loop of the process that runs."""
        return 0 if self.loop is None else self.loop.steps

    def true(self) -> float:
        """Seconds since 1970, as the remote knows them."""
        return EPOCH + self.now

    def wall(self) -> float:
        """Seconds since 1970, as the wall clock shows them."""
        return self.true() + self.ahead()

    def ahead(self) -> float:
        """How far the wall clock is ahead of the truth."""
        return sum(seconds for at, seconds in self._settings if at <= self.now)

    def set_wall(self, seconds: float) -> None:
        """The wall clock is set now, between two processes."""
        self._settings.append((self.now, seconds))

    def aheads(self, since: float) -> list[float]:
        """All that `ahead` has been since then."""
        ahead = [sum(seconds for at, seconds in self._settings if at <= since)]
        for at, seconds in sorted(self._settings):
            if since < at <= self.now:
                ahead.append(ahead[-1] + seconds)
        return ahead

    def pass_(self, seconds: float) -> None:
        """Between two processes."""
        self._between += seconds

    def run(
        self,
        main: Callable[[], Coroutine[Any, Any, T]],
        *,
        crash_at: int | None = None,
        killed_at: float | None = None,
        steps_max: int = 2_000_000,
    ) -> T:
        """One process, until it ends.

        Raises Crashed, Wedged, and whatever `main` raises.
        """
        loop = self.loop = VirtualLoop(self._between, crash_at, steps_max, killed_at)
        try:
            return loop.run_until_complete(main())
        finally:
            self._between = loop.now
            self.loop = None
            _drop(loop)


def _drop(loop: VirtualLoop) -> None:
    """A process that is gone runs none of its code any more."""
    with mock.patch.object(sys, "unraisablehook", lambda _: None), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # tasks that were never begun
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with suppress(BaseException):
                task.get_coro().close()  # type: ignore[union-attr]
        loop._ready.clear()  # type: ignore[attr-defined]
        loop.close()
        gc.collect(0)


@contextmanager
def virtual(clock: Clock, rng: random.Random, hold_up: Callable[[], float]) -> Iterator[None]:
    """All that tells the time, and threads, as long as the block lasts.

    `hold_up`: seconds before a thread gets to its work.
    """

    # Not first where time is another one: its modules keep the clock they find.
    from syncer.emulator.clarifai import part

    async def in_thread(work: Callable[..., T], *arguments: Any, **_: Any) -> T:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(hold_up())
            done = work(*arguments)
            await anyio.sleep(rng.random() * 0.001)
        return done

    with (
        mock.patch("time.time", clock.wall),
        mock.patch("time.time_ns", lambda: int(clock.wall() * 1e9)),
        mock.patch("time.monotonic", lambda: clock.now),
        mock.patch.object(part, "time", clock.true),
        mock.patch("anyio.to_thread.run_sync", in_thread),
    ):
        yield
