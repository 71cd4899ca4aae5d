"""The operations of the Annotell part: what each path answers (wire, sections 1a to 1c)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import gmtime, strftime
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson

from syncer.emulator.annotell_documents import Json, identified
from syncer.emulator.annotell_projects import CREATED, Held, Project, Projects, Scene
from syncer.emulator.annotell_tokens import STORAGE, Signatures, no_such_file
from syncer.emulator.answer import Answer, Request

T = TypeVar("T")
REQUEST_INPUTS_MAX = 5000
REQUEST_INPUTS = 1000
"""Of a page of request inputs, at most and where none is asked for (kognic-io 2.19.0: input.py)."""


class Refusal(Exception):
    """An answer that ends an operation."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = said(status, message)


def said(status: int, message: str, **members: object) -> Answer:
    """An error, in the one form that the clients read."""
    return Answer({"message": message, **members}, status)


@dataclass(slots=True)
class Call:
    """A request on its way through an operation."""

    projects: Projects
    signatures: Signatures
    switches: Mapping[str, str]
    request: Request
    named: list[str]
    """The parts of the path that are names, decoded."""

    @property
    def sent(self) -> Json:
        """The JSON object of the body."""
        try:
            body = orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError:
            raise Refusal(400, "Validation failed: the body is not JSON") from None
        if not isinstance(body, dict):
            raise Refusal(400, "Validation failed: the body is not an object")
        return body

    def parameter(self, name: str) -> str | None:
        """A parameter of the query."""
        return self.request.query.get(name, [None])[0]

    def project(self, name: str | None = None) -> Project:
        """A project by its name, of the path where none is given."""
        wanted = self.named[0] if name is None else name
        if wanted not in self.projects.by_name:
            raise Refusal(404, f"Not found: no project {wanted}")
        return self.projects.by_name[wanted]

    def page(self, rows: Sequence[T], show: Callable[[T], Json], mark: Callable[[T], int], size: int) -> Answer:
        """A page behind the cursor, which is the mark of the last row before it: what comes and goes meanwhile moves nothing."""
        cursor = self.parameter("cursorId")
        try:
            behind = int((cursor or "-1").removeprefix("c"))
        except ValueError:
            raise Refusal(400, f"Validation failed: no such cursor: {cursor}") from None
        left = [row for row in rows if mark(row) > behind]
        if self.switches["metadata"] == "missing":
            return Answer({"data": [show(row) for row in left]})
        taken, more = left[:size], len(left) > size
        number = mark(taken[-1]) if more else None
        following = f"c{number}" if more and self.switches["cursor"] == "text" else number
        metadata = {} if following is None and self.switches["metadata"] == "empty" else {"nextCursorId": following}
        return Answer({"data": [show(row) for row in taken], "metadata": metadata})

    @property
    def page_size(self) -> int:
        """Rows of a page where the request cannot say how many."""
        return int(self.switches["list-page"])

    def uri(self, held: Held) -> str:
        """A signed URL of an annotation's document."""
        iso = "true" in (self.parameter("useDefaultCartesian"), self.parameter("isoBoxes"))
        return self.signatures.url(self.request.headers["Host"], f"{held.id}{'.iso' if iso else ''}.json", self.switches)


# --- annotations -------------------------------------------------------------------------------------------------


def exports(call: Call) -> Answer:
    """A1. Without inputs: all that there is."""
    named = call.parameter("inputs")
    wanted = None if named is None else named.split(",")
    data: dict[str, list[Json]] = {}
    for _, scene in call.projects.scenes():
        if wanted is None or scene.uuid in wanted:
            rows = [
                {"annotationId": held.number, "exportContent": held.export_content} for held in scene.annotations if not held.preliminary
            ]
            if rows or call.switches["missing-input"] == "empty":
                data[scene.uuid] = rows
    return Answer({"data": data})


