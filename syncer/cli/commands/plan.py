"""`syncer plan`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from syncer.cli.options import CommonOfLane, IdOption, Log, RemoteOptions
from syncer.cli.output import blame, describe_end, flush, print_json, print_lines, printing, say
from syncer.cli.stdin import check_file
from syncer.errors import UsageError

if TYPE_CHECKING:
    from syncer.core.deletions import MaxDelete
    from syncer.jobs.plan.job import Planning
    from syncer.jobs.plan.planned import Planned

INTERRUPTED = "interrupted; no plan was written: run the same command again"

app = App(name="plan", usage="Usage: syncer plan [OPTIONS] DESIRED...")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PlanScope:
    """The part of what is wanted, and of what is there, that counts."""

    input_id: Annotated[tuple[str, ...], Parameter(metavar="ID")] = ()
    """Only this input. Repeatable."""
    dataset: IdOption = ""
    """Only inputs of this dataset."""
    by_user: Annotated[tuple[str, ...], Parameter(metavar="USER")] = ()
    """Only annotations of this user. Repeatable."""
    concept: Annotated[tuple[str, ...], Parameter(metavar="ID")] = ()
    """Only annotations with this concept. Repeatable."""


@app.default
def plan(
    *desired: Log,
    out: Annotated[Path | None, Parameter(metavar="PLAN.jsonl")] = None,
    dry_run: Annotated[bool, Parameter(name=["--dry-run", "-n"])] = False,
    check: bool = False,
    scope: PlanScope = PlanScope(),
    exact: bool = False,
    delete: bool = False,
    any_user: bool = False,
    max_delete: Annotated[str, Parameter(metavar="N|P%")] = "50%",
    format_: Annotated[
        Literal["text", "md", "json"], Parameter(name="--format", show_choices=False)
    ] = "text",
    common: CommonOfLane = CommonOfLane(),
    remote: RemoteOptions = RemoteOptions(),
) -> int:
    """Compare what is wanted with what the remote holds, and write the change log that
    makes the difference. Nothing is sent: push the plan when you have read it.

    Exit codes: 0 done, 1 more deletions than allowed, 2 something in DESIRED is not a
    wish, 3 some inputs could not be read, 4 --check found changes.

    Parameters
    ----------
    desired
        What is wanted: change logs of posts or bare lines, folders of them, files of
        one input each (`{"input_id": …, "annotations": […]}`), tables of a pull.
    out
        Write the plan here, and beside it PLAN.jsonl.meta.json.
    dry_run
        Write nothing.
    check
        Write nothing; exit code 4 if there is something to change.
    exact
        Compare all that users may set, not only the fields that DESIRED has.
    delete
        Delete what is only at the remote: of the token's own user, or of those that
        --by-user or --any-user name.
    any_user
        Delete no matter who made it.
    max_delete
        Most deletions: a number, or a share of what the scope holds. Default: 50%.
    format_
        text, json, or md for a pull request.
    """
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.plan.job import Planning
    from syncer.jobs.plan.options import plan_rules

    if out is None and not (dry_run or check):
        raise UsageError("name the plan to write (--out PLAN.jsonl), or only look (--dry-run)")
    check_file("out", out)
    job = Planning(
        common.load(remote.options()),
        Limiters(),
        desired,
        None if dry_run or check else out,
        plan_rules(exact=exact, delete=delete, users=scope.by_user, concepts=scope.concept),
        frozenset(scope.input_id),
        scope.dataset,
        any_user,
        _parse_bound(max_delete),
    )
    return _plan(job, format_, check=check)


def _parse_bound(text: str) -> MaxDelete:
    """Parse what --max-delete says."""
    from syncer.core.deletions import MaxDelete

    try:
        return MaxDelete.parse(text)
    except ValueError as error:
        raise UsageError(f"--max-delete {error}: write 100 or 50%") from None


def _plan(job: Planning, format_: Literal["text", "md", "json"], *, check: bool) -> int:
    """Plan and report; the exit code."""
    from syncer.cli.loop import run
    from syncer.jobs.signals import listen

    planned = run(lambda: job.run(signals=listen))
    _report(planned, format_)
    return planned.exit_code(check=check)


def _report(planned: Planned, format_: Literal["text", "md", "json"]) -> None:
    from syncer.jobs.plan.markdown import render_markdown

    for note in planned.notes:
        say(f"syncer: {note}")
    if printing.json or format_ == "json":
        end = describe_end(planned.error, planned.interrupted, INTERRUPTED)
        print_json(planned.summarize() | end)
    elif format_ == "md":
        print_lines(*render_markdown(planned))
    else:
        print_lines(*planned.sentences())
    flush()
    if planned.error is not None:
        blame(planned.error)
    elif planned.interrupted is not None:
        say(f"syncer: {INTERRUPTED}")
    elif planned.out is not None:
        say(f"syncer: wrote {planned.out}: read it, then push it")
