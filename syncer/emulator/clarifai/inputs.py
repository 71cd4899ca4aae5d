"""Inputs, as far as labels need them: with an input-level annotation each, processed
after a while (wire sections 1.2 and 5).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any
from zlib import crc32

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai.annotations import dress
from syncer.emulator.clarifai.call import ClarifaiCall, missing
from syncer.emulator.clarifai.patching import ACTIONS, apply_patch
from syncer.emulator.clarifai.store import Annotation, App, Dataset
from syncer.emulator.clarifai.wire import Object

SUFFIX = 2  # InputIDConflictResolution
STREAM_PER_PAGE = 20


def post(call: ClarifaiCall) -> Answer:
    """PostInputs: an input-level annotation for each; an id that exists fails its item,
    or gets a suffix where that was asked for.
    """
    inputs = call.sent.get("inputs", [])
    if (refused := call.bad_count(inputs, "inputs")) is not None:
        return refused
    items, failed = [], 0
    for given in inputs:
        if given.get("id") in call.app.inputs:
            if call.sent.get("input_id_conflict_resolution") != SUFFIX:
                failed += 1
                items.append(
                    {
                        "id": given["id"],
                        "status": codes.status(codes.INPUT_INVALID, "Input has a duplicate ID."),
                    }
                )
                continue
            given = {**given, "id": f"{given['id']}-{call.service.new_id()[:8]}"}
        items.append(make_input(call, given))
    return call.items("inputs", items, failed)


def make_input(call: ClarifaiCall, given: Object) -> Object:
    """Store an input with its input-level annotation; the answer says that it is being
    processed.
    """
    app = call.app
    id = given.get("id") or call.service.new_id()
    data = given.get("data", {})
    level: Annotation = {
        "id": call.service.new_id(),
        "input_id": id,
        "data": data,
        "status": codes.status(codes.STORED),
        "created_at": call.at,
        "modified_at": call.at,
        "trusted": True,
        "user_id": call.user_id,
        "input_level": True,
        "worker": {"user": {"id": call.user_id}},
    }
    app.input_level[id] = level["id"]
    app.put(level)
    dress(call, level)
    app.inputs[id] = {"id": id, "data": data, "created_at": call.at, "modified_at": call.at}
    app.inputs[id]["status"] = codes.status(codes.INPUT_READY)
    if given.get("dataset_ids"):
        app.inputs[id]["dataset_ids"] = given["dataset_ids"]
        for dataset_id in given["dataset_ids"]:
            dataset(app, dataset_id, call.at).inputs[id] = call.at
    if lag := call.lag("input-lag"):
        app.pending[id] = lag
    return {**app.inputs[id], "status": codes.status(codes.INPUT_PENDING)}


def dataset(app: App, dataset_id: str, at: str) -> Dataset:
    """A dataset, made where it was not named before."""
    return app.datasets.setdefault(dataset_id, Dataset(at))


def show_input(app: App, input_id: str) -> Object:
    """An input as this read shows it."""
    left = app.pending.get(input_id)
    if not left:
        return app.inputs[input_id]
    app.pending[input_id] = left - 1
    if left == 1:
        del app.pending[input_id]
    return {**app.inputs[input_id], "status": codes.status(codes.INPUT_PENDING)}


def patch(call: ClarifaiCall) -> Answer:
    """PatchInputs: what the input-level annotation says changes with it."""
    inputs, action = call.sent.get("inputs", []), call.sent.get("action", "")
    if (refused := call.bad_count(inputs, "inputs")) is not None:
        return refused
    if action not in ACTIONS:
        return Answer.of(
            codes.INVALID_REQUEST, f"unknown action '{action}': use one of {', '.join(ACTIONS)}"
        )
    app = call.app
    items, failed = [], 0
    for given in inputs:
        id = given.get("id", "")
        if id not in app.inputs:
            failed += 1
            items.append(
                {"id": id, "status": codes.status(codes.NO_INPUT, f"input '{id}' does not exist")}
            )
            continue
        changes = {name: value for name, value in given.items() if name in ("data", "dataset_ids")}
        app.inputs[id] = {
            **apply_patch(app.inputs[id], changes, action, call.switches),
            "modified_at": call.at,
        }
        if id in app.input_level:
            key = (id, app.input_level[id])
            level = {**app.annotations[key], "data": app.inputs[id]["data"], "modified_at": call.at}
            dress(call, level)
            app.put(level)
        items.append(app.inputs[id])
    return call.items("inputs", items, failed)


def list_inputs(call: ClarifaiCall) -> Answer:
    """ListInputs, by ids and status."""
    app, ids = call.app, call.sent.get("ids")
    if call.switches["absent-ids"] == "refused" and (
        absent := [id for id in ids or () if id not in app.inputs]
    ):
        return missing("input_id", absent[0])
    wanted = [id for id in dict.fromkeys(ids) if id in app.inputs] if ids else list(app.inputs)
    code = call.sent.get("status", {}).get("code")
    if code:
        wanted = [
            id
            for id in wanted
            if (codes.INPUT_PENDING if id in app.pending else codes.INPUT_READY) == code
        ]
    page = call.page(len(wanted))
    return (
        page
        if isinstance(page, Answer)
        else Answer.of(inputs=[show_input(app, wanted[place]) for place in page])
    )


def stream(call: ClarifaiCall) -> Answer:
    """StreamInputs: those after `last_id`."""
    sent, app, last_id = call.sent, call.app, call.sent.get("last_id")
    place = _places(call)
    ids = sorted(app.inputs, key=place, reverse=sent.get("descending", False))
    start = 0
    if last_id in app.inputs:
        start = ids.index(last_id) + 1
    elif last_id is not None:
        match call.switches["gone-cursor"]:
            case "refused":
                return missing("last_id", last_id)
            case "empty":
                return Answer.of(inputs=[])
            case "place":
                start = bisect_right(sorted(map(place, ids)), place(last_id))
                start = len(ids) - start if sent.get("descending") else start
            case _:
                pass  # from the start again
    return Answer.of(
        inputs=[
            show_input(app, id)
            for id in ids[start : start + (sent.get("per_page") or STREAM_PER_PAGE)]
        ]
    )


def _places(call: ClarifaiCall) -> Callable[[str], Any]:
    """Return the key by which the service sorts inputs."""
    made = call.app.input_places
    for id in call.app.inputs:
        made.setdefault(id, len(made))
    order = call.switches["stream-order"] if call.sent.get("order_by_id") else "made"
    match order:
        case "id":
            return str
        case "folded":
            return lambda id: (id.lower(), id)
        case "arbitrary":
            return lambda id: crc32(id.encode())
        case _:
            return lambda id: made.get(id, -1)


def get(call: ClarifaiCall) -> Answer:
    """GetInput."""
    id = call.sent["input_id"]
    return (
        Answer.of(input=show_input(call.app, id))
        if id in call.app.inputs
        else missing("input_id", id)
    )


def count(call: ClarifaiCall) -> Answer:
    """GetInputCount."""
    pending = len(call.app.pending)
    none = dict.fromkeys(
        ("errors", "processing", "reindexed", "to_reindex", "reindex_errors", "reindexing"), 0
    )
    return Answer.of(
        counts={"processed": len(call.app.inputs) - pending, "to_process": pending, **none}
    )


def delete_one(call: ClarifaiCall) -> Answer:
    """DeleteInput, with all annotations of it."""
    id = call.sent["input_id"]
    return Answer.of() if call.app.delete_input(id) else missing("input_id", id)


def delete(call: ClarifaiCall) -> Answer:
    """DeleteInputs."""
    ids = call.sent.get("ids", [])
    if not ids:
        return Answer.of(codes.INVALID_REQUEST, "at least one id is needed")
    for id in ids:
        call.app.delete_input(id)
    return Answer.of()
