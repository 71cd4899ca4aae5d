"""Answers of any status and bytes: a typed outcome each, and nothing taken for done or
for there without the remote's word.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from syncer.core.change import Verb
from syncer.core.outcome import AllApplied, Failed, Halt, Refused, Throttled
from syncer.core.ports.pull import Ask, Row
from syncer.core.ports.push import InputStates, Listed, LookedUp
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.core.retry_after import asked_seconds
from syncer.remotes.annotell import documents
from syncer.remotes.annotell.answers import Unwrapped
from syncer.remotes.annotell.documents import Document, Expired, Item
from syncer.remotes.annotell.fetching import PageSource, fetch
from syncer.remotes.clarifai import rows
from syncer.remotes.clarifai.codes import CODES, Meaning
from tests.fuzz.outside import FUZZED, STATUSES, dumped, mangled, trees
from tests.remotes.made import CLARIFAI, changes

FAILURES = (Failed, Halt, Refused, Throttled)
SUCCESS = {code for code, (_, meaning) in CODES.items() if meaning is Meaning.OK}
WHOLE = 10000
"""What has only been accepted is no list yet."""
GONE = {code for code, (_, meaning) in CODES.items() if meaning is Meaning.MISSING}
NAMED = {name: code for code, (name, _) in CODES.items()}

# --- Clarifai -------------------------------------------------------------------------

CODE = (
    st.sampled_from([*SUCCESS, *SUCCESS, "10000", "SUCCESS", 0, "", *CODES])
    | st.integers(0, 99_999)
    | st.text(max_size=4)
)
STATUS = st.fixed_dictionaries(
    {"code": CODE}, optional={"description": st.text(max_size=6), "details": st.text(max_size=6)}
)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "b", "", None, 7]),
        "input_id": st.sampled_from(["i", "j", "", None]),
        "input_level": st.sampled_from([True, False, None, "x"]),
        "status": STATUS,
        "input": st.fixed_dictionaries({}, optional={"id": st.sampled_from(["i", None])}),
        "annotation": st.fixed_dictionaries(
            {}, optional={"id": st.just("a"), "input_id": st.just("i")}
        ),
    },
)
LISTS = st.fixed_dictionaries(
    {"status": STATUS},
    optional={
        name: st.lists(ROW, max_size=4)
        for name in ("annotations", "inputs", "dataset_inputs", "hits")
    }
    | {"annotation": ROW},
)
CLARIFAI_BODY = (
    LISTS.map(dumped)
    | LISTS.map(dumped).flatmap(mangled)
    | trees("status", "code", "annotations", "inputs", "hits", "annotation", "id", "input_id").map(
        dumped
    )
    | st.binary(max_size=40)
)
CLARIFAI_REPLY = st.builds(
    Reply, STATUSES, CLARIFAI_BODY, st.none() | st.text("0123456789.-e ", max_size=8)
)
READERS: dict[str, Callable[[Reply | NoReply], object]] = {
    "look-up": lambda reply: CLARIFAI.found(changes("a", "j/b"), reply),
    "inputs": lambda reply: CLARIFAI.inputs_found(["i", "j"], reply),
    "listed": lambda reply: CLARIFAI.inputs_listed(["i", "j"], reply),
    "probe": CLARIFAI.read_probe,
    "list": rows.of_list,
    "search": rows.of_search,
    "inputs of a list": rows.of_inputs,
    "dataset": rows.of_dataset,
}


def said(reply: Reply) -> int:
    """The code of the answer's status, read in a second way; 0 for none."""
    try:
        code = orjson.loads(reply.body)["status"]["code"]
    except (ValueError, LookupError, TypeError):
        return 0
    if isinstance(code, str):
        return NAMED.get(code, int(code) if code.isascii() and code.isdigit() else 0)
    return code if isinstance(code, int) else 0


@FUZZED
@given(st.sampled_from(sorted(READERS)), CLARIFAI_REPLY)
def test_a_list_is_there_only_where_the_service_says_success(name: str, reply: Reply) -> None:
    answer = READERS[name](reply)
    if isinstance(answer, FAILURES):
        return
    assert isinstance(answer, LookedUp | InputStates | Listed | list | None)
    assert 200 <= reply.status < 300
    assert said(reply) == WHOLE


