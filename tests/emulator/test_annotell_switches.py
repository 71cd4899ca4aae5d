"""What nobody knows of Annotell's service: each switch does what it says, and loading
says what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from syncer.emulator import Emulator, running
from syncer.emulator.annotell.settings import ANNOTELL_SWITCHES
from syncer.errors import UsageError
from tests.emulator.official import emulated
from tests.emulator.test_annotell_fixtures import asked, token

DOCS = Path(__file__).parents[2] / "docs" / "emulator.md"
LIST = "/v1/annotations/projects/emulator-project/annotation-type/object-detection"
See = Callable[[Emulator], Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with emulated() as server:
        yield server


def get(server: Emulator, path: str, bearer: str = "", **headers: str) -> Any:
    """(status, JSON or bytes)."""
    bearer = bearer or token(server)["access_token"]
    status, body, _ = asked(server, "GET", path, Authorization=f"Bearer {bearer}", **headers)
    return status, json.loads(body) if body[:1] in (b"{", b"[") else body


def lifetime(server: Emulator) -> Any:
    return token(server)["expires_in"]


def five_uses(server: Emulator) -> Any:
    bearer = token(server)["access_token"]
    return [get(server, "/v1/projects", bearer)[0] for _ in range(5)]


def a_refresh(server: Emulator) -> Any:
    refresh = token(server).get("refresh_token")
    return (
        None
        if refresh is None
        else token(server, grant_type="refresh_token", refresh_token=refresh).get(
            "error", "granted"
        )
    )


def ways_to_sign_in(server: Emulator) -> Any:
    basic = {"Authorization": "Basic YTpi"}
    _, by_basic, _ = asked(
        server, "POST", "/v1/auth/oauth/token", b"grant_type=client_credentials", **basic
    )
    return "access_token" in token(server), "access_token" in json.loads(by_basic)


def rows_of_a_page(server: Emulator) -> Any:
    return len(get(server, LIST + "/search")[1]["data"])


def two_cursors(server: Emulator) -> Any:
    page = get(server, LIST + "/search")[1]
    following = page["metadata"]["nextCursorId"]
    return type(following).__name__, len(
        get(server, f"{LIST}/search?cursorId={following}")[1]["data"]
    )


def the_last_metadata(server: Emulator) -> Any:
    return get(server, LIST + "/search")[1].get("metadata")


def ways_to_list(server: Emulator) -> Any:
    return get(server, LIST + "/search")[0], get(server, LIST)[0]


def an_input_without_annotations(server: Emulator) -> Any:
    uuid = next(
        scene.uuid for _, scene in server.annotell.projects.scenes() if not scene.annotations
    )
    return get(server, f"/v1/annotations?inputs={uuid}")[1]["data"].get(uuid)


def pages_while_one_is_taken_out(server: Emulator) -> Any:
    """The second page of one row each, where the first row is gone by then."""
    page = get(server, LIST + "/search")[1]
    scene = next(
        scene
        for scene in server.annotell.projects.by_name["emulator-project"].scenes
        if scene.uuid == page["data"][0]["inputUuid"]
    )
    whole = [row["inputUuid"] for row in get(server, LIST)[1]["data"]]
    scene.annotations.clear()
    second = get(server, f"{LIST}/search?cursorId={page['metadata']['nextCursorId']}")[1]["data"][
        0
    ]["inputUuid"]
    return whole.index(second)


def order_of_documents(server: Emulator) -> Any:
    created = [row["created"][8:10] for row in get(server, LIST)[1]["data"]]
    pages, cursor = [], None
    while True:
        page = get(server, LIST + "/search" + (f"?cursorId={cursor}" if cursor else ""))[1]
        pages += [row["created"][8:10] for row in page["data"]]
        if (cursor := page["metadata"]["nextCursorId"]) is None:
            return pages if pages == created else "another by pages"


def post(server: Emulator, path: str, body: Any) -> Any:
    status, answer, _ = asked(
        server,
        "POST",
        path,
        json.dumps(body).encode(),
        Authorization=f"Bearer {token(server)['access_token']}",
    )
    return status, json.loads(answer) if answer[:1] == b"{" else answer


def a_query_of_a_scene_that_is_not_there(server: Emulator) -> Any:
    uuid = next(scene.uuid for _, scene in server.annotell.projects.scenes())
    status, answer = post(server, "/v2/scenes/query", {"sceneUuids": [uuid, "none"]})
    return status, len(answer.get("data", ()))


def something_that_is_not_there(server: Emulator) -> Any:
    status, answer = get(server, "/v1/annotations/inputs/none/annotation-type/signs")
    return status, sorted(answer) if isinstance(answer, dict) else answer


def addresses_that_are_not_known(server: Emulator) -> Any:
    scene = next(scene for _, scene in server.annotell.projects.scenes())
    uuid, by_id = scene.uuid, get(server, f"/v1/annotations/{scene.annotations[0].id}")[0]
    single = get(server, f"/v1/annotations/inputs/{uuid}/annotation-type/object-detection")[0]
    scenes = post(server, "/v2/scenes/query", {"sceneUuids": [uuid]})[0]
    return by_id, single, scenes, get(server, f"/v2/scenes/{uuid}/annotations")[0]


UNSERVED = (
    (200, 200, 200, 200),
    (200, 404, 200, 200),
    (200, 200, 404, 200),
    (200, 200, 404, 404),
    (404, 200, 200, 200),
)


def an_unknown_address(server: Emulator) -> Any:
    status, answer = get(server, "/v1/nothing")
    return status, sorted(answer) if isinstance(answer, dict) else answer


FORMS = (
    (404, ["message"]),
    (404, b"<html><body>404 Not Found</body></html>"),
    (404, ["code", "details", "message"]),
    (404, b""),
)


def two_signed_urls(server: Emulator) -> Any:
    uris = [get(server, LIST)[1]["data"][0]["uri"] for _ in range(2)]
    return [asked(server, "GET", uri)[0] for uri in uris]


def seconds_in_a_url(server: Emulator) -> Any:
    found = re.search("X-Goog-Expires=([0-9]+)", get(server, LIST)[1]["data"][0]["uri"])
    return found and found[1]


def compressed(server: Emulator) -> Any:
    return isinstance(get(server, "/v1/projects", **{"Accept-Encoding": "gzip"})[1], bytes)


SCENES: dict[str, tuple[str, See, tuple[Any, ...]]] = {
    "token-seconds": ("", lifetime, (3600, 60, -1)),
    "token-uses": ("", five_uses, ([200] * 5, [200, 200, 200, 401, 401])),
    "refresh-token": ("", a_refresh, ("granted", None, "invalid_token")),
    "client-auth": ("", ways_to_sign_in, ((True, True), (True, False), (False, True))),
    "list-page": ("", rows_of_a_page, (3, 3, 2, 1)),
    "cursor": ("list-page=1", two_cursors, (("int", 1), ("str", 1))),
    "cursor-place": ("list-page=1", pages_while_one_is_taken_out, (1, 2)),
    "document-order": (
        "list-page=1",
        order_of_documents,
        (["10", "11", "13"], ["13", "11", "10"], ["13", "10", "11"]),
    ),
    "metadata": ("", the_last_metadata, ({"nextCursorId": None}, {}, None)),
    "search": ("", ways_to_list, ((200, 200), (404, 200), (405, 200))),
    "missing-input": ("", an_input_without_annotations, (None, [])),
    "missing-scene": (
        "",
        a_query_of_a_scene_that_is_not_there,
        (*((status, 0) for status in (404, 400, 405, 409, 410, 413, 422)), (200, 1)),
    ),
    "not-found": ("", something_that_is_not_there, FORMS),
    "unserved": ("", addresses_that_are_not_known, UNSERVED),
    "unknown-address": ("", an_unknown_address, FORMS),
    "signed-url": ("", two_signed_urls, ([200, 200], [400, 200], [400, 400])),
    "signed-url-seconds": ("", seconds_in_a_url, ("3600", "60", "1")),
    "compression": ("", compressed, (False, True)),
}
"""By switch: what else is on, what is looked at, and what is seen under each of its
values.
"""
CASES = [
    (name, value, seen)
    for name, (_, _, all_seen) in SCENES.items()
    for value, seen in zip(ANNOTELL_SWITCHES[name], all_seen, strict=True)
]


@pytest.mark.parametrize(
    ("name", "value", "seen"), CASES, ids=[f"{name}={value}" for name, value, _ in CASES]
)
def test_a_switch_does_what_it_says(server: Emulator, name: str, value: str, seen: Any) -> None:
    others, see, _ = SCENES[name]
    server.reset(",".join(filter(None, (others, f"{name}={value}"))))
    assert see(server) == seen


def test_every_switch_is_looked_at_and_documented() -> None:
    assert SCENES.keys() == ANNOTELL_SWITCHES.keys()
    section = DOCS.read_text("utf-8").split("\n## Annotell and Kognic")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \| (`[^|]*`) \|", section, re.MULTILINE)
    assert {
        name.strip("`"): tuple(re.findall("`([^`]*)`", values)) for name, values in rows
    } == ANNOTELL_SWITCHES


def test_clarifai_and_annotell_share_a_port_and_keep_their_own_paths(server: Emulator) -> None:
    server.reset("")
    path = "/v2/inputs/some-input/annotation"
    assert get(server, path)[1] == {"message": "Not found"}
    _, body, _ = asked(server, "GET", path, Authorization="Key a-token")
    assert "status" in json.loads(body)
    assert get(server, "/v1/projects", "another-token") == (
        401,
        {"message": "Token is invalid", "error": "invalid_token"},
    )


def test_the_storage_does_not_count_against_the_limit_of_requests() -> None:
    async def run() -> list[int]:
        async with running(rps=2) as limited:
            uri = limited.annotell.signatures.url(
                limited.url.removeprefix("http://"), "no-file.json", limited.annotell.switches
            )
            return [
                (await anyio.to_thread.run_sync(asked, limited, "GET", uri))[0] for _ in range(10)
            ]

    assert anyio.run(run) == [404] * 10


# --- loading --------------------------------------------------------------------------


def complaint(load: str) -> str:
    async def run() -> None:
        async with running(load=(load,)):
            pass

    with pytest.raises(UsageError) as refused:
        anyio.run(run)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", 'it must be an object with a list "projects"'),
        ('{"projects":[{"project":"p"},{}]}', "projects[1] lacks 'project'"),
        (
            '{"projects":[{"project":"p","inputs":[{"internalId":"u","annotations":[{"annotationType":"t"}]}]}]}',
            "lacks 'content'",
        ),
        (
            '{"projects":[{"project":"p","inputs":[7]}]}',
            "has a value of another type than it should",
        ),
    ],
)
def test_a_file_of_projects_that_cannot_be_loaded_is_named(
    text: str, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "projects.json"
    file.write_text(text)
    said = complaint(str(file))
    assert said.startswith(f"--load {file}: ")
    assert why in said
    assert (
        complaint(str(tmp_path / "none.json"))
        == f"--load {tmp_path}/none.json: No such file or directory"
    )


def test_what_is_held_can_be_loaded_again(server: Emulator) -> None:
    server.reset("")
    held = asked(server, "GET", "/_emulator/projects")[1]
    again = asked(server, "POST", "/_emulator/projects", held)[1]
    assert json.loads(again) == json.loads(held)


def test_projects_can_be_changed_while_it_runs_and_are_as_at_the_start_after_a_reset(
    server: Emulator,
) -> None:
    server.reset("")
    start = json.loads(asked(server, "GET", "/_emulator/projects")[1])
    added = json.loads(
        asked(server, "POST", "/_emulator/projects", b'{"projects":[{"project":"another"}]}')[1]
    )
    assert [project["project"] for project in added["projects"]] == ["emulator-project", "another"]
    assert asked(server, "POST", "/_emulator/projects", b"{}")[0] == 400
    asked(server, "POST", "/_emulator/reset", b"")
    assert json.loads(asked(server, "GET", "/_emulator/projects")[1]) == start
