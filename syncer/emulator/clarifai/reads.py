"""Annotations: listing and getting (wire sections 1.1 and 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai.call import ClarifaiCall, missing
from syncer.emulator.clarifai.store import Annotation, AnnotationKey, App


def list_annotations(call: ClarifaiCall) -> Answer:
    """ListAnnotations, with the filters of wire section 2.1."""
    sent, app = call.sent, call.app
    ids, input_ids = sent.get("ids", []), sent.get("input_ids", [])
    if ids:
        if len(ids) != len(input_ids):
            return Answer.of(codes.INVALID_REQUEST, "number of ids and input_ids must match")
        keys = list(zip(input_ids, ids, strict=True))
    else:
        keys = app.keys_of(input_ids or None)
    unseen = [key for key in keys if key in app.past and app.past[key].was is None]
    if (
        call.switches["absent-ids"] == "refused"
        and (absent := _absent(call, ids, input_ids)) is not None
    ):
        _miss(app, unseen)
        return absent
    keys = order_keys(call, keys)
    wanted = _filter(call)
    keys = [key for key in keys if (row := app.peek(key)) is not None and wanted(row)]
    page = call.page(len(keys))
    if isinstance(page, Answer):
        return page
    rows = [app.read(keys[place]) for place in page]
    _miss(app, unseen)
    return Answer.of(annotations=rows)


def _miss(app: App, unseen: list[AnnotationKey]) -> None:
    """Count a read of what it did not show."""
    for key in unseen:
        app.read(key)


def order_keys(call: ClarifaiCall, keys: list[AnnotationKey]) -> list[AnnotationKey]:
    """Keys from oldest to newest, as the switch has lists sorted."""
    match call.switches["list-order"]:
        case "newest":
            return keys[::-1]
        case "arbitrary":
            return sorted(keys, key=lambda key: crc32("/".join(key).encode()))
        case _:
            return keys


def _absent(call: ClarifaiCall, ids: list[str], input_ids: list[str]) -> Answer | None:
    """The answer to a list that names what is not there."""
    for input_id, id in zip(input_ids, ids, strict=True) if ids else ():
        if call.app.peek((input_id, id)) is None:
            return missing("annotation_id", id)
    for input_id in input_ids:
        if input_id not in call.app.inputs:
            return missing("input_id", input_id)
    return None


def _filter(call: ClarifaiCall) -> Callable[[Annotation], bool]:
    sent = call.sent
    users, models, workflows = (
        set(sent.get(name, ()))
        for name in ("user_ids", "model_version_ids", "workflow_version_ids")
    )
    users = {call.user_id if id == "me" else id for id in users}
    workers = bool(users or models or workflows)
    everyone = workers or bool(sent.get("ids")) or sent.get("list_all_annotations", False)
    spared = not sent.get("input_ids") and call.switches["input-level"] == "unlisted"
    statuses = {status["code"] for status in sent.get("statuses", ()) if "code" in status}
    task_id = sent.get("task_id")

    def wanted(row: Annotation) -> bool:
        if not everyone and not row.get("trusted"):
            return False
        if spared and row.get("input_level"):
            return False
        if statuses and row["status"]["code"] not in statuses:
            return False
        if task_id and row.get("task_id") != task_id:
            return False
        workflow = (
            row.get("worker", {}).get("workflow", {}).get("version", {}).get("id")
            if workflows
            else None
        )
        return (
            not workers
            or row.get("user_id") in users
            or row.get("model_version_id") in models
            or workflow in workflows
        )

    return wanted


def get(call: ClarifaiCall) -> Answer:
    """GetAnnotation."""
    held = call.app.read((call.sent["input_id"], call.sent["annotation_id"]))
    return (
        missing("annotation_id", call.sent["annotation_id"])
        if held is None
        else Answer.of(annotation=held)
    )


def workers(call: ClarifaiCall) -> Answer:
    """ListAnnotationWorkers: everyone who made an annotation of the app."""
    rows = [
        row
        for row in call.app.annotations.values()
        if row.get("trusted") or not call.sent.get("trusted_only")
    ]
    distinct = {repr(row["worker"]): row["worker"] for row in rows if "worker" in row}
    return call.answer_page("workers", list(distinct.values()))


def get_user(call: ClarifaiCall) -> Answer:
    """GetUser: of `me`, the user whose token it is. No more than the id is shown: all
    else of a user is private.
    """
    match call.switches["token-user"]:
        case "missing":
            return missing("user_id", "me")
        case "refused":
            return Answer.of(codes.INSUFFICIENT_SCOPES)
        case _:
            return Answer.of(user={"id": call.user_id})
