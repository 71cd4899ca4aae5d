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
    "numbers after rounding to float32": (
        region(bounding_box=BOX),
        region(bounding_box={**BOX, "top_row": 0.10000000149011612}),
    ),
    "an integer and the same float": (concepts(TREE), concepts({"id": "tree", "value": 1.0})),
    "a concept without a value sent": (concepts({"id": "tree"}), concepts(TREE)),
    "a concept without a value held": (concepts(TREE), concepts({"id": "tree"})),
    "a concept whose value is null": (concepts({"id": "tree", "value": None}), concepts(TREE)),
    "a missing coordinate held": (
        region(bounding_box=BOX),
        region(bounding_box={"top_row": 0.1, "bottom_row": 0.5, "right_col": 1}),
    ),
    "a missing coordinate sent": (
        region(point={"col": 0.5}),
        region(point={"row": 0.0, "col": 0.5, "z": 0}),
    ),
    "polygon points with zeros": (
        region(polygon={"points": [{"col": 0.5}, {"row": 1}]}),
        region(polygon={"points": [{"row": 0, "col": 0.5}, {"row": 1, "col": 0}]}),
    ),
    "a span from zero": (
        region(span={"char_end": 5}),
        region(span={"char_start": 0, "char_end": 5}),
    ),
    "an empty box": (region(bounding_box={}), region(bounding_box=dict.fromkeys(BOX, 0))),
    "a status by name": (
        {"status": {"code": "ANNOTATION_PENDING"}},
        {"status": {"code": 24151, "description": "Annotation pending"}},
    ),
    "a status by numeric string": (
        {"status": {"code": "24151"}},
        {"status": {"code": "ANNOTATION_PENDING"}},
    ),
    "a visibility by name": (
        region(point={"row": 1, "visibility": "NOT_VISIBLE"}),
        region(point={"row": 1, "visibility": 2}),
    ),
    "a visibility that is not set": (
        region(point={"row": 1, "visibility": "NOT_SET"}),
        region(point={"row": 1}),
    ),
    "a concept's visibility": (
        concepts({**TREE, "visibility": {"gettable": "PUBLIC"}}),
        concepts({**TREE, "visibility": {"gettable": 50}}),
    ),
    "concepts in another order": (concepts(TREE, WATER), concepts(WATER, TREE)),
    "the same concept twice": (
        concepts(TREE, {"id": "tree", "value": 0}),
        concepts(TREE, {"id": "tree", "value": 0}),
    ),
    "items without ids by position": (
        region(bounding_box=BOX),
        {"data": {"regions": [{"id": "made", "region_info": {"bounding_box": BOX}}]}},
    ),
    "what the server added": (
        concepts(TREE),
        {**concepts({**TREE, "name": "tree", "app_id": "x"}), "created_at": "2025-01-01T00:00:00Z"},
    ),
    "empty objects, lists and defaults": (
        {"data": {"text": {}, "concepts": [], "tags": None}, "trusted": False, "user_id": ""},
        {},
    ),
    "camelCase sent": (
        {"inputId": "i", "data": {"regions": [{"regionInfo": {"boundingBox": {"bottomRow": 1}}}]}},
        {
            "input_id": "i",
            **region(bounding_box={"top_row": 0, "left_col": 0, "bottom_row": 1, "right_col": 0}),
        },
    ),
    "a 64-bit integer as string": ({"data": {"int_value": 1500}}, {"data": {"int_value": "1500"}}),
    "a 64-bit integer as number": (
        {"data": {"frames": [{"frame_info": {"time": "1500"}}]}},
        {"data": {"frames": [{"frame_info": {"time": 1500, "number": 0, "index": 0}}]}},
    ),
    "times that are one instant": (
        {"created_at": "2025-02-28T10:41:55+01:00"},
        {"created_at": "2025-02-28T09:41:55.000000000Z"},
    ),
    "times that are equal but no times": ({"created_at": "then"}, {"created_at": "then"}),
    "bytes in the other alphabet of base64": (
        region(mask={"image": {"base64": "-_8="}}),
        region(mask={"image": {"base64": "+/8"}}),
    ),
    "more metadata": (
        metadata({"a": [1, "x", None, {"b": True}]}),
        metadata({"a": [1.0, "x", None, {"b": True, "c": 1}], "d": 1}),
    ),
    "coordinates too large for float32": (
        region(point={"row": 1e300}),
        region(point={"row": 2e300}),
    ),
    "coordinates too large for float32, below nought": (
        region(point={"row": -(10**400)}),
        region(point={"row": "-Infinity"}),
    ),
    "nought with a sign": (region(point={"row": -0.0}), region(point={"col": 0})),
    "nought with a sign in metadata": (metadata(-0.0), metadata(0)),
    "an integer of metadata beyond what a double holds": (
        metadata((1 << 53) + 1),
        metadata(float(1 << 53)),
    ),
    "integers of metadata beyond any double": (metadata(10**400), metadata(10**401)),
    "a 64-bit integer as a float without a fraction": (
        {"data": {"int_value": 1e3}},
        {"data": {"int_value": "1000"}},
    ),
    "the largest 64-bit integer": (
        {"data": {"frames": [{"frame_info": {"time": (1 << 64) - 1}}]}},
        {"data": {"frames": [{"frame_info": {"time": str((1 << 64) - 1)}}]}},
    ),
    "null in metadata": (metadata(None), {"data": {}}),
    "an empty object in metadata": (metadata({}), {"data": {"metadata": {}}}),
    "an empty list in metadata": (metadata([]), metadata({})),
    "an object of nulls in metadata": (metadata({"a": None, "b": {"c": []}}), metadata(None)),
    "bytes without their padding": (
        {"data": {"bytes_value": "AA"}},
        {"data": {"bytes_value": "AA=="}},
    ),
    "bytes in lines": (
        {"data": {"bytes_value": "AAAA\r\nAAAA"}},
        {"data": {"bytes_value": "AAAAAAAA"}},
    ),
    "what the service takes and does not show": ({"embed_model_version_id": "e"}, {}),
    "a field of a later version that is nought": (
        {"data": {"brightness": 0, "tags": []}},
        {"data": {}},
    ),
    "a field of a later version": ({"brightness": {"k": 1}}, {"brightness": {"k": 1.0}}),
    "items without ids in their order, beside those with ids": (
        {"data": {"regions": [{"value": 0.5}, {"id": "r"}, {"value": 0.25}]}},
        {"data": {"regions": [{"id": "r"}, {"id": "1", "value": 0.5}, {"id": "2", "value": 0.25}]}},
    ),
    "the same id twice, in another order": (
        concepts(TREE, WATER, {"id": "tree", "value": 0}),
        concepts(WATER, TREE, {"id": "tree", "value": 0}),
    ),
    "what is not a list where there is one to be": (concepts(), {"data": {"concepts": {}}}),
    "the same text where there is a list to be": (
        {"data": {"concepts": "x"}},
        {"data": {"concepts": "x"}},
    ),
    "the same list where there is a map to be": (
        {"data": {"image": {"hosted_image_info": [1]}}},
        {"data": {"image": {"hosted_image_info": [1]}}},
    ),
    "a map of nothing": (
        {"data": {"image": {"hosted_image_info": {"a": {}}}}},
        {"data": {"image": {}}},
    ),
    "no map": (
        {"data": {"image": {"hosted_image_info": None}}},
        {"data": {"image": {"hosted_image_info": {}}}},
    ),
    "no list": ({"data": {"concepts": None}}, {"data": {"concepts": []}}),
    "a map": (
        {"data": {"image": {"hosted_image_info": {"aB": {"width": "7"}}}}},
        {"data": {"image": {"hostedImageInfo": {"aB": {"width": 7}}}}},
    ),
    "a year that a clock in another place does not have": (
        {"created_at": "0001-01-01T00:00:00+01:00"},
        {"created_at": "0001-01-01T00:30:00+01:30"},
    ),
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
    "a missing coordinate sent against a real one": (
        region(bounding_box={"top_row": 0.1}),
        region(bounding_box=BOX),
    ),
    "an empty box against a real one": (region(bounding_box={}), region(bounding_box=BOX)),
    "a missing coordinate held": (region(point={"row": 0.5}), region(point={"col": 0})),
    "no region": (region(bounding_box=BOX), {"data": {}}),
    "points in another order": (
        region(polygon={"points": [{"row": 1}, {"col": 1}]}),
        region(polygon={"points": [{"col": 1}, {"row": 1}]}),
    ),
    "another status": ({"status": {"code": "ANNOTATION_PENDING"}}, {"status": {"code": 24150}}),
    "two unknown status names": (
        {"status": {"code": "NEW_ONE"}},
        {"status": {"code": "NEW_OTHER"}},
    ),
    "another instant": (
        {"created_at": "2025-02-28T09:41:55Z"},
        {"created_at": "2025-02-28T09:41:56Z"},
    ),
    "other bytes": (
        region(mask={"image": {"base64": "AAAA"}}),
        region(mask={"image": {"base64": "AAAB"}}),
    ),
    "true against an object": (metadata(True), metadata({})),
    "true against a number": (metadata(True), metadata(2)),
    "a number in a string of metadata": (metadata("5"), metadata(5)),
    "names of metadata in camelCase": (metadata({"aB": 1}), metadata({"a_b": 1})),
    "a longer list in metadata": (metadata([1]), metadata([1, 2])),
    "an object against text": ({"data": {"text": {"raw": "x"}}}, {"data": {"text": "x"}}),
    "a list against an object": (concepts(TREE), {"data": {"concepts": {"id": "tree"}}}),
    "numbers beyond any double, of either sign": (metadata(10**400), metadata(-(10**400))),
    "no number, written in two ways": (
        concepts({"id": "tree", "value": "NaN"}),
        concepts({"id": "tree", "value": "nan"}),
    ),
    "true in metadata against 1": (metadata(True), metadata(1)),
    "1 in metadata against true": (metadata(1), metadata(True)),
    "false in metadata against nought": (metadata(False), metadata(0)),
    "nested true in metadata against 1": (metadata([{"a": [True]}]), metadata([{"a": [1]}])),
    "nought in metadata against nothing": (metadata(0), metadata(None)),
    "false in metadata against nothing": (metadata(False), {"data": {}}),
    "an empty text in metadata against nothing": (metadata(""), {"data": {"metadata": {}}}),
    "nothing in metadata against nought": (metadata(None), metadata(0)),
    "null in a list of metadata against nothing": (metadata([None]), metadata([])),
    "null in a list of metadata against an object": (metadata([None]), metadata([{}])),
    "an object in a list of metadata against a list": (metadata([{}]), metadata([[]])),
    "an empty list in a list of metadata against nothing": (metadata([[], 1]), metadata([1])),
    "numbers of metadata that are one float32": (metadata(0.1), metadata(0.10000000149011612)),
    "numbers of metadata too large for float32": (metadata(1e300), metadata(2e300)),
    "an integer of metadata against another": (metadata(16777217), metadata(16777216)),
    "true in annotation_info against 1": (
        {"annotation_info": {"k": True}},
        {"annotation_info": {"k": 1}},
    ),
    "64-bit times that are one float32": (
        {"data": {"frames": [{"frame_info": {"time": "1732612345678"}}]}},
        {"data": {"frames": [{"frame_info": {"time": "1732612345679"}}]}},
    ),
    "64-bit integers that are one double": (
        {"data": {"int_value": str(1 << 53)}},
        {"data": {"int_value": str((1 << 53) + 1)}},
    ),
    "counts that are one float32": (
        region(span={"char_end": 16777216}),
        region(span={"char_end": 16777217}),
    ),
    "doubles that are one float32": (
        {"data": {"float_value": 0.1}},
        {"data": {"float_value": 0.10000000149011612}},
    ),
    "an integer against one with a fraction": (
        {"data": {"int_value": 1.5}},
        {"data": {"int_value": "1"}},
    ),
    "an instant a nanosecond later": (
        {"created_at": "2025-02-28T09:41:55.000000001Z"},
        {"created_at": "2025-02-28T09:41:55.000000002Z"},
    ),
    "1970 against no time": ({"created_at": "1970-01-01T00:00:00Z"}, {}),
    "true against 1 where there is a number": (
        concepts({"id": "tree", "value": True}),
        concepts(TREE),
    ),
    "true against 1 where there is an integer": (
        {"data": {"int_value": True}},
        {"data": {"int_value": "1"}},
    ),
    "1 against true where there is a boolean": (
        {"data": {"bool_value": 1}},
        {"data": {"bool_value": True}},
    ),
    "a text of digits against its number": ({"task_id": "5"}, {"task_id": 5}),
    "two items of one id against one of them": (concepts(TREE, TREE), concepts(TREE, WATER)),
    "an item without an id against none that is left": (
        {"data": {"regions": [{"id": "r"}, {}]}},
        {"data": {"regions": [{"id": "r"}, {"id": "r"}]}},
    ),
    "a coordinate of a place on earth": (
        {"data": {"geo": {"geo_point": {"longitude": 1}}}},
        {"data": {"geo": {"geo_point": {"longitude": 1, "latitude": 1}}}},
    ),
    "a list against no list": (concepts(TREE), {"data": {"concepts": None}}),
    "a list against text": (concepts(TREE), {"data": {"concepts": "tree"}}),
    "text against a list": ({"data": {"concepts": "tree"}}, concepts(TREE)),
    "a map against nothing": (
        {"data": {"image": {"hosted_image_info": {"a": {"width": 7}}}}},
        {"data": {"image": {}}},
    ),
    "a field of a later version against nothing": ({"brightness": 1}, {}),
    "a field of a later version, nought against one": ({"brightness": 0}, {"brightness": 1}),
    "a map without its key": (
        {"data": {"image": {"hosted_image_info": {"a": {"width": 7}}}}},
        {"data": {"image": {"hosted_image_info": {"b": {"width": 7}}}}},
    ),
    "a map against a list": (
        {"data": {"image": {"hosted_image_info": {"a": {"width": 7}}}}},
        {"data": {"image": {"hosted_image_info": []}}},
    ),
    "a field of a later version with another value": (
        {"brightness": 0.1},
        {"brightness": 0.10000000149011612},
    ),
    "a field of a later version against true": ({"brightness": 1}, {"brightness": True}),
    "a day that no month has": (
        {"created_at": "2025-02-30T00:00:00Z"},
        {"created_at": "2025-03-02T00:00:00Z"},
    ),
    "bytes that are none": ({"data": {"bytes_value": "A"}}, {"data": {"bytes_value": "B"}}),
    "two texts that are no numbers": (
        concepts({"id": "tree", "value": "much"}),
        concepts({"id": "tree", "value": "more"}),
    ),
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
    "a key of metadata that is nought": (metadata({"a": 1}), metadata({"a": 1, "b": 0})),
    "a key deep in metadata": (metadata([{"a": 1}]), metadata([{"a": 1, "b": ""}])),
    "more metadata": SAME["more metadata"],
    "a text": (concepts(TREE), {"data": {"concepts": [TREE], "text": {"raw": "t"}}}),
    "a picture in a picture": (
        concepts(TREE),
        {"data": {"concepts": [TREE], "image": {"hosted": {"prefix": "p"}}}},
    ),
    "a map in a picture": (
        concepts(TREE),
        {"data": {"concepts": [TREE], "image": {"hosted_image_info": {"a": {"width": 7}}}}},
    ),
    "a list": (concepts(TREE), {"data": {"concepts": [TREE], "colors": [{"raw_hex": "#fff"}]}}),
    "a polygon": (
        region(bounding_box=BOX),
        region(bounding_box=BOX, polygon={"points": [{"row": 1}]}),
    ),
    "a word of a token": (
        region(bounding_box=BOX),
        region(bounding_box=BOX, token={"raw_text": "t"}),
    ),
    "data of a region": (
        region(bounding_box=BOX),
        {"data": {"regions": [{"region_info": {"bounding_box": BOX}, **concepts(TREE)}]}},
    ),
    "another shape": (region(bounding_box=BOX), region(bounding_box=BOX, point={"row": 1})),
    "annotation_info": (concepts(TREE), {**concepts(TREE), "annotation_info": {"by": "Ann"}}),
}


@pytest.mark.parametrize("name", ADDED)
def test_what_only_somebody_else_can_have_added_is_a_difference_where_it_has_to_be_exact(
    name: str,
) -> None:
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
