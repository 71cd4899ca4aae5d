"""Points and boxes."""

from __future__ import annotations

import math

import pytest

from syncer.formats import geometry
from syncer.formats.labels import Box


def test_a_box_that_is_turned_keeps_its_area_and_its_center():
    turned = geometry.rotate_box(Box(10, 20, 50, 40), 30)
    assert geometry.measure_area(turned) == pytest.approx(800)
    assert sum(x for x, _ in turned) / 4 == pytest.approx(30)
    assert sum(y for _, y in turned) / 4 == pytest.approx(30)


def test_a_quarter_turn_is_clockwise_on_the_screen():
    (upper_left, *_) = geometry.rotate_box(Box(0, 0, 4, 2), 90)
    assert upper_left == pytest.approx((3, -1))  # it went to the upper right


def test_points_turn_about_any_center():
    assert geometry.rotate([(2, 1)], (1, 1), 90)[0] == pytest.approx((1, 2))


def test_the_area_of_a_ring_does_not_depend_on_its_direction():
    ring = ((0, 0), (4, 0), (4, 3))
    assert geometry.measure_area(ring) == geometry.measure_area(ring[::-1]) == 6
    assert geometry.measure_area(ring[:2]) == geometry.measure_area(()) == 0


def test_what_is_beyond_the_image_is_clamped_to_its_edge():
    assert geometry.clamp_box(Box(-5, 5, 120, 20), 100, 50) == Box(0, 5, 100, 20)
    gone = geometry.clamp_box(Box(-9, 5, -1, 20), 100, 50)
    assert gone.left == gone.right == 0


def test_an_odd_number_at_the_end_is_no_point():
    assert geometry.pair_up([1, 2, 3, 4, 5]) == ((1, 2), (3, 4))


def test_points_are_shares_of_each_side():
    assert geometry.scale([(50, 50)], 200, 100) == ((0.25, 0.5),)


def test_a_box_encloses_points():
    assert geometry.enclose([(3, 1), (2, 7), (5, 4)]) == Box(2, 1, 5, 7)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_noticed(number: float):
    assert not geometry.is_finite((1.0, number))
    assert geometry.is_finite((1.0, 2.0))
