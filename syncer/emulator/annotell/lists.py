"""The operations of the Annotell part that list inputs, scenes and projects (wire,
section 1c).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncer.emulator.annotell.call import AnnotellCall, Refusal, list_finished
from syncer.emulator.annotell.documents import Json, make_uuid
from syncer.emulator.annotell.projects import CREATED, Project, Scene
from syncer.emulator.answer import Answer

DELETED = "deleted"
"""The status of an input that is still listed, though its scene is not there any
more.
"""
REQUEST_INPUTS_MAX = 5000
REQUEST_INPUTS = 1000
"""The rows of a page of request inputs, at most and where none is asked for (kognic-io
2.19.0: input.py).
"""

# --- inputs ---------------------------------------------------------------------------


def _inputs(
    call: AnnotellCall, wanted: Mapping[str, Any], *, invalidated: bool
) -> list[tuple[int, Scene]]:
    rows = list(enumerate(call.project(str(wanted.get("project"))).scenes))
    batch, ids = wanted.get("batch"), wanted.get("externalIds")
    return [
        (number, scene)
        for number, scene in rows
        if batch in (None, scene.shown["batchId"])
        and (ids is None or scene.shown["externalId"] in ids)
        and (invalidated or not scene.shown["status"].startswith("invalidated"))
    ]


def inputs(call: AnnotellCall) -> Answer:
    """GET /v1/inputs: one list.

    With `invalidated`, those alone (annotell-input-api 1.3.1: input.py).
    """
    ids = call.parameter("externalIds")
    wanted: Json = {
        "project": call.parameter("project"),
        "batch": call.parameter("batch"),
        "externalIds": ids.split(",") if ids else None,
    }
    invalidated = (call.parameter("invalidated") or "").lower() == "true"
    scenes = [scene.shown for _, scene in _inputs(call, wanted, invalidated=True)]
    return Answer(
        {
            "data": [
                shown
                for shown in scenes
                if shown["status"].startswith("invalidated") is invalidated
            ]
        }
    )


def inputs_fetch(call: AnnotellCall) -> Answer:
    """POST /v1/inputs/fetch: by pages."""
    rows = _inputs(call, call.sent, invalidated=bool(call.sent.get("includeInvalidated")))
    return call.page(rows, lambda row: row[1].shown, lambda row: row[0], call.page_size)


def inputs_by_uuids(call: AnnotellCall) -> Answer:
    """POST /v1/inputs/query."""
    uuids = call.sent.get("uuids", [])
    return Answer(
        {"data": [scene.shown for _, scene in call.projects.scenes() if scene.uuid in uuids]}
    )


def requested_inputs(call: AnnotellCall) -> Answer:
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
        ids = {
            "uuid": scene.request_input,
            "sceneUuid": scene.uuid,
            "requestUid": project.request_uid,
        }
        return {**ids, "sceneExternalId": scene.shown["externalId"], "viewLink": link}

    return call.page(rows, show, lambda row: row[0], call.page_size)


def request_inputs(call: AnnotellCall) -> Answer:
    """GET /v2/request-inputs."""
    limit = int(call.parameter("limit") or REQUEST_INPUTS)
    if not 0 < limit <= REQUEST_INPUTS_MAX:
        raise Refusal(400, f"Validation failed: limit must be 1 to {REQUEST_INPUTS_MAX}")
    found = [
        project
        for project in call.projects.by_name.values()
        if project.request_id == call.parameter("requestId")
    ]
    if not found:
        raise Refusal(404, "Not found: no such request")
    scene_id = call.parameter("sceneId")
    rows = [
        (number, found[0], scene)
        for number, scene in enumerate(found[0].scenes)
        if scene_id in (None, scene.uuid)
    ]
    return call.page(
        rows, lambda row: _request_input(*row[1:]), lambda row: row[0], min(limit, call.page_size)
    )


def request_input(call: AnnotellCall) -> Answer:
    """GET /v2/request-inputs/{id}."""
    for project, scene in call.projects.scenes():
        if scene.request_input == call.named[0]:
            return Answer({"data": _request_input(project, scene)})
    raise Refusal(404, "Not found")


def _request_input(project: Project, scene: Scene) -> Json:
    done = list(list_finished(scene))
    status = "completed" if done else "in_progress" if scene.annotations else "not_started"
    ids = {
        "id": scene.request_input,
        "requestId": project.request_id,
        "sceneId": scene.uuid,
        "status": status,
    }
    times = {"createdAt": scene.shown["created"], "lastUpdatedAt": scene.shown["created"]}
    completed_at = done[-1].created if done else None
    return {
        **ids,
        "lastCompletedAnnotationId": done[-1].id if done else None,
        **times,
        "completedAt": completed_at,
    }


def scenes(call: AnnotellCall) -> Answer:
    """POST /v2/scenes/query: refused where one is missing."""
    field, key = (
        ("externalIds", "externalId")
        if "externalIds" in call.sent
        else ("sceneUuids", "internalId")
    )
    wanted = call.sent.get(field, [])
    found = [
        scene.shown
        for _, scene in call.projects.scenes()
        if scene.shown[key] in wanted and scene.shown["status"] != DELETED
    ]
    refusal = call.switches["missing-scene"]
    if (missing := set(wanted) - {shown[key] for shown in found}) and refusal != "left-out":
        raise Refusal(int(refusal), f"Not found: {', '.join(sorted(missing))}")
    return Answer({"data": [_scene(shown) for shown in found]})


def _scene(shown: Json) -> Json:
    ids = {
        "uuid": shown["internalId"],
        "workspaceId": make_uuid("workspace"),
        "externalId": shown["externalId"],
    }
    optional = {key: shown.get(key) for key in ("calibrationId", "viewLink", "errorMessage")}
    return {
        **ids,
        "sceneType": shown["inputType"],
        "status": shown["status"],
        "created": shown["created"],
        **optional,
    }


# --- projects -------------------------------------------------------------------------


def projects(call: AnnotellCall) -> Answer:
    """GET /v1/projects."""
    return Answer({"data": [project.shown for project in call.projects.by_name.values()]})


def batches(call: AnnotellCall) -> Answer:
    """GET /v1/projects/{project}/batches."""
    return Answer({"data": call.project().batches})


def annotation_types(call: AnnotellCall) -> Answer:
    """GET /v1/projects/{project}[/batches/{batch}]/annotation-types."""
    project, batch = call.project(), call.named[1]
    if batch not in project.annotation_types:
        raise Refusal(404, f"Not found: no batch {batch}")
    return Answer({"data": project.annotation_types[batch]})


def requests(call: AnnotellCall) -> Answer:
    """GET /v2/requests: of a project, by the uuid that it has nowhere else, or by its
    name.
    """
    wanted = call.parameter("projectId")
    found = [
        p
        for p in call.projects.by_name.values()
        if wanted in (p.shown["project"], make_uuid(f"{p.shown['project']}/project"))
    ]
    if not found:
        raise Refusal(404, "Not found")
    title = {"title": "Request 1", "createdAt": found[0].shown["created"]}
    data: Json = {"id": found[0].request_id, "projectId": wanted, **title}
    if call.parameter("includeInputProgressCounts") == "true":
        statuses = [_request_input(found[0], scene)["status"] for scene in found[0].scenes]
        keys = {"notStarted": "not_started", "inProgress": "in_progress", "completed": "completed"}
        data["inputProgressCounts"] = {
            key: statuses.count(status) for key, status in keys.items()
        } | {"total": len(statuses)}
    return Answer({"data": [data]})


def workspaces(call: AnnotellCall) -> Answer:
    """GET /v1/workspaces: exactly one, as kognic-io wants it."""
    workspace = {
        "created": CREATED,
        "externalId": "emulator-workspace",
        "id": make_uuid("workspace"),
        "name": "The emulator's workspace",
    }
    return Answer({"data": [{**workspace, "organization": {"name": "Emulated"}}]})
