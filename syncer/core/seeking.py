"""A pace that finds a limit which nobody has published. `now` is an argument, in
seconds of any one clock.

15 a second ──► ever faster ──► a request too many ──► the limit that explains it
                    ▲                                            │
                    │ soon, where it is a guess                  ▼
                    └─────── later, where it is known ◄─── kept for a while
                                                           │         ▲
                                      a request too many ◄─┘         │
                                               └──► one less, or ────┘
                                                    what explains that

What explains requests that were too many is in `explaining.py`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import replace

from syncer.core.explaining import (
    ANY_LIMIT,
    CLOSE,
    SPREAD_SECONDS,
    Evidence,
    guess_limit,
    keep_distances,
    learn,
)
from syncer.core.pace import RATE_MAX, Pace

START_RATE = 15.0
"""What Clarifai documents for everybody (wire, section 2)."""
RATE_MIN = 1.0
"""A remote that refuses everything is asked this often."""
SPREAD_SECONDS_MAX = 0.09
"""Requests that move further against each other than this explain anything."""
START_DOUBLING_SECONDS = 0.45
"""So that 500 requests a second are reached within three seconds."""
DOUBLING_SECONDS = 1.2
"""Of what is tried above a limit that was found: slow enough that few requests are too
many before the answer to the first one, and ten times as fast within ten seconds.
"""
STEP = 0.02
"""What is tried first above a limit; a request a second where that is more."""
SOON_SECONDS = 1.5
"""A rate that was kept for this long is not too fast: the second that a limit speaks
of, and the answers to it.
"""
AGAIN_SECONDS = 50.0
"""A limit that is known is tried again after this time of sending: one that has risen
is found within a minute.
"""
LATER = 4.0
"""Each time that faster was too fast, the next try is this many times later."""
PAUSE_SECONDS_MIN = 1.0
"""These waits are for a remote that asks for a pause of this time after a request too
many. For one that asks for more they are longer by as much: tries cost no larger share.
"""
CHANGED = 1.5
"""A limit that differs by this factor from the one before is another one."""
FELL = 1.2
"""A rate that was kept and then falls by this factor was maybe guessed too low: faster
ones are tried soon, once.
"""
CATCH_UP_SECONDS = 0.25
"""Of a pause that is made up for in the second after it, as far as that second allows:
a request that was too many costs a pause.
"""
CLOSEST = 0.75
"""Requests follow each other by no less than this part of the distance of the rate, as
long as timers can be that exact.
"""
LATE_SECONDS = 0.001
"""How late timers are at most; requests that were may follow each other faster."""
EXACT_SECONDS = 0.0015
"""Shorter distances are not kept by timers of a millisecond: lateness is made up for,
or more than half of the time would be lost.
"""
HISTORY_SECONDS = 10.0
"""How much of what was sent is kept: twice as long as a bucket takes to fill."""
CONTEXT_SECONDS = 2.0
"""How much of it still counts after a request that was too many."""


class SeekingPace(Pace):
    """A pace that learns of each request that was one too many, and keeps to what the
    remote then turns out to take.
    """

    _second = 1.0 + 0.5 * SPREAD_SECONDS

    def __init__(self) -> None:
        self._at_most = RATE_MAX
        super().__init__(START_RATE)
        self._sought = START_RATE  # except what is allowed at most
        self._known = ANY_LIMIT
        self._taken: list[float] = []
        self._refused: list[float] = []
        self._since = -math.inf  # the beginning of what was not learned from yet
        self._full_at: float | None = None
        self._last = -math.inf
        self._base = START_RATE  # what was kept last, or was begun with
        self._step = START_RATE
        self._doubling_seconds = START_DOUBLING_SECONDS
        self._kept_seconds = 0.0
        self._again_seconds = 0.0  # of keeping, until faster ones are tried
        self._soon_seconds = SOON_SECONDS
        self._pause_seconds = PAUSE_SECONDS_MIN

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Look for no more than this from now on; what was found before is kept."""
        self._at_most = requests_per_second
        super().set_rate(min(requests_per_second, self._sought), now)

    def next_at(self, now: float) -> float:
        """Like `Pace.next_at`, but never in bursts: some services measure the gaps.

        As long as this one may, and timers can be that exact, lateness is not made up
        for at all.
        """
        gap = 1.0 / self.requests_per_second
        if keep_distances not in self._known or gap < EXACT_SECONDS:
            gap = max(0.5 * gap, min(CLOSEST * gap, gap - LATE_SECONDS))
        return max(super().next_at(now), self._last + gap)

    def take(self, now: float) -> None:
        """A request goes now."""
        self._count(now)
        if self._refused:
            self._learn(now)
        late_seconds = now - self.next_at(now)
        super().take(now)
        # Where there was not enough to send, the rate was not tried.
        busy = late_seconds <= 1.0 / self.requests_per_second
        busy_seconds = now - self._last if busy else 0.0
        self._last = now
        self._remember(now)
        if self._sought > self._at_most:
            return  # As fast as is allowed: no other rate is tried.
        self._kept_seconds += busy_seconds
        if self._climbing:
            seconds = self._kept_seconds - self._again_seconds
            faster = self._step * (2.0 ** (seconds / self._doubling_seconds) - 1.0)
            self._go_at(self._base + faster)

    def refused(self, sent_at: float, pause_seconds: float) -> None:
        """A request that went at this time was one too many, and cost a pause.

        What was on its way when something was learned says nothing new.
        """
        if sent_at >= self._since:
            self._refused.append(sent_at)
            self._pause_seconds = max(PAUSE_SECONDS_MIN, pause_seconds)

    @property
    def _climbing(self) -> bool:
        return self._kept_seconds > self._again_seconds

    def _count_in_second(self, requests_per_second: float) -> int:
        """A limit that was found need not be whole; one that was given counts whole."""
        return max(1, min(math.ceil(requests_per_second), math.floor(self._at_most)))

    def _set(self, requests_per_second: float) -> None:
        super()._set(requests_per_second)
        self._catch_up = max(self._catch_up, CATCH_UP_SECONDS)

    def _remember(self, now: float) -> None:
        """Keep that a request goes now; forget old ones, many at a time."""
        self._taken.append(now)
        if self._taken[0] < now - 2 * HISTORY_SECONDS:
            del self._taken[: bisect_left(self._taken, now - HISTORY_SECONDS)]
            self._since = max(self._since, self._taken[0])
            self._full_at = None

    def _learn(self, now: float) -> None:
        """Requests were too many: all are known now, for sending has paused since."""
        evidence = self._collect()
        self._refused.clear()
        if not evidence.refused:
            return
        before, rate, climbing = self._known, self.requests_per_second, self._climbing
        self._known = learn(before, evidence)
        confirmed = bool(self._known) and before is not ANY_LIMIT
        # Where nothing explains all of it, the limit has changed.
        while not self._known and evidence.spread_seconds < SPREAD_SECONDS_MAX:
            self._known = learn(ANY_LIMIT, evidence)
            evidence = replace(evidence, spread_seconds=2.0 * evidence.spread_seconds)
        if self._known:
            limit = guess_limit(self._known)
        else:
            limit = float(evidence.count(evidence.refused[0] - 1.0, evidence.refused[0]))
        if limit >= rate:
            # Even at this rate, one was too many; what a faster try began with held.
            limit = self._base if climbing else rate - max(1.0, 0.01 * rate)
            self._known = {rule: known.at_most(limit) for rule, known in self._known.items()}
        limit = min(RATE_MAX, max(RATE_MIN, limit))
        highest = max((known.guess for known in self._known.values()), default=math.inf)
        sure = confirmed and highest <= CLOSE * limit <= CLOSE**2 * self._base
        if not 1.0 / CHANGED < limit / self._base < CHANGED:
            self._soon_seconds = SOON_SECONDS
        elif climbing:
            self._soon_seconds = min(AGAIN_SECONDS, LATER * self._soon_seconds)
        self._known = self._known or ANY_LIMIT
        self._taken = [at for at in evidence.taken if at > now - CONTEXT_SECONDS]
        self._since, self._full_at = now, evidence.refused[-1]
        soon_seconds = self._soon_seconds if climbing or limit * FELL > rate else SOON_SECONDS
        self._keep(limit, AGAIN_SECONDS if sure else soon_seconds)

    def _collect(self) -> Evidence:
        """Tell those that were taken from those that were too many."""
        taken, refused = list(self._taken), []
        for sent_at in sorted(self._refused):
            place = bisect_right(taken, sent_at) - 1
            if place >= 0:
                refused.append(taken.pop(place))
        return Evidence(taken, refused, self._since, self._full_at)

    def _keep(self, limit: float, again_seconds: float) -> None:
        """Go at this limit for a while."""
        self._base, self._step = limit, max(1.0, STEP * limit)
        self._doubling_seconds = DOUBLING_SECONDS
        self._kept_seconds, self._again_seconds = 0.0, again_seconds * self._pause_seconds
        self._go_at(limit)

    def _go_at(self, requests_per_second: float) -> None:
        self._sought = min(RATE_MAX, requests_per_second)
        self._set(min(self._at_most, self._sought))
