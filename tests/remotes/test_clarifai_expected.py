"""What logs should have left, beside what the service holds: checked against the
emulator's own way to fold changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.change import Verb
from syncer.emulator.clarifai.patching import apply_patch
from syncer.remotes.clarifai.expected import Difference, compare, fold

Json = dict[str, Any]
Sent = tuple[Verb, str, Json]
SWITCHES = {"region-merge": "append", "remove-without-ids": "keep"}
REPEATABLE = settings(max_examples=300, deadline=None, derandomize=True, database=None)

VALUES = st.sampled_from([0.25, 1, 0, None, "x", True])
CONCEPTS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["tree", "car", "sky"])},
        optional={"value": st.sampled_from([0.25, 0.5, 1])},
    ),
    max_size=3,
    unique_by=lambda concept: concept["id"],
)
REGIONS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["r", "s"])},
        optional={
            "region_info": st.just({"point": {"row": 0.5, "col": 0.25}}),
            "data": st.fixed_dictionaries({"concepts": CONCEPTS}),
        },
    ),
    max_size=2,
    unique_by=lambda region: region["id"],
)
METADATA = st.dictionaries(
    st.sampled_from("kmn"),
    VALUES | st.dictionaries(st.sampled_from("kl"), VALUES, max_size=2),
    max_size=3,
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "concepts": CONCEPTS,
        "regions": REGIONS,
        "metadata": METADATA,
        "text": st.just({"raw": "t"}),
    },
)
REMOVED = st.fixed_dictionaries(
    {},
    optional={
        "concepts": st.lists(
            st.fixed_dictionaries({"id": st.sampled_from(["tree", "car"])}),
            max_size=2,
            unique_by=lambda item: item["id"],
        ),
        "metadata": (
            st.dictionaries(st.sampled_from("kmn"), st.just(True), max_size=2) | st.just(True)
        ),
        "regions": st.just(True),
    },
)
IDS = st.sampled_from("ab")
CHANGES: st.SearchStrategy[Sent] = (
    st.tuples(st.sampled_from(["post", "merge", "overwrite"]), IDS, DATA)
    | st.tuples(st.just("remove"), IDS, REMOVED)
    | st.tuples(st.sampled_from(["delete", "delete_input"]), IDS, st.just({}))
)


def body(id: str, data: Json) -> Json:
    """An annotation as a change carries it."""
    return {"id": id, "input_id": "i", "data": data}


def left_by(changes: Sequence[Sent]) -> dict[str, Json]:
    """What the emulator would hold, by id."""
    held: dict[str, Json] = {}
    for verb, id, data in changes:
        if verb == "delete_input":
            held.clear()
        elif verb == "delete":
            held.pop(id, None)
        elif verb == "post":
            held.setdefault(id, body(id, data))
        elif id in held:
            held[id] = apply_patch(held[id], body(id, data), verb, SWITCHES)
    return held


def marks(changes: Sequence[Sent], held: dict[str, Json]) -> list[Difference]:
    """What verify finds."""
    return compare(
        "i", fold((verb, id, orjson.dumps(body(id, data))) for verb, id, data in changes), held
    )


@REPEATABLE
@given(st.lists(CHANGES, max_size=8))
def test_what_the_service_makes_of_a_log_is_what_is_expected_of_it(changes: list[Sent]) -> None:
    changes = [
        ("post", "a", {"concepts": [{"id": "tree", "value": 1}]}),
        ("post", "b", {}),
        *changes,
    ]
    held = left_by(changes)
    found = marks(changes, held)
    assert [(difference.mark, difference.fields) for difference in found] == [("same", ())] * len(
        held
    )
    assert {difference.id for difference in found} == set(held)


@REPEATABLE
@given(
    st.lists(CHANGES, max_size=6), IDS, st.sampled_from(["drop", "edit", "double", "bring back"])
)
def test_what_was_done_to_it_is_found(changes: list[Sent], id: str, done: str) -> None:
    changes = [
        ("post", "a", {"concepts": [{"id": "tree", "value": 1}]}),
        ("post", "b", {}),
        *changes,
    ]
    held = left_by(changes)
    if done == "bring back" and id not in held:
        held[id] = body(id, {})
        expected = Difference("differs", "i", id, ("it should be deleted",))
    elif id not in held:
        return
    elif done == "drop":
        del held[id]
        expected = Difference("missing", "i", id)
    elif done == "edit":
        held[id] = {
            **held[id],
            "data": {**(held[id].get("data") or {}), "metadata": {"sabotage": 7}},
        }
        expected = Difference("differs", "i", id, ("data.metadata",))
    else:
        held["twin"] = {**held[id], "id": "twin"}
        expected = Difference("doubled", "i", "twin")
    assert [difference for difference in marks(changes, held) if difference.mark != "same"] == [
        expected
    ]


@pytest.mark.parametrize(
    ("verb", "sent", "held", "said"),
    [
        (
            "merge",
            {"concepts": [{"id": "tree", "value": 1}]},
            {"concepts": [{"id": "car"}, {"id": "tree"}]},
            (),
        ),
        (
            "merge",
            {"concepts": [{"id": "tree", "value": 1}]},
            {"concepts": [{"id": "car"}]},
            ("what the last merge says",),
        ),
        ("remove", {"concepts": [{"id": "tree"}]}, {"concepts": [{"id": "car"}]}, ()),
        (
            "remove",
            {"concepts": [{"id": "tree"}]},
            {"concepts": [{"id": "tree"}]},
            ("what the last remove says",),
        ),
        ("overwrite", {"concepts": []}, {"concepts": [], "metadata": {"k": 1}}, ()),
        (
            "overwrite",
            {"text": {"raw": "x"}},
            {"text": {"raw": "y"}, "metadata": {"k": 1}},
            ("data.text",),
        ),
    ],
)
def test_of_what_the_logs_did_not_make_only_the_last_patch_is_compared(
    verb: Verb, sent: Json, held: Json, said: tuple[str, ...]
) -> None:
    changes: list[Sent] = [("merge", "a", {"text": {"raw": "older"}}), (verb, "a", sent)]
    (found,) = marks(changes, {"a": body("a", held)})
    assert (found.mark, found.fields) == ("differs" if said else "same", said)


def test_what_nobody_knows_of_is_extra_and_what_only_looks_alike_is_no_double() -> None:
    held = {
        "a": body("a", {"text": {"raw": "t"}}),
        "x": body("x", {"text": {"raw": "t"}, "metadata": {"k": 1}}),
    }
    found = marks([("post", "a", {"text": {"raw": "t"}})], held)
    assert [(difference.mark, difference.id) for difference in found] == [
        ("same", "a"),
        ("extra", "x"),
    ]


def test_after_a_delete_of_the_whole_input_all_of_before_should_be_gone_whoever_made_it() -> None:
    held = {"a": body("a", {"text": {"raw": "t"}}), "x": body("x", {"text": {"raw": "of others"}})}
    found = marks([("delete_input", "", {}), ("post", "a", {"text": {"raw": "t"}})], held)
    assert [(one.mark, one.id, one.fields) for one in found] == [
        ("same", "a", ()),
        ("differs", "x", ("it should be deleted",)),
    ]


def test_a_member_that_is_no_object_is_told_by_its_own_name() -> None:
    sent = orjson.dumps(
        {"id": "a", "input_id": "i", "data": "text", "status": {"code": "ANNOTATION_SUCCESS"}}
    )
    (found,) = compare(
        "i",
        fold([("post", "a", sent)]),
        {"a": {**body("a", {"text": {"raw": "t"}}), "status": {"code": 24157}}},
    )
    assert set(found.fields) == {"data", "status"}


def test_null_in_a_merge_changes_nothing_and_a_scalar_in_a_remove_replaces() -> None:
    changes: list[Sent] = [
        ("post", "a", {"text": {"raw": "t"}, "metadata": {"k": 1}}),
        ("merge", "a", {"metadata": None}),
        ("remove", "a", {"text": {"raw": "new"}}),
    ]
    (found,) = marks(changes, {"a": body("a", {"text": {"raw": "new"}, "metadata": {"k": 1}})})
    assert found.mark == "same"


def test_names_in_camel_case_are_the_same_fields() -> None:
    changes: list[Sent] = [
        (
            "post",
            "a",
            {
                "timeSegments": [{"id": "t", "timeInfo": {"beginTime": 0.5}}],
                "metadata": {"aB": 1},
                "image": {"hostedImageInfo": {"aB": {"width": 7}}},
                "brightnessValue": 1,
            },
        ),
        ("merge", "a", {"time_segments": [{"id": "u"}], "metadata": {"a_b": 2}}),
    ]
    picture = {"hosted_image_info": {"aB": {"width": 7}}}
    held = {
        "image": picture,
        "brightness_value": 1,
        "time_segments": [{"id": "t", "time_info": {"begin_time": 0.5}}, {"id": "u"}],
        "metadata": {"aB": 1, "a_b": 2},
    }
    (found,) = marks(changes, {"a": body("a", held)})
    assert (found.mark, found.fields) == ("same", ())
    sent = orjson.dumps({"id": "a", "inputId": "i", "taskId": "t", "annotationInfo": {"by": "Ann"}})
    row = {"id": "a", "input_id": "i", "task_id": "t", "annotation_info": {"by": "Bob"}}
    (found,) = compare("i", fold([("post", "a", sent)]), {"a": row})
    assert found.fields == ("annotation_info",)


def test_what_a_later_version_of_the_service_adds_is_no_edit() -> None:
    added = {"colour": {"k": 1}, "text": {"raw": "t", "mood": "good"}}
    (found,) = marks(
        [("post", "a", {"text": {"raw": "t"}})], {"a": {**body("a", added), "mood": 1}}
    )
    assert (found.mark, found.fields) == ("same", ())
