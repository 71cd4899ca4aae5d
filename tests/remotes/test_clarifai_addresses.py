"""What speaks of the address, the app or the path is told apart from what is said of a
change.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from syncer.core.change import Verb
from syncer.core.outcome import Failed, Halt, Refused
from syncer.core.ports.wire import Reply
from syncer.remotes.clarifai import rows
from tests.remotes.made import CLARIFAI, changes, reply

PAGES = [
    b"",
    b"<html>welcome</html>",
    b"[]",
    b"null",
    b'{"error":"not found"}',
    b'{"status":"ok"}',
    b'{"status":{"code":404}}',
]
"""Bodies of something that is not the service."""


def posted(answer: Reply, *ids: str) -> object:
    return CLARIFAI.decode("post", changes(*ids or ("a", "b")), answer)


@pytest.mark.parametrize("body", PAGES)
@pytest.mark.parametrize("status", [404, 405, 410])
def test_no_such_path_or_method_without_a_status_of_the_service_is_never_said_of_a_change(
    status: int, body: bytes
) -> None:
    for answer in (
        posted(Reply(status, body)),
        CLARIFAI.found(changes("a"), Reply(status, body)),
        rows.of_list(Reply(status, body)),
    ):
        assert isinstance(answer, Failed)
        assert answer.strange == "surely"


@pytest.mark.parametrize("body", PAGES)
@pytest.mark.parametrize("status", [200, 400, 402, 418])
def test_a_page_of_something_else_may_come_from_a_wrong_address(status: int, body: bytes) -> None:
    answer = posted(Reply(status, body))
    assert isinstance(answer, Failed)
    assert (answer.strange, answer.in_doubt) == ("perhaps", True)


@pytest.mark.parametrize("body", PAGES)
@pytest.mark.parametrize("status", [408, 425, 500, 502, 503])
def test_what_fails_for_now_says_nothing_of_the_address(status: int, body: bytes) -> None:
    answer = posted(Reply(status, body))
    assert isinstance(answer, Failed)
    assert answer.strange == "no"


@pytest.mark.parametrize("code", [77777, "SOMETHING_NEW", 98004, 10030])
def test_codes_of_tomorrow_are_the_services_own(code: int | str) -> None:
    answer = posted(reply(200, code))
    assert isinstance(answer, Failed)
    assert answer.strange == "no"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_speaks_of_the_address(status: int) -> None:
    answer = posted(Reply(status, b""))
    assert isinstance(answer, Halt)
    assert answer.kind == "address"


@pytest.mark.parametrize("verb", ["post", "merge", "delete", "delete_input"])
@pytest.mark.parametrize(
    ("code", "missing"),
    [(11101, True), (30102, True), (11102, False), (24155, False), (90400, False)],
)
def test_a_refusal_may_be_of_the_app_and_is_likely_so_where_something_is_missing(
    verb: Verb, code: int, missing: bool
) -> None:
    alone = CLARIFAI.decode(verb, changes("a", verb=verb), reply(404, code))
    among = CLARIFAI.decode(verb, changes("a", "b", verb=verb), reply(404, code))
    assert isinstance(alone, Refused)
    assert isinstance(among, Refused)
    assert (alone.missing, alone.of_app) == (missing, "likely" if missing else "perhaps")
    assert (among.missing, among.of_app) == (missing, "likely" if missing else "no")


@pytest.mark.parametrize(
    "answer", [reply(413, 40033), reply(400, 40010), reply(413, 11102), Reply(414, b"<html>")]
)
def test_sizes_and_duplicates_are_never_said_of_an_app(answer: Reply) -> None:
    verdict = posted(answer, "a")
    assert isinstance(verdict, Refused)
    assert (verdict.of_app, verdict.missing) == ("no", False)


def test_every_list_that_is_refused_may_be_refused_for_the_app() -> None:
    for answer in (
        rows.of_list(reply(404, 11101)),
        rows.of_inputs(reply(400, 11102)),
        rows.of_search(reply(404, 11101)),
    ):
        assert isinstance(answer, Refused)
        assert answer.of_app == ("likely" if answer.missing else "perhaps")


def test_a_look_up_of_what_is_missing_may_be_refused_for_the_app() -> None:
    one, several = (CLARIFAI.found(changes(*ids), reply(404, 11101)) for ids in (["a"], ["a", "b"]))
    assert isinstance(one, Refused)
    assert isinstance(several, Refused)
    assert (one.missing, one.of_app, several.of_app) == (True, "likely", "likely")


@pytest.mark.parametrize("read", [CLARIFAI.inputs_found, CLARIFAI.inputs_listed])
def test_inputs_that_cannot_be_looked_up_are_not_taken_for_none(
    read: Callable[[list[str], Reply], object],
) -> None:
    refused, failed = read(["i", "j"], reply(404, 11101)), read(["i", "j"], Reply(503, b""))
    assert isinstance(refused, Refused)
    assert isinstance(failed, Failed)
