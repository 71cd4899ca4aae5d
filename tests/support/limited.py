"""A sender that has always enough to send, and a service some way off that counts its
requests, in virtual time: how much of the limit is used, and how many are refused.

Services count by one of four rules, their limit may change, and others may use some of
it.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Protocol

from syncer.core.pace import Concurrency, Pace

FOUND_SECONDS = 4.0
"""Until then a limit may be sought."""
JITTER_SECONDS = 0.005
"""How much longer a way may be than the shortest one."""
TIMER_SECONDS = 0.0005
"""How late a timer may fire."""
RETRY_AFTER_SECONDS = 1.0


class Counting(Protocol):
    """A service that lets `rps` requests a second go, by its rule."""

    rps: float

    def take(self, now: float) -> bool:
        """Let a request go at this time, or not. Those that may not do not count."""
        ...


class Sliding:
    """So many requests in any second."""

    def __init__(self, rps: float) -> None:
        self.rps = rps
        self._arrivals: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Let a request go at this time, or not."""
        arrivals = self._arrivals
        while arrivals and arrivals[0] <= now - 1.0:
            arrivals.popleft()
        if len(arrivals) + 1 > self.rps:
            return False
        arrivals.append(now)
        return True


class EachSecond:
    """So many requests in each second of the service's own clock."""

    def __init__(self, rps: float, ahead_seconds: float = 0.0) -> None:
        self.rps = rps
        self._ahead_seconds = ahead_seconds
        self._second = -1
        self._taken = 0

    def take(self, now: float) -> bool:
        """Let a request go at this time, or not."""
        second = int(now + self._ahead_seconds)
        if second != self._second:
            self._second, self._taken = second, 0
        if self._taken + 1 > self.rps:
            return False
        self._taken += 1
        return True


class Bucket:
    """As many requests as a bucket holds, which is full again after a second."""

    def __init__(self, rps: float) -> None:
        self.rps = rps
        self._level = 0.0
        self._last = 0.0

    def take(self, now: float) -> bool:
        """Let a request go at this time, or not."""
        self._level = max(0.0, self._level - (now - self._last) * self.rps)
        self._last = now
        if self._level + 1.0 > self.rps:
            return False
        self._level += 1.0
        return True


class Spaced:
    """Requests at equal distances at least."""

    def __init__(self, rps: float) -> None:
        self.rps = rps
        self._last = -1.0

    def take(self, now: float) -> bool:
        """Let a request go at this time, or not."""
        if now - self._last < 1.0 / self.rps:
            return False
        self._last = now
        return True


RULES: dict[str, Callable[[float], Counting]] = {
    "any second": Sliding,
    "each second": EachSecond,
    "bucket": Bucket,
    "distances": Spaced,
}


@dataclass
class Run:
    """One run: `rates` are limits and the seconds from which on they hold; `others` is
    when others send.
    """

    pace: Pace
    rule: str
    rates: Sequence[tuple[float, float]]
    latency_seconds: float = 0.2
    seconds: float = 300.0
    others: Sequence[float] = ()
    retry_after_seconds: float = RETRY_AFTER_SECONDS
    seed: int = 0
    jitter_seconds: float = JITTER_SECONDS

    def __post_init__(self) -> None:
        limit = self.rates[0][1]
        self.taken: list[float] = []
        self.refused: list[float] = []
        self.others_taken: list[float] = []
        self._rng = random.Random(f"{self.rule} {limit} {self.latency_seconds} {self.seed}")
        self._service = RULES[self.rule](limit)
        if isinstance(self._service, EachSecond):
            self._service = EachSecond(limit, self._rng.random())
        if self.rule == "distances":  # They are kept only on a way that takes always as long.
            self.jitter_seconds = 0.0

    def used(self, begin: float = FOUND_SECONDS, end: float | None = None) -> float:
        """Return the share of what the limit left in this time that was used."""
        end = self.seconds if end is None else end
        bounds = [*self.rates, (end, 0.0)]
        left = sum(
            max(0.0, min(end, until) - max(begin, since)) * rps
            for (since, rps), (until, _) in pairwise(bounds)
        )
        left -= sum(begin <= at < end for at in self.others_taken)
        return sum(begin <= at < end for at in self.taken) / left

    def too_many(self, begin: float = FOUND_SECONDS, end: float = math.inf) -> float:
        """Return the share of the requests of this time that were refused."""
        refused = sum(begin <= at < end for at in self.refused)
        return refused / (refused + sum(begin <= at < end for at in self.taken))

    def go(self) -> Run:
        """To the end."""
        pace, rng, seconds = self.pace, self._rng, self.seconds
        concurrency = Concurrency("auto", pace)
        numbers = count()
        events: list[tuple[float, int, str, float]] = []
        for at, rps in self.rates[1:]:
            heapq.heappush(events, (at, next(numbers), "limit", rps))
        for at in self.others:
            heapq.heappush(events, (at, next(numbers), "other", 0.0))
        now = paused_until = 0.0
        in_flight = 0
        while now < seconds:
            next_at = seconds
            if in_flight < concurrency.limit:
                next_at = max(now, pace.next_at(now), paused_until)
            if events and events[0][0] <= next_at:
                now, _, what, value = heapq.heappop(events)
                if what == "arrives":
                    taken = self._service.take(now)
                    (self.taken if taken else self.refused).append(now)
                    way = self.latency_seconds / 2 + self.jitter_seconds * rng.random()
                    what = "answered" if taken else "refused"
                    heapq.heappush(events, (now + way, next(numbers), what, value))
                elif what == "other":
                    if self._service.take(now):
                        self.others_taken.append(now)
                elif what == "limit":
                    self._service.rps = value
                else:
                    in_flight -= 1
                    concurrency.answered(now - value)
                    if what == "refused":
                        pace.refused(value, self.retry_after_seconds)
                        paused_until = max(paused_until, now + self.retry_after_seconds)
                continue
            now = next_at + TIMER_SECONDS * rng.random()
            pace.take(now)
            in_flight += 1
            way = self.latency_seconds / 2 + self.jitter_seconds * rng.random()
            heapq.heappush(events, (now + way, next(numbers), "arrives", now))
        return self


def at_intervals(rps: float, begin: float, end: float) -> list[float]:
    """Return when somebody sends who sends so many requests a second."""
    return [begin + number / rps for number in range(round((end - begin) * rps))]
