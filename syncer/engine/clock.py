"""The time that a run counts by."""

from __future__ import annotations

import time

import anyio

DRIFT_SECONDS = 0.05
"""So far apart two clocks may be that nobody has set."""


class Clock:
    """Seconds since 1970 by the wall clock as it was at the start of the run, and from
    then on never going back and never jumping.

    What is kept for a later run is timed by the wall clock of then: see
    `ahead_seconds`.
    """

    def __init__(self) -> None:
        """Within the event loop whose time it follows."""
        self._epoch = time.time() - anyio.current_time()
        self._ahead_seconds = 0.0

    def __call__(self) -> float:
        """The time now."""
        return anyio.current_time() + self._epoch

    def ahead_seconds(self) -> float:
        """Return how far the wall clock is ahead of this one by now, because it was
        set.

        Stays as it is while the two only drift a little.
        """
        ahead_seconds = time.time() - self()
        if abs(ahead_seconds - self._ahead_seconds) > DRIFT_SECONDS:
            self._ahead_seconds = ahead_seconds
        return self._ahead_seconds
