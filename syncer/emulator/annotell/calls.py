"""The operations of the Annotell part: what each path answers (wire, sections 1a to
1c).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from time import gmtime, strftime
from urllib.parse import unquote
from zlib import crc32

import orjson

from syncer.emulator.annotell import lists
from syncer.emulator.annotell.call import AnnotellCall, Refusal, list_finished, not_found
from syncer.emulator.annotell.documents import Json
from syncer.emulator.annotell.projects import FinishedAnnotation, Project, Scene
from syncer.emulator.annotell.tokens import STORAGE, no_such_file
from syncer.emulator.answer import Answer

# --- annotations ----------------------------------------------------------------------


def exports(call: AnnotellCall) -> Answer:
    """A1. Without inputs: all that there is."""
    named = call.parameter("inputs")
    wanted = None if named is None else named.split(",")
    data: dict[str, list[Json]] = {}
    for _, scene in call.projects.scenes():
        if wanted is None or scene.uuid in wanted:
            rows = [
                {"annotationId": held.number, "exportContent": held.export_content}
                for held in scene.annotations
                if not held.preliminary
            ]
            if rows or call.switches["missing-input"] == "empty":
                data[scene.uuid] = rows
    return Answer({"data": data})


LAST_NUMBER = 10**9
"""The fields of an annotation."""


def finished(call: AnnotellCall) -> Answer:
    """A2 and A3: of a project, or a batch of it."""
    project, (batch, annotation_type, search) = call.project(), call.named[1:]
    if search and call.switches["search"] == "404":
        return not_found(call.switches["unknown-address"])
    if search and call.switches["search"] != "served":
        raise Refusal(int(call.switches["search"]), "Not found")
    if batch and batch not in project.annotation_types:
        raise Refusal(404, f"Not found: no batch {batch}")
    allowed = project.annotation_types[""]
    if annotation_type not in allowed:
        sentence = (
            f"Invalid annotation type sent: {annotation_type}. Allowed values in project:"
            f" [{', '.join(allowed)}]"
        )
        raise Refusal(400, f"Validation failed: {sentence}")
    rows = call.projects.list_finished(call.named[0], batch or None, annotation_type)

    def show(row: tuple[Scene, FinishedAnnotation]) -> Json:
        scene, held = row
        return {
            "inputUuid": scene.uuid,
            "annotationType": annotation_type,
            "created": held.created,
            "uri": call.uri(held),
        }

    place = _places(call)
    rows.sort(key=place)
    return (
        call.page(rows, show, place, call.page_size)
        if search
        else Answer({"data": [show(row) for row in rows]})
    )


def _places(call: AnnotellCall) -> Callable[[tuple[Scene, FinishedAnnotation]], int]:
    """Return the order of annotations in a list, as the switch has it."""
    match call.switches["document-order"]:
        case "newest":
            return lambda row: LAST_NUMBER - row[1].number
        case "arbitrary":
            return lambda row: crc32(row[1].id.encode()) * LAST_NUMBER + row[1].number
        case _:
            return lambda row: row[1].number


def single(call: AnnotellCall) -> Answer:
    """A5."""
    uuid, annotation_type = call.named
    for _, scene in call.projects.scenes():
        for held in scene.annotations:
            if (scene.uuid, held.annotation_type, held.preliminary) == (
                uuid,
                annotation_type,
                False,
            ):
                document = (
                    held.iso_document
                    if call.parameter("useDefaultCartesian") == "true"
                    else held.document
                )
                head = {
                    "inputUuid": uuid,
                    "annotationType": annotation_type,
                    "created": held.created,
                }
                return Answer({"data": {**head, "content": orjson.Fragment(document)}})
    raise Refusal(404, "Not found")


def of_request_input(call: AnnotellCall) -> Answer:
    """A6: the first that is finished."""
    for project, scene in call.projects.scenes():
        if scene.request_input == call.named[0]:
            for held in list_finished(scene):
                return Answer({"data": _kognic(call, project, scene, held)})
    raise Refusal(404, "Not found")


def of_scene(call: AnnotellCall) -> Answer:
    """A7."""
    found = [
        (project, scene) for project, scene in call.projects.scenes() if scene.uuid == call.named[0]
    ]
    if not found:
        raise Refusal(404, "Not found")
    return Answer(
        {
            "data": [
                _kognic(call, project, scene, held)
                for project, scene in found
                for held in list_finished(scene)
            ]
        }
    )


def by_id(call: AnnotellCall) -> Answer:
    """A8: preliminary ones too."""
    for project, scene in call.projects.scenes():
        for held in scene.annotations:
            if held.id == call.named[0]:
                url = call.uri(held)
                expires_at = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(call.signatures.expires_at(url)))
                data: Json = {
                    "id": held.id,
                    "sceneId": scene.uuid,
                    "requestId": project.request_id,
                    "requestInputId": scene.request_input,
                }
                data |= {
                    "requestUid": project.request_uid,
                    "isPreliminary": held.preliminary,
                    "signedUrl": url,
                }
                return Answer({"data": {**data, "expiresAt": expires_at, "created": held.created}})
    raise Refusal(404, "Not found")


def stored(call: AnnotellCall) -> Answer:
    """A9: a document by its signed URL, without any envelope."""
    if (refused := call.signatures.refuse(call.request)) is not None:
        return refused
    id, _, iso = call.request.path.removeprefix(STORAGE).removesuffix(".json").partition(".")
    held = call.projects.find_stored(id)
    if held is None:
        return no_such_file()
    return Answer(None, text=(held.iso_document if iso else held.document).decode())


def _kognic(call: AnnotellCall, project: Project, scene: Scene, held: FinishedAnnotation) -> Json:
    names = {
        "inputUuid": scene.request_input,
        "sceneUuid": scene.uuid,
        "requestUid": project.request_uid,
    }
    return {**names, "created": held.created, "uri": call.uri(held)}


OPERATIONS: tuple[tuple[str, re.Pattern[str], Callable[[AnnotellCall], Answer]], ...] = tuple(
    (method, re.compile(path), operation)
    for method, path, operation in (
        ("GET", r"/v1/annotations", exports),
        (
            "GET",
            r"/v1/annotations/projects/([^/]+)/(?:batch/([^/]+)/)?annotation-type/([^/]+?)(/search)?",
            finished,
        ),
        ("GET", r"/v1/annotations/inputs/([^/]+)/annotation-type/([^/]+)", single),
        ("GET", r"/v1/annotations/([^/]+)", by_id),
        ("GET", r"/v2/inputs/([^/]+)/annotation", of_request_input),
        ("GET", r"/v2/scenes/([^/]+)/annotations", of_scene),
        ("GET", r"/v1/inputs", lists.inputs),
        ("POST", r"/v1/inputs/fetch", lists.inputs_fetch),
        ("POST", r"/v1/inputs/query", lists.inputs_by_uuids),
        ("POST", r"/v2/inputs/query", lists.requested_inputs),
        ("GET", r"/v2/request-inputs", lists.request_inputs),
        ("GET", r"/v2/request-inputs/([^/]+)", lists.request_input),
        ("POST", r"/v2/scenes/query", lists.scenes),
        ("GET", r"/v1/projects", lists.projects),
        ("GET", r"/v1/projects/([^/]+)/batches", lists.batches),
        (
            "GET",
            r"/v1/projects/([^/]+)/(?:batches/([^/]+)/)?annotation-types",
            lists.annotation_types,
        ),
        ("GET", r"/v2/requests", lists.requests),
        ("GET", r"/v1/workspaces", lists.workspaces),
        ("GET", STORAGE + r"[^/]+", stored),
    )
)


UNSERVED: dict[str, Callable[[str], bool]] = {
    "none": lambda path: False,
    "single": lambda path: path.startswith("/v1/annotations/inputs/"),
    "scenes": lambda path: path == "/v2/scenes/query",
    "second": lambda path: path.startswith("/v2/"),
    "by-id": lambda path: path.startswith("/v1/annotations/") and path.count("/") == 3,
}
"""By the switch: which addresses the host does not know."""


def find(method: str, path: str) -> tuple[Callable[[AnnotellCall], Answer], list[str]] | None:
    """The operation of a request, and the names in its path."""
    for of_method, pattern, operation in OPERATIONS:
        if of_method == method and (match := pattern.fullmatch(path)):
            return operation, [unquote(part or "") for part in match.groups()]
    return None
