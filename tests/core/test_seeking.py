"""A limit that is found: requests, a service some way off that counts them by one of
its rules, and pauses, in virtual time.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import count

import pytest

from syncer.core.pace import Concurrency
from syncer.core.seeking import LOWER, START_RATE, SeekingPace
from syncer.emulator.limits import Limit
from tests.proof.simulation.clock import Clock
from tests.support import limited

SECONDS = 64.0
FROM_SECONDS = 4.0
"""Until then the limit may be sought."""
RETRY_AFTER_SECONDS = 1.0
JITTER = 0.1


@dataclass
class Run:
    """One run with always enough to send."""

    limit: float
    rule: str
    latency_seconds: float
    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pace = SeekingPace()
        self.rng = random.Random(f"{self.limit} {self.rule} {self.latency_seconds}")
        self._concurrency = Concurrency("auto", self.pace)
        self._service = Limit(self.limit, self.rule)
        self._clock = Clock()
        self._events: list[tuple[float, int, str, float]] = []
        self._numbers = count()
        self._in_flight = 0
        self._paused_until = 0.0

    @property
    def used(self) -> float:
        """Of the limit, once it had the time to be found."""
        return sum(at >= FROM_SECONDS for at in self.taken) / (
            self.limit * (SECONDS - FROM_SECONDS)
        )

    @property
    def too_many(self) -> float:
        """Of all requests."""
        return len(self.refused) / (len(self.taken) + len(self.refused))

    def go(self) -> Run:
        """To the end."""
        return self._clock.run(self._go)

    async def _go(self) -> Run:
        now = 0.0
        while now < SECONDS:
            free = self._in_flight < self._concurrency.limit
            next_at = max(now, self.pace.next_at(now), self._paused_until) if free else SECONDS
            if self._events and self._events[0][0] <= next_at:
                now = await self._happens()
                continue
            now = next_at + 0.0005 * self.rng.random()
            self.pace.take(now)
            self._in_flight += 1
            self._later(now, "arrives", now)
        return self

    async def _happens(self) -> float:
        now, _, what, sent_at = heapq.heappop(self._events)
        if what == "arrives":
            assert self._clock.loop is not None
            self._clock.loop.now = now
            taken = await self._service.take()
            (self.taken if taken else self.refused).append(now)
            self._later(now, "taken" if taken else "refused", sent_at)
            return now
        self._in_flight -= 1
        self._concurrency.answered(now - sent_at)
        if what == "refused":
            self.pace.refused(sent_at)
            self._paused_until = max(self._paused_until, now + RETRY_AFTER_SECONDS)
        return now

    def _later(self, now: float, what: str, sent_at: float) -> None:
        way_seconds = self.latency_seconds / 2 * self.rng.uniform(1 - JITTER, 1 + JITTER)
        heapq.heappush(self._events, (now + way_seconds, next(self._numbers), what, sent_at))


@pytest.mark.parametrize("latency_seconds", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("limit", [5, 15, 50, 200, 500])
@pytest.mark.parametrize("rule", ["sliding", "second", "bucket"])
def test_a_limit_is_found_within_seconds_and_used(
    rule: str, limit: float, latency_seconds: float
) -> None:
    run = Run(limit, rule, latency_seconds).go()
    assert run.used >= 0.88
    assert run.too_many <= 0.06


def test_what_is_sent_now_and_then_says_nothing_of_a_limit() -> None:
    pace = SeekingPace()
    for second in range(100):
        pace.take(float(second))
    assert pace.requests_per_second == START_RATE


def test_a_rate_that_somebody_gives_is_never_exceeded() -> None:
    pace, now = SeekingPace(), 0.0
    pace.set_rate(20, 0.0)
    for _ in range(200):
        now = pace.next_at(now) if now else 1.0
        pace.take(now)
    assert pace.requests_per_second == 20


def test_what_was_found_is_gone_at_again_once_more_is_allowed() -> None:
    pace, now = SeekingPace(), 1.0
    for _ in range(100):
        pace.take(now)
        now = pace.next_at(now)
    found = pace.requests_per_second
    pace.set_rate(20, now)
    for _ in range(50):
        pace.take(now)
        now = pace.next_at(now)
    assert pace.requests_per_second == 20
    pace.set_rate(1000, now)
    assert pace.requests_per_second == found > 40


def test_a_limit_below_what_is_allowed_is_found_too() -> None:
    pace, now = SeekingPace(), 1.0
    pace.set_rate(50, now)
    for _ in range(200):
        pace.take(now)
        now = pace.next_at(now)
    assert pace.requests_per_second == 50
    pace.refused(now - 0.1)
    pace.take(now + 1.0)
    assert pace.requests_per_second < 50
    pace.set_rate(1000, now + 1.0)
    assert pace.requests_per_second < 50


def test_refusals_of_what_was_on_its_way_lower_the_rate_once() -> None:
    pace, times = SeekingPace(), [1.0]
    for _ in range(100):
        pace.take(times[-1])
        times.append(pace.next_at(times[-1]))
    for at in times[60:99]:
        pace.refused(at)
    pace.take(times[-1] + 1.0)
    found = pace.requests_per_second
    assert found < 100
    for at in times[60:99]:
        pace.refused(at)
    pace.take(times[-1] + 2.0)
    assert pace.requests_per_second == found


def test_no_bursts_follow_a_rest_for_some_services_count_how_far_requests_are_apart() -> None:
    pace = SeekingPace()
    pace.take(0.0)
    pace.take(60.0)
    assert pace.next_at(60.0) >= 60.0 + 0.9 / START_RATE


def asked_for(pace: SeekingPace, now: float, seconds: float) -> float:
    """Always enough to send for so many seconds; when the next request would go."""
    until = now + seconds
    while now < until:
        pace.take(now)
        now = pace.next_at(now)
    return now


def test_a_refused_faster_try_goes_back_to_the_rate_that_held_and_waits_longer_each_time() -> None:
    pace, now = SeekingPace(), 0.0
    now = asked_for(pace, now, 1.0)
    pace.refused(now - 0.01)
    now = asked_for(pace, now + 1.0, 6.0)
    held = pace.requests_per_second
    waited: list[float] = []
    for _ in range(3):
        began = now
        while pace.requests_per_second <= held:
            now = asked_for(pace, now, 0.2)
        assert pace.requests_per_second < 1.1 * held
        waited.append(now - began)
        pace.refused(now)
        now = asked_for(pace, now + 1.0, 0.2)
        assert pace.requests_per_second == held
    assert waited[0] < waited[1] < waited[2]


def test_a_rate_that_does_not_hold_any_more_is_lowered_by_a_part_each_time() -> None:
    pace, now = SeekingPace(), 0.0
    now = asked_for(pace, now, 2.0)
    rates = []
    for _ in range(4):
        pace.refused(now)
        now = asked_for(pace, now + 1.0, 0.5)
        rates.append(pace.requests_per_second)
    assert rates[1:] == pytest.approx([rate * LOWER for rate in rates[:-1]])


def test_a_step_that_is_kept_is_followed_by_the_next_one_soon() -> None:
    pace, now = SeekingPace(), 0.0
    now = asked_for(pace, now, 1.0)
    pace.refused(now - 0.01)
    now = asked_for(pace, now + 1.0, 66.0)
    rates = []
    for _ in range(4):
        rates.append(pace.requests_per_second)
        now = asked_for(pace, now, 2.0)
    assert rates == sorted(set(rates))


def test_a_remote_that_refuses_everything_is_asked_once_a_second_at_least() -> None:
    pace = SeekingPace()
    for second in range(10):
        pace.take(float(second))
        pace.refused(float(second))
    pace.take(10.0)
    assert pace.requests_per_second == 1.0


# --- five minutes of it; `python -m benchmarks seek` shows every case ---


@pytest.mark.parametrize(
    ("rule", "least"), [("any second", 0.90), ("each second", 0.93), ("bucket", 0.95)]
)
def test_five_minutes_at_a_limit_that_was_found_use_most_of_it(rule: str, least: float) -> None:
    run = limited.Run(SeekingPace(), rule, [(0.0, 15.0)]).go()
    assert run.used() >= least
    assert run.too_many() <= 0.01


@pytest.mark.parametrize("rule", ["any second", "each second", "bucket"])
def test_a_limit_that_went_down_is_found_within_a_minute(rule: str) -> None:
    run = limited.Run(SeekingPace(), rule, [(0.0, 30.0), (90.0, 15.0)]).go()
    assert run.used(150.0) >= 0.92


@pytest.mark.parametrize(("rule", "least"), [("any second", 0.94), ("each second", 0.92)])
def test_what_others_leave_of_a_limit_is_found(rule: str, least: float) -> None:
    others = limited.at_intervals(40.0, 0.0, 300.0)
    run = limited.Run(SeekingPace(), rule, [(0.0, 100.0)], others=others).go()
    assert run.used() >= least
    assert run.too_many() <= 0.01
