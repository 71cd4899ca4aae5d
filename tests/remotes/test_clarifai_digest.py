"""The digest of an annotation: one for all ways to write it, another for each other
annotation.
"""

from __future__ import annotations

import json
import random
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.remotes.clarifai import digest_annotation, same_annotation
from syncer.remotes.clarifai.digest import render_form

Json = dict[str, Any]
CHANGELOG = (Path(__file__).parents[2] / "docs/changelog.md").read_text("utf-8")
VECTORS = [
    tuple(vector.splitlines())
    for vector in CHANGELOG.split("```text\n")[-1].split("\n```")[0].split("\n\n")
]


def float32(value: float) -> float:
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded


def test_there_are_ten_vectors() -> None:
    assert len(VECTORS) == 10


@pytest.mark.parametrize(("annotation", "text", "digest"), VECTORS)
def test_the_digests_are_those_of_the_docs(annotation: str, text: str, digest: str) -> None:
    assert render_form(json.loads(annotation)).decode() == text
    assert blake2b(text.encode(), digest_size=16).hexdigest() == digest
    assert digest_annotation(json.loads(annotation)) == digest


# --- annotations, and other ways to write them ----------------------------------------

ids = st.sampled_from(["a", "b", "c", "tree"])
shares = st.sampled_from([0.0, 0.1, 0.25, 0.7, 1.0])
free = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 0.1, -0.0, "", "1", {}, []]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ids, inner, max_size=2),
    max_leaves=5,
)
infos = st.dictionaries(ids, free, max_size=2)
concepts = st.fixed_dictionaries({"id": ids}, optional={"value": shares})
points = st.fixed_dictionaries(
    {}, optional={"row": shares, "col": shares, "visibility": st.sampled_from([0, 1, 2])}
)
shapes = st.fixed_dictionaries(
    {},
    optional={
        "bounding_box": st.fixed_dictionaries({}, optional={"top_row": shares, "left_col": shares}),
        "polygon": st.fixed_dictionaries({"points": st.lists(points, max_size=3)}),
        "mask": st.fixed_dictionaries(
            {"image": st.fixed_dictionaries({"base64": st.sampled_from(["", "+/8=", "AAA="])})}
        ),
        "span": st.fixed_dictionaries({}, optional={"char_end": st.sampled_from([0, 5])}),
    },
)
labelled = st.fixed_dictionaries(
    {}, optional={"concepts": st.lists(concepts, max_size=3, unique_by=lambda item: item["id"])}
)
regions = st.fixed_dictionaries(
    {}, optional={"id": ids, "region_info": shapes, "data": labelled, "value": shares}
)
frames = st.fixed_dictionaries(
    {"frame_info": st.fixed_dictionaries({"time": st.sampled_from([0, 1500, 1 << 60])})},
    optional={"data": labelled},
)


def name_item(item: Json) -> object:
    """Nothing has the id of another: which of the two is meant, nobody can say."""
    return item.get("id") or id(item)


annotations = st.fixed_dictionaries(
    {},
    optional={
        "data": st.fixed_dictionaries(
            {},
            optional={
                "concepts": st.lists(concepts, max_size=3, unique_by=lambda item: item["id"]),
                "regions": st.lists(regions, max_size=2, unique_by=name_item),
                "frames": st.lists(frames, max_size=1),
                "metadata": infos,
                "int_value": st.sampled_from([0, 1, 1 << 62]),
                "bool_value": st.booleans(),
            },
        ),
        "annotation_info": infos,
        "status": st.fixed_dictionaries({"code": st.sampled_from([0, 24150, 24151])}),
        "task_id": st.sampled_from(["", "t-1"]),
    },
)
NAMES = {0: "NOT_SET", 1: "VISIBLE", 2: "NOT_VISIBLE"}
CODES = {0: "0", 24150: "ANNOTATION_SUCCESS", 24151: "24151"}
CAMEL = {"bounding_box": "boundingBox", "region_info": "regionInfo", "char_end": "charEnd"}


