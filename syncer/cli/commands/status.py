"""`syncer status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from syncer.cli.options import CommonOfLane
from syncer.cli.output import print_json, print_lines, printing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncer.jobs.status import PullStatus, PushStatus

app = App(name="status")


@app.default
def status(*, common: CommonOfLane = CommonOfLane()) -> int:
    """Show what a state folder holds. Needs no lock."""
    from syncer.jobs import status

    found = status.status(common.load())
    if printing.json:
        print_json(found.record())
    elif isinstance(found, status.PushStatus):
        print_lines(*_of_push(found))
    else:
        print_lines(*_of_pull(found))
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