@FUZZED
@given(st.sampled_from(sorted(GONE)), STATUSES)
def test_what_does_not_exist_is_absent_only_where_it_was_asked_for_alone(
    code: int, status: int
) -> None:
    reply = Reply(status, dumped({"status": {"code": code}}))
    for count, keys in ((1, ["a"]), (2, ["a", "b"])):
        for answer in (
            CLARIFAI.found(changes(*keys), reply),
            CLARIFAI.inputs_found(keys, reply),
            CLARIFAI.inputs_listed(keys, reply),
        ):
            assert isinstance(answer, FAILURES) or count == 1
            assert answer in (
                LookedUp([None]),
                InputStates(frozenset()),
                Listed([], 0),
            ) or isinstance(answer, FAILURES)


@FUZZED
@given(st.sampled_from(sorted(READERS)), CLARIFAI_REPLY)
def test_only_what_was_asked_for_is_found(name: str, reply: Reply) -> None:
    match READERS[name](reply):
        case LookedUp(annotations):
            keys = [row and (row["input_id"], row["id"]) for row in annotations]
            assert [key for key in keys if key] == [
                key for key, row in zip([("i", "a"), ("j", "b")], annotations, strict=True) if row
            ]
        case InputStates(processing, ready):
            assert processing | ready <= {"i", "j"}
            assert not processing & ready
        case Listed(keys, count):
            assert {input_id for input_id, _ in keys} <= {"i", "j"}
            assert len(keys) <= count


@FUZZED
@given(st.sampled_from(["delete", "delete_input"]), st.integers(1, 3), CLARIFAI_REPLY)
def test_a_delete_is_done_only_by_success_or_by_being_told_alone_that_it_is_gone(
    verb: Verb, count: int, reply: Reply
) -> None:
    verdict = CLARIFAI.decode(verb, changes(*"abc"[:count], verb=verb), reply)
    if isinstance(verdict, AllApplied):
        done = 200 <= reply.status < 300 and said(reply) in SUCCESS
        assert done or (count == 1 and said(reply) in GONE)
    else:
        assert isinstance(verdict, FAILURES)


# --- Annotell -------------------------------------------------------------------------

URL = b"https://storage.example/d?X-Goog-Signature=secret"
PARTIAL = {
    "inputUuid": "u",
    "annotationType": "t",
    "created": "c",
    "uri": "https://storage.example/d?X-Goog-Signature=secret",
}
ENVELOPES = [
    {"data": [PARTIAL], "metadata": {"nextCursorId": 7}},
    {"data": {**PARTIAL, "content": {"openlabel": {"metadata": {"uuid": "d"}}}}},
    {"data": {"id": "x", "requestInputId": "u", "signedUrl": "https://storage.example/d"}},
    {"data": {"u": [{"annotationId": 1, "exportContent": {}}]}},
    {"openlabel": {"metadata": {"uuid": "d"}}},
    {"message": "https://storage.example/d?X-Goog-Signature=secret"},
]
ANNOTELL_BODY = (
    st.sampled_from([dumped(value) for value in ENVELOPES]).flatmap(mangled)
    | trees(
        "data",
        "metadata",
        "nextCursorId",
        "inputUuid",
        "uri",
        "content",
        "openlabel",
        "message",
        "uuid",
    ).map(dumped)
    | st.binary(max_size=40)
)
ANNOTELL_REPLY = st.builds(
    Reply, STATUSES, ANNOTELL_BODY, st.none() | st.text("0123456789.-e ", max_size=8)
)
LIST_READERS = [
    documents.read_exports,
    documents.read_one,
    documents.read_page,
    documents.read_signed,
    documents.read_single,
]


