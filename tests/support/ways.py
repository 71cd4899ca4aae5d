"""A way to a remote, in virtual time, that takes bodies up to some size; and a backlog
that is sent over it as the engine does it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from syncer.core.backlog import Backlog
from syncer.core.batch import Batch
from syncer.core.change import Change
from syncer.core.limits import Limits

ENVELOPE_BYTES = 17
"""What stands around the changes in the body of a post."""
OUTAGE_SECONDS = 10.0
"""How long is waited between two requests of an outage."""


@dataclass
class Way:
    """`limit`: bytes of a body that go through. `how`: what is done with more."""

    limit: int
    how: Literal["413", "cut"]
    latency_seconds: float = 0.1
    outages: Sequence[tuple[float, float]] = ()
    """From when to when all that is under way is cut off."""
    later_limit: tuple[float, int] | None = None
    """From when on the limit is another one."""

    def takes(self, size: int, now: float) -> bool:
        """Does a body of this size go through?"""
        limit = (
            self.limit
            if self.later_limit is None or now < self.later_limit[0]
            else self.later_limit[1]
        )
        return size + ENVELOPE_BYTES <= limit

    def out(self, now: float) -> bool:
        """Is everything cut off?"""
        return any(start <= now < end for start, end in self.outages)


@dataclass
class Sent:
    """What came of it."""

    backlog: Backlog
    applied: int = 0
    dead: int = 0
    look_ups: int = 0
    sizes: list[tuple[float, int, bool]] = field(default_factory=list)
    """When each request with changes was answered, its size, and whether it went
    through.
    """
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        """All of them."""
        return self.look_ups + len(self.sizes)


def posts(sizes: Sequence[int]) -> list[Change]:
    """One of each size."""
    return [
        Change(1, n, n + 1, "post", f"i-{n % 50}", f"a-{n}", b" " * size)
        for n, size in enumerate(sizes)
    ]


def least(sizes: Sequence[int], limit: int, batch_size: int = 128) -> int:
    """Requests that whoever knows the limit needs, in this order."""
    requests, taken, room = 0, 0, 0
    for size in sizes:
        if not requests or taken == batch_size or room < size + 1:
            requests, taken, room = requests + 1, 0, limit - ENVELOPE_BYTES
        taken, room = taken + 1, room - size - 1
    return requests


def sent(
    changes: Sequence[Change],
    way: Way,
    *,
    at_once: int = 8,
    per_look_up: int = 64,
    seconds_max: float = 5_000.0,
) -> Sent:
    """All of them, `at_once` requests at a time; a change cut off was not applied."""
    limits = Limits()
    backlog = Backlog(limits)
    result = Sent(backlog)
    unread = list(reversed(changes))
    under_way: list[tuple[float, int, Batch]] = []
    now = succeeded_at = 0.0
    numbers = count()
    while now < seconds_max:
        while unread and backlog.room():
            backlog.offer([unread.pop() for _ in range(min(100, len(unread)))], now)
        backlog.source_ended = not unread
        backlog.ripen(now, succeeded_at)
        while len(under_way) < at_once and backlog.has_batch(now):
            batch = backlog.take(now)
            assert batch is not None
            look_ups = -(-len(batch.entries) // per_look_up) if batch.look_up != "no" else 1
            result.look_ups += look_ups * (batch.look_up != "no")
            heapq.heappush(under_way, (now + way.latency_seconds * look_ups, next(numbers), batch))
        if not (under_way or backlog.count or unread):
            break
        wake_at = None if len(under_way) == at_once else backlog.wake_at(now)
        times = [
            time for time in (under_way[0][0] if under_way else None, wake_at) if time is not None
        ]
        assert times, f"nothing will ever happen: {backlog!r}"
        assert min(times) > now, f"nothing is sent, and it wakes all the time: {backlog!r}"
        now = min(times)
        while under_way and under_way[0][0] <= now:
            succeeded_at = max(
                succeeded_at, _answered(result, heapq.heappop(under_way)[2], way, now)
            )
        settlement = backlog.collect()
        result.applied += len(settlement.applied)
        result.dead += len(settlement.dead)
        backlog.committed(settlement, now)
    result.seconds = now
    return result


def _answered(result: Sent, batch: Batch, way: Way, now: float) -> float:
    """What follows from the answer; when the remote was last heard of by it."""
    backlog, entries = result.backlog, batch.entries
    backlog.over(batch)
    if batch.look_up != "no":
        for entry in entries:
            if way.out(now):
                backlog.unsettled([entry], "cut", None, now, now + OUTAGE_SECONDS)
            else:
                backlog.looked_up(entry, now)
        return 0.0 if way.out(now) else now
    size = sum(entry.size + 1 for entry in entries)
    takes = way.takes(size, now) and not way.out(now)
    result.sizes.append((now, size, takes))
    if takes:
        backlog.passed(batch)
        backlog.all_applied(batch)
    elif way.out(now) or way.how == "cut":
        delay_seconds = (
            OUTAGE_SECONDS
            if way.out(now)
            else min(60, 0.5 * 2 ** max(entry.attempts for entry in entries))
        )
        backlog.failed(entries, "cut", None, now, now + delay_seconds, doubt=True, cut=True)
        return 0.0
    elif len(entries) > 1:
        backlog.too_large(batch, now)
    else:
        backlog.rejected(entries[0], "too large", 413, now)
    return now
