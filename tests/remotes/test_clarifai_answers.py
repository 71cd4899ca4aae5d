"""Answers made for the purpose: what each says of the request and each change in it."""

from __future__ import annotations

import json

import pytest

from syncer.core.change import Verb
from syncer.core.outcome import (
    AllApplied,
    Answered,
    Applied,
    Exists,
    Failed,
    Halt,
    InDoubt,
    Missing,
    Outcome,
    Refused,
    Rejected,
    Retriable,
    Throttled,
    Verdict,
)
from syncer.core.ports.push import InputStates, LookedUp
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.clarifai.answers import refuses_credentials, says_missing
from tests.remotes.made import CLARIFAI, OK, STORED, changes, item, reply


def outcomes(verdict: Verdict) -> list[Outcome]:
    assert isinstance(verdict, Answered)
    return verdict.outcomes


def kinds(verdict: Verdict) -> list[type[Outcome]]:
    return [type(outcome) for outcome in outcomes(verdict)]


# --- joining --------------------------------------------------------------------------


def test_items_in_order_and_stored_apply_all() -> None:
    assert (
        CLARIFAI.decode("post", changes("a", "b"), reply(200, 10000, [item("a"), item("b", 24151)]))
        == AllApplied()
    )


def test_items_are_joined_by_id_and_never_by_position() -> None:
    verdict = CLARIFAI.decode(
        "post",
        changes("a", "b", "c"),
        reply(200, 10010, [item("c", 24152), item("a"), item("b", 24154)]),
    )
    assert kinds(verdict) == [Applied, InDoubt, Retriable]


def test_a_missing_item_is_in_doubt_under_success_too() -> None:
    assert kinds(CLARIFAI.decode("post", changes("a", "b"), reply(200, 10000, [item("b")]))) == [
        InDoubt,
        Applied,
    ]
    assert kinds(CLARIFAI.decode("post", changes("a"), reply(200, 10000, []))) == [InDoubt]
    assert kinds(CLARIFAI.decode("post", changes("a"), reply(200, 10000))) == [InDoubt]


def test_an_item_repeated_in_other_words_is_fine_and_one_contradicting_itself_is_in_doubt() -> None:
    agreeing = reply(200, 10000, [item("a"), item("a", 24151), item("b")])
    assert kinds(CLARIFAI.decode("post", changes("a", "b"), agreeing)) == [Applied, Applied]
    contradicting = reply(200, 10010, [item("a"), item("a", 24152), item("b")])
    assert kinds(CLARIFAI.decode("post", changes("a", "b"), contradicting)) == [InDoubt, Applied]


def test_items_of_strangers_are_ignored() -> None:
    verdict = CLARIFAI.decode(
        "post",
        changes("i1/a"),
        reply(200, 10000, [item("i2/a", 24155), item("z", 24155), item("i1/a")]),
    )
    assert kinds(verdict) == [Applied]


def test_an_id_on_two_inputs_is_told_apart_by_the_input() -> None:
    verdict = CLARIFAI.decode(
        "post", changes("i1/a", "i2/a"), reply(200, 10010, [item("i2/a", 24152), item("i1/a")])
    )
    assert kinds(verdict) == [Applied, Retriable]


def test_an_item_without_input_id_is_joined_by_an_id_that_is_unique_only() -> None:
    nameless = [{"id": id, "status": STORED} for id in ("a", "a", "b")]
    assert kinds(
        CLARIFAI.decode("post", changes("i1/a", "i2/a", "i2/b"), reply(200, 10000, nameless))
    ) == [InDoubt, InDoubt, Applied]


def test_an_item_without_input_id_can_contradict_the_one_that_has_it() -> None:
    said = [item("a"), {"id": "a", "status": {"code": 24152}}]
    assert kinds(CLARIFAI.decode("post", changes("a"), reply(200, 10010, said))) == [InDoubt]