@FUZZED
@given(st.sampled_from(LIST_READERS), ANNOTELL_REPLY)
def test_a_page_is_there_only_under_success_and_no_reason_holds_a_signature(
    read: Callable[[Reply | NoReply], object], reply: Reply
) -> None:
    answer = read(reply)
    if isinstance(answer, FAILURES):
        assert "secret" not in answer.reason or reply.body.count(b"secret") > reply.body.count(URL)
        return
    assert isinstance(answer, Unwrapped | list | Row)
    assert 200 <= reply.status < 300
    for row in answer if isinstance(answer, list) else [answer] if isinstance(answer, Row) else []:
        json.loads(row.line)
    assert "secret" not in repr(answer)


@FUZZED
@given(ANNOTELL_REPLY)
def test_a_document_is_kept_as_it_came_and_only_where_it_is_one(reply: Reply) -> None:
    answer = documents.read_stored(reply)
    if isinstance(answer, Document):
        assert 200 <= reply.status < 300
        assert answer.raw == reply.body
        assert isinstance(json.loads(answer.raw)["openlabel"], dict)
    else:
        assert isinstance(answer, (Expired, *FAILURES))


ITEMS = st.lists(
    st.builds(
        Item,
        st.sampled_from("uvw"),
        st.sampled_from(["t", None]),
        st.sampled_from(["c", None]),
        st.none(),
        st.sampled_from(
            [
                "https://storage.example/1",
                "https://storage.example/2",
                "",
                "ftp://x",
                "http://[::1",
                "https://é/",
            ]
        ),
    ),
    max_size=5,
)


def answered(asks: Sequence[Ask], replies: list[Reply]) -> list[object]:
    """As the engine answers a flow: what may pass is asked again, until there is an
    answer or a refusal.
    """
    answers: list[object] = []
    for ask in asks:
        answer = ask.read(replies.pop()) if replies else Refused("no more", 404)
        while isinstance(answer, Failed | Throttled | Halt):
            answer = ask.read(replies.pop()) if replies else Refused("no more", 404)
        answers.append(answer)
    return answers


@FUZZED
@given(
    ITEMS,
    st.booleans(),
    st.lists(
        ANNOTELL_REPLY | st.just(Reply(200, b'{"openlabel":{}}')) | st.just(Reply(403, b"")),
        max_size=12,
    ),
)
def test_every_document_that_is_listed_is_fetched_or_told_whatever_the_storage_says(
    items: list[Item], alone: bool, replies: list[Reply]
) -> None:
    single = Ask(Request("GET", "/single"), documents.read_single)
    source = PageSource(
        Ask(Request("GET", "/list"), documents.read_page),
        Unwrapped(items, None),
        (lambda _: single) if alone else None,
    )
    flow = fetch([(item, source) for item in items])
    found: Any = None
    try:
        asks = next(flow)
        while True:
            asks = flow.send(answered(asks, replies))
    except StopIteration as end:
        found = end.value
    assert len(found.rows) + len(found.problems) + found.duplicates == len(items)
    told = {problem.what for problem in found.problems}
    wanted = {item.key: item for item in items}
    by_storage = [row for row in found.rows if row.key in wanted]
    assert all(wanted[row.key].what not in told for row in by_storage)


# --- Retry-After ----------------------------------------------------------------------

MONTHS = st.sampled_from(["Jan", "Feb", "Nov", "Dec", "Foo", ""])
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Tue", ""]),
    st.integers(-1, 40),
    MONTHS,
    st.integers(0, 99_999),
    st.integers(-1, 99),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(["GMT", "+0100", "-0000", "", "+9999", "-99999999999"]),
)
HEADER = (
    st.none()
    | DATES
    | st.integers().map(str)
    | st.floats().map(str)
    | st.text("0123456789.-+eE_ nafity", max_size=24)
    | st.text(max_size=12)
)


@FUZZED
@given(HEADER, HEADER)
def test_a_retry_after_is_a_time_that_can_be_waited_and_shown_or_none(
    retry_after: str | None, date: str | None
) -> None:
    seconds = asked_seconds(retry_after, date, 1.7e9)
    assert seconds is None or (math.isfinite(seconds) and 0 < seconds <= 10**9)
