"""The outcome of a push, as values: the summary that `push --json` prints, and the
totals of `status`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syncer.core.ledger import Ledger, LogCounts
from syncer.printable import counted


@dataclass(frozen=True, slots=True)
class PushReport:
    """One run of a push over its sources. read = applied + skipped + ignored + dead +
    pending.
    """

    read: int
    """All changes up to the cursor, those of earlier runs and bad lines too."""
    applied: int
    """In this run."""
    skipped: int
    """Applied in earlier runs."""
    ignored: int
    dead: int
    """Open dead letters of these logs."""
    pending: int
    retries: int
    """Changes sent again."""
    requests: int
    """All HTTP requests."""
    throttled: int
    reconciled: int
    """Ambiguous outcomes settled by asking the remote."""
    elapsed_seconds: float
    annotations_per_second: float
    state: str
    """The state folder."""

    @property
    def conserved(self) -> bool:
        """Whether every change is accounted for."""
        return self.read == self.applied + self.skipped + self.ignored + self.dead + self.pending

    def sentence(self) -> str:
        """One line for people."""
        return (
            f"read {self.read:,}: applied {self.applied:,}, skipped {self.skipped:,}, ignored"
            f" {self.ignored:,}, dead {self.dead:,}, pending {self.pending:,};"
            f" {counted(self.requests, 'request')}, {counted(self.retries, 'change')} sent again,"
            f" {self.throttled:,} throttled, {self.reconciled:,} reconciled;"
            f" {self.elapsed_seconds:.1f} s, {self.annotations_per_second:,.0f}/s"
        )


@dataclass(frozen=True, slots=True)
class Before:
    """The counts of the logs of a run as it began."""

    counts: dict[int, LogCounts]

    @classmethod
    def of(cls, ledger: Ledger, logs: Iterable[int]) -> Before:
        """Copies, so that they stand still."""
        copies = {}
        for log in logs:
            counts = ledger.logs[log].counts
            copies[log] = LogCounts(counts.applied, counts.ignored, counts.dead, counts.queued)
        return cls(copies)


def totals(
    before: Before, ledger: Ledger, read_in_run: dict[int, int]
) -> tuple[int, int, int, int, int, int]:
    """(read, applied, skipped, ignored, dead, pending) of the logs of a run."""
    read = applied = skipped = ignored = dead = 0
    for log, then in before.counts.items():
        now = ledger.logs[log].counts
        read += then.read + read_in_run.get(log, 0)
        skipped += then.applied
        applied += now.applied - then.applied
        ignored += now.ignored
        dead += now.dead
    return read, applied, skipped, ignored, dead, read - applied - skipped - ignored - dead
