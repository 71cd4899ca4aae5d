"""`syncer pull clarifai|annotell`: the commands and their options."""

from __future__ import annotations

from dataclasses import dataclass
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
