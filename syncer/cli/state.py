"""`syncer status`, `syncer state forget`: looking at a state folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from syncer.cli.output import print_json, say
from syncer.config import load_from_environment
from syncer.core.ledger import Ledger
from syncer.core.settle import forgotten, rfc3339
from syncer.errors import UsageError
from syncer.journal.journal import Journal


def state_folder(config: Path | None, options: dict[str, object]) -> Path:
    """The folder that options, environment and config name. Raises UsageError where no state is in it."""
    folder = Path(load_from_environment(config, options).config.state.dir)
    if not (folder / "journal").exists():
        raise UsageError(f"no state at {folder}: name the folder with --state")
    return folder


@dataclass(frozen=True, slots=True)
class LogStatus:
    """Totals of one log over all runs; read = applied + ignored + dead + pending."""

    path: str
    read: int
    applied: int
    ignored: int
    dead: int
    pending: int


def status(config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Print what the state holds."""
    folder = state_folder(config, options)
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
        "paused_until": rfc3339(ledger.destination.until) if ledger.destination.until > time.time() else None,
        "oldest_pending_seconds": round(time.time() - min(waits), 3) if waits else None,
        "locked_by": locked_by,
        "logs": [asdict(log) for log in logs],
    }
    if as_json:
        print_json(value)
        return 0
    print(f"state        {folder}" + (f"  (in use by process {locked_by})" if locked_by else ""))
    print(f"destination  {destination.base_url} user {destination.user_id} app {destination.app_id}")
    if value["paused_until"]:
        print(f"paused until {value['paused_until']}: {ledger.destination.reason}")
    for log in logs:
        print(
            f"{log.path}: read {log.read:,}, applied {log.applied:,}, ignored {log.ignored:,}, dead {log.dead:,}, pending {log.pending:,}"
        )
    return 0


def _log_statuses(ledger: Ledger) -> Iterator[LogStatus]:
    for log in ledger.logs.values():
        counts = log.counts
        yield LogStatus(log.identity.label, counts.read, counts.applied, counts.ignored, counts.dead, counts.queued)


def forget(log: str, config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Drop all that the state knows of a log."""
    folder = state_folder(config, options)
    journal = Journal.open(folder, None)
    try:
        path = str(Path(log).absolute())
        number = next((n for n, known in journal.ledger.logs.items() if log == known.identity.label or path == known.identity.path), None)
        if number is None:
            known_logs = ", ".join(known.identity.label for known in journal.ledger.logs.values()) or "none"
            raise UsageError(f"the state {folder} does not know the log {log}; it knows: {known_logs}")
        waiting = journal.ledger.logs[number].counts.queued
        journal.commit(forgotten(number))
    finally:
        journal.close()
    say(f"forgot {log}" + (f" and its {waiting:,} waiting changes" if waiting else "") + "; the next push reads it from its start")
    if as_json:
        print_json({"forgotten": log})
    return 0
