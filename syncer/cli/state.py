"""`syncer status`, `syncer dead list`, `syncer state forget`: looking at a state folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from syncer.cli.output import print_json, say
from syncer.config import load_from_environment
from syncer.core.facts import Forgotten
from syncer.core.ledger import Ledger
from syncer.core.settle import rfc3339
from syncer.errors import UsageError
from syncer.journal.dead import read_dead
from syncer.journal.journal import DestinationId, Journal

INTERNAL = ("log", "index", "event")


def _folder(config: Path | None, options: dict[str, object]) -> Path:
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
    folder = _folder(config, options)
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


def dead_list(config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Print the dead letters, oldest first."""
    folder = _folder(config, options)
    count = 0
    for letter, superseded in read_dead(folder):
        count += 1
        if as_json:
            fields = {key: value for key, value in msgspec.structs.asdict(letter).items() if key not in INTERNAL}
            print_json({**fields, "superseded": superseded})
        else:
            code = f" (code {letter.code})" if letter.code is not None else ""
            after = "; superseded by a later change" if superseded else ""
            change = f"{letter.op or '?'} {letter.input_id or '?'}/{letter.id or '-'}"
            print(f"{letter.source}:{letter.line}: {change}: {letter.reason}{code}{after}")
    if not as_json:
        say(f"{count:,} dead letters")
    return 0


def forget(log: str, config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Drop all that the state knows of a log."""
    folder = _folder(config, options)
    _, destination, _ = Journal.read_only(folder)
    journal = Journal.open(folder, DestinationId(destination.base_url, destination.user_id, destination.app_id))
    try:
        path = str(Path(log).absolute())
        number = next((n for n, known in journal.ledger.logs.items() if log == known.identity.label or path == known.identity.path), None)
        if number is None:
            known_logs = ", ".join(known.identity.label for known in journal.ledger.logs.values()) or "none"
            raise UsageError(f"the state {folder} does not know the log {log}; it knows: {known_logs}")
        waiting = journal.ledger.logs[number].counts.queued
        journal.commit([Forgotten(number)])
    finally:
        journal.close()
    say(f"forgot {log}" + (f" and its {waiting:,} waiting changes" if waiting else "") + "; the next push reads it from its start")
    if as_json:
        print_json({"forgotten": log})
    return 0
