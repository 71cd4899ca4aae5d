"""The status of a state, as values: a text, JSON and a page show the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from syncer.config import Loaded
from syncer.core.destination import trusted_seconds
from syncer.core.facts import Destination
from syncer.core.ledger import Ledger
from syncer.core.settle import rfc3339
from syncer.jobs.folders import any_folder, pull_in, push_folder
from syncer.journal.checkpoint import Checkpoint
from syncer.journal.journal import DestinationId, Journal
from syncer.journal.lock import LOCK, holder


@dataclass(frozen=True, slots=True)
class LogStatus:
    """Totals of one log over all runs; read = applied + ignored + dead + pending."""

    path: str
    read: int
    applied: int
    ignored: int
    dead: int
    pending: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that the destination asked for, and that a state keeps."""

    until: str
    """RFC 3339, UTC."""
    reason: str


@dataclass(frozen=True, slots=True)
class PushStatus:
    """The state of a push. All counts are totals over all runs."""

    state: str
    """The folder."""
    destination: DestinationId
    retrying: int
    in_doubt: int
    pause: Pause | None
    oldest_pending_seconds: float | None
    """Since what waits longest failed first; None where nothing that failed waits."""
    locked_by: int | None
    """The process that uses it."""
    logs: tuple[LogStatus, ...]

    @classmethod
    def of(
        cls,
        folder: Path,
        destination: DestinationId,
        ledger: Ledger,
        *,
        locked_by: int | None,
        give_up_seconds: float,
        now: float,
    ) -> PushStatus:
        """Return what a ledger says at this time (seconds since 1970)."""
        queue = ledger.queue.values()
        failed_at = [queued.first_failed_at for queued in queue if queued.first_failed_at]
        return cls(
            state=str(folder),
            destination=destination,
            retrying=sum(not queued.doubt for queued in queue),
            in_doubt=sum(queued.doubt for queued in queue),
            pause=pause_of(ledger.destination, give_up_seconds, now),
            oldest_pending_seconds=(
                round(max(0.0, now - min(failed_at)), 3) if failed_at else None
            ),
            locked_by=locked_by,
            logs=tuple(_logs(ledger)),
        )

    def total(self, name: str) -> int:
        """The sum of a count over all logs."""
        return sum(getattr(log, name) for log in self.logs)

    def record(self) -> dict[str, object]:
        """Return it as users get it in JSON."""
        return {
            "state": self.state,
            "destination": asdict(self.destination),
            **{name: self.total(name) for name in ("applied", "ignored", "dead", "pending")},
            "retrying": self.retrying,
            "in_doubt": self.in_doubt,
            "paused_until": self.pause and self.pause.until,
            "oldest_pending_seconds": self.oldest_pending_seconds,
            "locked_by": self.locked_by,
            "logs": [asdict(log) for log in self.logs],
        }


@dataclass(frozen=True, slots=True)
class PullStatus:
    """The state of a pull: how far it is."""

    state: str
    """The folder."""
    job: str
    fetched: int
    written: int
    unreadable: int
    done: bool
    pause: Pause | None
    locked_by: int | None
    """The process that uses it."""

    @classmethod
    def of(
        cls,
        folder: Path,
        pull: Checkpoint,
        *,
        locked_by: int | None,
        give_up_seconds: float,
        now: float,
    ) -> PullStatus:
        """Return what a checkpoint says at this time (seconds since 1970)."""
        return cls(
            state=str(folder),
            job=pull.job,
            fetched=pull.fetched,
            written=pull.written,
            unreadable=pull.unreadable,
            done=pull.done,
            pause=pause_of(pull.pause, give_up_seconds, now),
            locked_by=locked_by,
        )

    def record(self) -> dict[str, object]:
        """Return it as users get it in JSON."""
        return {
            "state": self.state,
            "job": self.job,
            "fetched": self.fetched,
            "written": self.written,
            "unreadable": self.unreadable,
            "done": self.done,
            "paused_until": self.pause and self.pause.until,
            "locked_by": self.locked_by,
        }


def status(loaded: Loaded) -> PushStatus | PullStatus:
    """Return what the configured folder holds; needs no lock.

    Raises UsageError where it holds no state, StateError for one that cannot be read.
    """
    folder, now = any_folder(loaded), time.time()
    give_up_seconds = loaded.config.retry.give_up_seconds
    if (pull := pull_in(folder)) is not None:
        locked_by = holder(folder / LOCK)
        return PullStatus.of(
            folder, pull, locked_by=locked_by, give_up_seconds=give_up_seconds, now=now
        )
    ledger, destination, locked_by = Journal.read_only(push_folder(loaded))
    return PushStatus.of(
        folder,
        destination,
        ledger,
        locked_by=locked_by,
        give_up_seconds=give_up_seconds,
        now=now,
    )


def pause_of(destination: Destination, give_up_seconds: float, now: float) -> Pause | None:
    """Return the pause as it is by now, None without a pause."""
    left_seconds = destination.left_seconds(now, trusted_seconds(give_up_seconds))
    return Pause(rfc3339(now + left_seconds), destination.reason) if left_seconds else None


def _logs(ledger: Ledger) -> Iterator[LogStatus]:
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
