"""What a sample of a migration says of the whole."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from syncer.jobs.migrate.prediction import (
    Amount,
    Predicted,
    TriedPhase,
    count_comparing,
    count_preparing,
    count_pushing,
    predict_requests,
    predict_seconds,
    predict_share,
    spread,
)


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0, 4), (10, 4.7, 18.7), (100, 81, 122)])
def test_the_range_is_that_of_things_that_come_by_chance(
    count: int, low: float, high: float
) -> None:
    found = spread(count)
    assert (round(found.low, 1), found.likely, round(found.high)) == (low, count, round(high))


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3])
def test_nineteen_of_twenty_samples_say_a_range_that_holds_the_truth(share: float) -> None:
    chance = random.Random(4)
    sample, whole = Amount(1000, 100), Amount(100_000, 10_000)

    def is_right() -> bool:
        dead = sum(chance.random() < share for _ in range(sample.labels))
        said = predict_share(dead, sample, whole)
        return said.low <= share * whole.labels <= said.high

    assert fmean(is_right() for _ in range(400)) > 0.94


def test_nothing_tried_says_nothing_and_of_nothing_left_nothing_is_said() -> None:
    nothing, ten = Amount(0, 0), Amount(10, 2)
    assert predict_share(0, nothing, ten) == Predicted(0, 0, 10)
    assert predict_share(3, ten, nothing) == Predicted(0, 0, 0)
    assert predict_share(0, ten, ten) == Predicted(0, 0, 4)


def test_what_is_asked_when_nothing_goes_wrong_is_counted_and_the_rest_is_in_the_range() -> None:
    assert predict_requests(TriedPhase(8, 1.0, 8, 800)) == Predicted(800, 800, 1200)
    faulty = predict_requests(TriedPhase(10, 1.0, 8, 800)).as_json()
    assert faulty == {"low": 817, "likely": 1000, "high": 1547}
    assert predict_requests(TriedPhase(0, 0.0, 0, 3)) == Predicted(3, 3, 3)


def test_the_limit_is_the_least_and_what_the_sample_took_beyond_comes_once_or_each_time() -> None:
    tried = TriedPhase(10, 4.0, 10, 100)
    said = predict_seconds([tried], rate=10)
    assert (said.low, said.likely) == (10, 13)
    assert said.high == pytest.approx(140 * 0.4)


def test_without_a_limit_each_request_takes_what_it_took() -> None:
    said = predict_seconds([TriedPhase(10, 4.0, 10, 100)], rate=None)
    assert (said.low, said.likely, said.high) == pytest.approx((40, 40, 56))


def test_requests_of_each_phase_are_those_of_full_groups() -> None:
    many = Amount(12_800, 1_280)
    assert count_pushing(many, 128) == 100
    assert count_comparing(many) == 2 * 15
    assert count_comparing(Amount(1_280, 1_280)) == 2 * 13
    assert count_preparing(many, makes=False) == 13
    assert count_preparing(many, makes=True) == 23


def test_a_range_in_json_is_rounded_outwards() -> None:
    said = Predicted(1.5, 2.5, 3.5).as_json()
    assert said == {"low": 1, "likely": 2, "high": 4}
