"""Every wire fixture through the codec: what the service (or something before it)
answers, and what follows.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from syncer.core.change import Change, Verb
from syncer.core.outcome import (
    AllApplied,
    Answered,
    Applied,
    Exists,
    Failed,
    Halt,
    Refused,
    Throttled,
    Verdict,
)
from syncer.core.ports.push import LookedUp
from syncer.core.ports.wire import Reply
from tests.remotes.made import CLARIFAI, FIXTURES, change, fixture

NAMES = [path.stem for path in FIXTURES.glob("*.json") if path.stem != "index"]
STORED = [
    name
    for name in NAMES
    if name.startswith(("post_", "patch_")) and name != "post_inputs_with_concepts"
]
LISTED = [name for name in NAMES if name.startswith("list_")]
DELETED = [name for name in NAMES if name.startswith("delete_")]

EXPECTED: dict[str, Verdict] = {
    "error_bad_authorization_header": Halt("", 11102, "credentials"),
    "error_bad_json": Refused("", 11100, of_app="perhaps"),
    "error_duplicate_id": Refused("", 40010, duplicate=True),
    "error_empty_body_200": Failed("", strange="perhaps"),
    "error_gateway_envelope": Failed("", strange="surely"),
    "error_hourly_limit": Throttled(""),
    "error_ids_input_ids_mismatch": Refused("", 11102, of_app="perhaps"),
    "error_insufficient_scopes": Halt("", 11007, "credentials"),
    "error_internal": Failed("", 99009),
    "error_maintenance": Failed("", 39997, in_doubt=False),
    "error_message_too_large": Refused("", 40033, too_large=True),
    "error_monthly_limit": Halt("", 11004, "account"),
    "error_proxy_html_503": Failed(""),
    "error_queue_full": Failed("", 40030, in_doubt=False),
    "error_rate_limited": Throttled(""),
    "error_request_timeout": Failed("", 40032),
    "error_server_unavailable": Failed("", 40031),
    "error_too_many_annotations": Refused("", 11102),
    "error_try_again": Failed("", 10030, in_doubt=False),
    "error_unauthorized_key_invalid": Halt("", 11008, "credentials"),
    "error_unauthorized_key_not_found": Halt("", 11009, "credentials"),
}
ITEM_BY_ITEM = {"error_mixed_status", "error_all_failed", "error_duplicate_id_per_item"}


def replies(loaded: dict[str, Any]) -> list[Reply]:
    """The fixture's answer, and its other legal encodings."""
    response = loaded["response"]
    bodies = [response["body"], *(other["body"] for other in response.get("also_accepted", []))]
    return [
        Reply(
            response["http_status"],
            body.encode() if isinstance(body, str) else json.dumps(body).encode(),
        )
        for body in bodies
    ]


def posted(loaded: dict[str, Any]) -> list[Change]:
    """The changes of the fixture's request."""
    annotations = (loaded["request"]["body"] or {}).get("annotations") or [
        {"id": "a", "input_id": "i"}
    ]
    return [change(annotation) for annotation in annotations]


def without_reason(verdict: Verdict) -> Verdict:
    return (
        verdict
        if isinstance(verdict, Answered | AllApplied)
        else type(verdict)(**{**fields(verdict), "reason": ""})
    )


def fields(verdict: Any) -> dict[str, Any]:
    return {name: getattr(verdict, name) for name in verdict.__slots__}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_answer_applies_every_change(name: str) -> None:
    loaded = fixture(name)
    verb: Verb = loaded["request"]["body"].get("action", "post")
    batch = [change(annotation, verb) for annotation in loaded["response"]["body"]["annotations"]]
    for reply in replies(loaded):
        assert CLARIFAI.decode(verb, batch, reply) == AllApplied()


