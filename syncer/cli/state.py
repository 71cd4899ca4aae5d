"""`syncer status`, `syncer state check|export|repair|resume|forget|move`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from syncer.cli.output import as_json as json_text
from syncer.cli.output import fail, print_json, print_json_item, print_lines, say
from syncer.config import load_from_environment
from syncer.core.destination import trusted_seconds
from syncer.core.facts import Destination
from syncer.core.ledger import Ledger
from syncer.core.settle import rfc3339
from syncer.errors import OutputError, UsageError
from syncer.jobs import known
from syncer.jobs import state as lane
from syncer.jobs.state_export import export as records
from syncer.journal import checkpoint
from syncer.journal.checkpoint import Checkpoint
from syncer.journal.damage import way_out
from syncer.journal.journal import Journal
from syncer.journal.lock import holder
from syncer.printable import as_argument, counted


def state_folder(config: Path | None, options: dict[str, object]) -> Path:
    """The folder that options, environment and config name.

    Raises UsageError where no state is in it, StateError where nobody can see.
    """
    folder = Path(load_from_environment(config, options).config.state.dir)
    if not Journal.is_in(folder):
        if (folder / checkpoint.FILE).is_file():
            raise UsageError(
                f"{folder} holds the state of a pull, and this is about pushes; "
                f"`syncer state export --state {as_argument(folder)}` shows what it knows"
            )
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
    """Print what the state holds, of a push or of a pull."""
    loaded = load_from_environment(config, options)
    folder = Path(loaded.config.state.dir)
    if (pull := lane.pull_in(folder)) is not None:
        return _status_of_pull(folder, pull, loaded.config.retry.give_up_seconds, as_json=as_json)
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
        "paused_until": _paused_until(ledger.destination, loaded.config.retry.give_up_seconds),
        "oldest_pending_seconds": round(max(0.0, time.time() - min(waits)), 3) if waits else None,
        "locked_by": locked_by,
        "logs": [asdict(log) for log in logs],
    }
    if as_json:
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


def _status_of_pull(
    folder: Path, pull: Checkpoint, give_up_seconds: float, *, as_json: bool
) -> int:
    paused, locked_by = pull.pause, holder(folder / "lock")
    value = {
        "state": str(folder),
        "job": pull.job,
        "fetched": pull.fetched,
        "written": pull.written,
        "unreadable": pull.unreadable,
        "done": pull.done,
        "paused_until": _paused_until(paused, give_up_seconds),
        "locked_by": locked_by,
    }
    if as_json:
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


def _print_pause(folder: Path, paused_until: object, destination: Destination) -> None:
    if paused_until:
        print_lines(
            f"paused until {paused_until}: {destination.reason}; lift the pause with"
            f" `{lane.resuming(folder)}`"
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


def forget(
    logs: Sequence[str],
    config: Path | None,
    options: dict[str, object],
    *,
    force: bool,
    as_json: bool,
) -> int:
    """Drop all that the state knows of logs."""
    if not logs:
        raise UsageError(
            "name the logs to forget, as `syncer status` shows them; patterns are allowed"
        )
    given_up = known.forget(state_folder(config, options), logs, force=force)
    it_is = "it is" if len(given_up.logs) == 1 else "they are"
    say(
        f"{given_up.sentence()}; when {it_is} pushed again, {it_is} applied once more from the"
        " first line"
    )
    if as_json:
        print_json({"forgotten": given_up.logs, "waiting": given_up.waiting, "dead": given_up.dead})
    return 0


def move(
    old: str, new: str, config: Path | None, options: dict[str, object], *, as_json: bool
) -> int:
    """Give a known log another path."""
    renamed = known.move(state_folder(config, options), old, new)
    say(renamed.sentence())
    if as_json:
        print_json({"moved": renamed.old, "to": renamed.new, "is_there": renamed.is_there})
    return 0


def resume(config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Lift the pause that the folder keeps, and print which."""
    loaded = load_from_environment(config, options)
    folder = Path(loaded.config.state.dir)
    before = lane.resume(folder)
    until = _paused_until(before, loaded.config.retry.give_up_seconds)
    if as_json:
        print_json({"state": str(folder), "resumed": until is not None, "paused_until": until})
    elif until is None:
        print_lines(f"{folder}: not paused; nothing was done")
    else:
        print_lines(
            f"{folder}: the pause until {until} is lifted ({before.reason}); the next run sends at"
            " once"
        )
    return 0


def _paused_until(destination: Destination, give_up_seconds: float) -> str | None:
    """The end of a pause as it is by now, None where there is none."""
    now = time.time()
    left_seconds = destination.left_seconds(now, trusted_seconds(give_up_seconds))
    return rfc3339(now + left_seconds) if left_seconds else None


def any_folder(config: Path | None, options: dict[str, object]) -> Path:
    """The folder that options, environment and config name, whatever is in it."""
    return Path(load_from_environment(config, options).config.state.dir)


def check(config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Read everything, change nothing, print what is damaged; 1 where something is."""
    found = lane.look(any_folder(config, options))
    value = {
        "state": str(found.folder),
        "whole": not found.damages,
        "locked_by": found.locked_by,
        "damages": [asdict(damage) for damage in found.damages],
        "notes": found.notes,
    }
    if not as_json:
        for note in found.notes:
            say(note)
        for damage in found.damages:
            print_lines(f"{damage}: {damage.means}")
        if not found.damages:
            print_lines(f"{found.folder}: whole")
    elif not found.damages:
        print_json(value)
    return _damaged(found, value) if found.damages else 0


def _damaged(found: lane.Looked, details: dict[str, object] | None = None) -> int:
    places = "place" if len(found.damages) == 1 else "places"
    return fail(
        f"the state {found.folder} is damaged in {len(found.damages):,} {places}."
        f" {way_out(found.folder)}",
        1,
        details,
    )


def export(
    out: Path | None, config: Path | None, options: dict[str, object], *, as_json: bool
) -> int:
    """Print what the state knows, a record a line; 1 where some of it is damaged."""
    folder = any_folder(config, options)
    found = lane.look(folder)
    if out is not None and out.absolute().resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"--out {out} is within the state folder {folder}, which it would damage: name a file"
            " elsewhere"
        )
    if out is None:
        for record in records(found):
            print_json_item(record)
        return _damaged(found) if found.damages else 0
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            count = _write(file, found)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror or error}") from None
    say(f"{counted(count, 'record')} written to {out}")
    value: dict[str, object] = {"out": str(out), "records": count}
    if found.damages:
        return _damaged(found, value)
    if as_json:
        print_json(value)
    return 0


def _write(file: TextIO, found: lane.Looked) -> int:
    count = 0
    for record in records(found):
        file.write(json_text(record) + "\n")
        count += 1
    file.flush()
    return count


def repair(config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Set aside what is damaged, leave a state that starts, and print what is not known
    any more.
    """
    folder = any_folder(config, options)
    done = lane.repair(folder)
    if as_json:
        print_json(
            {
                "state": str(folder),
                "damages": [asdict(damage) for damage in done.damages],
                "quarantine": None if done.quarantine is None else str(done.quarantine),
                "set_aside": done.set_aside,
                "unknown": done.unknown,
            }
        )
        return 0
    if not done.damages:
        print_lines(f"{folder}: whole; nothing was done")
        return 0
    for damage in done.damages:
        print_lines(str(damage))
    print_lines(f"set aside in {done.quarantine}: {', '.join(done.set_aside)}")
    for sentence in done.unknown:
        print_lines(f"- {sentence}")
    return 0
