"""Change logs into an app: what is already there when a test begins."""

from __future__ import annotations

from syncer.emulator import codes
from syncer.emulator.clarifai import annotations as labels
from syncer.emulator.clarifai import inputs
from syncer.emulator.clarifai.call import ClarifaiCall, Service
from syncer.emulator.clarifai.patching import ACTIONS, apply_patch
from syncer.emulator.clarifai.store import Annotation, App
from syncer.emulator.clarifai.wire import Object


class Unloadable(Exception):
    """A change that cannot be applied. Says why."""


def apply(service: Service, app: App, change: Object) -> None:
    """Apply one change. Raises Unloadable.

    A post keeps what `pull` writes: owner, times, whether a model made it or it is
    input-level.
    """
    annotation, call = change["annotation"], ClarifaiCall(service, app, {}, lambda _: 0)
    input_id, id = annotation.get("input_id"), annotation.get("id")
    if not input_id:
        raise Unloadable("an annotation needs an input_id")
    match change["op"]:
        case "post":
            _post(call, annotation)
        case "patch":
            held = app.annotations.get((input_id, id or ""))
            if held is None:
                raise Unloadable(f"a patch of {input_id}/{id}, which is not there")
            if change["action"] not in ACTIONS:
                raise Unloadable(f"a patch needs an action: {', '.join(ACTIONS)}")
            changes = {
                name: value for name, value in annotation.items() if name not in labels.UNCHANGED
            }
            result = {
                **apply_patch(held, changes, change["action"], service.switches),
                "modified_at": call.at,
            }
            labels.dress(call, result)
            app.put(result)
        case "delete" if id:
            app.delete((input_id, id))
        case "delete":
            app.delete_of_input(input_id)
        case op:
            raise Unloadable(f"unknown op {op!r}: use post, patch or delete")


def _post(call: ClarifaiCall, annotation: Object) -> None:
    app, input_id = call.app, annotation["input_id"]
    if annotation.get("input_level"):
        if input_id not in app.inputs:
            inputs.make_input(call, {"id": input_id, "data": annotation.get("data", {})})
        if input_id in app.input_level:
            app.delete((input_id, app.input_level.pop(input_id)))
    stored: Annotation = labels.make_annotation(call, annotation)
    for name in labels.OUTPUT_ONLY - {"embed_model_version_id"}:
        if name in annotation:
            stored[name] = annotation[name]
    _own(stored)
    app.put(stored)
    if stored.get("input_level"):
        app.input_level[input_id] = stored["id"]
        app.inputs[input_id]["data"] = stored.get("data", {})


def _own(stored: Annotation) -> None:
    """A model or workflow owns what it made; `worker` and the older members say the
    same. Nobody has looked at it: not trusted.
    """
    worker = stored["worker"]
    version = worker.get("model", {}).get("model_version", {}).get("id") or stored.get(
        "model_version_id"
    )
    if version:
        stored["model_version_id"] = version
        stored["worker"] = (
            worker
            if "model" in worker
            else {"model": {"model_version": {"id": version}, "app_id": ""}}
        )
    if version or "workflow" in worker:
        stored.pop("trusted", None)
        stored.pop("user_id", None)
    elif "user" in worker and "user_id" not in stored:
        stored["user_id"] = worker["user"]["id"]
    stored["status"] = codes.status(stored["status"]["code"])