@pytest.mark.parametrize("name", DELETED)
def test_a_delete_that_is_ok_applies_every_change(name: str) -> None:
    for reply in replies(fixture(name)):
        assert (
            CLARIFAI.decode("delete", [change({"id": "a", "input_id": "i"}, "delete")], reply)
            == AllApplied()
        )


@pytest.mark.parametrize("name", LISTED)
def test_a_list_answer_gives_the_annotations_asked_for_and_none_for_the_others(name: str) -> None:
    loaded = fixture(name)
    rows = loaded["response"]["body"]["annotations"]
    asked = [change({"id": "not-there", "input_id": "img-0001"}), *(change(row) for row in rows)]
    for reply in replies(loaded):
        assert CLARIFAI.found(asked, reply) == LookedUp([None, *rows])


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_error_means_what_the_table_says(name: str) -> None:
    loaded = fixture(name)
    for reply in replies(loaded):
        assert without_reason(CLARIFAI.decode("post", posted(loaded), reply)) == EXPECTED[name]


def test_every_error_fixture_is_expected_here() -> None:
    errors = {name for name in NAMES if name.startswith("error_")}
    assert errors == EXPECTED.keys() | ITEM_BY_ITEM | {"error_not_found"}


def test_a_mixed_answer_is_read_item_by_item() -> None:
    loaded = fixture("error_mixed_status")
    verdict = CLARIFAI.decode("post", posted(loaded), replies(loaded)[0])
    assert isinstance(verdict, Answered)
    codes = [
        None if isinstance(outcome, Applied) else (outcome.code, type(outcome))
        for outcome in verdict.outcomes
    ]
    assert codes == [None, (24155, Exists), (24155, Exists), (24156, Exists)]
    assert verdict.outcomes[2] == Exists(
        "ANNOTATION_INVALID_ARGUMENT: Annotation invalid argument: annotation can contain at most"
        " one region",
        24155,
        certain=False,
    )


def test_an_answer_in_which_all_failed_is_read_item_by_item() -> None:
    loaded = fixture("error_all_failed")
    verdict = CLARIFAI.decode("post", posted(loaded), replies(loaded)[0])
    assert isinstance(verdict, Answered)
    assert [type(outcome) for outcome in verdict.outcomes] == [Exists]


def test_a_duplicate_named_by_its_item_certainly_exists() -> None:
    loaded = fixture("error_duplicate_id_per_item")
    verdict = CLARIFAI.decode("post", posted(loaded), replies(loaded)[0])
    assert isinstance(verdict, Answered)
    assert [isinstance(outcome, Exists) and outcome.certain for outcome in verdict.outcomes] == [
        False,
        True,
    ]
    assert verdict.outcomes[0] == Applied()


def test_not_found_says_that_it_is_missing_or_its_app() -> None:
    asked = [change({"id": "nope", "input_id": "i"})]
    found = CLARIFAI.found(asked, replies(fixture("error_not_found"))[0])
    assert without_reason(found) == Refused("", 11101, missing=True, of_app="likely")


@pytest.mark.parametrize(
    "name", sorted(EXPECTED.keys() - {"error_duplicate_id", "error_ids_input_ids_mismatch"})
)
def test_a_look_up_fails_as_a_post_does(name: str) -> None:
    verdict = CLARIFAI.found([change({"id": "a", "input_id": "i"})], replies(fixture(name))[0])
    assert not isinstance(verdict, LookedUp)
    expected = EXPECTED[name]
    assert without_reason(verdict) == (
        replace(expected, of_app="perhaps")
        if isinstance(expected, Refused) and expected.code != 40033
        else expected
    )


@pytest.mark.parametrize("name", [name for name in STORED if name.startswith("post_")])
def test_what_was_posted_is_the_same_as_what_the_service_shows(name: str) -> None:
    loaded = fixture(name)
    for sent, held in zip(
        loaded["request"]["body"]["annotations"],
        loaded["response"]["body"]["annotations"],
        strict=True,
    ):
        assert CLARIFAI.same(change(sent), held)
