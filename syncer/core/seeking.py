"""A pace that finds a limit which nobody has published. `now` is an argument, in
seconds of any one clock.

15 a second ──► ever faster ──► a request too many ──► a little less than was taken
                                                       in the second before it ───┐
                                                                                  ▼
     a step faster, a minute later ◄─────────────────────────────────── kept for a while
       │            │                                                             │
       │ kept       └──► a request too many: back, and twice as long              │
       │                 until the next step                                      │
       └──► the next step                           a request too many: slower ◄──┘
"""

from __future__ import annotations

import math
from collections import deque

from syncer.core.pace import RATE_MAX, Pace

START_RATE = 15.0
"""What Clarifai documents for everybody (wire, section 2)."""
DOUBLING_SECONDS = 0.75
HOLD_SECONDS = 1.25
"""A rate that was kept for this long is not too fast: the second that a limit speaks
of, and the answers to it.
"""
STEP = 1.05
CLOSEST = 0.9
"""The share of the time between two requests in which lateness is made up for."""
AGAIN_SECONDS = 60.0
"""Of sending at one rate, before a step faster; then twice as long each time that one
was too fast.
"""
BELOW = 0.96
"""The share of what was taken in the second before a request too many: seconds are not
measured alike here and there.
"""
LOWER = 0.93
"""The share of a rate that had been kept, or had been counted, and is too fast all the
same.
"""
HISTORY_SECONDS = 61.0
"""As late as a refusal may come: the timeout of a request."""


class SeekingPace(Pace):
    """A pace that learns of each request that was one too many, and keeps to what the
    remote then turns out to take.
    """

    def __init__(self) -> None:
        super().__init__(START_RATE)
        self._at_most = RATE_MAX
        self._sought = START_RATE  # except what is allowed at most
        self._ramping = True
        self._kept_rate = math.inf  # the rate before the last step
        self._again_seconds = AGAIN_SECONDS
        self._again = AGAIN_SECONDS  # of sending, until the next step
        self._history: deque[float] = deque()
        self._refused: set[float] = set()
        self._changed_at = -math.inf
        self._last = -math.inf

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Look for no more than this from now on; what was found before is kept."""
        self._at_most = requests_per_second
        super().set_rate(min(requests_per_second, self._sought), now)

    def next_at(self, now: float) -> float:
        """Like `Pace.next_at`, but never in bursts: some services measure the gaps."""
        return max(super().next_at(now), self._last + CLOSEST / self.requests_per_second)

    def take(self, now: float) -> None:
        """A request goes now."""
        self._count(now)
        if self._refused:
            self._lower(now)
        super().take(now)
        gap_seconds = now - self._last
        # Where there was not enough to send, the rate was not tried.
        busy_seconds = gap_seconds if gap_seconds <= 2 / self.requests_per_second else 0.0
        self._last = now
        if self._ramping:
            self._history.append(now)
            while self._history[0] < now - HISTORY_SECONDS:
                self._history.popleft()
        if self._sought > self._at_most:
            return  # As fast as is allowed: no other rate is tried.
        if self._ramping:
            self._go_at(self.requests_per_second * 2 ** (busy_seconds / DOUBLING_SECONDS))
        else:
            self._keep(busy_seconds)

    def refused(self, sent_at: float) -> None:
        """A request that went at this time was one too many.

        What was on its way when the rate was lowered says nothing new.
        """
        if sent_at > self._changed_at:
            self._refused.add(sent_at)

    def _keep(self, busy_seconds: float) -> None:
        """The rate holds so far: after a while it is kept, and a step faster tried."""
        self._again -= busy_seconds
        if self._again <= 0:
            self._kept_rate = self.requests_per_second
            self._again = HOLD_SECONDS
            self._go_at(self.requests_per_second * STEP)

    def _lower(self, now: float) -> None:
        """Requests were too many: all are known now, for sending has paused since."""
        first, rate = min(self._refused), self.requests_per_second
        if self._ramping:
            self._ramping = False
            slower = float(
                math.ceil(BELOW * sum(first - 1.0 <= at < first for at in self._history))
            )
            self._history.clear()
        elif rate > self._kept_rate:
            slower = self._kept_rate
            self._again, self._again_seconds = self._again_seconds, 2 * self._again_seconds
        else:
            slower = LOWER * rate
            self._again = self._again_seconds
        self._changed_at = now
        self._refused.clear()
        self._go_at(max(1.0, slower))

    def _go_at(self, requests_per_second: float) -> None:
        self._sought = requests_per_second
        self._set(min(self._at_most, requests_per_second))
