"""Annotations: posting, patching, deleting (wire sections 1.1, 2 and 5)."""

from __future__ import annotations

import re

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai.call import ClarifaiCall, missing
from syncer.emulator.clarifai.patching import ACTIONS, apply_patch
from syncer.emulator.clarifai.store import Annotation, AnnotationKey
from syncer.emulator.clarifai.wire import Object

OUTPUT_ONLY = frozenset(
    (
        "created_at",
        "modified_at",
        "trusted",
        "input_level",
        "consensus_info",
        "worker",
        "model_version_id",
        "embed_model_version_id",
    )
)
"""What the service fills in or does not show: ignored where a client sends it."""
UNCHANGED = OUTPUT_ONLY | {"id", "input_id"}
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_INNER = ("regions", "frames", "time_segments", "tracks", "parts")
ItemProblem = tuple[int, str]

# --- post -----------------------------------------------------------------------------


def post(call: ClarifaiCall) -> Answer:
    """PostAnnotations."""
    annotations = call.sent.get("annotations", [])
    if (refused := call.bad_count(annotations, "annotations")) is not None:
        return refused
    taken = _find_taken(call, annotations)
    call.count("duplicates", len(taken))
    if taken and call.switches["duplicate-id"] == "request":
        return Answer.of(
            codes.DUPLICATE, f"Annotation {annotations[min(taken)]['id']} has a duplicate ID."
        )
    problems = [
        _post_problem(call, annotation, place in taken)
        for place, annotation in enumerate(annotations)
    ]
    if call.switches["post"] == "atomic" and (why := [problem for problem in problems if problem]):
        code, details = next(
            (problem for problem in why if problem[0] != codes.FAILED_FOR_NOW), why[0]
        )
        refusal = codes.TRY_AGAIN if code == codes.FAILED_FOR_NOW else codes.INVALID_REQUEST
        return Answer.of(refusal, f"none was added: {details or codes.status(code)['description']}")
    items: list[Object] = []
    lag = call.lag("read-lag")
    for annotation, problem in zip(annotations, problems, strict=True):
        if problem is None:
            annotation = make_annotation(call, annotation)
            call.app.put(annotation, lag)
            items.append(annotation)
        else:
            items.append(make_failed_item(call, annotation, problem))
    failed = len(items) - problems.count(None)
    call.count("posted", len(items) - failed)
    return call.items("annotations", report_items(call, items), failed)


def _find_taken(call: ClarifaiCall, annotations: list[Object]) -> set[int]:
    """The places of those whose id exists already, in the app or earlier in the
    request.
    """
    scope, has = call.switches["id-scope"], call.app.taken
    taken: set[int] = set()
    before: set[object] = set()
    for place, annotation in enumerate(annotations):
        id = annotation.get("id")
        if id is not None:
            key = (annotation.get("input_id", ""), id)
            within = key if scope == "input" else id
            if within in before or has(key, scope):
                taken.add(place)
            before.add(within)
    return taken


def _post_problem(call: ClarifaiCall, annotation: Object, taken: bool) -> ItemProblem | None:
    if (problem := _invalid(call, annotation)) is not None:
        return problem
    switches, input_id, id = call.switches, annotation["input_id"], annotation.get("id", "")
    if input_id not in call.app.inputs:
        if switches["inputs"] == "must-exist":
            return int(switches["no-input-code"]), f"input '{input_id}' does not exist"
    elif call.app.pending.get(input_id) and switches["pending-input"] == "refuse":
        return int(switches["no-input-code"]), f"input '{input_id}' is being processed"
    if taken and switches["duplicate-id"] == "item":
        return int(switches["duplicate-code"]), "Annotation has a duplicate ID."
    if annotation.get("user_id", call.user_id) != call.user_id and not call.owner:
        return codes.DENIED, "only the app owner can set another user_id"
    fault = call.item_fault(id)
    return (fault, "") if fault else None


def _invalid(call: ClarifaiCall, annotation: Object) -> ItemProblem | None:
    """Return what is wrong with an annotation in itself."""
    if not annotation.get("input_id"):
        return codes.INVALID, "input_id is required"
    id, data = annotation.get("id"), annotation.get("data")
    if id is not None:
        if call.switches["id-charset"] == "word" and not _WORD.fullmatch(id):
            return codes.INVALID, "an id may hold letters, digits, - and _"
        if call.switches["id-length"] != "any" and len(id) > int(call.switches["id-length"]):
            return codes.INVALID, f"an id may be {call.switches['id-length']} characters long"
    if data:
        for part in ("region", "frame"):
            if len(data.get(part + "s", ())) > 1:
                return codes.INVALID, f"annotation can contain at most one {part}"
    return None