def respell(value: Any, name: str, rng: random.Random) -> Any:
    """Return the same in another spelling."""
    if name in ("metadata", "annotation_info"):
        return respell_free(value, rng)
    if isinstance(value, dict):
        members = [
            (rng.choice([inner, CAMEL.get(inner, inner)]), respell(item, inner, rng))
            for inner, item in value.items()
            if rng.random() < 0.5 or not is_default(inner, item)
        ]
        rng.shuffle(members)
        return dict(members)
    if isinstance(value, list):
        items = [respell(item, "", rng) for item in value]
        if all("id" in item for item in items):
            rng.shuffle(items)
        return items
    if rng.random() < 0.5 or isinstance(value, bool | str):
        return value.rstrip("=") if name == "base64" else value
    if name == "visibility":
        return NAMES[value]
    if name == "code":
        return CODES[value]
    return str(value) if name in ("time", "int_value") else float32(value)


def is_default(name: str, value: Any) -> bool:
    return value == 1 if name == "value" and isinstance(value, float) else not value


def respell_free(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        kept = {key: respell_free(item, rng) for key, item in value.items()}
        return {**kept, **({"nothing": rng.choice([None, {}, []])} if rng.random() < 0.5 else {})}
    if isinstance(value, list):
        return [respell_free(item, rng) for item in value]
    return float(value) if type(value) is int else value


def is_same(one: Json, other: Json) -> bool:
    return same_annotation(one, other, exact=True) and same_annotation(other, one, exact=True)


@given(annotations, st.randoms(use_true_random=False))
def test_two_spellings_of_an_annotation_have_one_digest(
    annotation: Json, rng: random.Random
) -> None:
    drop_region_values(annotation)
    other = respell(annotation, "", rng)
    assert is_same(annotation, other)
    assert digest_annotation(annotation) == digest_annotation(other)


def drop_region_values(annotation: Json) -> None:
    """A region's value is 0 by default, a concept's 1: here only concepts have one."""
    for region in annotation.get("data", {}).get("regions", []):
        region.pop("value", None)


@given(annotations, annotations)
def test_annotations_have_one_digest_where_they_are_the_same(one: Json, other: Json) -> None:
    assert (digest_annotation(one) == digest_annotation(other)) is is_same(one, other)


@given(annotations, st.randoms(use_true_random=False))
def test_an_annotation_of_which_anything_was_changed_has_another_digest(
    annotation: Json, rng: random.Random
) -> None:
    other = change_one(annotation, rng)
    assert (digest_annotation(annotation) == digest_annotation(other)) is is_same(annotation, other)


def change_one(value: Any, rng: random.Random) -> Any:
    """Return the value with one thing in it left out, repeated or replaced."""
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        kept = dict(value)
        if rng.random() < 0.2:
            del kept[key]
        else:
            kept[key] = change_one(value[key], rng)
        return kept
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        return [*value[:at], change_one(value[at], rng), *value[at + 1 :]]
    if isinstance(value, bool | dict | list | None):
        return value if isinstance(value, dict | list) else not value
    if isinstance(value, str):
        return {"": "+/8="}.get(value, "AAA=")
    return 2 if isinstance(value, int) else 0.7


# --- what does not count --------------------------------------------------------------


def region(info: Json) -> Json:
    return {"data": {"regions": [{"id": "r", "region_info": info}]}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": "a", "modified_at": "2025-02-28T09:41:55Z"}, {}),
        ({"status": {"code": 24150, "description": "ok"}}, {"status": {"code": 24150}}),
        ({"data": {"new": {"of": 1}}}, {"data": {}}),
        (
            region({"mask": {"image": {"url": "http://one/m.png"}}}),
            region({"mask": {"image": {"hosted": {"prefix": "p"}}}}),
        ),
        (
            {"data": {"image": {"url": "http://one", "hosted": {"prefix": "p"}}}},
            {"data": {"image": {"url": "http://two", "hosted": {"prefix": "q"}}}},
        ),
    ],
)
def test_what_the_service_says_of_it_does_not_count(one: Json, other: Json) -> None:
    assert digest_annotation(one) == digest_annotation(other)


def test_an_address_of_the_users_counts() -> None:
    one, other = ({"data": {"image": {"url": url}}} for url in ("http://one", "http://two"))
    assert digest_annotation(one) != digest_annotation(other)


def test_what_is_nested_far_too_deep_has_no_digest() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert digest_annotation({"annotation_info": {"k": deep}}) == ""


@pytest.mark.parametrize(
    "strange",
    [{"data": 7}, {"data": {"concepts": "x"}}, {"status": []}, {"data": {"regions": [3]}}],
)
def test_what_is_not_of_the_wires_form_has_a_digest(strange: Json) -> None:
    assert len(digest_annotation(strange)) == 32
