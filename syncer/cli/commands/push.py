"""`syncer push`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from syncer.cli.options import CommonOfLane, Log, MovedOption, Pushing
from syncer.cli.output import blame, describe_end, print_json, printing, say
from syncer.errors import UsageError, exit_code
from syncer.printable import as_argument, counted

if TYPE_CHECKING:
    from syncer.config import Loaded
    from syncer.jobs.push import Finished, PushLane

INTERRUPTED = "interrupted; nothing is lost: run the same command again to carry on"

app = App(name="push", usage="Usage: syncer push [OPTIONS] [LOG...]")


@app.default
def push(
    *logs: Log,
    common: CommonOfLane = CommonOfLane(),
    remote: Pushing = Pushing(),
    max_attempts: Annotated[str | None, Parameter(metavar="N")] = None,
    max_delete: Annotated[str | None, Parameter(metavar="N")] = None,
    moved: MovedOption = None,
    edited: bool = False,
    strict: bool = False,
    dry_run: Annotated[bool, Parameter(name=["--dry-run", "-n"])] = False,
    no_progress: bool = False,
) -> int:
    """Apply change logs to the remote, once and in order.

    Exit codes: 0 done, 1 stopped by an error (run again to carry on), 2 bad usage or
    refused credentials, 3 done but dead letters remain, 130/143 interrupted.

    Parameters
    ----------
    logs
        Change logs: files, folders, or - for standard input. Default: every log that
        the state knows.
    max_attempts
        Attempts of one change before it becomes a dead letter.
    max_delete
        Stop before more annotations than this are deleted, over all runs of this state.
        Deletes of whole inputs are counted by listing
        first.
    moved
        Whether a log whose content is known under a path that is gone is that log,
        moved, or a new one. Needed only where neither the time
        nor the inode of the file decides.
    edited
        Push a plan that was edited since it was made.
    strict
        Stop at the first bad line instead of making it a dead letter.
    dry_run
        Only read and count, without network or state.
    no_progress
        Show no progress.
    """
    options = remote.options()
    if max_attempts is not None:
        options["retry.max_attempts"] = max_attempts
    if dry_run:
        return _count(common.load(options), logs, edited=edited)
    most_deletes = _deletions(max_delete)
    return _push(
        common.load(options),
        logs,
        strict=strict,
        max_delete=most_deletes,
        moved=moved,
        edited=edited,
        progress=not no_progress,
    )


def _deletions(text: str | None) -> int | None:
    """Parse what --max-delete says. Raises UsageError: a guard is never rounded."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f'--max-delete is "{text}"; it must be a whole number, 0 or more')
    return int(text)


def _push(
    loaded: Loaded,
    logs: Sequence[str],
    *,
    strict: bool,
    max_delete: int | None,
    moved: MovedOption,
    edited: bool,
    progress: bool,
) -> int:
    """Push and report; the exit code."""
    from syncer.cli.loop import run
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.push import open_push

    with open_push(
        loaded,
        Limiters(),
        logs,
        strict=strict,
        max_delete=max_delete,
        moved=moved,
        edited=edited,
    ) as lane:
        for note in lane.notes:
            say(f"syncer: {note}")
        finished = run(_run, lane, progress)
    tell(finished)
    if printing.json:
        print_json(
            dataclasses.asdict(finished.summary)
            | describe_end(finished.error, finished.interrupted, INTERRUPTED)
        )
    return finished.exit_code


async def _run(lane: PushLane, progress: bool) -> Finished:
    from syncer.cli.progress import of_push, show_progress
    from syncer.jobs.signals import listen

    async with show_progress(lambda: of_push(lane.progress()), show=progress):
        return await lane.run(signals=listen)


def tell(finished: Finished) -> None:
    """The summary for people, and what stopped the run."""
    summary, error = finished.summary, finished.error
    say(summary.sentence())
    if error is not None:
        blame(error)
    elif finished.interrupted is not None:
        say(f"syncer: {INTERRUPTED}")
    elif summary.dead:
        say(
            f"syncer: {counted(summary.dead, 'dead letter')}: see `syncer dead list --state"
            f" {as_argument(summary.state)}`"
        )


def _count(loaded: Loaded, logs: Sequence[str], *, edited: bool) -> int:
    """Read and count; the exit code."""
    from syncer.jobs.dry_run import dry_run
    from syncer.jobs.streams import standard_input

    result = dry_run(loaded, logs, standard_input(), edited=edited)
    for message in result.messages:
        say(f"syncer: {message}")
    if result.error is not None:
        blame(result.error)
    if printing.json:
        print_json(result.as_json())
    else:
        say(result.sentence())
    return exit_code(result.error, None, result.bad)
