"""From what a user selects to the list that fits: which of the API's many ways it is read by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from syncer.core.pull import Asking, Listing
from syncer.errors import UsageError
from syncer.remotes.annotell.answers import Opened
from syncer.remotes.annotell.asking import all_pages, needed
from syncer.remotes.annotell.asks import UUIDS_MAX, Asks, Scene
from syncer.remotes.annotell.ids import AskedListing, ExportListing, IdListing, SingleListing
from syncer.remotes.annotell.listing import ProjectListing
from syncer.remotes.flows import one
from syncer.remotes.selections import unfit

Flavour = Literal["annotell", "kognic"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which annotations: of a project, or of one kind of ids."""

    project: str = ""
    batch: str = ""
    annotation_types: tuple[str, ...] = ()
    """None: all that the project has."""
    input_statuses: tuple[str, ...] = ()
    """Only of the project's inputs (scenes) in one of these, such as `created`: the guide's use case. None: whatever their status."""
    input_uuids: tuple[str, ...] = ()
    """With types, inputs (scenes, in Kognic's words); without, Annotell's inputs or Kognic's request inputs."""
    scene_uuids: tuple[str, ...] = ()
    """Kognic: all annotations of these scenes."""
    annotation_ids: tuple[str, ...] = ()
    """Kognic: these annotations, preliminary ones too."""
    request_id: str = ""
    """Kognic: what was completed last of each of this request's inputs."""
    iso_cuboids: bool = False
    """Kognic: cuboids turned as in ISO 8855."""


def listing(selection: Selection, flavour: Flavour, base_url: str) -> Listing:
    """The list of what is selected. Raises UsageError for a selection that means nothing."""
    check(selection, flavour)
    asks = Asks(base_url, iso_cuboids=selection.iso_cuboids)
    if selection.project:
        return _of_project(selection, flavour, asks)
    if selection.input_uuids and selection.annotation_types:
        return SingleListing(asks, selection.input_uuids, selection.annotation_types)
    if selection.input_uuids and flavour == "annotell":
        return ExportListing(asks, selection.input_uuids)
    if selection.input_uuids:
        return IdListing(asks.of_request_input, selection.input_uuids, "input")
    if selection.scene_uuids:
        return IdListing(asks.of_scene, selection.scene_uuids, "scene")
    if selection.annotation_ids:
        return IdListing(asks.by_id, selection.annotation_ids, "annotation")
    completed = partial(IdListing, asks.by_id, what="annotation", listed=True)
    return AskedListing(partial(_completed, asks, selection.request_id), lambda ids: completed(ids=ids))


def check(selection: Selection, flavour: Flavour) -> None:
    """Raises UsageError for a selection that means nothing."""
    if (why := unfit(selection)) is not None:
        raise UsageError(f"the selection: {why}")
    kinds = ("project", "input_uuids", "scene_uuids", "annotation_ids", "request_id")
    named = [kind for kind in kinds if getattr(selection, kind)]
    if not selection.project and (selection.batch or selection.input_statuses):
        raise UsageError("a batch or an input status is of a project: give the project")
    if len(named) != 1:
        given = " and ".join(named) or "nothing"
        raise UsageError(f"{given} selected: give a project, or input uuids (Kognic also: scene uuids, annotation ids, a request)")
    if selection.annotation_types and named[0] not in ("project", "input_uuids"):
        raise UsageError("annotation types are of a project or of inputs")
    if flavour == "annotell" and (named[0] not in ("project", "input_uuids") or selection.iso_cuboids):
        raise UsageError('scenes, annotation ids, requests and ISO cuboids are Kognic\'s: set [annotell] flavour = "kognic"')


def _of_project(selection: Selection, flavour: Flavour, asks: Asks) -> Listing:
    """By type; but inputs of a status without any type named, of Annotell, by their uuids: version 1.0's way, as in its guide."""
    project, batch, statuses = selection.project, selection.batch, selection.input_statuses
    wanted = partial(_of_status, asks, selection, flavour) if statuses else None
    if flavour == "annotell" and wanted is not None and not selection.annotation_types:
        return AskedListing(wanted, lambda uuids: ExportListing(asks, uuids))
    untyped: Listing | None = None
    if flavour == "kognic":
        request_inputs = partial(_request_inputs, asks, selection)
        untyped = AskedListing(request_inputs, lambda ids: IdListing(asks.of_request_input, ids, "input", listed=True))
    return ProjectListing(asks, project, batch, selection.annotation_types, wanted, untyped)


# --- which ids ---------------------------------------------------------------------------------------------------


def _of_status(asks: Asks, selection: Selection, flavour: Flavour) -> Asking[list[str]]:
    """The inputs of a project in one of the statuses: no version of the API has a filter for it (wire, 1c)."""
    project, batch = selection.project, selection.batch
    what = f"the inputs of project {project}"
    if flavour == "kognic":
        inputs = yield from all_pages(partial(asks.inputs_page, project, batch), what)
    else:
        inputs = (yield from needed(asks.inputs(project, batch), what)).data
    return [known.internal_id for known in inputs if known.status in selection.input_statuses]


def _request_inputs(asks: Asks, selection: Selection) -> Asking[list[str]]:
    """The request inputs of a project, those of scenes in one of the statuses where any is given."""
    project, batch = selection.project, selection.batch
    inputs = yield from all_pages(partial(asks.requested_inputs, project, batch), f"the inputs of project {project}")
    if selection.input_statuses:
        scenes = sorted({known.scene_uuid for known in inputs})
        found: list[Scene] = []
        for at in range(0, len(scenes), UUIDS_MAX):
            found += yield from _scenes(asks, scenes[at : at + UUIDS_MAX])
        chosen = {scene.uuid for scene in found if scene.status in selection.input_statuses}
        inputs = [known for known in inputs if known.scene_uuid in chosen]
    return [known.uuid for known in inputs]


def _scenes(asks: Asks, uuids: Sequence[str]) -> Asking[list[Scene]]:
    """These scenes. One that is missing makes the service refuse them all: the others are found by halving."""
    answer = yield from one(asks.scenes(uuids))
    if isinstance(answer, Opened):
        return answer.data
    if answer.code != 404 or len(uuids) == 1:
        return []
    middle = len(uuids) // 2
    left = yield from _scenes(asks, uuids[:middle])
    return left + (yield from _scenes(asks, uuids[middle:]))


def _completed(asks: Asks, request_id: str) -> Asking[list[str]]:
    """The annotation that was completed last, of each input of a request that has one."""
    inputs = yield from all_pages(partial(asks.request_inputs, request_id), f"the inputs of request {request_id}")
    return [id for known in inputs if (id := known.last_completed_annotation_id)]
