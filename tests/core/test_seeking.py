"""A limit that is found: requests, a service some way off that counts them by one of
its rules, and pauses, in virtual time.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.pace import RATE_MAX, Concurrency
from syncer.core.seeking import (
    AGAIN_SECONDS,
    RATE_MIN,
    SOON_SECONDS,
    START_RATE,
    SeekingPace,
)
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
            self.pace.refused(sent_at, 1.0)
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
    pace.refused(now - 0.1, 1.0)
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
        pace.refused(at, 1.0)
    pace.take(times[-1] + 1.0)
    found = pace.requests_per_second
    assert found < 100
    for at in times[60:99]:
        pace.refused(at, 1.0)
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


def refused_once(seconds: float, *, pause_seconds: float = 1.0) -> tuple[SeekingPace, float]:
    """A pace that was refused after a second, and went on for so many seconds
    after the pause; when its next request would go.
    """
    pace = SeekingPace()
    now = asked_for(pace, 0.0, 1.0)
    pace.refused(now - 0.01, pause_seconds)
    return pace, asked_for(pace, now + pause_seconds, seconds)


def test_a_limit_that_is_known_is_tried_again_within_a_minute_and_gone_back_to_at_once() -> None:
    run = limited.Run(SeekingPace(), "any second", [(0.0, 15.0)]).go()
    tried = [at for at in run.refused if at > limited.FOUND_SECONDS + 2 * AGAIN_SECONDS]
    assert 3 <= len(tried) <= 5
    assert all(AGAIN_SECONDS < later - earlier < 60.0 for earlier, later in pairwise(tried))
    assert run.pace.requests_per_second == 15.0


def test_a_refused_faster_try_goes_back_to_the_rate_that_held_and_then_waits_longer() -> None:
    pace, now = refused_once(1.0)
    waited: list[float] = []
    for _ in range(3):
        held, began = pace.requests_per_second, now
        while pace.requests_per_second <= held:
            now = asked_for(pace, now, 0.2)
        assert pace.requests_per_second < 1.1 * held
        waited.append(now - began)
        pace.refused(now, 1.0)
        now = asked_for(pace, now + 1.0, 0.2)
        assert pace.requests_per_second == pytest.approx(held, rel=0.02)
    assert waited[0] < 0.9 * AGAIN_SECONDS < min(waited[1:])


def test_a_rate_that_does_not_hold_any_more_is_lowered_each_time() -> None:
    pace, now = SeekingPace(), 0.0
    now = asked_for(pace, now, 2.0)
    rates = []
    for _ in range(4):
        pace.refused(now, 1.0)
        now = asked_for(pace, now + 1.0, 0.5)
        rates.append(pace.requests_per_second)
    assert rates == sorted(set(rates), reverse=True)


def test_a_step_that_is_kept_is_followed_by_the_next_one_soon() -> None:
    pace, now = refused_once(3.0)
    rates = []
    for _ in range(4):
        rates.append(pace.requests_per_second)
        now = asked_for(pace, now, 1.0)
    assert rates == sorted(set(rates))


def test_a_rate_that_a_whole_second_took_is_not_too_fast_and_a_step_up_soon_follows() -> None:
    pace, now = refused_once(0.5)
    found = pace.requests_per_second
    now = asked_for(pace, now, 5.0)
    assert pace.requests_per_second > found + 1.0


def test_a_remote_that_refuses_everything_is_asked_once_a_second_at_least() -> None:
    pace = SeekingPace()
    for second in range(10):
        pace.take(float(second))
        pace.refused(float(second), 1.0)
    pace.take(10.0)
    assert pace.requests_per_second == 1.0


def test_a_long_pause_after_a_refusal_puts_the_next_try_off_by_as_much() -> None:
    pace, now = refused_once(0.5, pause_seconds=15.0)
    found = pace.requests_per_second
    now = asked_for(pace, now, 15 * SOON_SECONDS - 1.0)
    assert pace.requests_per_second == found
    asked_for(pace, now, 5.0)
    assert pace.requests_per_second > found


@pytest.mark.parametrize("rule", ["any second", "each second", "bucket", "distances"])
def test_of_the_first_half_minute_at_the_documented_limit_four_fifths_are_used(rule: str) -> None:
    """With the pauses that it costs to find it."""
    run = limited.Run(SeekingPace(), rule, [(0.0, 15.0)], 0.05, seconds=30.0).go()
    assert run.used(0.0) >= 0.8


@pytest.mark.parametrize("rule", ["any second", "each second", "bucket"])
def test_a_remote_that_asks_for_long_pauses_is_seldom_tried(rule: str) -> None:
    run = limited.Run(SeekingPace(), rule, [(0.0, 15.0)], seconds=900.0, retry_after_seconds=15.0)
    assert run.go().used() >= 0.92


# --- five minutes of it; `python -m benchmarks seek` shows every case ---

USED = {"any second": 0.97, "each second": 0.95, "bucket": 0.95, "distances": 0.85}
"""What is to be used of a limit, by the rule that it counts by."""
REFUSED = 0.01


@pytest.mark.parametrize(
    ("limit", "latency_seconds"), [(3.0, 0.05), (15.0, 0.2), (15.0, 0.4), (100.0, 0.05)]
)
@pytest.mark.parametrize("rule", USED)
def test_a_limit_that_was_found_is_used(rule: str, limit: float, latency_seconds: float) -> None:
    run = limited.Run(SeekingPace(), rule, [(0.0, limit)], latency_seconds).go()
    assert run.used() >= USED[rule]
    assert run.too_many() <= REFUSED


@pytest.mark.parametrize(("old", "new"), [(15.0, 30.0), (30.0, 15.0), (15.0, 150.0), (150.0, 15.0)])
@pytest.mark.parametrize("rule", USED)
def test_a_limit_that_has_changed_is_used_within_a_minute(
    rule: str, old: float, new: float
) -> None:
    run = limited.Run(SeekingPace(), rule, [(0.0, old), (90.0, new)]).go()
    assert run.used(150.0) >= USED[rule]
    assert run.too_many(150.0) <= REFUSED


@pytest.mark.parametrize(("limit", "theirs"), [(100.0, 40.0), (15.0, 5.0)])
@pytest.mark.parametrize("rule", ["any second", "each second", "bucket"])
def test_what_others_leave_of_a_limit_is_used(rule: str, limit: float, theirs: float) -> None:
    others = limited.at_intervals(theirs, 0.0, 300.0)
    run = limited.Run(SeekingPace(), rule, [(0.0, limit)], others=others).go()
    assert run.used() >= USED[rule]
    assert run.too_many() <= REFUSED


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 0.001, 0.3, 5.0, 70.0]),
            st.sampled_from(["", "", "", "refused", "long ago", "twice", "bound", "unbound"]),
        ),
        max_size=60,
    ),
    st.sampled_from([1.0, 2.5, 15.0, 1000.0]),
)
@settings(max_examples=60, deadline=None)
def test_no_order_of_refusals_takes_a_rate_out_of_its_bounds(
    steps: list[tuple[float, str]], bound: float
) -> None:
    pace, now, sent, at_most = SeekingPace(), 1.0, [1.0], RATE_MAX
    for late_seconds, what in steps:
        now = max(now, pace.next_at(now)) + late_seconds
        pace.take(now)
        sent.append(now)
        if what in ("bound", "unbound"):
            at_most = bound if what == "bound" else RATE_MAX
            pace.set_rate(at_most, now)
        for place in {"refused": [-1], "twice": [-1, -1], "long ago": [0]}.get(what, []):
            pace.refused(sent[place], 1.0)
        assert min(RATE_MIN, at_most) <= pace.requests_per_second <= at_most
        assert pace.next_at(now) < now + 3.0
