"""Changes and replies for the tests of the Clarifai codec."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from syncer.core.change import Change, Verb
from syncer.core.ports.wire import Reply
from syncer.remotes.clarifai import Clarifai

FIXTURES = Path(__file__).parents[1] / "fixtures" / "clarifai"
CLARIFAI = Clarifai("demo-owner", "demo-app")
OK = {"code": 10000, "description": "Ok"}
STORED = {"code": 24150, "description": "Annotation success"}


def fixture(name: str) -> dict[str, Any]:
    """One wire fixture."""
    loaded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return loaded


def change(annotation: dict[str, Any], verb: Verb = "post") -> Change:
    """A change whose body is this annotation."""
    body = orjson.dumps(annotation)
    return Change(
        log=0,
        index=0,
        line=1,
        verb=verb,
        input_id=annotation.get("input_id", ""),
        id=annotation.get("id", ""),
        raw=body,
    )


def changes(*keys: str, verb: Verb = "post") -> list[Change]:
    """Changes by keys written as `input/id`, or as `id` on input `i`."""
    pairs = [key.rpartition("/") for key in keys]
    return [change({"id": id, "input_id": input_id or "i"}, verb) for input_id, _, id in pairs]


def item(key: str, code: int | str | None = 24150, details: str = "") -> dict[str, Any]:
    """An annotation of an answer, with a status of this code (None: without one)."""
    input_id, _, id = key.rpartition("/")
    made: dict[str, Any] = {"id": id, "input_id": input_id or "i"}
    if code is not None:
        made["status"] = {"code": code, "details": details}
    return made


def reply(
    status: int,
    code: int | str | None,
    items: Iterable[dict[str, Any]] | None = None,
    details: str = "",
    **headers: str,
) -> Reply:
    """A JSON answer with this HTTP status and code."""
    body: dict[str, Any] = {"status": {"code": code, "description": "said", "details": details}}
    if items is not None:
        body["annotations"] = list(items)
    return Reply(status, json.dumps(body).encode(), **headers)
