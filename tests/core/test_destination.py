"""Pauses, outages, probes and giving up, in virtual time."""

from __future__ import annotations

import random

import msgspec
import pytest

from syncer.core.destination import FAILURES_MAX, THROTTLED, TRUSTED_SECONDS, DestinationState
from syncer.core.facts import Destination
from syncer.core.pace import Pace

START = 1.7e9


def state(give_up_seconds: float = 600.0) -> DestinationState:
    return DestinationState(
        base_seconds=0.5, cap_seconds=60.0, throttle_seconds=15.0, give_up_seconds=give_up_seconds
    )


def unreachable(destination: DestinationState, now: float) -> float:
    """The end of the pause that a refused connection brings."""
    destination.failed(now, random.Random(1), unreachable=True)
    until = destination.wake_at(now)
    assert until is not None
    return until


# --- throttled ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_seconds", "pause_seconds"), [(7.25, 7.25), (0.25, 0.25), (120.0, 120.0), (None, 15.0)]
)
def test_a_throttle_pauses_for_exactly_what_was_asked_and_ends_in_open_at_full_speed(
    asked_seconds: float | None, pause_seconds: float
) -> None:
    destination = state()
    destination.throttled(START, asked_seconds)
    end = START + pause_seconds
    assert not destination.allowed(end - 0.001, 0)
    assert destination.wake_at(START) == end
    assert destination.allowed(end, 0)
    assert destination.allowed(end, 30)
    assert destination.state(end) == "open"


def test_a_running_pause_is_never_shortened() -> None:
    destination = state()
    destination.throttled(START, 60.0)
    destination.throttled(START + 1.0, 5.0)
    assert not destination.allowed(START + 59.9, 0)
    destination.throttled(START + 2.0, 90.0)
    assert not destination.allowed(START + 91.9, 0)
    assert destination.allowed(START + 92.0, 0)


def test_a_success_of_a_request_sent_before_does_not_end_a_throttle() -> None:
    destination = state()
    destination.throttled(START, 10.0)
    destination.succeeded(START + 0.2)
    assert not destination.allowed(START + 9.9, 0)
    assert destination.state(START + 9.9) == "paused"
    assert destination.fact().until == START + 10.0


def pauses_of_throttles(
    destination: DestinationState, count: int, start: float = START
) -> list[float]:
    """How long each of so many throttles pauses that name no time, each told right
    after the pause of the one before.
    """
    seconds, now = [], start
    for _ in range(count):
        destination.throttled(now, None)
        seconds.append(destination.pause_seconds(now))
        now += seconds[-1]
    return seconds


def test_throttles_without_a_usable_time_pause_longer_each_time_that_they_come_again() -> None:
    assert pauses_of_throttles(state(give_up_seconds=0.0), 5) == [15.0, 30.0, 60.0, 60.0, 60.0]


def test_throttles_of_requests_that_were_under_way_together_are_one() -> None:
    destination = state()
    for request in range(30):
        destination.throttled(START + request / 1000, None)
    assert destination.pause_seconds(START) == pytest.approx(15.029)
    destination.throttled(START + 16.0, None)
    assert destination.pause_seconds(START + 16.0) == 30.0


def test_a_success_after_the_pause_makes_the_next_one_short_again() -> None:
    destination = state()
    now = START + sum(pauses_of_throttles(destination, 2))
    # Of a request sent before: it says nothing of what comes after the pause.
    destination.succeeded(now - 1.0)
    assert pauses_of_throttles(destination, 1, now) == [60.0]
    destination.succeeded(now + 60.0)
    assert pauses_of_throttles(destination, 1, now + 61.0) == [15.0]


def test_a_pause_without_usable_time_is_never_shorter_than_configured_however_low_the_cap() -> None:
    destination = DestinationState(
        base_seconds=0.5, cap_seconds=2.0, throttle_seconds=15.0, give_up_seconds=0.0
    )
    assert pauses_of_throttles(destination, 3) == [15.0, 15.0, 15.0]


