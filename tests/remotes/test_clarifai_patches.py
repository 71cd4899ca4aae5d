"""A patch in doubt is over where sending it again would change nothing."""

from __future__ import annotations

import pytest

from syncer.remotes.clarifai.patches import shows_merge, shows_removal

HELD = {
    "input_id": "i",
    "id": "a",
    "data": {"concepts": [{"id": "tree", "value": 1.0}, {"id": "car", "value": 0.0}], "text": "x"},
}


def patch(*concepts: object) -> dict[str, object]:
    """A patch of these concepts."""
    return {"input_id": "i", "id": "a", "data": {"concepts": list(concepts)}}


@pytest.mark.parametrize(
    ("concept", "there"),
    [
        ({"id": "car", "value": 0}, True),
        ({"id": "car", "value": 1}, False),
        ({"id": "sky", "value": 1}, False),
    ],
)
def test_a_merge_is_there_where_each_item_it_names_is(concept: object, there: bool) -> None:
    assert shows_merge(patch(concept), HELD) is there


@pytest.mark.parametrize(("concept", "gone"), [({"id": "sky"}, True), ({"id": "car"}, False)])
def test_a_remove_is_done_where_nothing_that_it_names_is_left(concept: object, gone: bool) -> None:
    assert shows_removal(patch(concept), HELD) is gone


def test_an_id_that_is_no_string_is_no_id() -> None:
    hostile = {"data": {"concepts": [{"id": ["car"]}, {"id": {}}]}}
    assert shows_merge(patch({"id": "car", "value": 1}), hostile) is False
    assert shows_removal(patch({"id": "car"}), hostile) is True


def test_patches_nested_beyond_reason_are_simply_not_there() -> None:
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert [shows_merge(deep, deep), shows_removal(deep, deep)] == [False, False]


def test_a_scalar_in_a_remove_is_there_once_it_has_replaced_what_was_held() -> None:
    assert shows_removal({"data": {"text": {"raw": "new"}}}, {"data": {"text": {"raw": "new"}}})
    assert not shows_removal({"data": {"text": {"raw": "new"}}}, {"data": {"text": {"raw": "old"}}})


def data(**members: object) -> dict[str, object]:
    return {"input_id": "i", "id": "a", "data": members}


MERGED = {
    "null changes nothing": (
        data(metadata=None, text={"raw": None}),
        data(metadata={"k": 1}, text={"raw": "t"}),
    ),
    "an object of metadata key by key": (
        data(metadata={"k": {"a": 1.0}, "n": None}),
        data(metadata={"k": {"a": 1, "b": 2}, "n": 3}),
    ),
    "items of metadata by their ids": (
        data(metadata={"k": [{"id": "x", "v": 1}]}),
        data(metadata={"k": [{"id": "y"}, {"id": "x", "v": 1}]}),
    ),
    "a concept without a value is there": (
        data(concepts=[{"id": "tree"}]),
        data(concepts=[{"id": "tree", "value": 1}]),
    ),
    "names in camelCase": (
        data(timeSegments=[{"id": "t", "timeInfo": {"beginTime": 0.5}}]),
        data(time_segments=[{"id": "s"}, {"id": "t", "time_info": {"begin_time": 0.5}}]),
    ),
    "an empty list replaces": (data(concepts=[]), data(text={"raw": "t"})),
    "an empty object replaces": (data(metadata={}), data(text={"raw": "t"})),
    "a message of nothing where there is none": (data(text={"raw": ""}), data()),
    "a field of a later version": (data(brightness={"k": 1}), data(brightness={"k": 1, "l": 2})),
}
NOT_MERGED = {
    "another number of metadata": (
        data(metadata={"k": 16_777_217}),
        data(metadata={"k": 16_777_216}),
    ),
    "true of metadata where 1 is held": (data(metadata={"k": True}), data(metadata={"k": 1})),
    "nought of metadata where nothing is held": (data(metadata={"k": 0}), data(metadata={})),
    "a concept without a value where it is not there": (
        data(concepts=[{"id": "tree"}]),
        data(concepts=[{"id": "tree", "value": 0}]),
    ),
    "names in camelCase": (
        data(timeSegments=[{"id": "t", "timeInfo": {"beginTime": 0.5}}]),
        data(time_segments=[{"id": "t", "time_info": {"begin_time": 0.25}}]),
    ),
    "an empty list where something is held": (data(concepts=[]), data(concepts=[{"id": "tree"}])),
    "an empty object where something is held": (data(metadata={}), data(metadata={"k": 1})),
    "empty data where something is held": ({"data": {}}, data(text={"raw": "t"})),
    "an item without an id, which is added each time": (
        data(regions=[{"value": 0.5}]),
        data(regions=[{"id": "r", "value": 0.5}]),
    ),
    "an object where nothing is held": (data(text={"raw": "t"}), data()),
    "a list where a number is held": (data(concepts=[{"id": "tree"}]), data(concepts=5)),
    "a text where an object is held": (data(text="x"), data(text={"raw": "t"})),
    "a list where a text is held": (data(concepts=[{"id": "tree"}]), data(concepts="tree")),
}


