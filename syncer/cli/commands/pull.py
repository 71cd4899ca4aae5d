"""`syncer pull clarifai|annotell`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from syncer.cli.options import Common, IdOption, Log, RemoteOptions
from syncer.cli.output import (
    blame,
    complain,
    describe_end,
    print_json,
    printing,
    say,
    stdout_is_closed,
)
from syncer.errors import UsageError
from syncer.sinks.formats import Format
from syncer.version import __version__

if TYPE_CHECKING:
    from syncer.config import Loaded
    from syncer.jobs.pull import Pulled, PullLane
    from syncer.jobs.wiring import Origin
    from syncer.remotes.clarifai.selection import Selection

INTERRUPTED = "interrupted; what is written is kept: run the same command again to carry on"
OPTIONS = {
    "input_ids": "--input-id",
    "pairs": "--annotation-id",
    "user_ids": "--by-user",
    "model_version_ids": "--by-model-version",
    "workflow_version_ids": "--by-workflow-version",
    "task_id": "--task",
    "dataset_id": "--dataset",
}
"""What the command line calls a field of a selection, where it is not --field."""

app = App(
    name="pull", version=__version__, help="Fetch annotations to JSONL, CSV, Parquet or Delta."
)

_output = Group("Output", sort_key=0)
_place = Group("Source", sort_key=1)
Ids = Annotated[tuple[str, ...], Parameter(consume_multiple=False, metavar="ID")]
Names = Annotated[tuple[str, ...], Parameter(consume_multiple=False, metavar="NAME")]
Time = Annotated[str, Parameter(metavar="TIME")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """The place where a pull writes."""

    out: Annotated[Log, Parameter(group=_output, metavar="PATH")]
    """File, folder or table to write; - for standard output."""
    format: Annotated[Format | None, Parameter(group=_output, metavar="FORMAT")] = None
    """Format. Default: what the ending of --out says."""
    no_progress: Annotated[bool, Parameter(group=_output)] = False
    """Show no progress."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AnnotellOptions:
    """The address of Annotell or Kognic, and how hard to ask it."""

    base_url: Annotated[str | None, Parameter(group=_place, metavar="URL")] = None
    """Address of the service."""
    auth_url: Annotated[str | None, Parameter(group=_place, metavar="URL")] = None
    """Address where credentials are exchanged for a token."""
    flavour: Annotated[str | None, Parameter(group=_place, metavar="NAME")] = None
    """Which service: annotell or kognic."""
    rps: Annotated[str | None, Parameter(group=_place, metavar="N")] = None
    """Requests per second, documents not counted."""
    concurrency: Annotated[str | None, Parameter(group=_place, metavar="N")] = None
    """Documents fetched at the same time."""

    def options(self) -> dict[str, object]:
        """Return what was given, as dotted config keys."""
        given = {
            "annotell.base_url": self.base_url,
            "annotell.auth_url": self.auth_url,
            "annotell.flavour": self.flavour,
            "annotell.requests_per_second": self.rps,
            "annotell.concurrency": self.concurrency,
        }
        return {key: value for key, value in given.items() if value is not None}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """The annotations of a Clarifai app to fetch."""

    input_id: Ids = ()
    """Only of this input; may be repeated."""
    annotation_id: Ids = ()
    """Only this annotation of the --input-id at the same place; may be repeated."""
    by_user: Ids = ()
    """Only those made by this user; may be repeated."""
    by_model_version: Ids = ()
    """Only those made by this model version; may be repeated."""
    by_workflow_version: Ids = ()
    """Only those made by this workflow version; may be repeated."""
    task: IdOption = ""
    """Only those of this task."""
    dataset: IdOption = ""
    """Only of this dataset's inputs."""
    status: Annotated[str, Parameter(metavar="CODE|NAME")] = ""
    """Only those of this status: a code, or a name like ANNOTATION_PENDING. Found by a
    search; with --input-id, in a list.
    """
    since: Time = ""
    """Only those updated at or after this time (RFC 3339). Found by a search; with
    --input-id, in a list.
    """
    until: Time = ""
    """Only those updated at or before this time."""
    every_maker: Annotated[bool, Parameter(name="--all")] = False
    """Those made by models, too."""
    input_level: Annotated[
        Literal["keep", "drop"], Parameter(metavar="keep|drop", show_choices=False)
    ] = "keep"
    """Keep (the default) or drop the annotation that each input comes with."""
    with_inputs: bool = False
    """Write inputs with their annotations: every input, beside each of its
    annotations.
    """

    def selection(self) -> Selection:
        """Return what these select. Raises UsageError if they mean nothing."""
        from syncer.remotes.clarifai.selection import Selection, fault, inputs_or_pairs

        input_ids, pairs = inputs_or_pairs(self.input_id, self.annotation_id, _option_of)
        chosen = Selection(
            input_ids=input_ids,
            pairs=pairs,
            user_ids=self.by_user,
            model_version_ids=self.by_model_version,
            workflow_version_ids=self.by_workflow_version,
            task_id=self.task,
            dataset_id=self.dataset,
            status=self.status,
            since=self.since,
            until=self.until,
            all_makers=self.every_maker,
            input_level=self.input_level == "keep",
            with_inputs=self.with_inputs,
        )
        if (why := fault(chosen, _option_of)) is not None:
            raise UsageError(why)
        return chosen


