"""The pace of requests: how fast they may go, and how many at once.

`now` is an argument, in seconds of any one clock.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal, Protocol

WINDOW_SECONDS = 1.001
"""The second that a limit speaks of, and a little: between a turn and the wire,
requests move against each other.
"""
RING_MAX = 5000
"""Above this rate the process is slower than the limit: only the schedule is kept."""
CATCH_UP_SECONDS = 0.05
"""How much lateness is made up for, or one request's spacing where that is more."""
RATE_MAX = 1000.0
"""More requests a second than this one process does not send: then the process is the
limit, and more in flight only costs memory.
"""
UNPACED_LIMIT = 16


class Paced(Protocol):
    """A pacer that lets requests go, one after another: a `Pace`, or a lane's part in
    one.
    """

    @property
    def requests_per_second(self) -> float:
        """The rate of now."""
        ...

    @property
    def turn_seconds(self) -> float:
        """The time between two turns at the rate of now."""
        ...

    @property
    def taken(self) -> int:
        """Turns that requests took."""
        ...

    def let(self, now: float) -> float:
        """Return how many requests the limit has let go until now."""
        ...

    def next_at(self, now: float) -> float:
        """The earliest moment for the next request; one that has passed means now."""
        ...

    def take(self, now: float) -> None:
        """A request goes now."""
        ...

    def give_back(self) -> None:
        """The last request that took its turn did not go."""
        ...

    def refused(self, sent_at: float, pause_seconds: float) -> None:
        """A request that went at this time was one too many, says the remote, and asks
        for a pause.
        """
        ...


class Pace:
    """Never more than R requests in any 1.0 s, and nearly R where there is enough to
    send.

    Requests follow an absolute schedule, 1/R apart. A sender that woke late, or had
    rested, may make up for it, a little; and against any schedule, the R-th last
    request must be at least 1.0 s old. Where R is not whole, the whole requests below
    it are what fits into a second; below 1, requests are 1/R apart. R may be set at any
    time, and holds at once.
    """

    _second = WINDOW_SECONDS

    def __init__(self, requests_per_second: float) -> None:
        self.taken = 0
        """Turns that requests took."""
        self._let = 0.0
        self._let_until: float | None = None
        self._scheduled = -math.inf
        self._sent: deque[float] | None = deque()
        self._before: list[float] = []
        self._set(requests_per_second)

    @property
    def turn_seconds(self) -> float:
        """The time between two turns at the rate of now."""
        return self._spacing

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Go at this rate from now on, slower or faster than before.

        Requests that have gone count on: the new rate holds for the second that they
        went in, too.
        """
        if requests_per_second == self.requests_per_second:
            return
        if self._let_until is not None:
            self._count(now)
        if self._sent is None:
            self._unseen(now)
        spacing = self._spacing
        self._set(requests_per_second)
        self._scheduled += self._spacing - spacing

    def carry_on(self, other: Pace, now: float) -> None:
        """Go on for another pace, too: what went by either counts."""
        self._let = self.let(now) + other.let(now)
        if (self._let_until, other._let_until) != (None, None):
            self._let_until = now
        self.taken += other.taken
        self._scheduled = max(self._scheduled, other._scheduled)
        if self._sent is None or other._sent is None:
            self._unseen(now)
        self._before = sorted([*self._list_kept(), *other._list_kept()])
        self._sent = deque()
        self._set(self.requests_per_second)

    def _unseen(self, now: float) -> None:
        """Nobody has kept when requests went: none goes in the second after them."""
        if self.taken:
            self._scheduled = max(self._scheduled, now + WINDOW_SECONDS)

    def _list_kept(self) -> list[float]:
        """Return when the last requests went, as far back as any rate looks."""
        return [*self._before, *(self._sent or ())]

    def _set(self, requests_per_second: float) -> None:
        if requests_per_second <= 0:
            raise ValueError(f"requests a second must be more than 0, not {requests_per_second}")
        self.requests_per_second = requests_per_second
        self._spacing = 1.0 / requests_per_second
        self._catch_up = max(CATCH_UP_SECONDS, self._spacing)
        window = self._count_in_second(requests_per_second)
        self._window_seconds = max(self._second, self._spacing)
        sent = self._list_kept()
        # A slower rate does not look at these; a faster one may, in the same second.
        self._before = [at for at in sent[:-window] if at > sent[-1] - WINDOW_SECONDS]
        self._sent = deque(sent, maxlen=window) if window <= RING_MAX else None
        self._steady = requests_per_second
        if self._sent is not None:
            self._steady = min(requests_per_second, window / self._window_seconds)

    def _count_in_second(self, requests_per_second: float) -> int:
        """Return how many requests may go in any second at this rate."""
        return max(1, math.floor(requests_per_second))

    def next_at(self, now: float) -> float:
        """The earliest moment for the next request; one that has passed means now."""
        ring = self._sent
        if ring is not None and len(ring) == ring.maxlen:
            return max(self._scheduled, ring[0] + self._window_seconds)
        return self._scheduled

    def let(self, now: float) -> float:
        """Return how many requests the limit has let go, or would have, from the first
        one until now.
        """
        return (
            self._let
            if self._let_until is None
            else self._let + (now - self._let_until) * self._steady
        )

    def _count(self, now: float) -> None:
        """Count what the rate of now has let go before it changes."""
        self._let, self._let_until = self.let(now), now

    def take(self, now: float) -> None:
        """A request goes now."""
        self._count(now)
        self.taken += 1
        self._scheduled = max(self._scheduled, now - self._catch_up) + self._spacing
        if self._sent is not None:
            self._sent.append(now)

    def refused(self, sent_at: float, pause_seconds: float) -> None:
        """A request that went at this time was one too many, says the remote, and asks
        for a pause.

        A rate that was given is kept all the same.
        """

    def give_back(self) -> None:
        """The last request that took its turn did not go: the next may go in its place.

        In its second it is still counted.
        """
        self._scheduled -= self._spacing
        self.taken -= 1


class Concurrency:
    """The number of requests that may be under way at once: fixed, or what rate and
    latency call for.
    """

    def __init__(self, limit: int | Literal["auto"], pace: Paced) -> None:
        self._fixed = None if limit == "auto" else limit
        self._pace = pace
        self._latency_seconds = 0.1

    def answered(self, latency_seconds: float) -> None:
        """An answer took this long."""
        self._latency_seconds += 0.2 * (latency_seconds - self._latency_seconds)

    @property
    def limit(self) -> int:
        """Requests in flight at most: twice what the rate needs, so that the rate is
        what limits.
        """
        if self._fixed is not None:
            return self._fixed
        rate = self._pace.requests_per_second
        if rate > RATE_MAX:
            return UNPACED_LIMIT
        return min(256, max(8, math.ceil(rate * max(self._latency_seconds, 0.1) * 2) + 4))
