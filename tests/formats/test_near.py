"""Boxes that are nearly the same."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from syncer.formats import near
from syncer.formats.labels import Box
from syncer.formats.near import NEARLY, NearDoubles

SHIFTS = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 1.0])
BOXES = st.builds(
    lambda left, top, width, height: Box(left, top, 10 + left + width, 5 + top + height),
    SHIFTS,
    SHIFTS,
    SHIFTS,
    SHIFTS,
)


@given(st.lists(BOXES, max_size=12))
def test_a_box_has_a_double_where_one_before_it_covers_nearly_the_same(boxes: list[Box]) -> None:
    seen = NearDoubles()
    for count, box in enumerate(boxes):
        found = seen.find("image", "cat", box, str(count))
        doubles = [
            str(number)
            for number, other in enumerate(boxes[:count])
            if near._overlap(box, other) > NEARLY
        ]
        assert found in doubles if doubles else found is None
    seen.close()


def test_a_box_is_held_against_few_of_a_crowded_image() -> None:
    """Wrong: against each, which took minutes for 150,000."""
    seen = NearDoubles()
    with patch.object(near, "_overlap", side_effect=near._overlap) as held:
        for number in range(2_000):
            left, top = 10.0 * (number % 50), 10.0 * (number // 50)
            assert seen.find("image", "cat", Box(left, top, left + 9, top + 9), "") is None
    assert held.call_count == 0
    seen.close()


def test_boxes_of_other_inputs_and_concepts_are_no_doubles() -> None:
    seen = NearDoubles()
    assert seen.find("image", "cat", Box(0, 0, 9, 9), "first") is None
    assert seen.find("image", "dog", Box(0, 0, 9, 9), "second") is None
    assert seen.find("other", "cat", Box(0, 0, 9, 9), "third") is None
    assert seen.find("image", "cat", Box(0, 0, 9, 9.1), "fourth") == "first"
    assert seen.find("image", "cat", Box(0, 0, float("nan"), 9), "fifth") is None
    seen.close()
