"""`syncer status`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cyclopts import App

from syncer.cli.options import Common
from syncer.cli.output import print_json, print_lines, printing

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.core.facts import Destination
    from syncer.core.ledger import Ledger
    from syncer.journal.checkpoint import Checkpoint

app = App(name="status")


@dataclass(frozen=True, slots=True)
class LogStatus:
    """Totals of one log over all runs; read = applied + ignored + dead + pending."""

    path: str
    read: int
    applied: int
    ignored: int
    dead: int
    pending: int


@app.default
def status(*, common: Common = Common()) -> int:
    """Show what a state folder holds. Needs no lock."""
    from syncer.cli.folders import any_folder, paused_until, push_folder
    from syncer.jobs.state import pull_in
    from syncer.journal.journal import Journal

    loaded = common.loaded()
    folder = any_folder(loaded)
    if (pull := pull_in(folder)) is not None:
        return _status_of_pull(folder, pull, loaded.config.retry.give_up_seconds)
    folder = push_folder(loaded)
    ledger, destination, locked_by = Journal.read_only(folder)
    logs = list(_log_statuses(ledger))
    queue = ledger.queue.values()
    waits = [queued.first_failed_at for queued in queue if queued.first_failed_at]
    value = {
        "state": str(folder),
        "destination": asdict(destination),
        "applied": sum(log.applied for log in logs),
        "ignored": sum(log.ignored for log in logs),
        "dead": sum(log.dead for log in logs),
        "pending": sum(log.pending for log in logs),
        "retrying": sum(not queued.doubt for queued in queue),
        "in_doubt": sum(queued.doubt for queued in queue),
        "paused_until": paused_until(ledger.destination, loaded.config.retry.give_up_seconds),
        "oldest_pending_seconds": round(max(0.0, time.time() - min(waits)), 3) if waits else None,
        "locked_by": locked_by,
        "logs": [asdict(log) for log in logs],
    }
    if printing.json:
        print_json(value)
        return 0
    print_lines(
        f"state        {folder}" + (f"  (in use by process {locked_by})" if locked_by else "")
    )
    print_lines(
        f"destination  {destination.base_url} user {destination.user_id} app {destination.app_id}"
    )
    _print_pause(folder, value["paused_until"], ledger.destination)
    for log in logs:
        print_lines(
            f"{log.path}: read {log.read:,}, applied {log.applied:,}, ignored {log.ignored:,}, dead"
            f" {log.dead:,}, pending {log.pending:,}"
        )
    return 0


def _status_of_pull(folder: Path, pull: Checkpoint, give_up_seconds: float) -> int:
    from syncer.cli.folders import paused_until
    from syncer.journal.lock import holder

    paused, locked_by = pull.pause, holder(folder / "lock")
    value = {
        "state": str(folder),
        "job": pull.job,
        "fetched": pull.fetched,
        "written": pull.written,
        "unreadable": pull.unreadable,
        "done": pull.done,
        "paused_until": paused_until(paused, give_up_seconds),
        "locked_by": locked_by,
    }
    if printing.json:
        print_json(value)
        return 0
    print_lines(
        f"state        {folder}" + (f"  (in use by process {locked_by})" if locked_by else "")
    )
    print_lines(f"pull         {pull.job}")
    _print_pause(folder, value["paused_until"], paused)
    print_lines(
        f"fetched {pull.fetched:,}: written {pull.written:,}, unreadable {pull.unreadable:,};"
        f" {'done' if pull.done else 'not done yet'}"
    )
    return 0


def _print_pause(folder: Path, until: object, destination: Destination) -> None:
    if until:
        from syncer.jobs.state import resuming

        print_lines(
            f"paused until {until}: {destination.reason}; lift the pause with `{resuming(folder)}`"
        )


def _log_statuses(ledger: Ledger) -> Iterator[LogStatus]:
    for log in ledger.logs.values():
        counts = log.counts
        yield LogStatus(
            log.identity.label,
            counts.read,
            counts.applied,
            counts.ignored,
            counts.dead,
            counts.queued,
        )