def test_an_item_without_status_is_applied_under_success_and_in_doubt_under_mixed_success() -> None:
    silent = [item("a", None), item("b")]
    assert kinds(CLARIFAI.decode("post", changes("a", "b"), reply(200, 10000, silent))) == [
        Applied,
        Applied,
    ]
    assert kinds(CLARIFAI.decode("post", changes("a", "b"), reply(200, 10010, silent))) == [
        InDoubt,
        Applied,
    ]
    assert kinds(CLARIFAI.decode("post", changes("a", "b"), reply(202, 10070, silent))) == [
        InDoubt,
        Applied,
    ]


@pytest.mark.parametrize("code", [0, "", "ZERO", "0"])
def test_an_item_whose_code_says_nothing_is_in_doubt(code: int | str) -> None:
    assert kinds(CLARIFAI.decode("post", changes("a"), reply(200, 10000, [item("a", code)]))) == [
        InDoubt
    ]


def test_stored_items_under_a_failed_http_status_are_in_doubt() -> None:
    verdict = CLARIFAI.decode(
        "post", changes("a", "b"), reply(500, 10010, [item("a"), item("b", 24152)])
    )
    assert kinds(verdict) == [InDoubt, Retriable]


@pytest.mark.parametrize("code", ["10000", "SUCCESS"])
def test_codes_are_read_as_names_and_numeric_strings(code: str) -> None:
    said = [item("a", "ANNOTATION_SUCCESS"), item("b", "24250")]
    assert kinds(
        CLARIFAI.decode("merge", changes("a", "b", verb="merge"), reply(200, code, said))
    ) == [Applied, Applied]


# --- items ----------------------------------------------------------------------------

ITEMS: list[tuple[int | str, type[Outcome], type[Outcome]]] = [
    *((code, Applied, Applied) for code in (24150, 24151, 24157, 24158, 24159, 24250, 24251)),
    *(
        (code, Exists, Rejected)
        for code in (24155, 24156, 24900, 24901, 24902, 40017, 30103, 30104, 30105, 40010, 30100)
    ),
    *(
        (code, Retriable, Retriable)
        for code in (24152, 24252, 30001, 30003, 10030, 40019, 40030, 41004, 77777, "SOMETHING_NEW")
    ),
    *(
        (code, InDoubt, InDoubt)
        for code in (24154, 40011, 40013, 40031, 40032, 98014, 98888, 99004, 99009)
    ),
    *((code, Missing, Missing) for code in (11101, 30102)),
]


@pytest.mark.parametrize(("code", "posted", "patched"), ITEMS)
def test_an_item_means_what_its_code_says(
    code: int | str, posted: type[Outcome], patched: type[Outcome]
) -> None:
    said = reply(200, 10010, [item("a", code), item("b")])
    assert kinds(CLARIFAI.decode("post", changes("a", "b"), said)) == [posted, Applied]
    assert kinds(CLARIFAI.decode("merge", changes("a", "b", verb="merge"), said)) == [
        patched,
        Applied,
    ]


def test_a_refused_post_may_exist_and_one_called_a_duplicate_certainly_does() -> None:
    said = [
        item("a", 24155, "no such luck"),
        item("b", 24155, "has a Duplicate ID"),
        item("c", 40010),
    ]
    found = outcomes(CLARIFAI.decode("post", changes("a", "b", "c"), reply(200, 10010, said)))
    assert [isinstance(outcome, Exists) and outcome.certain for outcome in found] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(("code", "expected"), [(11005, Throttled), (11006, Halt), (11007, Halt)])
def test_a_failure_of_the_request_that_every_item_repeats_is_one_of_the_request(
    code: int, expected: type[Verdict]
) -> None:
    assert isinstance(
        CLARIFAI.decode(
            "post", changes("a", "b"), reply(200, 10020, [item("a", code), item("b", code)])
        ),
        expected,
    )
    assert kinds(
        CLARIFAI.decode("post", changes("a", "b"), reply(200, 10010, [item("a"), item("b", code)]))
    ) == [Applied, Retriable]


