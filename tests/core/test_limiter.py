"""Lanes that share a limit: whose wish holds, and whose turn it is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.limiter import LanePace, Limiter, Wish
from syncer.core.seeking import START_RATE


def lanes(*wishes: Wish) -> list[LanePace]:
    """Lanes of one limiter, all of them in use."""
    limiter = Limiter()
    joined = [LanePace(lambda: limiter, wish) for wish in wishes]
    for lane in joined:
        lane.join(0.0)
    return joined


class Machine:
    """Lanes that always have something to send, each with one timer, which is late."""

    def __init__(self, sharing: list[LanePace], late_seconds: float = 0.001) -> None:
        self.now = 1.0
        self.sent: list[tuple[float, int]] = []
        self.asleep: set[int] = set()
        """Lanes that send nothing."""
        self._lanes = sharing
        self._rng = random.Random(len(sharing))
        self._late_seconds = late_seconds
        self._wakes = [0.0] * len(sharing)

    def run(self, seconds: float) -> list[int]:
        """How much each lane sent in this time."""
        end, before = self.now + seconds, len(self.sent)
        while True:
            awake = [number for number in range(len(self._lanes)) if number not in self.asleep]
            number = min(awake, key=lambda number: self._wakes[number])
            self.now = max(self.now, self._wakes[number])
            if self.now >= end:
                break
            due = self._lanes[number].next_at(self.now)
            if due <= self.now:
                self._lanes[number].take(self.now)
                self.sent.append((self.now, number))
            else:
                self._wakes[number] = due + self._rng.uniform(0.0, self._late_seconds)
        return [
            sum(sender == number for _, sender in self.sent[before:])
            for number in range(len(self._lanes))
        ]


# --- the rate -------------------------------------------------------------------------


def test_the_slowest_wish_of_the_lanes_in_use_holds_for_all() -> None:
    limiter = Limiter()
    fast, slow = LanePace(lambda: limiter, 15), LanePace(lambda: limiter, 5)
    fast.join(0.0)
    assert fast.requests_per_second == 15
    slow.join(0.0)
    assert fast.requests_per_second == slow.requests_per_second == 5
    slow.leave(1.0)
    assert fast.requests_per_second == 15


def test_a_lane_may_wish_for_more_or_for_less_while_it_goes() -> None:
    first, second = lanes(10, 20)
    first.ask_for(30, 1.0)
    assert second.requests_per_second == 20
    first.ask_for(2, 2.0)
    assert second.requests_per_second == 2


@pytest.mark.parametrize("wishes", [("auto", 2), (2, "auto")])
def test_a_limit_is_not_sought_above_what_another_lane_allows(wishes: tuple[Wish, Wish]) -> None:
    first, second = lanes(*wishes)
    assert first.requests_per_second == second.requests_per_second == 2


def test_a_limit_is_sought_again_when_who_gave_a_rate_has_left() -> None:
    seeking, given = lanes("auto", 2)
    given.leave(1.0)
    assert seeking.requests_per_second == START_RATE


def test_what_a_lane_sent_counts_when_another_begins_to_seek_the_limit() -> None:
    limiter = Limiter()
    first, second = LanePace(lambda: limiter, 15), LanePace(lambda: limiter, "auto")
    first.join(0.0)
    for _ in range(15):
        first.take(1.0)
    second.join(1.0)
    assert second.next_at(1.0) >= 2.0


def test_a_lane_that_does_not_go_yet_says_what_it_wishes() -> None:
    assert LanePace(Limiter, 3).requests_per_second == 3
    assert LanePace(Limiter, "auto").requests_per_second == START_RATE


def test_limiters_that_turn_out_to_be_one_count_what_both_let_go() -> None:
    one, other = Limiter(), Limiter()
    here, there = LanePace(lambda: one, 10), LanePace(lambda: other, 20)
    here.join(0.0)
    there.join(0.0)
    for sent in range(5):
        here.take(1.0 + sent / 100)
        there.take(1.0 + sent / 100)
    one.absorb(other, 1.1)
    assert there.requests_per_second == 10
    assert here.next_at(1.1) >= 2.0


# --- turns ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [2, 15, 200, 500])
@pytest.mark.parametrize("count", [2, 3])
def test_lanes_take_turns(rate: float, count: int) -> None:
    machine = Machine(lanes(*[rate] * count))
    shares = machine.run(20.0)
    assert max(shares) - min(shares) <= 0.02 * sum(shares) + 2
    assert sum(shares) >= 0.98 * rate * 20


def test_a_lane_that_comes_to_a_busy_limit_has_its_turn_at_once() -> None:
    machine = Machine(lanes(10, 10))
    machine.asleep = {1}
    machine.run(10.0)
    machine.asleep = set()
    assert machine.run(1.0) == pytest.approx([5, 5], abs=1)


@pytest.mark.parametrize("rate", [2, 15, 500])
def test_a_lane_that_waits_no_more_leaves_the_limit_to_the_others(rate: float) -> None:
    machine = Machine(lanes(rate, rate))
    machine.run(5.0)
    machine.asleep = {0}
    assert machine.run(10.0)[1] >= 0.97 * rate * 10


@given(
    st.lists(st.sampled_from([2.0, 15.0, 50.0]), min_size=2, max_size=4),
    st.lists(st.sets(st.integers(0, 3)), max_size=6),
)
@settings(max_examples=50, deadline=None)
def test_no_second_holds_more_than_the_limit_whoever_of_its_lanes_goes(
    wishes: list[float], asleep: list[set[int]]
) -> None:
    sharing = lanes(*wishes)
    machine = Machine(sharing, late_seconds=0.05)
    for some in asleep:
        machine.asleep = some if len(some | set(range(len(wishes)))) > len(some) else set()
        machine.run(1.7)
    machine.asleep = set()
    machine.run(3.0)
    times = [at for at, _ in machine.sent]
    assert all(
        later - earlier >= 1.0
        for earlier, later in zip(times, times[int(min(wishes)) :], strict=False)
    )


def test_a_turn_that_was_not_used_goes_back_to_the_limit() -> None:
    (lane,) = lanes(10)
    lane.take(0.0)
    assert lane.taken == 1
    lane.give_back()
    assert lane.taken == 0


def test_a_refusal_is_told_to_the_limit_that_is_sought() -> None:
    (refused,), (spared,) = lanes("auto"), lanes("auto")
    for at in range(50):
        for lane in (refused, spared):
            lane.take(at / 10)
    refused.refused(4.9, 1.0)
    for lane in (refused, spared):
        lane.take(5.0)
    assert refused.requests_per_second < spared.requests_per_second


def test_the_turns_of_a_lane_by_itself_are_as_far_apart_as_its_rate_makes_them() -> None:
    limiter = Limiter()
    assert LanePace(lambda: limiter, 5).turn_seconds == pytest.approx(0.2)
