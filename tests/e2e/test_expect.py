"""Changes that were planned, and somebody else who writes between plan and push: under
every value of every switch of the emulator.
"""

from __future__ import annotations

import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import anyio.to_thread
import orjson
import pytest

from syncer.core.change import Change
from syncer.core.ports.push import LookedUp
from syncer.core.ports.wire import Reply
from syncer.emulator import Emulator
from syncer.remotes.clarifai import Clarifai, digest_annotation
from tests.e2e.test_switches import APART, BITES_WITH, FAULTS, SWITCHED, letters, post_inputs, push
from tests.support.cases import first_quick
from tests.support.stand_in import READ_AT_ONCE, running

Json = dict[str, Any]
APP = Clarifai("me", "app")
COUNT = 36
INPUTS = [f"input-{number}" for number in range(4)]
KEYS = [(INPUTS[number % 4], f"a-{number}") for number in range(COUNT)]
THEIRS = {"concepts": [{"id": "theirs", "value": 1}]}
GONE = 7
"""Somebody else deletes it; it was to be overwritten."""
SETTLING_READS = 6
"""After so many, reads show what is there."""


def data(number: int) -> Json:
    """What is there at first."""
    box = {"top_row": 0.1, "left_col": 0, "bottom_row": 0.7, "right_col": number / 100}
    return {
        "concepts": [{"id": "tree", "value": 1}, {"id": "water", "value": 0}],
        "regions": [{"id": "r", "region_info": {"bounding_box": box}}],
        "metadata": {"n": number, "at": None},
    }


def planned(number: int, digest: str) -> Json:
    """A change of an annotation, of each kind in turn."""
    input_id, id = KEYS[number]
    named: Json = {"input_id": input_id, "id": id}
    expect = {"expect": {"digest": digest}}
    concepts = {"concepts": [{"id": "water", "value": 1}]}
    match number % 4:
        case 0:
            return {"op": "delete", "annotation": named, **expect}
        case 1:
            changed = {**named, "data": concepts}
            return {"op": "patch", "action": "merge", "annotation": changed, **expect}
        case 2:
            changed = {**named, "data": concepts}
            return {"op": "patch", "action": "remove", "annotation": changed, **expect}
    return {
        "op": "patch",
        "action": "overwrite",
        "annotation": {**named, "data": concepts},
        **expect,
    }


def is_theirs(number: int) -> bool:
    """Whether somebody else changes it between plan and push."""
    return number % 3 == 1


def ask(url: str, method: str, path: str, body: Json | None = None) -> bytes:
    """A request of somebody's."""
    content = None if body is None else orjson.dumps(body)
    request = urllib.request.Request(
        url + path, content, {"Authorization": "Key a-token"}, method=method
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        read: bytes = answer.read()
        return read


def look(url: str) -> list[Json | None]:
    """What reads show of all of them."""
    changes = [Change(0, 0, 1, "delete", input_id, id, b"") for input_id, id in KEYS]
    size = APP.look_up_size(changes)
    held: list[Json | None] = []
    for at in range(0, COUNT, size):
        part = changes[at : at + size]
        body = ask(url, "GET", APP.look_up(part).path)
        found = APP.found(part, Reply(200, body))
        assert isinstance(found, LookedUp)
        held += found.annotations
    return held


def settle(url: str) -> None:
    """Read each until reads show what is there."""
    for input_id, id in KEYS * SETTLING_READS:
        with suppress(HTTPError):  # perhaps it is not there
            ask(url, "GET", APP.look_up([Change(0, 0, 1, "delete", input_id, id, b"")]).path)


def change_theirs(url: str) -> None:
    """Somebody else changes some of them, and deletes one."""
    changed = [
        {"input_id": KEYS[number][0], "id": KEYS[number][1], "data": THEIRS}
        for number in range(COUNT)
        if is_theirs(number)
    ]
    path = "/v2/users/me/apps/app/annotations"
    ask(url, "PATCH", path, {"action": "overwrite", "annotations": changed})
    ask(url, "DELETE", path, {"ids": [KEYS[GONE][1]], "input_ids": [KEYS[GONE][0]]})


def wrong(server: Emulator) -> list[str]:
    """How what is held differs from what was planned, or is theirs."""
    held = server.annotations("me", "app")
    found = []
    for number, key in enumerate(KEYS):
        row = held.get(key)
        names = {
            concept["id"]: concept["value"]
            for concept in (row or {}).get("data", {}).get("concepts", [])
        }
        wanted = [{}, {"tree": 1, "water": 1}, {"tree": 1}, {"water": 1}][number % 4]
        if is_theirs(number):
            wanted = {} if number == GONE else {"theirs": 1}
        if names != wanted or (row is None) != (not wanted):
            found.append(f"{key} is {row}, and should have {wanted}")
    return found


LAGS = [switch for switch in SWITCHED if switch.startswith(("read-lag", "delete-lag"))]
CASES = [*LAGS, *(switch for switch in SWITCHED if switch not in {*APART, *LAGS})]


@pytest.mark.anyio
@pytest.mark.parametrize("switch", first_quick(CASES, 12))
async def test_what_somebody_else_changed_is_left_and_told_under(
    switch: str, tmp_path: Path
) -> None:
    first, plan = tmp_path / "first.jsonl", tmp_path / "plan.jsonl"
    posts = [
        {"op": "post", "annotation": {"id": id, "input_id": input_id, "data": data(number)}}
        for number, (input_id, id) in enumerate(KEYS)
    ]
    first.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in posts))
    name = switch.partition("=")[0]
    limit = 30 if name.startswith("rate-") else 0
    bites = BITES_WITH.get(name, "")
    options = {"push.requests_per_second": limit} if limit else {}
    async with running(rps=limit, faults=switch, seed=4, needs=READ_AT_ONCE) as server:
        await anyio.to_thread.run_sync(post_inputs, server.url, INPUTS)
        assert (await push(server.url, tmp_path / "other", first, **options)).exit_code == 0
        if switch in LAGS:
            await anyio.to_thread.run_sync(settle, server.url)
        held = await anyio.to_thread.run_sync(look, server.url)
        assert None not in held
        lines = [planned(number, digest_annotation(row or {})) for number, row in enumerate(held)]
        plan.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
        await anyio.to_thread.run_sync(change_theirs, server.url)
        if switch in LAGS:
            await anyio.to_thread.run_sync(settle, server.url)
        server.set_faults(",".join(filter(None, (FAULTS, bites, switch))))
        finished = await push(server.url, tmp_path, plan, **options)
        dead = letters(tmp_path)
        assert wrong(server) == []
    # of theirs, nothing is left to be removed: that is applied
    theirs = {id for number, (_, id) in enumerate(KEYS) if is_theirs(number) and number % 4 != 2}
    assert {letter["id"] for letter in dead} == theirs, finished
    assert finished.exit_code == 3
    assert all(letter["reason"].startswith("changed since it was planned: ") for letter in dead)
