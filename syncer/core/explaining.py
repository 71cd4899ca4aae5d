"""The limits that explain why some requests were taken, and others were too many.

A service counts requests by one of four rules. Each rule is asked for the limits under
which it takes what was taken, and refuses what was refused: at least so many requests a
second, and at most so many. A rule that no limit makes fit is not the rule.

Times are of requests as they were sent, in seconds of any one clock.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

SPREAD_SECONDS = 0.011
"""How far requests move against each other, on their way or by two clocks; and the
share by which the levels of buckets are uncertain for it.
"""
PHASES = 100
"""When the service's own seconds may begin: that is tried in steps of 10 ms."""
NEARLY = 1.04
"""Counts in any second that miss each other by less fit: a service's second may be
somewhat shorter, and some requests move further than the spread. None of the other
rules is so plain that only this can be amiss.
"""
CLOSE = 1.02
"""Two rates whose ratio is less are the same one."""
REFUSED_MAX = 20
"""A bucket is compared with so many of the requests that were too many: the later ones
say the same.
"""
GAP_SECONDS_MIN = 1e-6
DRAINING_SECONDS = 0.5
"""A full bucket says something after this time."""


class Bounds(NamedTuple):
    """A limit, in requests a second: at least, and at most."""

    least: float = 0.0
    most: float = math.inf

    @property
    def guess(self) -> float:
        """The limit to try: what was surely taken, or the middle of a wide range."""
        if self.most <= CLOSE * self.least:
            return self.least
        return (self.least + self.most) / 2

    def fits(self, newer: Bounds, nearly: float) -> bool:
        """Tell whether a limit may be within both, or may be nearly."""
        return max(self.least, newer.least) <= nearly * min(self.most, newer.most)

    def within(self, newer: Bounds) -> Bounds:
        """Return what both allow; where that is nothing, what the newer ones allow next
        to these.
        """
        return Bounds(*(min(max(end, newer.least), newer.most) for end in self))

    def at_most(self, rate: float) -> Bounds:
        """Return bounds no higher than this."""
        return Bounds(min(self.least, rate), min(self.most, rate))


@dataclass(frozen=True)
class Evidence:
    """Requests of one time, in order. `since`: requests before it were taken, too, but
    maybe under another limit. `full_at`: when a request was too many before that.
    """

    taken: Sequence[float]
    refused: Sequence[float]
    since: float
    full_at: float | None = None
    spread_seconds: float = SPREAD_SECONDS

    def count(self, begin: float, end: float) -> int:
        """Return how many requests were taken from one time to another."""
        return bisect_right(self.taken, end) - bisect_left(self.taken, begin)


Rule = Callable[[Evidence], Bounds]
"""The limits that explain this."""


def count_any_second(evidence: Evidence) -> Bounds:
    """So many requests in any second."""
    taken = evidence.taken
    most = min(
        (
            float(evidence.count(at - 1.0 - evidence.spread_seconds, at + evidence.spread_seconds))
            for at in evidence.refused
        ),
        default=math.inf,
    )
    least, first = 0, bisect_left(taken, evidence.since)
    for last in range(first, len(taken)):
        while taken[first] <= taken[last] - 1.0 + evidence.spread_seconds:
            first += 1
        least = max(least, last - first + 1)
    return Bounds(float(least), most)


def count_each_second(evidence: Evidence, phase: float) -> Bounds:
    """So many requests in each second of the service's clock; `phase`: when these
    begin.
    """
    taken, margin = evidence.taken, evidence.spread_seconds + 0.5 / PHASES
    most = math.inf
    for at in evidence.refused:
        second = math.floor(at - margin - phase) + phase
        most = min(most, evidence.count(second - margin, at + evidence.spread_seconds))
    least = 0
    if taken:
        begin = max(taken[0], evidence.since)
        second = math.floor(begin - phase) + phase
        while second < taken[-1]:
            least = max(least, evidence.count(max(begin, second + margin), second + 1.0 - margin))
            second += 1.0
    return Bounds(float(least), most)


def fill_bucket(evidence: Evidence) -> Bounds:
    """So many requests as a bucket holds, which drains within a second: in T seconds
    1 + T times as many as it holds, and as many as T where it was full before.
    """
    taken, refused, full_at = evidence.taken, evidence.refused, evidence.full_at
    if not refused:
        return Bounds()
    first = bisect_left(taken, evidence.since)

    def fill(until: float, more: int) -> float:
        """Return the largest bucket that is full at this time, with so many more."""
        last = bisect_right(taken, until)
        largest = max(
            ((last - at + more) / (1.0 + until - taken[at]) for at in range(first, last)),
            default=float(more),
        )
        if full_at is not None and until > full_at + DRAINING_SECONDS:
            largest = max(largest, (last - first + more) / (until - full_at))
        return largest

    places = {bisect_left(taken, at) for at in refused[:REFUSED_MAX]} | {len(taken)}
    least = max((fill(taken[place - 1], 0) for place in places if place), default=0.0)
    most = min(fill(at, 1) for at in refused[:REFUSED_MAX])
    return Bounds(least * (1.0 - evidence.spread_seconds), most * (1.0 + evidence.spread_seconds))


def keep_distances(evidence: Evidence) -> Bounds:
    """Requests at equal distances at least."""
    taken = evidence.taken[bisect_left(evidence.taken, evidence.since) :]
    least = max((_rate(*pair) for pair in pairwise(taken)), default=0.0)
    most = math.inf
    for at in evidence.refused:
        before = bisect_left(evidence.taken, at)
        if before:
            most = min(most, _rate(evidence.taken[before - 1], at))
    return Bounds(least * (1.0 - GAP_SECONDS_MIN), most)


def _rate(earlier: float, later: float) -> float:
    return 1.0 / max(GAP_SECONDS_MIN, later - earlier)


SECONDS: tuple[Rule, ...] = tuple(
    partial(count_each_second, phase=place / PHASES) for place in range(PHASES)
)
RULES: tuple[Rule, ...] = (count_any_second, fill_bucket, keep_distances, *SECONDS)
ANY_LIMIT: Mapping[Rule, Bounds] = dict.fromkeys(RULES, Bounds())
"""What is known before the first request that was too many."""


def learn(known: Mapping[Rule, Bounds], evidence: Evidence) -> Mapping[Rule, Bounds]:
    """Return what explains this and all that was known; no rule, if none does."""
    found: dict[Rule, Bounds] = {}
    for rule, bounds in known.items():
        newer = rule(evidence)
        if bounds.fits(newer, NEARLY if rule is count_any_second else 1.0):
            found[rule] = bounds.within(newer)
    return found


def guess_limit(known: Mapping[Rule, Bounds]) -> float:
    """Return the highest limit of those that may be it; of a service's own seconds,
    which may begin at any time, the one in the middle. At least one rule is known.

    The highest, since a limit that is too high shows soon, and one too low does not.
    """
    seconds = sorted(known[rule].guess for rule in SECONDS if rule in known)
    others = [bounds.guess for rule, bounds in known.items() if rule not in SECONDS]
    return max([*others, *seconds[len(seconds) // 2 :][:1]])