# --- requests -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        *(
            (status, code, Throttled)
            for status, code in [
                (429, 11005),
                (200, 11005),
                (200, "CONN_THROTTLED"),
                (400, 11003),
                (429, 10000),
            ]
        ),
        *(
            (403, code, Halt)
            for code in (
                11000,
                11001,
                11002,
                11004,
                11006,
                11007,
                11008,
                11009,
                11200,
                69000,
                69001,
                10000,
            )
        ),
        *(
            (200, code, Halt)
            for code in (11000, 11001, 11004, 11006, 11104, 11200, 69000, 10040, 10050, 11103)
        ),
        *(
            (400, code, Refused)
            for code in (11100, 11102, 24155, 10020, 40033, 90400, 39999, 40017)
        ),
        *((413, code, Refused) for code in (40033, 11102, 77777)),
        *(
            (503, code, Failed)
            for code in (10000, 10010, 11102, 40031, 77777, "SOMETHING_NEW", 24150, 30000)
        ),
        *(
            (200, code, Failed)
            for code in (0, None, "", "ZERO", 10010, 40031, 77777, "SOMETHING_NEW", 24150, 30000)
        ),
        (400, 10000, Failed),
        (307, 10050, Halt),
        (302, 10000, Halt),
    ],
)
def test_a_request_means_what_its_http_status_and_code_say(
    status: int, code: int | str | None, expected: type[Verdict]
) -> None:
    assert isinstance(CLARIFAI.decode("post", changes("a", "b"), reply(status, code)), expected)


@pytest.mark.parametrize("code", [11001, 11002, 11007, 11008, 11009, 11200])
def test_a_refused_token_halts_for_its_credentials(code: int) -> None:
    verdict = CLARIFAI.decode("post", changes("a"), reply(401, code))
    assert isinstance(verdict, Halt)
    assert verdict.kind == "credentials"


@pytest.mark.parametrize("code", [11000, 11004, 11006, 69000, 69001])
def test_an_account_in_trouble_halts_for_its_owner(code: int) -> None:
    verdict = CLARIFAI.decode("post", changes("a"), reply(403, code))
    assert isinstance(verdict, Halt)
    assert verdict.kind == "account"


@pytest.mark.parametrize(
    "code",
    [40011, 40013, 40015, 40016, 40021, 40031, 40032, 40035, 40037, 98004, 98021, 99001, 99009],
)
def test_a_failure_on_the_other_side_is_in_doubt(code: int) -> None:
    assert failed(reply(500, code)).in_doubt


@pytest.mark.parametrize("code", [10030, 40019, 40030, 41000, 41011, 90500, 39997])
def test_a_busy_service_has_certainly_applied_nothing(code: int) -> None:
    assert not failed(reply(503, code)).in_doubt


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"status"',
        b'{"code":5,"message":"Not Found","details":[]}',
        b'{"status":null}',
        b"[" * 9999,
    ],
)
@pytest.mark.parametrize("status", [200, 204, 404, 500, 502])
def test_what_is_no_answer_of_the_service_is_in_doubt(status: int, body: bytes) -> None:
    assert failed(Reply(status, body)).in_doubt


def failed(answer: Reply | NoReply) -> Failed:
    verdict = CLARIFAI.decode("post", changes("a", "b"), answer)
    assert isinstance(verdict, Failed)
    return verdict


def test_a_page_of_something_on_the_way_is_judged_by_its_http_status() -> None:
    assert CLARIFAI.decode("post", changes("a"), Reply(429, b"slow down", "7")) == Throttled(
        "HTTP 429 without a status of the service"
    )
    assert isinstance(CLARIFAI.decode("post", changes("a"), Reply(413, b"<html>")), Refused)
    denied = CLARIFAI.decode("post", changes("a"), Reply(401, b""))
    assert isinstance(denied, Halt)
    assert denied.kind == "credentials"


def test_without_a_reply_it_matters_whether_anything_was_sent() -> None:
    assert failed(NoReply("reset", sent=True)) == Failed("reset", in_doubt=True, unreachable=False)
    assert failed(NoReply("refused", sent=False)) == Failed(
        "refused", in_doubt=False, unreachable=True
    )


