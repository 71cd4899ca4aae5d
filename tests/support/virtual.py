"""Tests in virtual time: hours pass in milliseconds, nothing depends on the machine,
and what never ends is found at once.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from tests.proof.simulation.clock import Clock, Crashed, virtual

T = TypeVar("T")

DAY_SECONDS = 86_400.0
TURNS_MAX = 100_000
"""Of the event loop: far more than any test takes."""


class Endless(Exception):
    """A day of virtual time has passed, and the run is still under way."""


class VirtualTime:
    """The time of a test. It goes on from one `run` to the next."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.thread_seconds = 0.0
        """How long a thread takes to get to its work: of a slow disk, say."""

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock.now

    def run(self, main: Callable[[], Awaitable[T]], *, killed_at: float | None = None) -> T | None:
        """What `main` comes to, None where the process was killed at this moment.

        Raises Endless, Wedged, and what `main` raises.
        """

        async def bounded() -> T:
            with anyio.move_on_after(DAY_SECONDS):
                return await main()
            raise Endless

        with virtual(self.clock, random.Random(1), lambda: self.thread_seconds):
            try:
                return self.clock.run(bounded, killed_at=killed_at, steps_max=TURNS_MAX)
            except Crashed:
                return None