def _option_of(field: str) -> str:
    """Return the option of a field of a selection."""
    return OPTIONS.get(field, f"--{field}")


EVERYTHING = SelectionOptions()


@app.command
def clarifai(
    *,
    output: Output,
    wanted: SelectionOptions = EVERYTHING,
    common: Common = Common(),
    remote: RemoteOptions = RemoteOptions(),
) -> int:
    """Fetch the annotations of a Clarifai app. Killed at any point, the same command
    carries on.

    Exit codes: 0 done, 1 stopped by an error (run again), 2 bad usage or refused
    credentials, 3 something is missing, 130/143 interrupted.
    """
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.origins import clarifai_origin

    chosen = wanted.selection()
    loaded = common.load(remote.options())
    origin = clarifai_origin(loaded, Limiters(), chosen)
    return _pull(loaded, origin, output, common.state)


@app.command
def annotell(
    *,
    output: Output,
    input_uuid: Ids = (),
    project: IdOption = "",
    batch: IdOption = "",
    annotation_type: Names = (),
    input_status: Names = (),
    scene_uuid: Ids = (),
    annotation_id: Ids = (),
    request: IdOption = "",
    iso_cuboids: bool = False,
    changed_since: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    place: AnnotellOptions = AnnotellOptions(),
    common: Common = Common(),
) -> int:
    """Fetch finished annotations of Annotell or Kognic (OpenLABEL documents). Killed at
    any point, the same command carries on.

    Exit codes as of `pull clarifai`; 3 where a document that is listed could not be
    had.

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
        JSONL file of an earlier pull of the same project: only what is new or changed
        since, and tombstones of what is gone.
    """
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.origins import annotell_origin
    from syncer.remotes.annotell import DocumentSelection

    chosen = DocumentSelection(
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
    loaded = common.load(place.options())
    known = None if changed_since is None else _read_known(changed_since, output.out)
    origin = annotell_origin(loaded, Limiters(), chosen, known)
    return _pull(loaded, origin, output, common.state)


def _read_known(since: Path, out: str) -> Mapping[tuple[str, str], str]:
    """Return what an earlier pull wrote. Raises UsageError if this one would replace
    it.
    """
    from syncer.jobs.origins import read_known_documents
    from syncer.sinks.choose import STDOUT

    if out != STDOUT and Path(out).resolve() == since.resolve():
        raise UsageError(
            f"--changed-since {since} is --out as well, and would be replaced by the changes"
            " alone: name another --out"
        )
    return read_known_documents(since)


def _pull(loaded: Loaded, origin: Origin, output: Output, state: Path | None) -> int:
    """Pull from an origin; the exit code."""
    import tempfile

    from syncer.cli.loop import run
    from syncer.jobs.origins import open_pull
    from syncer.sinks.choose import STDOUT

    out = output.out
    if out == STDOUT and printing.json:
        raise UsageError("--json and --out - both want standard output: name a file")
    if out == STDOUT and stdout_is_closed():
        raise UsageError(
            "--out - writes to standard output, which is closed: name a file, or leave it open"
        )
    with ExitStack() as stack:
        if out == STDOUT:  # nothing can be carried on
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncer-pull-")))
        lane = stack.enter_context(open_pull(loaded, origin, out, output.format, state=state))
        done = run(_run, lane, not output.no_progress)
    _report(done)
    return done.exit_code


async def _run(lane: PullLane, progress: bool) -> Pulled:
    from syncer.cli.progress import of_pull, show_progress
    from syncer.jobs.signals import listen

    async with show_progress(lambda: of_pull(lane.report(), lane.sending()), show=progress):
        return await lane.run(signals=listen)


def _report(done: Pulled) -> None:
    """The summary, and what went wrong."""
    say(done.report.sentence())
    for note in done.notes:
        say(f"syncer: {note}")
    for problem in done.problems:
        complain(f"syncer: {problem.what}: {problem.reason}")
    if done.error is not None:
        blame(done.error)
    elif done.interrupted is not None:
        say(f"syncer: {INTERRUPTED}")
    if printing.json:
        print_json(
            dataclasses.asdict(done.report)
            | describe_end(done.error, done.interrupted, INTERRUPTED)
        )
