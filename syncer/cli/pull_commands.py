"""`syncer pull clarifai|annotell`: the commands and their options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from syncer.cli.arguments import STDIN
from syncer.cli.options import Common, Remote

if TYPE_CHECKING:
    from syncer.cli.pull import Target

pull_app = App(
    name="pull", help="Fetch annotations to JSONL, CSV, Parquet or Delta.", default_parameter=Parameter(negative="", show_default=False)
)

Format = Literal["jsonl", "csv", "parquet", "delta"]
_output = Group("Output", sort_key=0)
_place = Group("Source", sort_key=1)
Each = Parameter(consume_multiple=False)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a pull writes."""

    out: Annotated[str, Parameter(group=_output)]
    """File, folder or table to write; - for standard output."""
    format: Annotated[Format | None, Parameter(group=_output)] = None
    """Format; else what the ending of --out says."""
    no_progress: Annotated[bool, Parameter(group=_output)] = False
    """No progress display."""

    def target(self) -> Target:
        """As it was typed: the parser was given another name of -."""
        from syncer.cli.pull import Target

        return Target("-" if self.out == STDIN else self.out, self.format, not self.no_progress)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Place:
    """Where Annotell or Kognic is, and how hard to ask it."""

    base_url: Annotated[str | None, Parameter(group=_place)] = None
    """The service's address."""
    auth_url: Annotated[str | None, Parameter(group=_place)] = None
    """Where credentials are exchanged for a token."""
    flavour: Annotated[str | None, Parameter(group=_place)] = None
    """annotell or kognic."""
    rps: Annotated[str | None, Parameter(group=_place)] = None
    """Requests a second, documents not counted."""
    concurrency: Annotated[str | None, Parameter(group=_place)] = None
    """Documents fetched at a time."""

    def options(self) -> dict[str, object]:
        """What was given, as dotted config keys."""
        given = {
            "annotell.base_url": self.base_url,
            "annotell.auth_url": self.auth_url,
            "annotell.flavour": self.flavour,
            "annotell.requests_per_second": self.rps,
            "annotell.concurrency": self.concurrency,
        }
        return {key: value for key, value in given.items() if value is not None}


@pull_app.command
def clarifai(
    *,
    output: Output,
    input_id: Annotated[tuple[str, ...], Each] = (),
    annotation_id: Annotated[tuple[str, ...], Each] = (),
    by_user: Annotated[tuple[str, ...], Each] = (),
    by_model_version: Annotated[tuple[str, ...], Each] = (),
    by_workflow_version: Annotated[tuple[str, ...], Each] = (),
    task: str = "",
    dataset: str = "",
    status: str = "",
    since: str = "",
    until: str = "",
    every_maker: Annotated[bool, Parameter(name="--all", negative="")] = False,
    input_level: Literal["keep", "drop"] = "keep",
    with_inputs: bool = False,
    common: Common = Common(),
    remote: Remote = Remote(),
) -> int:
    """Fetch the annotations of a Clarifai app. Killed at any point, the same command carries on.

    Exit codes: 0 done, 1 stopped by an error (run again to carry on), 2 bad usage or refused credentials, 3 done but something could
    not be had, 130/143 interrupted.

    Parameters
    ----------
    input_id
        Only of this input; may be repeated.
    annotation_id
        Only this annotation of the --input-id at the same place; may be repeated.
    by_user
        Only those made by this user; may be repeated.
    by_model_version
        Only those made by this model version; may be repeated.
    by_workflow_version
        Only those made by this workflow version; may be repeated.
    task
        Only those of this task.
    dataset
        Only of this dataset's inputs.
    status
        Only those of this status: a code, or a name like ANNOTATION_PENDING. Found by a search.
    since
        Only those updated at or after this time (RFC 3339). Found by a search.
    until
        Only those updated at or before this time.
    every_maker
        Those made by models, too.
    input_level
        Keep (the default) or drop the annotation that each input comes with.
    with_inputs
        Write inputs with their annotations: every input, beside each of its annotations.
    """
    from syncer.cli import pull as command

    selection = command.selection(
        input_ids=input_id,
        annotation_ids=annotation_id,
        user_ids=by_user,
        model_version_ids=by_model_version,
        workflow_version_ids=by_workflow_version,
        task_id=task,
        dataset_id=dataset,
        status=status,
        since=since,
        until=until,
        all_makers=every_maker,
        input_level=input_level == "keep",
        with_inputs=with_inputs,
    )
    return command.clarifai(selection, output.target(), common, remote)


@pull_app.command
def annotell(
    *,
    output: Output,
    input_uuid: Annotated[tuple[str, ...], Each] = (),
    project: str = "",
    batch: str = "",
    annotation_type: Annotated[tuple[str, ...], Each] = (),
    input_status: Annotated[tuple[str, ...], Each] = (),
    scene_uuid: Annotated[tuple[str, ...], Each] = (),
    annotation_id: Annotated[tuple[str, ...], Each] = (),
    request: str = "",
    iso_cuboids: bool = False,
    changed_since: Path | None = None,
    place: Place = Place(),
    common: Common = Common(),
) -> int:
    """Fetch finished annotations of Annotell or Kognic (OpenLABEL documents). Killed at any point, the same command carries on.

    Exit codes as of `pull clarifai`; 3 where a document that is listed could not be had.

    Parameters
    ----------
    input_uuid
        Only of this input; may be repeated.
    project
        All that is finished in this project.
    batch
        Only of this batch of the project.
    annotation_type
        Only of this annotation type; may be repeated. None: all that the project has.
    input_status
        Only of the project's inputs in this status, such as created; may be repeated.
    scene_uuid
        Kognic: all annotations of this scene; may be repeated.
    annotation_id
        Kognic: this annotation; may be repeated.
    request
        Kognic: what was completed last of each input of this request.
    iso_cuboids
        Kognic: cuboids turned as in ISO 8855.
    changed_since
        JSONL file of an earlier pull of the same project: only what is new or changed since, and tombstones of what is gone.
    """
    from syncer.cli import pull as command

    selection = command.document_selection(
        project=project,
        batch=batch,
        annotation_types=annotation_type,
        input_statuses=input_status,
        input_uuids=input_uuid,
        scene_uuids=scene_uuid,
        annotation_ids=annotation_id,
        request_id=request,
        iso_cuboids=iso_cuboids,
    )
    return command.annotell(selection, changed_since, output.target(), common, place.options())