def finished(call: Call) -> Answer:
    """A2 and A3: of a project, or a batch of it."""
    project, (batch, annotation_type, search) = call.project(), call.named[1:]
    if search and call.switches["search"] != "served":
        raise Refusal(int(call.switches["search"]), "Not found")
    if batch and batch not in project.annotation_types:
        raise Refusal(404, f"Not found: no batch {batch}")
    allowed = project.annotation_types[""]
    if annotation_type not in allowed:
        sentence = f"Invalid annotation type sent: {annotation_type}. Allowed values in project: [{', '.join(allowed)}]"
        raise Refusal(400, f"Validation failed: {sentence}")
    rows = call.projects.finished(call.named[0], batch or None, annotation_type)

    def show(row: tuple[Scene, Held]) -> Json:
        scene, held = row
        return {"inputUuid": scene.uuid, "annotationType": annotation_type, "created": held.created, "uri": call.uri(held)}

    return call.page(rows, show, lambda row: row[1].number, call.page_size) if search else Answer({"data": [show(row) for row in rows]})


def single(call: Call) -> Answer:
    """A5."""
    uuid, annotation_type = call.named
    for _, scene in call.projects.scenes():
        for held in scene.annotations:
            if (scene.uuid, held.annotation_type, held.preliminary) == (uuid, annotation_type, False):
                document = held.iso_document if call.parameter("useDefaultCartesian") == "true" else held.document
                head = {"inputUuid": uuid, "annotationType": annotation_type, "created": held.created}
                return Answer({"data": {**head, "content": orjson.Fragment(document)}})
    raise Refusal(404, "Not found")


def of_request_input(call: Call) -> Answer:
    """A6: the first that is finished."""
    for project, scene in call.projects.scenes():
        if scene.request_input == call.named[0]:
            for held in _finished(scene):
                return Answer({"data": _kognic(call, project, scene, held)})
    raise Refusal(404, "Not found")


def of_scene(call: Call) -> Answer:
    """A7."""
    found = [(project, scene) for project, scene in call.projects.scenes() if scene.uuid == call.named[0]]
    if not found:
        raise Refusal(404, "Not found")
    return Answer({"data": [_kognic(call, project, scene, held) for project, scene in found for held in _finished(scene)]})


def by_id(call: Call) -> Answer:
    """A8: preliminary ones too."""
    for project, scene in call.projects.scenes():
        for held in scene.annotations:
            if held.id == call.named[0]:
                url = call.uri(held)
                expires_at = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(call.signatures.expires_at(url)))
                data: Json = {"id": held.id, "sceneId": scene.uuid, "requestId": project.request_id, "requestInputId": scene.request_input}
                data |= {"requestUid": project.request_uid, "isPreliminary": held.preliminary, "signedUrl": url}
                return Answer({"data": {**data, "expiresAt": expires_at, "created": held.created}})
    raise Refusal(404, "Not found")


def stored(call: Call) -> Answer:
    """A9: a document by its signed URL, without any envelope."""
    if (refused := call.signatures.refused(call.request)) is not None:
        return refused
    id, _, iso = call.request.path.removeprefix(STORAGE).removesuffix(".json").partition(".")
    held = call.projects.stored(id)
    if held is None:
        return no_such_file()
    return Answer(None, text=(held.iso_document if iso else held.document).decode())


def _finished(scene: Scene) -> Iterable[Held]:
    return (held for held in scene.annotations if not held.preliminary)


def _kognic(call: Call, project: Project, scene: Scene, held: Held) -> Json:
    names = {"inputUuid": scene.request_input, "sceneUuid": scene.uuid, "requestUid": project.request_uid}
    return {**names, "created": held.created, "uri": call.uri(held)}


# --- inputs ------------------------------------------------------------------------------------------------------


def _inputs(call: Call, wanted: Mapping[str, Any], *, invalidated: bool) -> list[tuple[int, Scene]]:
    rows = list(enumerate(call.project(str(wanted.get("project"))).scenes))
    batch, ids = wanted.get("batch"), wanted.get("externalIds")
    return [
        (number, scene)
        for number, scene in rows
        if batch in (None, scene.shown["batchId"])
        and (ids is None or scene.shown["externalId"] in ids)
        and (invalidated or not scene.shown["status"].startswith("invalidated"))
    ]


