"""What is the same annotation, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.remotes.clarifai import same_annotation
from tests.remotes.made import CLARIFAI, change


def concepts(*items: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"concepts": list(items)}}


def region(**info: Any) -> dict[str, Any]:
    return {"data": {"regions": [{"region_info": info}]}}


def metadata(value: Any) -> dict[str, Any]:
    return {"data": {"metadata": {"k": value}}}


TREE = {"id": "tree", "value": 1}
WATER = {"id": "water", "value": 0}
BOX = {"top_row": 0.1, "left_col": 0, "bottom_row": 0.5, "right_col": 1}

SAME = {
    "numbers after rounding to float32": (region(bounding_box=BOX), region(bounding_box={**BOX, "top_row": 0.10000000149011612})),
    "an integer and the same float": (concepts(TREE), concepts({"id": "tree", "value": 1.0})),
    "a concept without a value sent": (concepts({"id": "tree"}), concepts(TREE)),
    "a concept without a value held": (concepts(TREE), concepts({"id": "tree"})),
    "a concept whose value is null": (concepts({"id": "tree", "value": None}), concepts(TREE)),
    "a missing coordinate held": (region(bounding_box=BOX), region(bounding_box={"top_row": 0.1, "bottom_row": 0.5, "right_col": 1})),
    "a missing coordinate sent": (region(point={"col": 0.5}), region(point={"row": 0.0, "col": 0.5, "z": 0})),
    "polygon points with zeros": (
        region(polygon={"points": [{"col": 0.5}, {"row": 1}]}),
        region(polygon={"points": [{"row": 0, "col": 0.5}, {"row": 1, "col": 0}]}),
    ),
    "a span from zero": (region(span={"char_end": 5}), region(span={"char_start": 0, "char_end": 5})),
    "an empty box": (region(bounding_box={}), region(bounding_box=dict.fromkeys(BOX, 0))),
    "a status by name": ({"status": {"code": "ANNOTATION_PENDING"}}, {"status": {"code": 24151, "description": "Annotation pending"}}),
    "a status by numeric string": ({"status": {"code": "24151"}}, {"status": {"code": "ANNOTATION_PENDING"}}),
    "a visibility by name": (region(point={"row": 1, "visibility": "NOT_VISIBLE"}), region(point={"row": 1, "visibility": 2})),
    "a visibility that is not set": (region(point={"row": 1, "visibility": "NOT_SET"}), region(point={"row": 1})),
    "a concept's visibility": (
        concepts({**TREE, "visibility": {"gettable": "PUBLIC"}}),
        concepts({**TREE, "visibility": {"gettable": 50}}),
    ),
    "concepts in another order": (concepts(TREE, WATER), concepts(WATER, TREE)),
    "the same concept twice": (concepts(TREE, {"id": "tree", "value": 0}), concepts(TREE, {"id": "tree", "value": 0})),
    "items without ids by position": (
        region(bounding_box=BOX),
        {"data": {"regions": [{"id": "made", "region_info": {"bounding_box": BOX}}]}},
    ),
    "what the server added": (concepts(TREE), {**concepts({**TREE, "name": "tree", "app_id": "x"}), "created_at": "2025-01-01T00:00:00Z"}),
    "empty objects, lists and defaults": ({"data": {"text": {}, "concepts": [], "tags": None}, "trusted": False, "user_id": ""}, {}),
    "camelCase sent": (
        {"inputId": "i", "data": {"regions": [{"regionInfo": {"boundingBox": {"bottomRow": 1}}}]}},
        {"input_id": "i", **region(bounding_box={"top_row": 0, "left_col": 0, "bottom_row": 1, "right_col": 0})},
    ),
    "a 64-bit integer as string": ({"data": {"int_value": 1500}}, {"data": {"int_value": "1500"}}),
    "a 64-bit integer as number": (
        {"data": {"frames": [{"frame_info": {"time": "1500"}}]}},
        {"data": {"frames": [{"frame_info": {"time": 1500, "number": 0, "index": 0}}]}},
    ),
    "times that are one instant": ({"created_at": "2025-02-28T10:41:55+01:00"}, {"created_at": "2025-02-28T09:41:55.000000000Z"}),
    "times that are equal but no times": ({"created_at": "then"}, {"created_at": "then"}),
    "bytes in the other alphabet of base64": (region(mask={"image": {"base64": "-_8="}}), region(mask={"image": {"base64": "+/8"}})),
    "more metadata": (metadata({"a": [1, "x", None, {"b": True}]}), metadata({"a": [1.0, "x", None, {"b": True, "c": 1}], "d": 1})),
    "numbers too large for float32": (metadata(1e300), metadata(2e300)),
    "negative numbers too large for float32": (metadata(-(10**400)), metadata(-1e300)),
}

DIFFERENT = {
    "another value": (concepts(TREE), concepts({"id": "tree", "value": 0})),
    "no value sent against zero": (concepts({"id": "tree"}), concepts({"id": "tree", "value": 0})),
    "zero against no value held": (concepts(WATER), concepts({"id": "water"})),
    "another concept": (concepts(TREE), concepts({"id": "water", "value": 1})),
    "a concept more": (concepts(TREE), concepts(TREE, WATER)),
    "a concept less": (concepts(TREE, WATER), concepts(TREE)),
    "a missing field": ({"input_id": "i", "task_id": "t"}, {"input_id": "i"}),
    "another number": (region(bounding_box=BOX), region(bounding_box={**BOX, "top_row": 0.1001})),
    "a missing coordinate sent against a real one": (region(bounding_box={"top_row": 0.1}), region(bounding_box=BOX)),
    "an empty box against a real one": (region(bounding_box={}), region(bounding_box=BOX)),
    "a missing coordinate held": (region(point={"row": 0.5}), region(point={"col": 0})),
    "no region": (region(bounding_box=BOX), {"data": {}}),
    "points in another order": (
        region(polygon={"points": [{"row": 1}, {"col": 1}]}),
        region(polygon={"points": [{"col": 1}, {"row": 1}]}),
    ),
    "another status": ({"status": {"code": "ANNOTATION_PENDING"}}, {"status": {"code": 24150}}),
    "two unknown status names": ({"status": {"code": "NEW_ONE"}}, {"status": {"code": "NEW_OTHER"}}),
    "another instant": ({"created_at": "2025-02-28T09:41:55Z"}, {"created_at": "2025-02-28T09:41:56Z"}),
    "other bytes": (region(mask={"image": {"base64": "AAAA"}}), region(mask={"image": {"base64": "AAAB"}})),
    "true against an object": (metadata(True), metadata({})),
    "true against a number": (metadata(True), metadata(2)),
    "a number in a string of metadata": (metadata("5"), metadata(5)),
    "names of metadata in camelCase": (metadata({"aB": 1}), metadata({"a_b": 1})),
    "a longer list in metadata": (metadata([1]), metadata([1, 2])),
    "an object against text": ({"data": {"text": {"raw": "x"}}}, {"data": {"text": "x"}}),
    "a list against an object": (concepts(TREE), {"data": {"concepts": {"id": "tree"}}}),
    "a number against a word": ({"data": {"int_value": 5}}, {"data": {"int_value": "five"}}),
}


@pytest.mark.parametrize("name", SAME)
def test_it_is_the_same(name: str) -> None:
    sent, held = SAME[name]
    assert same_annotation(sent, held)


@pytest.mark.parametrize("name", DIFFERENT)
def test_it_is_different(name: str) -> None:
    sent, held = DIFFERENT[name]
    assert not same_annotation(sent, held)


@pytest.mark.parametrize("name", sorted(SAME.keys() - {"more metadata"}))
def test_what_the_service_adds_or_leaves_out_is_the_same_exactly(name: str) -> None:
    """None of these pairs is an edit."""
    sent, held = SAME[name]
    assert same_annotation(sent, held, exact=True)


ADDED = {
    "a member of data": (concepts(TREE), {"data": {"concepts": [TREE], "metadata": {"k": 1}}}),
    "data": ({"id": "a"}, {"id": "a", **concepts(TREE)}),
    "a key of metadata": (metadata({"a": 1}), metadata({"a": 1, "b": False})),
    "a key of metadata that was nought": (metadata({"a": 1, "b": 0}), metadata({"a": 1})),
    "more metadata": SAME["more metadata"],
    "data of a region": (region(bounding_box=BOX), {"data": {"regions": [{"region_info": {"bounding_box": BOX}, **concepts(TREE)}]}}),
    "another shape": (region(bounding_box=BOX), region(bounding_box=BOX, point={"row": 1})),
    "annotation_info": (concepts(TREE), {**concepts(TREE), "annotation_info": {"by": "Ann"}}),
}


@pytest.mark.parametrize("name", ADDED)
def test_what_only_somebody_else_can_have_added_is_a_difference_where_it_has_to_be_exact(name: str) -> None:
    sent, held = ADDED[name]
    assert same_annotation(sent, held)
    assert not same_annotation(sent, held, exact=True)


def test_a_change_is_compared_by_the_body_that_it_sends() -> None:
    sent = change({"id": "a", "input_id": "i", **concepts({"id": "tree"})})
    assert CLARIFAI.same(sent, {"id": "a", "input_id": "i", **concepts(TREE)})
    assert not CLARIFAI.same(sent, {"id": "b", "input_id": "i", **concepts(TREE)})


def test_what_is_too_deep_to_compare_is_not_the_same() -> None:
    deep: list[Any] = [1, 1]
    for _ in range(5000):
        deep = [[deep[0]], [deep[1]]]
    assert not same_annotation(metadata(deep[0]), metadata(deep[1]))


@pytest.mark.parametrize("held", ["text", [1], 7])
def test_an_object_of_metadata_is_not_the_same_as_anything_else(held: object) -> None:
    assert not same_annotation(metadata({"k": {"a": 1}}), metadata({"k": held}))
    assert not same_annotation(metadata({"k": [1, 2]}), metadata({"k": "text"}))


def test_times_that_are_no_times_are_the_same_only_as_text() -> None:
    sent = {"created_at": "once upon a time", "modified_at": "2022-05-12T12:20:49Z"}
    assert same_annotation(sent, dict(sent))
    assert not same_annotation(sent, {**sent, "created_at": "upon a time"})
