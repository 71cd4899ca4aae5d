"""The time that a run counts by."""

from __future__ import annotations

import time

import anyio


class Clock:
    """Seconds since 1970 by the wall clock as it was at the start of the run, and from then on never going back and never jumping.

    What is kept for a later run is told by the wall clock of then: see `ahead_seconds`.
    """

    def __init__(self) -> None:
        """Within the event loop whose time it follows."""
        self._epoch = time.time() - anyio.current_time()

    def __call__(self) -> float:
        """The time now."""
        return anyio.current_time() + self._epoch

    def ahead_seconds(self) -> float:
        """How far the wall clock is ahead of this one by now, because it was set: whole seconds, so that drifting alone changes nothing."""
        return float(round(time.time() - self()))
