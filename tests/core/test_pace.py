"""The limit is used, and never exceeded, whatever the timers do."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.pace import UNPACED_LIMIT, Concurrency, Pace
from syncer.core.seeking import SeekingPace

EPOCH = 1.7e9  # clocks that count from 1970 have coarse floats


def sends(
    rate: float, seconds: float, late: Callable[[int], float], start: float = EPOCH
) -> list[float]:
    """When requests go if there is always one to send and the n-th timer fires
    `late(n)` seconds too late.
    """
    pace = Pace(rate)
    now = start
    times: list[float] = []
    while now < start + seconds:
        due = pace.next_at(now)
        if due > now:
            now = due + late(len(times))
            continue
        pace.take(now)
        times.append(now)
        now += 1e-6
    return times


def most_in_one_second(times: list[float]) -> int:
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.parametrize("rate", [15, 200, 500])
def test_nearly_all_of_the_limit_is_used_and_never_more_in_any_second_with_a_jitter_of_1_ms(
    rate: int,
) -> None:
    rng = random.Random(rate)
    times = sends(rate, 60.0, lambda _: rng.uniform(0.0, 0.001))
    assert most_in_one_second(times) <= rate
    assert len(times) >= 0.995 * rate * 60.0


@pytest.mark.parametrize(("rate", "in_a_second"), [(2.5, 2), (1.0, 1), (1.5, 1), (15.7, 15)])
def test_of_a_limit_that_is_not_whole_the_whole_requests_go_into_a_second(
    rate: float, in_a_second: int
) -> None:
    rng = random.Random(3)
    times = sends(rate, 200.0, lambda _: rng.uniform(0.0, 0.001))
    assert most_in_one_second(times) <= in_a_second
    assert len(times) >= 0.995 * in_a_second * 200.0


def test_a_limit_below_one_spaces_requests_by_its_inverse() -> None:
    rng = random.Random(4)
    times = sends(0.5, 1000.0, lambda _: rng.uniform(0.0, 0.001))
    assert all(later - earlier >= 2.0 for earlier, later in pairwise(times))
    assert len(times) >= 0.995 * 500


@pytest.mark.parametrize("rate", [2.5, 15, 200])
def test_stalls_of_a_second_never_lead_to_more_than_the_limit_in_any_second(rate: float) -> None:
    rng = random.Random(5)
    times = sends(rate, 120.0, lambda _: rng.choice((0.0, 0.0, 0.03, 0.2, 1.1)))
    assert most_in_one_second(times) <= rate


def test_small_lateness_is_made_up_for() -> None:
    times = sends(200, 10.0, lambda n: 0.04 if n % 237 == 0 else 0.0)
    assert len(times) >= 0.99 * 2000  # eight times 40 ms would be 64 requests


def test_after_a_rest_only_a_few_requests_follow_at_once() -> None:
    pace = Pace(200)
    pace.take(EPOCH)
    now = EPOCH + 100.0
    at_once = 0
    while pace.next_at(now) <= now:
        pace.take(now)
        at_once += 1
    assert at_once <= 11


def test_requests_are_spread_over_the_second_and_not_sent_in_one_burst() -> None:
    times = sends(15, 1.0, lambda _: 0.0)
    assert all(later - earlier >= 0.06 for earlier, later in pairwise(times[1:]))


def test_a_start_is_like_the_end_of_a_rest_the_second_request_need_not_await_the_schedule() -> None:
    pace = Pace(10)
    pace.take(EPOCH)
    assert pace.next_at(EPOCH) <= EPOCH
    pace.take(EPOCH)
    assert pace.next_at(EPOCH) == pytest.approx(EPOCH + 0.1)


def test_a_limit_of_a_million_keeps_no_million_moments() -> None:
    pace = Pace(1e6)
    for n in range(20_000):
        pace.take(EPOCH + n * 1e-6)
    kept = pace._sent
    assert kept is None or sys.getsizeof(kept) < 100_000
    assert pace.next_at(EPOCH + 0.02) <= EPOCH + 0.02


@pytest.mark.parametrize("rate", [0, -1])
def test_a_limit_that_lets_nothing_through_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Pace(rate)


def test_a_fixed_concurrency_stays_as_it_was_set() -> None:
    concurrency = Concurrency(3, Pace(15))
    concurrency.answered(30.0)
    assert concurrency.limit == 3


@pytest.mark.parametrize(
    ("rate", "latency_seconds", "limit"),
    [(15, 0.05, 8), (15, 0.4, 16), (200, 0.4, 164), (1000, 0.05, 204), (15, 60.0, 256)],
)
def test_an_automatic_concurrency_covers_the_rate_at_the_latency_seen_twice_over(
    rate: float, latency_seconds: float, limit: int
) -> None:
    concurrency = Concurrency("auto", Pace(rate))
    for _ in range(100):
        concurrency.answered(latency_seconds)
    assert concurrency.limit == limit


def test_one_slow_answer_does_not_decide_the_concurrency() -> None:
    concurrency = Concurrency("auto", Pace(15))
    concurrency.answered(2.0)
    assert concurrency.limit < 24


def test_where_there_is_no_real_limit_a_few_requests_in_flight_keep_the_process_busy() -> None:
    concurrency = Concurrency("auto", Pace(1e6))
    concurrency.answered(1.0)
    assert concurrency.limit == UNPACED_LIMIT


# --- a rate that is set while requests go ---------------------------------------------


RATES = st.sampled_from([0.5, 1.0, 2.5, 5.0, 15.0, 40.0, 200.0])
CHANGES = st.lists(st.tuples(st.floats(0.0, 3.0), RATES), min_size=1, max_size=6)


def paced(
    pace: Pace, changes: list[tuple[float, float]], seed: int, seconds_after: float = 3.0
) -> list[tuple[float, float]]:
    """When requests go, each with the rate of then, if there is always one to send and
    timers are late. `changes`: so long after the one before, to this rate.
    """
    rng, now, times = random.Random(seed), EPOCH, []
    waiting = list(changes)
    change_at = now + waiting[0][0]
    end = now + sum(seconds for seconds, _ in changes) + seconds_after
    while now < end:
        if waiting and now >= change_at:
            pace.set_rate(waiting.pop(0)[1], now)
            change_at += waiting[0][0] if waiting else 0.0
            continue
        due = pace.next_at(now)
        until = min(due, change_at) if waiting else due
        if until > now:
            now = until if until < due else due + rng.choice((0.0, 0.001, 0.03))
            continue
        pace.take(now)
        times.append((now, pace.requests_per_second))
        now += 1e-6
    return times


def check_no_second_holds_too_many(times: list[tuple[float, float]]) -> None:
    """Of every request: those in the second up to it are no more than the rate of
    then, whatever the rate was in the second's first part.
    """
    for place, (at, rate) in enumerate(times):
        in_a_second = sum(earlier > at - 1.0 for earlier, _ in times[: place + 1])
        assert in_a_second <= max(1, int(rate)), (at - EPOCH, rate)
        if rate < 1 and place:
            assert at - times[place - 1][0] >= 1 / rate - 1e-6


@given(RATES, CHANGES, st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_no_second_holds_more_than_the_rate_of_its_end_however_the_rate_is_set(
    rate: float, changes: list[tuple[float, float]], seed: int
) -> None:
    check_no_second_holds_too_many(paced(Pace(rate), changes, seed))


@given(RATES, CHANGES, st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_a_rate_that_was_sought_holds_no_more_in_a_second_however_its_bound_is_set(
    bound: float, changes: list[tuple[float, float]], seed: int
) -> None:
    pace = SeekingPace()
    pace.set_rate(bound, EPOCH)
    check_no_second_holds_too_many(paced(pace, changes, seed))


def test_a_slower_rate_holds_at_once_and_counts_what_was_sent_before() -> None:
    pace = Pace(10)
    for sent in range(10):
        pace.take(sent / 10)
    pace.set_rate(2, 0.9)
    assert pace.requests_per_second == 2
    assert pace.next_at(0.9) >= 0.9 + 0.9


def test_a_faster_rate_knows_what_a_slower_one_did_not_look_at() -> None:
    pace = Pace(10)
    for sent in range(10):
        pace.take(sent / 20)
    pace.set_rate(1, 0.5)
    pace.set_rate(10, 0.5)
    assert pace.next_at(0.5) >= 1.0


def test_a_faster_rate_is_used_to_the_full_and_does_not_await_the_slow_ones_turn() -> None:
    pace = Pace(0.01)
    pace.take(EPOCH)
    pace.take(EPOCH)
    pace.set_rate(15, EPOCH + 1.0)
    assert pace.next_at(EPOCH + 1.0) <= EPOCH + 1.1
    times = paced(pace, [(0.0, 15.0)], 1, seconds_after=10.0)
    assert len(times) >= 145


def test_what_went_while_nobody_counted_it_keeps_a_second_free_for_the_limit() -> None:
    pace = Pace(1e6)
    pace.take(EPOCH)
    pace.set_rate(15, EPOCH)
    assert pace.next_at(EPOCH) >= EPOCH + 1.0


def test_what_was_let_go_is_counted_at_the_rate_of_its_time() -> None:
    pace = Pace(10)
    pace.take(EPOCH)
    pace.set_rate(100, EPOCH + 10)
    assert pace.let(EPOCH + 11) == pytest.approx(10 * 10 + 100, rel=0.01)


def test_of_a_pace_that_goes_on_for_another_all_count() -> None:
    first, second = Pace(10), Pace(10)
    for sent in range(5):
        first.take(EPOCH + sent / 10)
        second.take(EPOCH + sent / 10 + 0.05)
    first.carry_on(second, EPOCH + 0.5)
    assert first.taken == 10
    assert first.next_at(EPOCH + 0.5) >= EPOCH + 1.0


def test_the_turn_of_a_request_that_did_not_go_is_the_next_ones_and_counts_in_its_second() -> None:
    pace = Pace(10)
    pace.take(EPOCH)
    pace.give_back()
    assert pace.next_at(EPOCH + 0.02) <= EPOCH + 0.02
    times = []
    now = EPOCH + 0.02
    while len(times) < 12:
        pace.take(now)
        times.append(now)
        now = max(now, pace.next_at(now))
    assert sum(time < EPOCH + 1.0 for time in times) == 9