def make_annotation(call: ClarifaiCall, annotation: Object) -> Annotation:
    """The annotation as it is held: id, owner, times and status filled in, concepts and
    inputs known from now on.
    """
    app = call.app
    id = annotation.get("id") or call.service.new_id()
    stored: Annotation = {
        "id": id,
        **{name: value for name, value in annotation.items() if name not in OUTPUT_ONLY},
    }
    user_id = stored.setdefault("user_id", call.user_id)
    stored["status"] = codes.status(
        stored["status"].get("code", codes.STORED) if "status" in stored else codes.STORED
    )
    stored["created_at"] = stored["modified_at"] = call.at
    stored["trusted"] = True
    stored["worker"] = {"user": {"id": user_id}}
    dress(call, stored)
    if stored["input_id"] not in app.inputs:
        ready = codes.status(codes.INPUT_READY)
        app.inputs[stored["input_id"]] = {
            "id": stored["input_id"],
            "created_at": call.at,
            "modified_at": call.at,
            "status": ready,
        }
    return stored


def dress(call: ClarifaiCall, annotation: Annotation) -> None:
    """Names of concepts, ids of regions, and the boxes of regions that a model found
    before: what the service adds to data.
    """
    if "data" in annotation:
        _dress(call, annotation["data"], annotation["input_id"])


def _dress(call: ClarifaiCall, data: Object, input_id: str) -> None:
    app = call.app
    for concept in data.get("concepts", ()):
        id = concept.get("id")
        if id:
            if "name" not in concept:
                concept["name"] = app.concepts[id]["name"] if id in app.concepts else id
            concept.setdefault("app_id", app.app_id)
            if id not in app.concepts:
                app.concepts[id] = {
                    "id": id,
                    "name": concept["name"],
                    "app_id": app.app_id,
                    "created_at": call.at,
                    "value": 1.0,
                }
    for region in data.get("regions", ()):
        if "id" not in region:
            region["id"] = call.service.new_id()
        elif "region_info" not in region and (known := _find_region(call, input_id, region["id"])):
            region["region_info"] = known
    for name in _INNER:
        for inner in data.get(name, ()):
            if "data" in inner:
                _dress(call, inner["data"], input_id)


def _find_region(call: ClarifaiCall, input_id: str, id: str) -> Object | None:
    """Return the region of this id, as another annotation of the input has it."""
    for annotation in call.app.of_input(input_id):
        data = annotation.get("data", {})
        for region in [
            *data.get("regions", ()),
            *(
                r
                for frame in data.get("frames", ())
                for r in frame.get("data", {}).get("regions", ())
            ),
        ]:
            if region.get("id") == id and "region_info" in region:
                info: Object = region["region_info"]
                return info
    return None


# --- answers about items --------------------------------------------------------------


def make_failed_item(call: ClarifaiCall, annotation: Object, problem: ItemProblem) -> Object:
    """Return what the answer says of an annotation that was not taken."""
    status = codes.status(*problem)
    match call.switches["failed-item"]:
        case "whole":
            return {**annotation, "status": status}
        case "bare":
            return {"status": status}
        case _:
            return {
                "id": annotation.get("id", ""),
                "input_id": annotation.get("input_id", ""),
                "status": status,
            }


def report_items(call: ClarifaiCall, items: list[Object]) -> list[Object]:
    """The items of an answer to a POST or PATCH, as the switches have it."""
    if call.switches["answer-order"] == "shuffled":
        items = call.service.rng.sample(items, len(items))
    match call.switches["answer"]:
        case "short":
            return items[:-1]
        case "extra":
            return [
                *items,
                {"id": "stranger", "input_id": "nowhere", "status": codes.status(codes.STORED)},
            ]
        case "doubled":
            return [*items, *items]
        case "bare":
            return [
                {name: item[name] for name in ("id", "input_id", "status") if name in item}
                for item in items
            ]
        case "none":
            return []
        case _:
            return items


# --- patch ----------------------------------------------------------------------------


def patch(call: ClarifaiCall) -> Answer:
    """PatchAnnotations."""
    annotations, action = call.sent.get("annotations", []), call.sent.get("action", "")
    if (refused := call.bad_count(annotations, "annotations")) is not None:
        return refused
    if action not in ACTIONS:
        return Answer.of(
            codes.INVALID_REQUEST, f"unknown action '{action}': use one of {', '.join(ACTIONS)}"
        )
    if call.switches["patch-missing"] == "request":
        for annotation in annotations:
            if _key(annotation) not in call.app.annotations:
                return missing("annotation_id", annotation.get("id", ""))
    items, failed = [], 0
    for annotation in annotations:
        problem = _patch_problem(call, annotation)
        if problem is None:
            items.append(_patch_one(call, annotation, action))
        else:
            failed += 1
            items.append(make_failed_item(call, annotation, problem))
    call.count("patched", len(items) - failed)
    return call.items("annotations", report_items(call, items), failed)