def inputs(call: Call) -> Answer:
    """GET /v1/inputs: one list. With `invalidated`, those alone (annotell-input-api 1.3.1: input.py)."""
    ids = call.parameter("externalIds")
    wanted: Json = {"project": call.parameter("project"), "batch": call.parameter("batch"), "externalIds": ids.split(",") if ids else None}
    invalidated = (call.parameter("invalidated") or "").lower() == "true"
    scenes = [scene.shown for _, scene in _inputs(call, wanted, invalidated=True)]
    return Answer({"data": [shown for shown in scenes if shown["status"].startswith("invalidated") is invalidated]})


def inputs_fetch(call: Call) -> Answer:
    """POST /v1/inputs/fetch: by pages."""
    rows = _inputs(call, call.sent, invalidated=bool(call.sent.get("includeInvalidated")))
    return call.page(rows, lambda row: row[1].shown, lambda row: row[0], call.page_size)


def inputs_by_uuids(call: Call) -> Answer:
    """POST /v1/inputs/query."""
    uuids = call.sent.get("uuids", [])
    return Answer({"data": [scene.shown for _, scene in call.projects.scenes() if scene.uuid in uuids]})


def requested_inputs(call: Call) -> Answer:
    """POST /v2/inputs/query."""
    sent = call.sent
    all_scenes = list(enumerate(call.projects.scenes()))
    rows = [
        (number, project, scene)
        for number, (project, scene) in all_scenes
        if sent.get("project") in (None, project.shown["project"])
        and sent.get("batch") in (None, scene.shown["batchId"])
        and scene.uuid in sent.get("sceneUuids", [scene.uuid])
        and scene.shown["externalId"] in sent.get("externalIds", [scene.shown["externalId"]])
        and not scene.shown["status"].startswith("invalidated")
    ]

    def show(row: tuple[int, Project, Scene]) -> Json:
        _, project, scene = row
        link = f"http://{call.request.headers['Host']}/view/input/{scene.request_input}"
        ids = {"uuid": scene.request_input, "sceneUuid": scene.uuid, "requestUid": project.request_uid}
        return {**ids, "sceneExternalId": scene.shown["externalId"], "viewLink": link}

    return call.page(rows, show, lambda row: row[0], call.page_size)


def request_inputs(call: Call) -> Answer:
    """GET /v2/request-inputs."""
    limit = int(call.parameter("limit") or REQUEST_INPUTS)
    if not 0 < limit <= REQUEST_INPUTS_MAX:
        raise Refusal(400, f"Validation failed: limit must be 1 to {REQUEST_INPUTS_MAX}")
    found = [project for project in call.projects.by_name.values() if project.request_id == call.parameter("requestId")]
    if not found:
        raise Refusal(404, "Not found: no such request")
    scene_id = call.parameter("sceneId")
    rows = [(number, found[0], scene) for number, scene in enumerate(found[0].scenes) if scene_id in (None, scene.uuid)]
    return call.page(rows, lambda row: _request_input(*row[1:]), lambda row: row[0], min(limit, call.page_size))


def request_input(call: Call) -> Answer:
    """GET /v2/request-inputs/{id}."""
    for project, scene in call.projects.scenes():
        if scene.request_input == call.named[0]:
            return Answer({"data": _request_input(project, scene)})
    raise Refusal(404, "Not found")


def _request_input(project: Project, scene: Scene) -> Json:
    done = list(_finished(scene))
    status = "completed" if done else "in_progress" if scene.annotations else "not_started"
    ids = {"id": scene.request_input, "requestId": project.request_id, "sceneId": scene.uuid, "status": status}
    times = {"createdAt": scene.shown["created"], "lastUpdatedAt": scene.shown["created"]}
    completed_at = done[-1].created if done else None
    return {**ids, "lastCompletedAnnotationId": done[-1].id if done else None, **times, "completedAt": completed_at}


def scenes(call: Call) -> Answer:
    """POST /v2/scenes/query: refused where one is missing."""
    field, key = ("externalIds", "externalId") if "externalIds" in call.sent else ("sceneUuids", "internalId")
    wanted = call.sent.get(field, [])
    found = [scene.shown for _, scene in call.projects.scenes() if scene.shown[key] in wanted]
    if missing := set(wanted) - {shown[key] for shown in found}:
        raise Refusal(404, f"Not found: {', '.join(sorted(missing))}")
    return Answer({"data": [_scene(shown) for shown in found]})


