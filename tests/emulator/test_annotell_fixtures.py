"""Every wire fixture of Annotell replayed: its request gets an answer of the fixture's
status and shape.
"""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from syncer.emulator import Emulator
from syncer.emulator.annotell.documents import make_uuid
from tests.emulator.official import emulated
from tests.support import annotell

FAULTS = {
    "token_no_refresh.json": "refresh-token=none",
    "token_error_refresh_expired.json": "refresh-token=expired",
    "error_429.json": "throttle=1",
    "error_503.json": "error=1",
    "v2_inputs_query_page1.json": "list-page=2,cursor=text",
    "v2_inputs_query_page2_last.json": "list-page=100,metadata=empty",
    "v2_request_inputs_page1.json": "list-page=100,cursor=text",
    "gcs_error_400_expired.xml": "signed-url=stale",
}
NOT_EMULATED = {"error_403.json"}  # who may see what is no part of the emulator
OPTIONAL = {"viewLink", "calibrationId", "errorMessage", "metadata", "nextCursorId"}
Answer = tuple[int, bytes, dict[str, str]]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with emulated() as server:
        yield server


def asked(
    server: Emulator, method: str, target: str, body: bytes | None = None, **headers: str
) -> Answer:
    url = target if target.startswith("http") else server.url + target
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def token(server: Emulator, **more: str) -> Any:
    form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", **more}
    return json.loads(
        asked(server, "POST", "/v1/auth/oauth/token", urllib.parse.urlencode(form).encode())[1]
    )


def shape(value: Any) -> Any:
    """Names and kinds, without what may be absent."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items() if name not in OPTIONAL}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "str" if value is None else type(value).__name__


def replayed(server: Emulator, entry: dict[str, Any]) -> Answer:
    """The fixture's request, with the emulator's own tokens, signatures and ids."""
    name, target = entry["file"], entry["target"].partition("#")[0]
    server.set_faults("")
    access, refresh = (token(server)[key] for key in ("access_token", "refresh_token"))
    bearer = "" if name == "error_401.json" else f"Bearer {access}"
    uri = ""
    if entry["server"] == "storage":
        server.set_faults(FAULTS.get(name, "list-page=2"))
        document = name if name.startswith("openlabel") else "openlabel_image_bboxes.json"
        page = json.loads(
            asked(
                server,
                "GET",
                "/v1/annotations/projects/project-a/annotation-type/signs",
                Authorization=bearer,
            )[1]
        )
        place = list(annotell.STORED.values()).index(document)
        uri = page["data"][place]["uri"] + ("0" if name == "gcs_error_403.xml" else "")
    server.set_faults(FAULTS.get(name, "list-page=2"))
    if entry["server"] == "storage":
        return asked(server, "GET", uri)
    if entry["server"] == "auth":
        form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
        if name == "token_error_refresh_expired.json":
            form |= {"grant_type": "refresh_token", "refresh_token": refresh}
        if name == "token_error_invalid_client.json":
            form["client_secret"] = "refused-secret"
        return asked(server, "POST", target, urllib.parse.urlencode(form).encode())
    target = target.replace(
        "0a5c1d80-0000-4000-8000-000000000001",
        server.annotell.projects.by_name["project-a"].request_id,
    )
    target = target.replace(
        "7b0e5c2a-0000-4000-8000-000000000009", make_uuid("project-a/project")
    ).replace("b2Zmc2V0OjI", "c1")
    target = target.replace("cursorId=c2", "cursorId=c3").replace("cursorId=77", "cursorId=3")
    target = target.replace("batch/batch-1/", "batch/batch-of-nothing/")
    body = None if entry["request_body"] is None else json.dumps(entry["request_body"]).encode()
    headers = {"Content-Type": "application/json", "Authorization": bearer}
    return asked(server, entry["method"], target, body, **headers)


@pytest.mark.parametrize(
    "entry",
    [entry for entry in annotell.INDEX if entry["file"] not in NOT_EMULATED],
    ids=lambda entry: entry["file"],
)
def test_a_fixture_is_answered_in_its_status_and_shape(
    entry: dict[str, Any], server: Emulator
) -> None:
    server.reset("")
    server.annotell.projects.by_name.clear()
    server.annotell.projects.add(annotell.projects())
    status, body, headers = replayed(server, entry)
    assert status == entry["status"]
    assert headers.keys() >= entry["headers"].keys()
    name = entry["file"]
    if name.endswith(".xml"):
        assert (
            body.split(b"<Message>")[0]
            == (annotell.FIXTURES / name).read_bytes().split(b"<Message>")[0]
        )
        return
    ours, theirs = json.loads(body), annotell.read(name)
    if name.startswith("openlabel"):
        assert ours == theirs
        return
    # by uuid, in the client's own format
    if name.startswith("v1_annotations_by_uuids"):
        assert all(
            row.keys() == {"annotationId", "exportContent"}
            for rows in ours["data"].values()
            for row in rows
        )
        assert ours.keys() == theirs.keys()
        return
    if isinstance(theirs.get("data"), list) and not theirs["data"]:
        assert ours == theirs
        return
    assert shape(ours) == shape(theirs)
    for page in (ours, theirs):
        assert bool(page.get("metadata", {}).get("nextCursorId")) == (
            "page1" in name or "search_page2" in name
        )
    if "search" in name and "page" in name:
        assert ours["metadata"] == theirs["metadata"]
        assert [one["inputUuid"] for one in ours["data"]] == [
            one["inputUuid"] for one in theirs["data"]
        ]


def test_a_token_beside_a_signature_is_found_out(server: Emulator) -> None:
    server.reset("")
    bearer = f"Bearer {token(server)['access_token']}"
    path = "/v1/annotations/projects/emulator-project/annotation-type/cuboids"
    uri = json.loads(asked(server, "GET", path, Authorization=bearer)[1])["data"][0]["uri"]
    assert asked(server, "GET", uri)[0] == 200
    assert asked(server, "GET", uri, Authorization=bearer)[0] == 400


def test_only_those_who_ask_for_gzip_get_it(server: Emulator) -> None:
    server.reset("compression=gzip")
    bearer = f"Bearer {token(server)['access_token']}"
    _, plain, _ = asked(server, "GET", "/v1/projects", Authorization=bearer)
    _, packed, headers = asked(
        server, "GET", "/v1/projects", **{"Authorization": bearer, "Accept-Encoding": "gzip"}
    )
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