def test_a_pause_that_nobody_asked_for_is_no_reason_to_give_up_at_once() -> None:
    destination = state(give_up_seconds=10.0)
    destination.throttled(START, None)
    assert destination.gave_up(START + 9.9) is None
    assert destination.gave_up(START + 10.0) == f"nothing succeeded for 10 s ({THROTTLED})"


# --- asked to wait without a throttle -------------------------------------------------


def test_a_failure_that_asks_to_wait_pauses_for_exactly_so_long_and_outlives_the_process() -> None:
    before, after = state(), state()
    before.failed(START, random.Random(1), unreachable=False, why="HTTP 503")
    before.asked_to_wait(START, 40.0, "the remote asks to wait: HTTP 503")
    assert before.wake_at(START) == START + 40.0
    assert before.fact() == Destination(
        "paused", START + 40.0, "the remote asks to wait: HTTP 503", 40.0
    )
    after.restore(stored(before.fact()), START + 10.0)
    assert not after.allowed(START + 39.9, 0)
    assert after.allowed(START + 40.0, 9)


def test_a_failure_that_asks_to_wait_for_too_long_gives_up_at_once() -> None:
    destination = state()
    destination.asked_to_wait(START, 3600.0, "the remote asks to wait: HTTP 503")
    assert (
        destination.gave_up(START)
        == "the remote asks to wait for 3600 s, longer than [retry] give_up_seconds = 600"
    )


# --- outages --------------------------------------------------------------------------


def test_no_connection_pauses_at_once_and_then_one_request_at_a_time_probes() -> None:
    destination = state()
    until = unreachable(destination, START)
    assert START + 0.25 <= until <= START + 0.5
    assert not destination.allowed(until - 0.001, 0)
    assert destination.allowed(until, 0)
    assert not destination.allowed(until, 1)
    assert destination.state(until) == "probing"
    destination.succeeded(until + 0.1)
    assert destination.state(until + 0.1) == "open"
    assert destination.allowed(until + 0.1, 50)


def test_failed_requests_pause_only_after_several_in_a_row() -> None:
    destination, rng = state(), random.Random(1)
    for _ in range(FAILURES_MAX - 1):
        destination.failed(START, rng, unreachable=False)
    destination.succeeded(START)
    for _ in range(FAILURES_MAX - 1):
        destination.failed(START, rng, unreachable=False)
        assert destination.allowed(START, 10)
    destination.failed(START, rng, unreachable=False)
    assert not destination.allowed(START, 0)


def test_pauses_double_with_each_failed_probe_up_to_the_cap_and_never_come_to_nothing() -> None:
    longest = [0.0] * 12
    for seed in range(300):
        destination, rng, now = state(give_up_seconds=0.0), random.Random(seed), START
        for probe in range(12):
            destination.failed(now, rng, unreachable=probe % 2 == 0)
            until = destination.wake_at(now)
            assert until is not None
            assert until - now >= 0.25 - 1e-6
            longest[probe] = max(longest[probe], until - now)
            now = until
    for probe, seconds in enumerate(longest):
        assert 0.9 * min(60.0, 0.5 * 2**probe) <= seconds <= min(60.0, 0.5 * 2**probe) + 1e-6


def test_answers_of_requests_sent_before_neither_end_nor_lengthen_an_outage() -> None:
    destination = state()
    until = unreachable(destination, START)
    destination.failed(START + 0.01, random.Random(1), unreachable=True)
    destination.succeeded(START + 0.02)
    assert not destination.allowed(until - 0.001, 0)
    assert destination.wake_at(START + 0.02) == until
    assert destination.state(until) == "probing"


def test_a_throttled_probe_waits_for_what_was_asked() -> None:
    destination = state()
    until = unreachable(destination, START)
    destination.throttled(until, 20.0)
    assert not destination.allowed(until + 19.9, 0)
    assert destination.allowed(until + 20.0, 0)