def _key(annotation: Object) -> AnnotationKey:
    return annotation.get("input_id", ""), annotation.get("id", "")


def _patch_problem(call: ClarifaiCall, annotation: Object) -> ItemProblem | None:
    held = call.app.annotations.get(_key(annotation))
    if held is None:
        return codes.MISSING, f"annotation_id '{annotation.get('id', '')}' not found"
    if (problem := _invalid(call, annotation)) is not None:
        return problem
    if "model_version_id" in held:
        return codes.DENIED, "annotations made by a model cannot be changed"
    if not call.owner and call.user_id not in (held.get("user_id"), annotation.get("user_id")):
        return codes.DENIED, "only the app owner can change annotations of another user"
    fault = call.item_fault(held["id"])
    return (fault, "") if fault else None


def _patch_one(call: ClarifaiCall, annotation: Object, action: str) -> Object:
    """Patch the annotation; return what the answer says of it."""
    app, held = call.app, call.app.annotations[_key(annotation)]
    changes = {name: value for name, value in annotation.items() if name not in UNCHANGED}
    result = apply_patch(held, changes, action, call.switches)
    result["status"] = codes.status(result.get("status", {}).get("code", codes.STORED))
    result["modified_at"] = call.at
    if "user_id" in changes:
        result["worker"] = {"user": {"id": result["user_id"]}}
    dress(call, result)
    if result.get("input_level"):
        app.inputs[result["input_id"]]["data"] = result.get("data", {})
    elif (
        action == "remove"
        and call.sent.get("delete_if_empty_data")
        and not any(result.get("data", {}).values())
    ):
        app.delete(_key(result), call.lag("delete-lag"))
        return result
    app.put(result, call.lag("read-lag"))
    return (
        result
        if call.switches["patch-code"] == "24150"
        else {**result, "status": codes.status(codes.MODIFIED)}
    )


def patch_status(call: ClarifaiCall) -> Answer:
    """PatchAnnotationsStatus: another status for all annotations of a task that the
    filters match.
    """
    sent = call.sent
    if "status_code" not in sent or sent.get("action", "overwrite") != "overwrite":
        return Answer.of(
            codes.INVALID_REQUEST, "status_code is required, and the only action is overwrite"
        )
    users, wanted = sent.get("user_ids"), sent.get("status_codes")
    changed = []
    for key, held in list(call.app.annotations.items()):
        if held.get("task_id") != sent["task_id"] or (users and held["user_id"] not in users):
            continue
        if not wanted or held["status"]["code"] in wanted:
            call.app.put(
                {**held, "status": codes.status(sent["status_code"]), "modified_at": call.at},
                call.lag("read-lag"),
            )
            changed.append(key)
    return Answer.of(
        user_ids=sorted({call.app.annotations[key]["user_id"] for key in changed}),
        updated_count=len(changed),
    )


# --- delete ---------------------------------------------------------------------------


def delete_one(call: ClarifaiCall) -> Answer:
    """DeleteAnnotation: not an error where it is not there; an input-level one goes
    with its input only.
    """
    _delete(call, [(call.sent["input_id"], call.sent["annotation_id"])])
    return Answer.of()


def delete(call: ClarifaiCall) -> Answer:
    """DeleteAnnotations: pairs, or all of these inputs if no ids are given."""
    ids, input_ids = call.sent.get("ids", []), call.sent.get("input_ids", [])
    if not input_ids:
        return Answer.of(codes.INVALID_REQUEST, "at least one input_id is needed")
    if ids and len(ids) != len(input_ids):
        return Answer.of(codes.INVALID_REQUEST, "number of ids and input_ids must match")
    if ids:
        _delete(call, list(zip(input_ids, ids, strict=True)))
    else:
        call.count(
            "deleted",
            sum(
                call.app.delete_of_input(input_id, call.lag("delete-lag")) for input_id in input_ids
            ),
        )
    return Answer.of()


def _delete(call: ClarifaiCall, keys: list[AnnotationKey]) -> None:
    app, lag = call.app, call.lag("delete-lag")
    call.count(
        "deleted",
        sum(app.delete(key, lag) for key in keys if app.input_level.get(key[0]) != key[1]),
    )
