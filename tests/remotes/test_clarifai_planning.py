"""A plan applied to what is held makes what is wanted, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.remotes.clarifai.digest import digest_annotation
from syncer.remotes.clarifai.expected import apply_patch
from syncer.remotes.clarifai.planning import PlanRules, PlanStep, find_user, plan_input
from syncer.remotes.clarifai.same import same_annotation

Annotation = dict[str, Any]
VALUES = st.sampled_from([0, 0.5, 1, 0.1])
CONCEPTS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("xyz")}, optional={"value": VALUES}),
    unique_by=lambda concept: str(concept["id"]),
    max_size=3,
)
BOXES = st.fixed_dictionaries(
    {}, optional={"top_row": VALUES, "left_col": VALUES, "right_col": VALUES}
)
REGIONS = st.lists(
    st.fixed_dictionaries(
        {"region_info": st.fixed_dictionaries({"bounding_box": BOXES})},
        optional={"data": st.fixed_dictionaries({"concepts": CONCEPTS})},
    ),
    max_size=2,
)
INFO = st.dictionaries(st.sampled_from("ab"), VALUES, max_size=2)
DATA = st.fixed_dictionaries(
    {}, optional={"concepts": CONCEPTS, "regions": REGIONS, "metadata": INFO}
)
STATUS = st.fixed_dictionaries({"code": st.sampled_from([24150, "ANNOTATION_PENDING", 24151])})
ANNOTATIONS = st.fixed_dictionaries(
    {}, optional={"data": DATA, "annotation_info": INFO, "status": STATUS}
)


def make_id(content: bytes, number: int) -> str:
    return f"made-{hash(content)}-{number}"


def plan_one(wish: Annotation, row: Annotation, **rules: Any) -> PlanStep:
    (step,) = plan_input("i", {"a": wish}, [], {"a": row}, PlanRules(**rules), make_id)
    return step


def shown(annotation: Annotation) -> Annotation:
    """As the service shows it: with ids of regions, and names of concepts."""
    row = {"id": "a", "input_id": "i", "user_id": "me", "status": {"code": 24150}, **annotation}
    if "data" in row:
        row["data"] = dict(row["data"])
    for name in ("regions", "concepts"):
        if name in row.get("data", {}):
            row["data"][name] = [
                {"id": f"r{at}", "name": "of the service", **item}
                for at, item in enumerate(row["data"][name])
            ]
    return row


@given(ANNOTATIONS, ANNOTATIONS.map(shown), st.booleans())
def test_a_patch_makes_the_wish_of_what_is_held(
    wish: Annotation, row: Annotation, exact: bool
) -> None:
    step = plan_one(wish, row, exact=exact)
    if step.kind == "same":
        assert same_annotation(wish, row, exact=exact)
        return
    assert not same_annotation(wish, row, exact=exact)
    if step.kind == "unchangeable":
        return
    assert step.change is not None
    sent: Any = step.change["annotation"]
    after = apply_patch(row, sent, step.change["action"])  # type: ignore[arg-type]
    assert same_annotation(wish, after, exact=exact)
    assert plan_one(wish, after, exact=exact).kind == "same"
    assert step.change["expect"] == {"digest": digest_annotation(row)}


@given(st.fixed_dictionaries({"data": DATA}), st.fixed_dictionaries({"data": DATA}).map(shown))
def test_what_the_wish_does_not_name_stays(wish: Annotation, row: Annotation) -> None:
    step = plan_one(wish, row)
    if step.change is None:
        return
    after = apply_patch(row, step.change["annotation"], step.change["action"])  # type: ignore[arg-type]
    for name in row["data"].keys() - wish["data"].keys():
        before, now = row["data"][name], after["data"].get(name)
        assert digest_annotation({"data": {name: before}}) == digest_annotation(
            {"data": {name: now}}
        )


@pytest.mark.parametrize(
    "held",
    [
        {"data": {"concepts": [{"id": "x", "value": 0.10000000149011612}, {"id": "y"}]}},
        {"data": {"concepts": [{"id": "y", "value": 1.0}, {"id": "x", "value": 0.1}]}},
        {"data": {"concepts": [{"id": "x", "value": 0.1, "name": "X"}, {"id": "y", "value": 1}]}},
    ],
)
def test_the_usual_false_differences_are_not_planned(held: Annotation) -> None:
    wish = {"data": {"concepts": [{"id": "x", "value": 0.1}, {"id": "y", "value": 1}]}}
    assert plan_one(wish, held).kind == "same"


def test_a_concept_that_changes_its_value_is_merged() -> None:
    held = shown({"data": {"concepts": [{"id": "x", "value": 0}, {"id": "y", "value": 1}]}})
    step = plan_one({"data": {"concepts": [{"id": "x"}, {"id": "y"}]}}, held)
    assert step.change is not None
    assert (step.change["action"], step.change["annotation"]) == (
        "merge",
        {"id": "a", "input_id": "i", "data": {"concepts": [{"value": 1, "id": "x"}]}},
    )


def test_what_cannot_be_emptied_or_is_not_a_users_to_set_is_named() -> None:
    held = shown({"data": {"concepts": [{"id": "x"}]}})
    assert plan_one({"data": {"concepts": []}}, held).unchangeable == ("data.concepts",)
    assert plan_one({"task_id": "t"}, held).unchangeable == ("task_id",)


def test_a_mask_that_is_shown_as_an_address_is_compared_by_presence_and_not_sent_back() -> None:
    def mask(**image: str) -> Annotation:
        return {"regions": [{"region_info": {"mask": {"image": image}}}]}

    held = shown({"data": mask(url="https://service/mask.png")})
    assert plan_one({"data": mask(base64="aaaa")}, held).kind == "same"
    assert plan_one({"data": {"metadata": {"n": 1}}}, held).kind == "unchangeable"
    both = plan_one({"data": {**mask(base64="aaaa"), "metadata": {"n": 1}}}, held)
    assert both.change is not None
    assert "url" not in str(both.change)


def tagged(concept: str, **more: Any) -> Annotation:
    return shown({"data": {"concepts": [{"id": concept, "value": 1}]}, **more})


def plan_all(
    held: dict[str, Annotation],
    wishes: dict[str, Annotation] | None = None,
    nameless: list[Annotation] | None = None,
    **rules: Any,
) -> dict[str, str]:
    steps = plan_input("i", wishes or {}, nameless or [], held, PlanRules(**rules), make_id)
    return {step.id: step.kind for step in steps}


def test_what_is_only_at_the_remote_is_extra_and_deleted_only_where_that_is_asked_for() -> None:
    held = {"a": tagged("x"), "b": tagged("y", user_id="another"), "c": tagged("x")}
    assert plan_all(held) == {"a": "extra", "b": "extra", "c": "extra"}
    users = frozenset(("another",))
    assert plan_all(held, delete=True, users=users) == {"b": "delete"}
    concepts = frozenset("x")
    assert plan_all(held, delete=True, concepts=concepts) == {"a": "delete", "c": "delete"}


def test_of_one_user_only_what_is_his_is_deleted_and_the_rest_stays_extra() -> None:
    """Nor is what shows no user his."""
    held = {"a": tagged("x", user_id="ann"), "b": tagged("y", user_id="bob"), "c": tagged("x")}
    held["c"].pop("user_id", None)
    assert plan_all(held, delete=True, deleted_of="ann") == {
        "a": "delete",
        "b": "extra",
        "c": "extra",
    }
    assert plan_all(held, delete=True, deleted_of="") == {"a": "extra", "b": "extra", "c": "delete"}


def test_a_deletion_names_what_it_was_planned_against() -> None:
    row = tagged("x")
    [step] = plan_input("i", {}, [], {"a": row}, PlanRules(delete=True), make_id)
    assert step.change == {
        "op": "delete",
        "annotation": {"id": "a", "input_id": "i"},
        "expect": {"digest": digest_annotation(row)},
    }


@pytest.mark.parametrize(
    "made",
    [
        {"input_level": True},
        {"model_version_id": "m"},
        {"workflow_version_id": "w"},
        {"worker": {"model": {"id": "m"}}},
        {"worker": {"workflow": {"id": "w"}}},
    ],
)
def test_what_no_user_made_is_neither_changed_nor_deleted(made: Annotation) -> None:
    held = {"a": tagged("x", **made), "b": tagged("x", **made)}
    wishes = {"a": {"data": {"concepts": [{"id": "y"}]}}}
    assert plan_all(held, wishes, delete=True) == {"a": "unchangeable"}


def test_a_wish_out_of_scope_is_counted_and_not_planned() -> None:
    wish = {"data": {"regions": [{"data": {"concepts": [{"id": "y"}]}}]}}
    assert plan_all({}, {"a": wish}, concepts=frozenset("x")) == {"a": "out_of_scope"}
    assert plan_all({}, {"a": wish}, concepts=frozenset("y")) == {"a": "post"}
    held = {"a": tagged("y", user_id="another")}
    assert plan_all(held, {"a": wish}, users=frozenset(("me",))) == {"a": "out_of_scope"}


def test_a_wish_without_an_id_is_what_holds_just_that_and_else_gets_an_id() -> None:
    wish = {"data": {"concepts": [{"id": "x", "value": 1}]}, "status": {"code": 24150}}
    assert plan_all({"a": tagged("x")}, nameless=[wish]) == {"a": "same"}
    kinds = plan_all({"a": tagged("y")}, nameless=[wish, wish])
    assert sorted(kinds.values()) == ["extra", "post", "post"]


def test_what_cannot_be_changed_is_named_and_not_planned() -> None:
    row = tagged("x", task_id="t")
    step = plan_one({"task_id": "another"}, row)
    assert (step.kind, step.change, step.unchangeable) == ("unchangeable", None, ("task_id",))
    both = plan_one({"task_id": "another", "data": {"concepts": [{"id": "z"}]}}, row)
    assert (both.kind, both.unchangeable) == ("patch", ("task_id",))


def test_a_mask_that_is_shown_as_an_address_is_not_sent_back() -> None:
    mask = {"image": {"url": "https://host.example/m.png", "hosted": {"prefix": "https://host"}}}
    region = {"id": "r", "region_info": {"mask": mask}}
    row = shown({"data": {"regions": [region], "metadata": {"n": 1}}})
    step = plan_one({"data": {"metadata": {"n": 2}}}, row)
    assert step.kind == "unchangeable"
    assert step.fields == ("data.metadata",)


def test_concepts_of_a_region_are_merged_by_the_id_that_the_remote_shows() -> None:
    box = {"region_info": {"bounding_box": {"top_row": 0.5}}}
    row = shown({"data": {"regions": [{**box, "data": {"concepts": [{"id": "x", "value": 1}]}}]}})
    wish = {"data": {"regions": [{**box, "data": {"concepts": [{"id": "x", "value": 0.5}]}}]}}
    step = plan_one(wish, row)
    assert step.change is not None
    assert step.change["action"] == "merge"
    assert step.change["annotation"]["data"] == {  # type: ignore[index]
        "regions": [{"id": "r0", "data": {"concepts": [{"value": 0.5, "id": "x"}]}}]
    }


@pytest.mark.parametrize(
    ("row", "user"),
    [
        ({"user_id": "me"}, "me"),
        ({"worker": {"user": {"id": "they"}}}, "they"),
        ({"worker": {"user": "they"}}, ""),
        ({"worker": "they"}, ""),
    ],
)
def test_the_user_is_named_in_either_place(row: Annotation, user: str) -> None:
    assert find_user(row) == user


def test_metadata_that_the_wish_does_not_name_stays_and_the_rest_is_laid_over_it() -> None:
    row = shown({"data": {"metadata": {"keep": 1, "deep": {"a": 1, "b": 2}}}})
    step = plan_one({"data": {"metadata": {"deep": {"b": 3}}}}, row)
    assert step.after is not None
    assert step.after["data"] == {"metadata": {"keep": 1, "deep": {"a": 1, "b": 3}}}


LATER = {"of_a_later_version": 1}
BOX = {"region_info": {"bounding_box": {"top_row": 0.5}}}


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"data": {"concepts": [{"id": "x"}], **LATER}}, "data.of_a_later_version"),
        ({"data": {"concepts": [{"id": "x", **LATER}]}}, "data.concepts"),
        ({"data": {"regions": [{**BOX, **LATER}]}}, "data.regions"),
        ({"data": {"concepts": [{"id": "x"}]}, **LATER}, "of_a_later_version"),
    ],
)
def test_a_field_of_a_later_version_that_is_not_shown_is_named_and_not_sent_again(
    wish: Annotation, named: str
) -> None:
    held = shown({"data": {"concepts": [{"id": "x", "value": 1}], "regions": [BOX]}})
    step = plan_one(wish, held)
    assert (step.kind, step.unchangeable) == ("unchangeable", (named,))
    other = {**wish, "annotation_info": {"n": 1}}
    step = plan_one(other, held)
    assert (step.kind, step.fields, step.unchangeable) == ("patch", ("annotation_info",), (named,))
    assert step.after is not None
    assert plan_one(other, {**held, "annotation_info": {"n": 1}}).unchangeable == (named,)