def test_a_redirect_is_not_followed_and_the_message_says_where_to_set_the_new_place() -> None:
    verdict = CLARIFAI.decode("post", changes("a"), Reply(301, b""))
    assert isinstance(verdict, Halt)
    assert verdict.kind == "address"
    assert "not followed" in verdict.reason
    assert "base_url" in verdict.reason


@pytest.mark.parametrize("code", [40010, "DATABASE_DUPLICATE_KEY"])
def test_a_duplicate_refuses_a_post_as_one_and_a_patch_plainly(code: int | str) -> None:
    verdicts = [
        CLARIFAI.decode(verb, changes("a", "b", verb=verb), reply(400, code))
        for verb in ("post", "merge")
    ]
    assert [isinstance(verdict, Refused) and verdict.duplicate for verdict in verdicts] == [
        True,
        False,
    ]
    assert all(isinstance(verdict, Refused) for verdict in verdicts)


def test_a_post_refused_in_words_that_speak_of_a_duplicate_is_a_duplicate() -> None:
    verdict = CLARIFAI.decode(
        "post", changes("a", "b"), reply(400, 11102, details="Annotation has a duplicate ID.")
    )
    assert isinstance(verdict, Refused)
    assert verdict.duplicate


# --- deletes, and what is not there ---------------------------------------------------


@pytest.mark.parametrize("verb", ["delete", "delete_input"])
def test_a_delete_is_applied_by_success_alone(verb: Verb) -> None:
    assert CLARIFAI.decode(verb, changes("a", "b", verb=verb), reply(200, 10000)) == AllApplied()
    assert isinstance(
        CLARIFAI.decode(verb, changes("a", "b", verb=verb), reply(200, 10010)), Failed
    )
    assert isinstance(
        CLARIFAI.decode(verb, changes("a", "b", verb=verb), reply(200, 10010, [item("a")])), Failed
    )
    assert isinstance(
        CLARIFAI.decode(verb, changes("a", "b", verb=verb), reply(400, 10020)), Refused
    )


@pytest.mark.parametrize("verb", ["delete", "delete_input"])
def test_a_delete_of_what_is_gone_is_not_applied_by_that_alone(verb: Verb) -> None:
    for ids in (["a"], ["a", "b"]):
        verdict = CLARIFAI.decode(verb, changes(*ids, verb=verb), reply(404, 11101))
        assert isinstance(verdict, Refused)
        assert verdict.missing
    assert isinstance(CLARIFAI.decode(verb, changes("a", verb=verb), reply(500, 11101)), Failed)


# --- words ----------------------------------------------------------------------------


def test_a_reason_holds_name_description_and_details_on_one_short_printable_line() -> None:
    verdict = CLARIFAI.decode(
        "post", changes("a"), reply(400, 11102, details="line 1\nline\t2 \x1b[31m" + "x" * 500)
    )
    assert isinstance(verdict, Refused)
    assert verdict.reason.startswith("CONN_INVALID_REQUEST: said: line 1 line 2 �[31mxxx")
    assert len(verdict.reason) == 300


def test_an_unknown_code_keeps_its_name_in_the_reason() -> None:
    verdict = CLARIFAI.decode("post", changes("a"), reply(200, "SOMETHING_NEW"))
    assert verdict == Failed("HTTP 200: code SOMETHING_NEW: said", None)


def test_what_may_hold_the_token_or_a_signature_is_left_out_of_the_reason() -> None:
    denied = CLARIFAI.decode("post", changes("a"), reply(401, 11009, details="invalid key(s3cret)"))
    assert denied == Halt("CONN_KEY_NOT_FOUND: said", 11009, "credentials")
    refused = CLARIFAI.decode(
        "post",
        changes("a"),
        reply(400, 11102, details="cannot read https://x.example/a.png?sig=s3cret now"),
    )
    assert isinstance(refused, Refused)
    assert refused.reason == "CONN_INVALID_REQUEST: said: cannot read https://x.example/a.png?… now"