@pytest.mark.parametrize("name", MERGED)
def test_a_merge_is_there(name: str) -> None:
    assert shows_merge(*MERGED[name])


@pytest.mark.parametrize("name", NOT_MERGED)
def test_a_merge_is_not_there(name: str) -> None:
    assert not shows_merge(*NOT_MERGED[name])


REMOVED = {
    "a member": (data(text=True), data()),
    "a member of metadata": (
        data(metadata={"k": True, "l": {"m": True}}),
        data(metadata={"l": {"n": 1}}),
    ),
    "an id of metadata": (data(metadata={"id": True}), data(metadata={"k": 1})),
    "a member of what is not there": (data(text={"raw": True}), data()),
    "a coordinate, which is shown as nought": (
        data(geo={"geoPoint": {"latitude": True}}),
        data(geo={"geo_point": {"latitude": 0, "longitude": 1}}),
    ),
    "null": (data(text=None), data(text={"raw": "t"})),
    "items of what is no list": (data(concepts=[{"id": "tree"}]), data(concepts=5)),
    "null of metadata": (data(metadata={"k": None}), data(metadata={"k": 0})),
    "a scalar of what is not there": (data(text={"raw": "new"}), data(text={})),
    "a number as another type has it": (data(int_value="1000"), data(int_value=1e3)),
    "ids name what is patched": ({"id": "a", "input_id": "i"}, {"id": "b", "input_id": "j"}),
}
NOT_REMOVED = {
    "a member": (data(text=True), data(text={"raw": "t"})),
    "a member in camelCase": (data(timeSegments=True), data(time_segments=[{"id": "t"}])),
    "a member of metadata": (data(metadata={"k": True}), data(metadata={"k": 0})),
    "an id of metadata": (data(metadata={"id": True}), data(metadata={"id": "x"})),
    "a member deep in metadata": (
        data(metadata={"l": {"m": True}}),
        data(metadata={"l": {"m": [1]}}),
    ),
    "an item in camelCase": (data(timeSegments=[{"id": "t"}]), data(time_segments=[{"id": "t"}])),
    "true of metadata where 1 is held": (data(metadata={"k": False}), data(metadata={"k": 0})),
    "a number by one": (data(int_value=str(1 << 53)), data(int_value=str((1 << 53) + 1))),
}


@pytest.mark.parametrize("name", REMOVED)
def test_a_remove_is_done(name: str) -> None:
    assert shows_removal(*REMOVED[name])


@pytest.mark.parametrize("name", NOT_REMOVED)
def test_a_remove_is_not_done(name: str) -> None:
    assert not shows_removal(*NOT_REMOVED[name])
