"""`syncer pull`: from options to a lane, and its summary."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncer.cli.loop import run
from syncer.cli.options import Common, Remote
from syncer.cli.output import blame, complain, ended, print_json, say, stdout_is_closed
from syncer.cli.progress import of_pull, shown
from syncer.config import Loaded, load_from_environment
from syncer.errors import UsageError
from syncer.jobs.origins import annotell_origin, clarifai_origin, known_documents, open_pull
from syncer.jobs.pull import Pulled, PullLane
from syncer.jobs.wiring import Origin
from syncer.remotes.annotell import Selection as DocumentSelection
from syncer.remotes.clarifai.selection import Selection, fault
from syncer.sinks.choose import STDOUT


@dataclass(frozen=True, slots=True)
class Target:
    """Where to write, and whether to show progress."""

    out: str
    format: str | None
    progress: bool


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


def selection(
    *, input_ids: Sequence[str], annotation_ids: Sequence[str], **others: Any
) -> Selection:
    """What the options select. Raises UsageError where they mean nothing."""
    if annotation_ids and len(annotation_ids) != len(input_ids):
        raise UsageError(
            f"{len(annotation_ids)} --annotation-id but {len(input_ids)} --input-id: "
            "each annotation needs the input it belongs to, in the same order"
        )
    pairs = tuple(zip(input_ids, annotation_ids, strict=True)) if annotation_ids else ()
    chosen = Selection(input_ids=() if pairs else tuple(input_ids), pairs=pairs, **others)
    if (why := fault(chosen, lambda field: OPTIONS.get(field, f"--{field}"))) is not None:
        raise UsageError(why)
    return chosen


def clarifai(chosen: Selection, target: Target, common: Common, remote: Remote) -> int:
    """Pull and report; the exit code."""
    loaded = load_from_environment(common.config, {**common.options(), **remote.options()})
    return pulled(loaded, clarifai_origin(loaded, chosen), target, common)


def document_selection(**chosen: Any) -> DocumentSelection:
    """What the options select; whether it means anything is for the listing to say."""
    return DocumentSelection(**chosen)


def annotell(
    chosen: DocumentSelection,
    since: Path | None,
    target: Target,
    common: Common,
    options: dict[str, object],
) -> int:
    """Pull documents and report; the exit code."""
    loaded = load_from_environment(common.config, {**common.options(), **options})
    if since is not None and target.out != STDOUT and Path(target.out).resolve() == since.resolve():
        raise UsageError(
            f"--changed-since {since} is --out as well, which would replace it by what has changed"
            " alone: name another --out"
        )
    known = None if since is None else known_documents(since)
    return pulled(loaded, annotell_origin(loaded, chosen, known), target, common)


def pulled(loaded: Loaded, origin: Origin, target: Target, common: Common) -> int:
    """Pull from an origin into a target; the exit code."""
    out = target.out
    if out == STDOUT and common.json:
        raise UsageError("--json and --out - both want standard output: name a file")
    if out == STDOUT and stdout_is_closed():
        raise UsageError(
            "--out - writes to standard output, which is closed: name a file, or leave it open"
        )
    with ExitStack() as stack:
        state = common.state
        if out == STDOUT:  # nothing can be carried on
            state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncer-pull-")))
        lane = stack.enter_context(open_pull(loaded, origin, out, target.format, state=state))
        done = run(_run, lane, target.progress and not common.quiet)
    report(done, as_json=common.json)
    return done.exit_code


async def _run(lane: PullLane, progress: bool) -> Pulled:
    async with shown(lambda: of_pull(lane.report(), lane.sending()), show=progress):
        return await lane.run(signals=True)


def report(done: Pulled, *, as_json: bool) -> None:
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
    if as_json:
        print_json(
            dataclasses.asdict(done.report) | ended(done.error, done.interrupted, INTERRUPTED)
        )