def _scene(shown: Json) -> Json:
    ids = {"uuid": shown["internalId"], "workspaceId": identified("workspace"), "externalId": shown["externalId"]}
    optional = {key: shown.get(key) for key in ("calibrationId", "viewLink", "errorMessage")}
    return {**ids, "sceneType": shown["inputType"], "status": shown["status"], "created": shown["created"], **optional}


# --- projects ----------------------------------------------------------------------------------------------------


def projects(call: Call) -> Answer:
    """GET /v1/projects."""
    return Answer({"data": [project.shown for project in call.projects.by_name.values()]})


def batches(call: Call) -> Answer:
    """GET /v1/projects/{project}/batches."""
    return Answer({"data": call.project().batches})


def annotation_types(call: Call) -> Answer:
    """GET /v1/projects/{project}[/batches/{batch}]/annotation-types."""
    project, batch = call.project(), call.named[1]
    if batch not in project.annotation_types:
        raise Refusal(404, f"Not found: no batch {batch}")
    return Answer({"data": project.annotation_types[batch]})


def requests(call: Call) -> Answer:
    """GET /v2/requests: of a project, by the uuid that it has nowhere else, or by its name."""
    wanted = call.parameter("projectId")
    found = [p for p in call.projects.by_name.values() if wanted in (p.shown["project"], identified(f"{p.shown['project']}/project"))]
    if not found:
        raise Refusal(404, "Not found")
    title = {"title": "Request 1", "createdAt": found[0].shown["created"]}
    data: Json = {"id": found[0].request_id, "projectId": wanted, **title}
    if call.parameter("includeInputProgressCounts") == "true":
        statuses = [_request_input(found[0], scene)["status"] for scene in found[0].scenes]
        keys = {"notStarted": "not_started", "inProgress": "in_progress", "completed": "completed"}
        data["inputProgressCounts"] = {key: statuses.count(status) for key, status in keys.items()} | {"total": len(statuses)}
    return Answer({"data": [data]})


def workspaces(call: Call) -> Answer:
    """GET /v1/workspaces: exactly one, as kognic-io wants it."""
    workspace = {"created": CREATED, "externalId": "emulator-workspace", "id": identified("workspace"), "name": "The emulator's workspace"}
    return Answer({"data": [{**workspace, "organization": {"name": "Emulated"}}]})


OPERATIONS: tuple[tuple[str, re.Pattern[str], Callable[[Call], Answer]], ...] = tuple(
    (method, re.compile(path), operation)
    for method, path, operation in (
        ("GET", r"/v1/annotations", exports),
        ("GET", r"/v1/annotations/projects/([^/]+)/(?:batch/([^/]+)/)?annotation-type/([^/]+?)(/search)?", finished),
        ("GET", r"/v1/annotations/inputs/([^/]+)/annotation-type/([^/]+)", single),
        ("GET", r"/v1/annotations/([^/]+)", by_id),
        ("GET", r"/v2/inputs/([^/]+)/annotation", of_request_input),
        ("GET", r"/v2/scenes/([^/]+)/annotations", of_scene),
        ("GET", r"/v1/inputs", inputs),
        ("POST", r"/v1/inputs/fetch", inputs_fetch),
        ("POST", r"/v1/inputs/query", inputs_by_uuids),
        ("POST", r"/v2/inputs/query", requested_inputs),
        ("GET", r"/v2/request-inputs", request_inputs),
        ("GET", r"/v2/request-inputs/([^/]+)", request_input),
        ("POST", r"/v2/scenes/query", scenes),
        ("GET", r"/v1/projects", projects),
        ("GET", r"/v1/projects/([^/]+)/batches", batches),
        ("GET", r"/v1/projects/([^/]+)/(?:batches/([^/]+)/)?annotation-types", annotation_types),
        ("GET", r"/v2/requests", requests),
        ("GET", r"/v1/workspaces", workspaces),
        ("GET", STORAGE + r"[^/]+", stored),
    )
)


def find(method: str, path: str) -> tuple[Callable[[Call], Answer], list[str]] | None:
    """The operation of a request, and the names in its path."""
    for of_method, pattern, operation in OPERATIONS:
        if of_method == method and (match := pattern.fullmatch(path)):
            return operation, [unquote(part or "") for part in match.groups()]
    return None
