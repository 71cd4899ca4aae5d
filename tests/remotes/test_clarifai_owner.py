"""Whose token it is: what the service tells, and what shows that it does not. No
network.
"""

from __future__ import annotations

import orjson
import pytest

from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.pull import Ask
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.clarifai.owner import TokenOwner, ask_owner, read_owner

OK = {"code": 10000}


def reply(value: object, status: int = 200) -> Reply:
    return Reply(status, orjson.dumps(value))


def test_the_question_is_a_read_that_no_app_is_named_in() -> None:
    assert ask_owner().request == Request("GET", "/v2/users/me")


def test_an_answer_names_the_user_whatever_else_it_tells() -> None:
    user = {"id": "ann", "first_name": "Ann", "primary_email": "ann@example.org"}
    assert read_owner(reply({"status": OK, "user": user})) == "ann"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply({"status": OK}), "the answer names no user"),
        (reply({"status": OK, "user": {}}), "the answer names no user"),
        (reply({"status": OK, "user": {"id": ""}}), "the answer names no user"),
        (reply({"status": {"code": 11101}}, 404), "CONN_DOES_NOT_EXIST"),
        (Reply(405, b""), "HTTP 405"),
        (reply({"status": {"code": 11007}}, 403), "CONN_INSUFFICIENT_SCOPES"),
        (reply({"status": {"code": 11009}}, 401), "CONN_KEY_NOT_FOUND"),
        (reply({"code": 5, "message": "Not Found"}, 404), "HTTP 404"),
        (Reply(403, b"<html>no</html>"), "HTTP 403"),
    ],
)
def test_a_service_that_does_not_tell_it_is_a_refusal_that_says_nothing_of_the_app(
    answer: Reply, reason: str
) -> None:
    found = read_owner(answer)
    assert isinstance(found, Refused)
    assert found == Refused(found.reason)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply({"status": {"code": 11005}}, 429), Throttled),
        (Reply(429, b""), Throttled),
        (reply({"status": {"code": 98004}}, 500), Failed),
        (Reply(503, b"<html>"), Failed),
        (Reply(408, b""), Failed),
        (Reply(200, b""), Failed),
        (Reply(302, b""), Halt),
        (reply({"status": {"code": 11004}}, 429), Halt),
        (NoReply("nobody there", sent=False), Failed),
    ],
)
def test_what_may_pass_or_stops_every_request_is_not_taken_for_that(
    answer: Reply | NoReply, kind: type
) -> None:
    assert isinstance(read_owner(answer), kind)


def test_the_app_is_asked_only_where_it_was_not_told() -> None:
    """So that a wrong token or address is named as such."""
    app: Ask[object] = Ask(Request("GET", "/app"), lambda _: None)
    told = TokenOwner(app)
    steps = told.units("")
    assert [ask.request.path for ask in next(steps)] == ["/v2/users/me"]  # type: ignore[union-attr]
    with pytest.raises(StopIteration):
        steps.send(["ann"])
    assert (told.id, told.reason) == ("ann", "")
    silent = TokenOwner(app)
    steps = silent.units("")
    next(steps)
    assert steps.send([Refused("no such address")]) == [app]
    with pytest.raises(StopIteration):
        steps.send([None])
    assert (silent.id, silent.reason) == ("", "no such address")
