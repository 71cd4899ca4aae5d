"""The labels that a push has applied over time, in few numbers."""

from __future__ import annotations

import time

import anyio

from syncer.jobs.push import PushLane

SAMPLES_MAX = 240


class Throughput:
    """Samples of a push: seconds since it began, and labels applied by then. The longer
    it takes, the further they are apart.
    """

    def __init__(self) -> None:
        self.samples: list[tuple[float, int]] = []
        self._every_seconds = 1.0
        self._started = time.monotonic()

    async def follow(self, lane: PushLane) -> None:
        """Take samples until this is cancelled."""
        while True:
            self.note(lane.summary().applied)
            await anyio.sleep(self._every_seconds)

    def note(self, applied: int) -> None:
        """Take one more."""
        self.samples.append((round(time.monotonic() - self._started, 2), applied))
        if len(self.samples) > SAMPLES_MAX:
            del self.samples[1::2]
            self._every_seconds *= 2