def test_an_outage_of_ten_minutes_costs_few_attempts_and_ends_at_full_speed() -> None:
    destination, pace, rng, rate = state(give_up_seconds=0.0), Pace(15), random.Random(2), 15
    now, attempts, answered_from = START, 0, START + 600.0
    after: list[float] = []
    while now < answered_from + 120.0:
        if not destination.allowed(now, 0):
            wake_at = destination.wake_at(now)
            assert wake_at is not None
            assert wake_at > now
            now = wake_at
        elif pace.next_at(now) > now:
            now = pace.next_at(now)
        else:
            pace.take(now)
            if now < answered_from:
                attempts += 1
                destination.failed(now, rng, unreachable=False)
            else:
                after.append(now)
                destination.succeeded(now)
    assert attempts <= 0.1 * rate * 600
    assert after[0] <= answered_from + 60.0
    assert len([time for time in after if time <= after[0] + 10.0]) >= 0.9 * rate * 10


# --- giving up ------------------------------------------------------------------------


def test_without_any_success_for_long_enough_it_gives_up_and_says_why() -> None:
    destination = state()
    destination.failed(
        START,
        random.Random(1),
        unreachable=True,
        why="no connection to nowhere:1: Connection refused",
    )
    assert destination.gave_up(START + 599.9) is None
    why = "the remote cannot be reached: no connection to nowhere:1: Connection refused"
    assert destination.gave_up(START + 600.0) == f"nothing succeeded for 600 s ({why})"
    assert destination.state(START + 600.0) == "stopped"


def test_one_success_starts_the_time_to_give_up_anew() -> None:
    destination = state()
    destination.failed(START, random.Random(1), unreachable=False)
    destination.succeeded(START + 500.0)
    assert destination.gave_up(START + 10_000.0) is None
    destination.failed(START + 700.0, random.Random(1), unreachable=False)
    assert destination.gave_up(START + 1299.0) is None
    assert destination.gave_up(START + 1300.0) is not None


def test_endless_throttling_without_any_success_is_given_up_too() -> None:
    destination = state()
    for second in range(0, 610, 10):
        destination.throttled(START + second, 10.0)
    assert "throttled" in (destination.gave_up(START + 600.0) or "")


def test_being_asked_to_wait_longer_than_that_gives_up_at_once() -> None:
    destination = state()
    destination.throttled(START, 600.0)
    assert destination.gave_up(START) is None
    destination.throttled(START, 601.0)
    assert (
        destination.gave_up(START)
        == "the remote asks to wait for 601 s, longer than [retry] give_up_seconds = 600"
    )


def test_with_zero_it_never_gives_up() -> None:
    destination = state(give_up_seconds=0.0)
    destination.failed(START, random.Random(1), unreachable=True)
    destination.throttled(START, 1e6)
    assert destination.gave_up(START + 1e9) is None


def test_the_moment_to_give_up_wakes_even_while_a_probe_is_out() -> None:
    destination = state()
    until = unreachable(destination, START)
    assert destination.wake_at(until) == START + 600.0
    assert destination.wake_at(START + 600.0) is None


# --- restarts -------------------------------------------------------------------------


def stored(fact: Destination) -> Destination:
    """As the journal brings it back."""
    return msgspec.json.decode(msgspec.json.encode(fact), type=Destination)


def test_a_throttle_survives_a_restart_to_the_moment() -> None:
    before, after = state(), state()
    before.throttled(START, 30.5)
    after.restore(stored(before.fact()), START + 12.0)
    assert not after.allowed(START + 30.4, 0)
    assert after.wake_at(START + 12.0) == START + 30.5
    assert after.allowed(START + 30.5, 9)
    assert after.fact() == before.fact()


def test_a_pause_that_ended_while_nothing_ran_is_forgotten() -> None:
    before, after = state(), state()
    before.throttled(START, 30.0)
    after.restore(stored(before.fact()), START + 31.0)
    assert after.allowed(START + 31.0, 9)
    assert after.fact() == Destination("open", 0.0, "")


def test_a_restart_into_a_pause_longer_than_it_would_wait_gives_up() -> None:
    before, after = state(), state()
    before.throttled(START, 4000.0)
    after.restore(stored(before.fact()), START)
    assert "4000 s" in (after.gave_up(START) or "")


