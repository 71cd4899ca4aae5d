"""What an answer of the API, and of the storage, means."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.annotell.answers import Unwrapped, read_probe, unwrap
from syncer.remotes.annotell.documents import (
    Document,
    Expired,
    read_exports,
    read_one,
    read_page,
    read_signed,
    read_single,
    read_stored,
)
from tests.support import annotell

VALUES = msgspec.json.Decoder(Any)
READERS = (read_exports, read_one, read_page, read_signed, read_single, read_stored)


def fixture(name: str) -> Reply:
    entry = next(entry for entry in annotell.INDEX if entry["file"] == name)
    return Reply(
        entry["status"],
        (annotell.FIXTURES / name).read_bytes(),
        entry["headers"].get("Retry-After"),
    )


@pytest.mark.parametrize(
    ("body", "data", "following"),
    [
        (b"[1]", [1], None),
        (b' \n{"data":[1],"metadata":{"nextCursorId":7}}', [1], 7),
        (b'{"data":[1],"metadata":{"nextCursorId":"c7"}}', [1], "c7"),
        (b'{"data":[1],"metadata":{"nextCursorId":null}}', [1], None),
        (b'{"data":[1],"metadata":{}}', [1], None),
        (b'{"data":[1],"metadata":null}', [1], None),
        (b'{"data":{"a":1}}', {"a": 1}, None),
        (b'{"a":1}', {"a": 1}, None),
        (b'{"data":null,"a":1}', {"data": None, "a": 1}, None),
    ],
)
def test_an_envelope_is_opened_as_the_official_clients_do(
    body: bytes, data: object, following: object
) -> None:
    assert unwrap(Reply(200, body), VALUES, paged=True) == Unwrapped(data, following)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("error_401.json", Halt("HTTP 401: Token is invalid", kind="credentials")),
        ("error_403.json", Halt("HTTP 403: Forbidden", kind="credentials")),
        (
            "error_404_no_annotation.json",
            Refused("HTTP 404: Not found", 404, missing=True, of_app="perhaps"),
        ),
        ("error_429.json", Throttled("HTTP 429: Too many requests")),
        ("error_503.json", Failed("HTTP 503: Service unavailable", in_doubt=False)),
    ],
)
def test_the_fixtures_errors_mean(name: str, meaning: object) -> None:
    assert read_page(fixture(name)) == meaning


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(400, b'{"no":"message"}'), Refused),
        (Reply(408, b""), Failed),
        (Reply(425, b""), Failed),
        (Reply(500, b"<html>"), Failed),
        (Reply(502, b'{"message":7}'), Failed),
        (Reply(307, b""), Halt),
        (Reply(414, b"<html>"), Refused),
        (Reply(429, b"", None), Throttled),
        (Reply(200, b""), Failed),
        (Reply(200, b"<html></html>"), Failed),
        (Reply(200, b'{"code":5,"message":"Not Found","details":[]}'), Failed),
        (Reply(200, b'{"data":[{"inputUuid":"u"}]}'), Failed),
        (Reply(200, b'{"data":[{"inputUuid":"u","uri":"\xff"}]}'), Failed),
        (Reply(204, b""), Failed),
        (NoReply("no connection", sent=False), Failed),
    ],
)
def test_other_answers_mean(reply: Reply | NoReply, kind: type) -> None:
    for read in (read_page, read_one, read_signed, read_single, read_exports):
        if b"inputUuid" in getattr(reply, "body", b"") and read is not read_page:
            continue
        assert isinstance(read(reply), kind)


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (b'{"message":"Not found"}', True),
        (b'{"message":"Not found","error":"not_found","code":"E1"}', True),
        (b"", False),
        (b"<html>404</html>", False),
        (b'{"message":""}', False),
        (b'{"message":null}', False),
        (b'{"detail":"Not Found"}', False),
        (b'["message"]', False),
        (b'{"message":"\xff"}', False),
    ],
)
def test_only_a_404_in_the_services_own_form_says_that_something_is_not_there(
    body: bytes, missing: bool
) -> None:
    """That of a host not knowing the address says nothing of what was asked for."""
    for read in (read_page, read_one, read_signed, read_single, read_exports):
        refused = read(Reply(404, body))
        assert isinstance(refused, Refused)
        assert (refused.missing, refused.code) == (missing, 404)
        for status in (400, 405, 409, 410, 413, 422):
            refused = read(Reply(status, body))
            assert isinstance(refused, Refused)
            assert not refused.missing


def test_a_gateways_404_may_be_another_answer_the_next_time() -> None:
    failed = read_page(Reply(404, b'{"code":5,"message":"Not Found","details":[]}'))
    assert isinstance(failed, Failed)
    assert (failed.in_doubt, failed.strange) == (False, "perhaps")


@pytest.mark.parametrize("body", [b"{}", b'{"data":null}', b'{"u":[]}', b'{"metadata":{}}'])
def test_an_answer_without_data_is_not_taken_for_inputs_without_annotations(body: bytes) -> None:
    assert isinstance(read_exports(Reply(200, body)), Failed)
    assert read_exports(Reply(200, b'{"data":{}}')) == []


def test_a_message_is_one_line_without_the_signatures_of_urls() -> None:
    said = json.dumps(
        {"message": "no\nsuch \x1b[31m https://storage/x?X-Goog-Signature=secret " + "x" * 500}
    ).encode()
    refused = read_page(Reply(400, said))
    assert isinstance(refused, Refused)
    assert "secret" not in refused.reason
    assert refused.reason.isprintable()
    assert len(refused.reason) < 320


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (fixture("gcs_error_400_expired.xml"), Expired),
        (fixture("gcs_error_403.xml"), Expired),
        (fixture("openlabel_image_bboxes.json"), Document),
        (Reply(404, b""), Refused),
        (Reply(302, b""), Refused),
        (Reply(429, b"", "3"), Throttled),
        (Reply(503, b'{"error":"Service unavailable"}'), Failed),
        (NoReply("reset", sent=True), Failed),
    ],
)
def test_the_storages_answers_mean(reply: Reply | NoReply, kind: type) -> None:
    assert isinstance(read_stored(reply), kind)


def test_one_annotation_whose_content_is_no_document_is_refused() -> None:
    body = b'{"data":{"inputUuid":"u","annotationType":"t","created":"c","content":{"error":"x"}}}'
    assert read_single(Reply(200, body)) == Refused("its content is not an OpenLABEL document")


NAMES = st.sampled_from(
    [
        "data",
        "metadata",
        "inputUuid",
        "uri",
        "openlabel",
        "nextCursorId",
        "content",
        "id",
        "signedUrl",
        "requestInputId",
    ]
)
JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_a_reader_fail_in_another_way(body: bytes) -> None:
    for status in (200, 404):
        for read in READERS:
            read(Reply(status, body))


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (Reply(200, b" [1]"), None),
        (Reply(200, b'{"data":[]}'), None),
        # it knows who asks: so it is there
        (Reply(403, b'{"message":"Forbidden"}'), None),
        (Reply(400, b'{"message":"no"}'), None),
        (Reply(200, b"<html>"), Failed),
        (Reply(200, b""), Failed),
        (Reply(404, b"<html>"), Refused),
        (Reply(405, b""), Refused),
        (Reply(401, b'{"message":"no"}'), Halt),
        (Reply(503, b""), Failed),
        (Reply(429, b""), Throttled),
        (NoReply("reset", sent=True), Failed),
        (NoReply("no such host", sent=False, cause="never"), Halt),
    ],
)
def test_a_service_is_at_an_address_where_the_answer_is_one_of_its_own(
    reply: Reply | NoReply, failure: type | None
) -> None:
    found = read_probe(reply)
    assert found is None if failure is None else isinstance(found, failure)
