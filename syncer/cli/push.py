"""`syncer push`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syncer.cli.loop import run
from syncer.cli.output import blame, ended, print_json, say
from syncer.cli.progress import of_push, shown
from syncer.config import load_from_environment
from syncer.core.moves import Moved
from syncer.errors import UsageError
from syncer.jobs.dry_run import dry_run as count
from syncer.jobs.push import Finished, PushLane
from syncer.jobs.push_parts import push_parts
from syncer.jobs.report import exit_code
from syncer.printable import as_argument, counted

INTERRUPTED = "interrupted; nothing is lost: run the same command again to carry on"


@dataclass(frozen=True, slots=True)
class Loudness:
    """How much is said on stderr."""

    progress: bool
    verbose: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a push stops at, and what it is told of logs that may have moved."""

    strict: bool
    max_delete: int | None
    moved: Moved | None


def deletions(text: str | None) -> int | None:
    """What --max-delete says. Raises UsageError: a guard is never rounded."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f'--max-delete is "{text}"; it must be a whole number, 0 or more')
    return int(text)


def push(
    logs: Sequence[str],
    config: Path | None,
    options: dict[str, object],
    *,
    bounds: Bounds,
    as_json: bool,
    loudness: Loudness,
) -> int:
    """Push and report; the exit code."""
    with push_parts(load_from_environment(config, options)) as parts:
        lane = PushLane(
            parts, logs, strict=bounds.strict, max_delete=bounds.max_delete, moved=bounds.moved
        )
        for note in lane.notes:
            say(f"syncer: {note}")
        finished = run(_run, lane, loudness)
    report(finished, as_json=as_json, quiet=loudness.quiet)
    return finished.exit_code


async def _run(lane: PushLane, loudness: Loudness) -> Finished:
    async with shown(lambda: of_push(lane.progress()), show=loudness.progress):
        return await lane.run(signals=True)


def report(finished: Finished, *, as_json: bool, quiet: bool) -> None:
    """The summary, and what stopped the run."""
    summary, error = finished.summary, finished.error
    if not quiet:
        say(summary.sentence())
    if error is not None:
        blame(error)
    elif finished.interrupted is not None and not quiet:
        say(f"syncer: {INTERRUPTED}")
    elif summary.dead and not quiet:
        say(
            f"syncer: {counted(summary.dead, 'dead letter')}: see `syncer dead list --state"
            f" {as_argument(summary.state)}`"
        )
    if as_json:
        print_json(dataclasses.asdict(summary) | ended(error, finished.interrupted, INTERRUPTED))


def dry_run(
    logs: Sequence[str], config: Path | None, options: dict[str, object], *, as_json: bool
) -> int:
    """Read and count; the exit code."""
    result = count(load_from_environment(config, options), logs, sys.stdin.buffer)
    for message in result.messages:
        say(f"syncer: {message}")
    if result.error is not None:
        blame(result.error)
    if as_json:
        print_json(result.as_json())
    else:
        say(result.sentence())
    return exit_code(result.error, None, result.bad)
