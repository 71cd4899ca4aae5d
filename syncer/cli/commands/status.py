"""`syncer status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from syncer.cli.options import CommonOfLane
from syncer.cli.output import print_json, print_lines, printing
from syncer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.config import Loaded
    from syncer.jobs.status import PullStatus, PushStatus

app = App(name="status")
UNKNOWN_TO_FILES = "no change of it waits or is dead; what was applied, only a daemon knows"
UNKNOWN_TO_DAEMON = (
    "no change of it waits or is dead, and none is among the last that the daemon has applied since"
    " it started"
)


@app.default
def status(
    *,
    input_id: Annotated[str | None, Parameter(metavar="ID")] = None,
    id: Annotated[str | None, Parameter(metavar="ID")] = None,
    common: CommonOfLane = CommonOfLane(),
) -> int:
    """Show what a state folder holds, or where the changes of one annotation are. Needs
    no lock.

    Parameters
    ----------
    input_id
        Show the changes of annotations of this input, and of the input as a whole. A
        daemon that holds the state is asked; else it is what the files know.
    id
        Of this annotation only.
    """
    from syncer.jobs import status

    if input_id is not None:
        return _tell_story(common.load(), input_id, id)
    if id is not None:
        raise UsageError("--id needs the input of the annotation: give --input-id, too")
    found = status.status(common.load())
    if printing.json:
        print_json(found.record())
    elif isinstance(found, status.PushStatus):
        print_lines(*_of_push(found))
    else:
        print_lines(*_of_pull(found))
    return 0


def _tell_story(loaded: Loaded, input_id: str, id: str | None) -> int:
    from syncer.daemon.control import tell_story_through
    from syncer.jobs.folders import push_folder
    from syncer.jobs.story import AskedAnnotation, Step, tell_story

    folder, asked = push_folder(loaded), AskedAnnotation(input_id, id)
    steps, unknown = tell_story_through(folder, asked), UNKNOWN_TO_DAEMON
    if steps is None:
        steps, unknown = [step.record() for step in tell_story(folder, asked)], UNKNOWN_TO_FILES
    if printing.json:
        print_json({"changes": steps})
    elif steps:
        print_lines(*(Step.of(step).sentence() for step in steps))
    else:
        print_lines(unknown)
    return 0


def _of_push(found: PushStatus) -> Iterator[str]:
    yield _state(found)
    yield f"destination  {found.destination}"
    yield from _pause(found)
    for log in found.logs:
        yield (
            f"{log.path}: read {log.read:,}, applied {log.applied:,}, ignored {log.ignored:,}, dead"
            f" {log.dead:,}, pending {log.pending:,}"
        )


def _of_pull(found: PullStatus) -> Iterator[str]:
    yield _state(found)
    yield f"pull         {found.job}"
    yield from _pause(found)
    yield (
        f"fetched {found.fetched:,}: written {found.written:,}, unreadable {found.unreadable:,};"
        f" {'done' if found.done else 'not done yet'}"
    )


def _state(found: PushStatus | PullStatus) -> str:
    used = f"  (in use by process {found.locked_by})" if found.locked_by else ""
    return f"state        {found.state}{used}"


def _pause(found: PushStatus | PullStatus) -> Iterator[str]:
    if found.pause is not None:
        from pathlib import Path

        from syncer.jobs.folders import resuming

        yield (
            f"paused until {found.pause.until}: {found.pause.reason}; lift the pause with"
            f" `{resuming(Path(found.state))}`"
        )
