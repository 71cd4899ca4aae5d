"""Whatever is answered: no exception, and no change applied that it does not name."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.change import Verb
from syncer.core.outcome import AllApplied, Answered, Applied
from syncer.core.ports.push import InputStates, LookedUp
from syncer.core.ports.wire import Reply
from syncer.remotes.clarifai.codes import CODES
from syncer.remotes.clarifai.same import same_annotation
from tests.remotes.made import CLARIFAI, changes, fixture, item

PATCHED_OR_POSTED: list[Verb] = ["post", "merge", "overwrite", "remove"]
verbs = st.sampled_from([*PATCHED_OR_POSTED, "delete", "delete_input"])
http = st.sampled_from([200, 201, 202, 204, 302, 400, 401, 404, 413, 414, 429, 500, 503])
codes = st.one_of(
    st.sampled_from(sorted(CODES)),
    st.sampled_from([name for name, _ in CODES.values()]),
    st.integers(),
    st.text(max_size=5),
)
headers = st.none() | st.text(max_size=40)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
statuses = st.none() | st.fixed_dictionaries(
    {"code": codes}, optional={"description": st.text(max_size=9), "details": st.text(max_size=9)}
)
items = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from("abcd"),
        "input_id": st.sampled_from(["i", "j", ""]),
        "status": statuses,
    },
)
answers = st.fixed_dictionaries(
    {"status": statuses},
    optional={"annotations": st.lists(items, max_size=6), "inputs": st.lists(items, max_size=3)},
)
repeatable = settings(max_examples=200, deadline=None, derandomize=True)
MIXED = fixture("error_mixed_status")["response"]["body"]


def answer_everything(verb: Verb, answer: Reply) -> None:
    batch = changes("a", "b", "j/a", verb=verb)
    verdict = CLARIFAI.decode(verb, batch, answer)
    assert not isinstance(verdict, Answered) or len(verdict.outcomes) == len(batch)
    found = CLARIFAI.found(batch, answer)
    assert not isinstance(found, LookedUp) or len(found.annotations) == len(batch)
    inputs = CLARIFAI.inputs_found(["i"], answer)
    assert not isinstance(inputs, InputStates) or inputs.processing <= {"i"}


@repeatable
@given(verbs, http, st.binary(max_size=200), headers, headers)
def test_arbitrary_bytes_and_headers_never_raise(
    verb: Verb, status: int, body: bytes, retry_after: str | None, date: str | None
) -> None:
    answer_everything(verb, Reply(status, body, retry_after, date))


@repeatable
@given(verbs, http, trees)
def test_arbitrary_json_never_raises(verb: Verb, status: int, tree: Any) -> None:
    answer_everything(verb, Reply(status, json.dumps(tree).encode()))


@repeatable
@given(verbs, http, answers)
def test_arbitrary_answers_never_raise(verb: Verb, status: int, answer: dict[str, Any]) -> None:
    answer_everything(verb, Reply(status, json.dumps(answer).encode()))


@repeatable
@given(st.data())
def test_a_mutated_answer_never_raises(data: st.DataObject) -> None:
    body = bytearray(json.dumps(MIXED).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    answer_everything("post", Reply(200, bytes(body[: data.draw(st.integers(0, len(body)))])))


@repeatable
@given(st.sampled_from(PATCHED_OR_POSTED), http, answers)
def test_no_change_is_applied_that_no_item_names(
    verb: Verb, status: int, answer: dict[str, Any]
) -> None:
    batch = changes("a", "b", "j/a", verb=verb)
    said = {(row.get("input_id") or "", row.get("id")) for row in answer.get("annotations", ())}
    verdict = CLARIFAI.decode(verb, batch, Reply(status, json.dumps(answer).encode()))
    if isinstance(verdict, AllApplied):
        assert {change.key for change in batch} <= said
    elif isinstance(verdict, Answered):
        applied = [
            change
            for change, outcome in zip(batch, verdict.outcomes, strict=True)
            if isinstance(outcome, Applied)
        ]
        assert not applied or 200 <= status < 300
        assert all(
            change.key in said or (change.id == "b" and ("", "b") in said) for change in applied
        )


@repeatable
@given(st.permutations([item(id) for id in "abcde"]), st.integers(0, 5))
def test_a_shuffled_and_shortened_answer_applies_exactly_what_it_names(
    rows: list[dict[str, Any]], length: int
) -> None:
    rows = rows[:length]
    answer = Reply(200, json.dumps({"status": {"code": 10000}, "annotations": rows}).encode())
    verdict = CLARIFAI.decode("post", changes(*"abcde"), answer)
    named = {row["id"] for row in rows}
    if isinstance(verdict, AllApplied):
        assert named == set("abcde")
    else:
        assert isinstance(verdict, Answered)
        assert {
            id
            for id, outcome in zip("abcde", verdict.outcomes, strict=True)
            if isinstance(outcome, Applied)
        } == named


@repeatable
@given(trees, trees)
def test_comparing_arbitrary_json_never_raises(sent: Any, held: Any) -> None:
    assert same_annotation({"data": sent}, {"data": held}) in (True, False)
    assert same_annotation(
        {"data": {"concepts": sent, "metadata": held}},
        {"data": {"concepts": held, "metadata": sent}},
    ) in (True, False)


@repeatable
@given(trees)
def test_what_is_equal_is_the_same(tree: Any) -> None:
    assert same_annotation({"data": tree}, {"data": tree})
    assert same_annotation({"data": {"metadata": tree}}, {"data": {"metadata": tree}})