def test_an_item_that_names_nobody_is_joined_to_nobody() -> None:
    rows = [
        {"status": {"code": 24150}},
        item("a"),
        {"id": "", "input_id": "i", "status": {"code": 24155}},
    ]
    verdict = CLARIFAI.decode("post", changes("a", "b"), reply(200, 10000, rows))
    assert verdict == Answered([Applied(), InDoubt("the answer does not mention it", omitted=True)])


def test_a_post_that_failed_alone_without_a_word_why_may_be_there_already() -> None:
    """A patch is tried again: another time it may fare better."""
    verdict = CLARIFAI.decode("post", changes("a"), reply(400, 10020))
    assert isinstance(verdict, Answered)
    assert verdict.outcomes == [Exists("FAILURE: said", 10020, certain=False)]
    patch = CLARIFAI.decode("merge", changes("a", verb="merge"), reply(400, 10020))
    assert patch == Answered([Retriable("FAILURE: said", 10020)])
    two = CLARIFAI.decode("merge", changes("a", "b", verb="merge"), reply(400, 10020))
    assert isinstance(two, Refused)


def test_a_probe_asks_for_at_most_one_annotation() -> None:
    request = CLARIFAI.probe()
    assert (request.method, request.path.rpartition("?")[2], request.body) == (
        "GET",
        "page=1&per_page=1",
        None,
    )
    assert CLARIFAI.read_probe(reply(200, 10000, [])) is None
    assert isinstance(CLARIFAI.read_probe(reply(404, 11101)), Refused)


# --- look-ups -------------------------------------------------------------------------


def test_a_look_up_joins_by_pairs_and_ignores_strangers() -> None:
    rows = [item("i2/a"), item("i9/a"), {"id": ["a"], "input_id": "i1"}, {"id": "b"}, item("i1/a")]
    found = CLARIFAI.found(changes("i1/a", "i2/a", "i1/b"), reply(200, 10000, rows))
    assert found == LookedUp([rows[4], rows[0], None])


@pytest.mark.parametrize("status", [400, 414, 431])
def test_a_look_up_that_is_too_long_for_something_on_the_way_is_refused(status: int) -> None:
    assert isinstance(CLARIFAI.found(changes("a"), Reply(status, b"<html>")), Refused)


def test_a_look_up_that_failed_tells_nothing() -> None:
    assert isinstance(CLARIFAI.found(changes("a"), reply(200, 10010, [item("a")])), Failed)
    assert isinstance(CLARIFAI.found(changes("a"), reply(500, 11101)), Failed)
    assert isinstance(CLARIFAI.found(changes("a"), reply(401, 11008)), Halt)
    assert isinstance(CLARIFAI.found(changes("a"), reply(200, 11005)), Throttled)
    assert isinstance(CLARIFAI.found(changes("a"), NoReply("reset", sent=True)), Failed)


def test_inputs_are_processing_while_they_are_pending_or_in_progress() -> None:
    codes = {"i1": 30000, "i2": 30001, "i3": "INPUT_IN_PROGRESS", "i4": 30002, "i9": 30001}
    rows = [{"id": id, "status": {"code": code}} for id, code in codes.items()] + [{"id": "i5"}]
    body = json.dumps({"status": OK, "inputs": rows}).encode()
    assert CLARIFAI.inputs_found(["i1", "i2", "i3", "i4", "i5"], Reply(200, body)) == InputStates(
        frozenset(("i2", "i3")), frozenset(("i1",))
    )
    assert says_missing(CLARIFAI.inputs_found(["i1"], reply(404, 11101)))
    assert isinstance(CLARIFAI.inputs_found(["i1"], reply(503, 40030)), Failed)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (reply(200, 10000), False),
        (reply(401, 11001), True),
        (reply(500, 10020), False),
        (Reply(502, b"<html>"), False),
    ],
)
def test_a_refused_token_is_told_from_other_refusals(answer: Reply, refused: bool) -> None:
    assert refuses_credentials(answer) is refused
