"""From what a user selects to the list that fits: which of the API's many ways it is
read by.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from syncer.core.ports.pull import Listing
from syncer.errors import UsageError
from syncer.remotes.annotell.asks import Asks
from syncer.remotes.annotell.chosen import (
    Statuses,
    choose_completed,
    request_inputs,
    statuses_of_inputs,
)
from syncer.remotes.annotell.ids import AskedListing, ExportListing, IdListing, SingleListing
from syncer.remotes.annotell.listing import ProjectListing
from syncer.remotes.paths import unfit_for_path
from syncer.remotes.selections import unfit

Flavour = Literal["annotell", "kognic"]


@dataclass(frozen=True, slots=True)
class DocumentSelection:
    """The annotations to list: of a project, or of one kind of ids."""

    project: str = ""
    batch: str = ""
    annotation_types: tuple[str, ...] = ()
    """None: all that the project has."""
    input_statuses: tuple[str, ...] = ()
    """Only of the project's inputs (scenes) in one of these, such as `created`: the
    guide's use case. None: any status.
    """
    input_uuids: tuple[str, ...] = ()
    """With types, inputs (scenes, in Kognic's words); without, Annotell's inputs or
    Kognic's request inputs.
    """
    scene_uuids: tuple[str, ...] = ()
    """Kognic: all annotations of these scenes."""
    annotation_ids: tuple[str, ...] = ()
    """Kognic: these annotations, preliminary ones too."""
    request_id: str = ""
    """Kognic: what was completed last of each of this request's inputs."""
    iso_cuboids: bool = False
    """Kognic: cuboids turned as in ISO 8855."""


def listing(selection: DocumentSelection, flavour: Flavour, base_url: str) -> Listing:
    """The list of what is selected.

    Raises UsageError for a selection that means nothing.
    """
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
    annotations = partial(IdListing, asks.by_id, what="annotation")
    return AskedListing(
        partial(choose_completed, asks, selection.request_id),
        lambda chosen: annotations(ids=chosen.ids, unclear=chosen.unclear),
    )


def check(selection: DocumentSelection, flavour: Flavour) -> None:
    """Raises UsageError for a selection that means nothing."""
    if (why := unfit(selection) or _unaddressable(selection, flavour)) is not None:
        raise UsageError(f"the selection: {why}")
    kinds = ("project", "input_uuids", "scene_uuids", "annotation_ids", "request_id")
    named = [kind for kind in kinds if getattr(selection, kind)]
    if not selection.project and (selection.batch or selection.input_statuses):
        raise UsageError("a batch or an input status needs a project: name the project")
    if len(named) != 1:
        given = " and ".join(named) or "nothing"
        raise UsageError(
            f"{given} selected: give a project, or input uuids (Kognic also: scene uuids,"
            " annotation ids, a request)"
        )
    if selection.annotation_types and named[0] not in ("project", "input_uuids"):
        raise UsageError(
            "annotation types need a project or inputs: name the project, or input uuids"
        )
    if flavour == "annotell" and (
        named[0] not in ("project", "input_uuids") or selection.iso_cuboids
    ):
        raise UsageError(
            "scenes, annotation ids, requests and ISO cuboids are Kognic's: set [annotell] flavour"
            ' = "kognic"'
        )


def _unaddressable(selection: DocumentSelection, flavour: Flavour) -> str | None:
    """Return why the service cannot be asked for what was named: it stands in the path
    of a URL, or in a list of ids.
    """
    exports = flavour == "annotell" and not selection.annotation_types
    paths = {
        "project": [selection.project],
        "batch": [selection.batch],
        "annotation_types": selection.annotation_types,
    }
    paths |= {"scene_uuids": selection.scene_uuids, "annotation_ids": selection.annotation_ids}
    paths |= {} if exports else {"input_uuids": selection.input_uuids}
    for field, names in paths.items():
        if (
            why := next(filter(None, (unfit_for_path(name) for name in names if name)), None)
        ) is not None:
            return f"{field}: {why}"
    return None


def _of_project(selection: DocumentSelection, flavour: Flavour, asks: Asks) -> Listing:
    """By type; but inputs of a status without any type named, of Annotell, by their
    uuids: version 1.0's way, as in its guide.
    """
    project, batch, wanted = selection.project, selection.batch, selection.input_statuses
    statuses = (
        Statuses(
            partial(statuses_of_inputs, asks, project, batch, paged=flavour == "kognic"), wanted
        )
        if wanted
        else None
    )
    if flavour == "annotell" and statuses is not None and not selection.annotation_types:
        return AskedListing(statuses.choose, lambda chosen: ExportListing(asks, chosen.ids))
    untyped: Listing | None = None
    if flavour == "kognic":
        inputs = partial(IdListing, asks.of_request_input, what="input", listed=True)
        untyped = AskedListing(
            partial(request_inputs, asks, project, batch, wanted),
            lambda chosen: inputs(ids=chosen.ids, unclear=chosen.unclear),
        )
    return ProjectListing(asks, project, batch, selection.annotation_types, statuses, untyped)