def test_a_pause_told_before_the_clock_was_set_back_is_never_longer_than_was_asked() -> None:
    before, after = state(), state()
    before.throttled(START, 30.0)
    set_back = START - 40 * 365 * 86400
    after.restore(stored(before.fact()), set_back)
    assert after.wake_at(set_back) == set_back + 30.0
    assert after.fact() == Destination("paused", set_back + 30.0, THROTTLED, 30.0)


def test_a_pause_that_a_clock_set_forward_has_passed_is_over() -> None:
    before, after = state(), state()
    before.throttled(START, 30.0)
    after.restore(stored(before.fact()), START + 1e9)
    assert after.allowed(START + 1e9, 9)


@pytest.mark.parametrize(
    ("give_up_seconds", "trusted"), [(600.0, 600.0), (5.0, 5.0), (0.0, TRUSTED_SECONDS)]
)
def test_a_pause_of_a_state_that_does_not_say_how_long_was_asked_is_trusted_for_a_while(
    give_up_seconds: float, trusted: float
) -> None:
    after = state(give_up_seconds)
    after.restore(
        msgspec.json.decode(
            b'["destination","paused",4e9,"throttled by the remote"]', type=Destination
        ),
        START,
    )
    assert after.wake_at(START) == START + trusted
    assert after.gave_up(START) is None
    assert after.fact() == Destination("paused", START + trusted, THROTTLED, trusted)


def test_a_pause_is_written_down_by_the_wall_clock_as_it_is_by_then() -> None:
    destination = state()
    destination.throttled(START, 30.0)
    assert destination.fact(ahead_seconds=-3600.0) == Destination(
        "paused", START + 30.0 - 3600.0, THROTTLED, 30.0
    )


def test_after_a_restart_in_an_outage_one_request_probes_at_once() -> None:
    before, after = state(), state()
    unreachable(before, START)
    after.restore(stored(before.fact()), START + 0.1)
    assert after.allowed(START + 0.1, 0)
    assert not after.allowed(START + 0.1, 1)
    after.succeeded(START + 0.2)
    assert after.allowed(START + 0.2, 1)


def test_what_is_stored_changes_when_an_outage_begins_and_ends_but_not_with_each_probe() -> None:
    destination = state()
    facts = [destination.fact()]
    now = START
    for _ in range(5):
        now = unreachable(destination, now)
        facts.append(destination.fact())
    destination.succeeded(now)
    facts.append(destination.fact())
    assert [fact.state for fact in facts] == [
        "open",
        "probing",
        "probing",
        "probing",
        "probing",
        "probing",
        "open",
    ]
    assert len(set(facts)) == 2


def test_a_success_after_a_throttle_is_stored_as_open() -> None:
    destination = state()
    destination.throttled(START, 10.0)
    destination.succeeded(START + 10.5)
    assert destination.fact() == Destination("open", 0.0, "")
    assert destination.last_success_at == START + 10.5


def test_how_long_a_pause_lasts_and_why_is_told_to_whoever_shows_it() -> None:
    destination = state()
    assert (destination.pause_seconds(START), destination.reason) == (0.0, "")
    destination.throttled(START, 9.0)
    assert (destination.pause_seconds(START + 2), destination.reason) == (7.0, THROTTLED)
    assert destination.pause_seconds(START + 20) == 0.0
    assert (
        repr(destination)
        == f"DestinationState(asked_until={START + 9.0}, outage_until=0.0, outages=0, failures=0)"
    )


def test_a_destination_that_is_held_lets_nothing_go_until_it_is_released() -> None:
    """Its own pauses go on beside that, and a restart is told of these alone."""
    destination = state(give_up_seconds=0)
    destination.held = "by hand"
    destination.throttled(START, 10)
    assert not destination.allowed(START + 5, 0)
    assert not destination.allowed(START + 1000, 0)
    assert (destination.state(START + 1000), destination.reason) == ("paused", "by hand")
    assert destination.fact().until == START + 10
    destination.held = ""
    assert not destination.allowed(START + 5, 0)
    assert destination.allowed(START + 1000, 0)
