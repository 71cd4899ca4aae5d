"""A patch in doubt is over where sending it again would change nothing."""

from __future__ import annotations

import pytest

from syncer.remotes.clarifai.patches import merged, removed

HELD = {"input_id": "i", "id": "a", "data": {"concepts": [{"id": "tree", "value": 1.0}, {"id": "car", "value": 0.0}], "text": "x"}}


def patch(*concepts: object) -> dict[str, object]:
    """A patch of these concepts."""
    return {"input_id": "i", "id": "a", "data": {"concepts": list(concepts)}}


@pytest.mark.parametrize(
    ("concept", "there"), [({"id": "car", "value": 0}, True), ({"id": "car", "value": 1}, False), ({"id": "sky", "value": 1}, False)]
)
def test_a_merge_is_there_where_each_item_it_names_is(concept: object, there: bool) -> None:
    assert merged(patch(concept), HELD) is there


@pytest.mark.parametrize(("concept", "gone"), [({"id": "sky"}, True), ({"id": "car"}, False)])
def test_a_remove_is_done_where_nothing_that_it_names_is_left(concept: object, gone: bool) -> None:
    assert removed(patch(concept), HELD) is gone


def test_an_id_that_is_no_string_is_no_id() -> None:
    hostile = {"data": {"concepts": [{"id": ["car"]}, {"id": {}}]}}
    assert merged(patch({"id": "car", "value": 1}), hostile) is False
    assert removed(patch({"id": "car"}), hostile) is True


def test_patches_nested_beyond_reason_are_simply_not_there() -> None:
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert [merged(deep, deep), removed(deep, deep)] == [False, False]


def test_a_scalar_in_a_remove_is_there_once_it_has_replaced_what_was_held() -> None:
    assert removed({"data": {"text": {"raw": "new"}}}, {"data": {"text": {"raw": "new"}}})
    assert not removed({"data": {"text": {"raw": "new"}}}, {"data": {"text": {"raw": "old"}}})
