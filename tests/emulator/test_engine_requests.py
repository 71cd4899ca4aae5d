"""What the engine sends is, to the last field, a message of the official protos, at a
path that they have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import orjson
from clarifai_grpc.grpc.api import service_pb2
from google.protobuf import json_format

from syncer.core.change import Change, Verb
from syncer.core.ports.wire import Request
from syncer.emulator.clarifai.bindings import find
from syncer.remotes.clarifai import Clarifai
from tests.support.annotations import rich
from tests.support.changes import write_log

CLARIFAI = Clarifai("me", "app")


def change(line: dict[str, Any]) -> Change:
    annotation = line["annotation"]
    verb = (
        line.get("action", line["op"])
        if "id" in annotation or line["op"] != "delete"
        else "delete_input"
    )
    id = annotation.get("id", "made-by-us")
    body = orjson.dumps({**annotation, "id": id})
    return Change(
        log=0,
        index=0,
        line=1,
        verb=cast(Verb, verb),
        input_id=annotation["input_id"],
        id=id,
        raw=body,
    )


def message(request: Request) -> Any:
    """The request as the protos read it: body or query, no unknown field."""
    url = urlsplit(request.path)
    found = find(request.method, url.path)
    assert found is not None, request.path
    made = getattr(service_pb2, f"{found[0].rpc}Request")()
    if request.body is not None:
        return json_format.Parse(request.body, made, ignore_unknown_fields=False)
    sent: dict[str, Any] = {}
    for name, value in parse_qsl(url.query, strict_parsing=True):
        repeated = made.DESCRIPTOR.fields_by_name[name].is_repeated
        sent[name] = (
            [*sent.get(name, []), value]
            if repeated
            else {"true": True, "false": False}.get(value, value)
        )
    return json_format.ParseDict(sent, made, ignore_unknown_fields=False)


def test_the_protos_know_every_field_of_every_request(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_log(log, 600, seed=3)
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    lines += [{"op": "post", "annotation": annotation} for annotation in rich()]
    verbs: tuple[Verb, ...] = ("post", "merge", "overwrite", "remove", "delete", "delete_input")
    for verb in verbs:
        changes = [one for line in lines if (one := change(line)).verb == verb]
        assert changes, verb
        read = message(CLARIFAI.encode(verb, changes))
        count = len(read.input_ids) if verb.startswith("delete") else len(read.annotations)
        assert count == len(changes)
        if verb in ("merge", "overwrite", "remove"):
            assert read.action == verb


def test_the_protos_know_every_parameter_of_a_look_up() -> None:
    changes = [change({"op": "post", "annotation": annotation}) for annotation in rich()]
    size = CLARIFAI.look_up_size(changes)
    read = message(CLARIFAI.look_up(changes[:size]))
    assert list(read.ids) == [one.id for one in changes[:size]]
    assert (read.list_all_annotations, read.page, read.per_page) == (True, 1, size)
    assert list(message(CLARIFAI.inputs_look_up(["i/1", "i 2"])).ids) == ["i/1", "i 2"]
