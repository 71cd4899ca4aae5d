"""`syncer migrate`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from syncer.cli.options import Common, parse_sample
from syncer.cli.output import blame, describe_end, print_json, print_lines, printing, say
from syncer.errors import UsageError
from syncer.printable import counted

if TYPE_CHECKING:
    from syncer.cli.progress import ProgressLine
    from syncer.jobs.migrate.job import Migration
    from syncer.jobs.migrate.phases import PhaseDone
    from syncer.jobs.migrate.report import Migrated

INTERRUPTED = "interrupted; nothing is lost: run the same command again to carry on"

app = App(name="migrate")


@app.default
def migrate(
    *,
    job: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    again: bool = False,
    dry_run: Annotated[bool, Parameter(name=["--dry-run", "-n"])] = False,
    sample: Annotated[str | None, Parameter(metavar="N")] = None,
    no_progress: bool = False,
    common: Common = Common(),
) -> int:
    """Move labels from an app, a project or files into an app: read, convert, push and
    verify as one job. Killed at any moment, the same command carries on.

    What goes where is in [migrate], [migrate.from] and [migrate.to] of the config.

    Exit codes: 0 all there and verified, 1 stopped by an error (run again to carry on),
    2 bad usage or refused credentials, 3 labels are dead or could not be read or
    placed, 4 labels are missing or differ, 130/143 interrupted.

    Parameters
    ----------
    job
        Folder of the job. Default: the folder migrate in the state folder.
    again
        Begin another pass where the job is done: what is new at the source is posted,
        what changed is patched.
    dry_run
        Only assess: what would go, what not, and what the target lacks.
    sample
        Move the labels of this many inputs, chosen at random, and predict the whole:
        losses, requests, duration. The command without it moves the rest.
    no_progress
        Show no progress.
    """
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.migrate.job import open_migration

    inputs = parse_sample(sample)
    if inputs is not None and (again or dry_run):
        raise UsageError("--sample moves labels of a first pass: not with --again or --dry-run")
    loaded = common.load()
    folder = job or Path(loaded.config.state.dir, "migrate")
    with open_migration(loaded, Limiters(), folder, again=again) as migration:
        done = _run(migration, inputs, dry_run=dry_run, progress=not no_progress)
    _report(done)
    return done.exit_code


def _run(migration: Migration, inputs: int | None, *, dry_run: bool, progress: bool) -> Migrated:
    from syncer.cli.loop import run
    from syncer.cli.progress import show_progress
    from syncer.jobs.signals import listen

    async def work() -> Migrated:
        async with show_progress(lambda: _show(migration), show=progress):
            if dry_run:
                return await migration.assess(signals=listen)
            if inputs is not None:
                return await migration.sample(inputs, _tell, signals=listen)
            return await migration.run(_tell, signals=listen)

    return run(work)


def _tell(name: str, done: PhaseDone) -> None:
    say(f"{name}: {done.items:,} in {done.seconds:.1f} s, {counted(done.requests, 'request')}")


def _show(migration: Migration) -> ProgressLine:
    """The phase that is under way, as it is shown."""
    from syncer.cli.progress import LinePiece, ProgressLine, of_import, of_pull, of_push, of_share
    from syncer.jobs.importing.run import Import
    from syncer.jobs.migrate.meter import PhaseMeter
    from syncer.jobs.pull import PullLane
    from syncer.jobs.push import PushLane

    head = LinePiece(0, f"{migration.phase}: ")
    match migration.working:
        case PushLane() as lane:
            now = of_push(lane.progress())
        case PullLane() as lane:
            now = of_pull(lane.report(), lane.sending())
        case Import() as job:
            now = of_import(job)
        case PhaseMeter() as meter:
            now = of_share(meter.share, meter.estimate_left(time.monotonic()))
        case _:
            return ProgressLine((head,))
    return ProgressLine((head, *now.parts), now.share)


def _report(done: Migrated) -> None:
    report = done.report
    for note in report["notes"]:
        say(f"syncer: {note}")
    for name in ("left_out", "skipped", "lost"):
        if table := report[name]:
            counts = ", ".join(f"{count:,} {what}" for what, count in table.items())
            say(f"{name.replace('_', ' ')}: {counts}")
    if printing.json:
        print_json(report | describe_end(done.error, done.interrupted, INTERRUPTED))
    if done.error is not None:
        blame(done.error)
    elif done.interrupted is not None:
        say(f"syncer: {INTERRUPTED}")
    elif printing.json:
        say(done.sentence)
    else:
        print_lines(done.sentence)
