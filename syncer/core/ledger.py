"""The state that the facts add up to: how far each log is, what waits, what died, how
the destination is.

`Ledger` is the same at run time and after a restart: both fold the same facts.
`facts()` gives back a short list of facts that folds to the same ledger: that is all
there is to compacting a journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from syncer.core.change import LogIdentity
from syncer.core.facts import (
    OPEN,
    Closed,
    DeadFile,
    DeadLetter,
    Deleted,
    Destination,
    Fact,
    Forgotten,
    JournalFact,
    LetterHead,
    LettersForgotten,
    Opened,
    Queued,
    Read,
    Requeued,
    Retried,
    Settled,
    Superseded,
    Totals,
    Unburied,
    Unqueued,
)
from syncer.core.fates import Fates
from syncer.core.letters import LetterKeys
from syncer.core.watermark import Run, Watermark


@dataclass(slots=True)
class LogCounts:
    """Totals over all runs. read = applied + ignored + dead + queued."""

    applied: int = 0
    ignored: int = 0
    dead: int = 0
    queued: int = 0

    @property
    def read(self) -> int:
        """Changes that have left the window, to any place."""
        return self.applied + self.ignored + self.dead + self.queued

    def add(self, place: str, count: int) -> None:
        """Count changes into one of the places."""
        setattr(self, place, getattr(self, place) + count)


@dataclass(slots=True)
class LogState:
    """One log of the state."""

    identity: LogIdentity
    watermark: Watermark = field(default_factory=Watermark)
    counts: LogCounts = field(default_factory=LogCounts)

    @property
    def is_read_to_its_end(self) -> bool:
        """Whether all changes of its file, as it was seen last, have left the window.

        Older states do not say it of packed logs.
        """
        identity, end = self.identity, self.identity.end
        if end < 0 and not identity.device and not identity.path.endswith(".gz"):
            end = identity.size
        return 0 <= end <= self.watermark.resume.offset


class Ledger:
    """All that a state folder holds, except the bodies of what waits and the texts of
    dead letters.
    """

    def __init__(self) -> None:
        self.logs: dict[int, LogState] = {}
        self.queue: dict[int, Queued] = {}
        """By number, in ascending order; without bodies."""
        self.destination: Destination = OPEN
        self.deleted = 0
        self.dead_size = 0
        """Bytes of dead.jsonl that count."""
        self.letters = LetterKeys()
        """Whose dead letters there are."""
        self.next_number = 1
        self._next_log = 1
        self._fates: dict[int, Fates] = {}

    def follow(self, log: int) -> Fates:
        """Return the fates of this log's changes; they go on with the facts."""
        waiting = [queued for queued in self.queue.values() if queued.log == log]
        return self._fates.setdefault(log, Fates(waiting))

    def next_log(self) -> int:
        """The number that the next new log gets: one that no log ever had, since
        letters keep those of forgotten logs.
        """
        return self._next_log

    def copy_logs(self) -> Ledger:
        """Return a ledger that knows which logs there are and how far each is settled.
        A thread can look at it while facts are folded into this one.
        """
        copy = Ledger()
        copy._next_log = self._next_log
        for number, log in self.logs.items():
            watermark = log.watermark.copy_from(log.watermark.resume)
            copy.logs[number] = LogState(log.identity, watermark)
        return copy

    @property
    def dead(self) -> int:
        """Open dead letters of all logs."""
        return sum(log.counts.dead for log in self.logs.values())

    def apply(self, fact: Fact | LetterHead) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each kind of fact
        """Fold one fact in.

        Raises KeyError, ValueError for one that is about nothing that the ledger knows.
        """
        if self._fates:
            self._tell_fates(fact)
        match fact:
            case LetterHead() | DeadLetter():  # first: a start folds a million of them
                self.letters.bury(fact)
                if fact.log >= self._next_log:
                    self._next_log = fact.log + 1
            case Settled():
                log = self.logs[fact.log]
                log.watermark.settle(Run(fact.start, fact.count, fact.crc))
                log.counts.add(fact.place, fact.count)
            case Read():
                self.logs[fact.log].watermark.mark(fact.mark)
            case Totals():
                self.logs[fact.log] = _from_totals(fact, self.logs[fact.log].identity)
            case Queued():
                self.queue[fact.number] = msgspec.structs.replace(fact, raw="", written=None)
                self.next_number = max(self.next_number, fact.number + 1)
            case Retried():
                self.queue[fact.number] = msgspec.structs.replace(
                    self.queue[fact.number],
                    attempts=fact.attempts,
                    doubt=fact.doubt,
                    first_failed_at=fact.first_failed_at,
                    last_failed_at=fact.last_failed_at,
                    reason=fact.reason,
                    code=fact.code,
                )
            case Unqueued():
                counts = self.logs[self.queue.pop(fact.number).log].counts
                counts.queued -= 1
                counts.add(fact.ending, 1)
            case Requeued():
                queued = self.queue.pop(fact.old)
                self.queue[fact.new] = msgspec.structs.replace(queued, number=fact.new)
                self.next_number = max(self.next_number, fact.new + 1)
            case Unburied():
                counts = self.logs[fact.log].counts
                if counts.dead < 1:
                    raise ValueError(f"log {fact.log} has no dead letter")
                counts.dead -= 1
                counts.add(fact.place, 1)
            case Opened():
                known = self.logs.get(fact.log)
                if known is None:
                    self.logs[fact.log] = LogState(fact.identity)
                    self._next_log = max(self._next_log, fact.log + 1)
                else:
                    known.identity = fact.identity
            case Forgotten():
                del self.logs[fact.log]
                queue = self.queue.items()
                self.queue = {number: one for number, one in queue if one.log != fact.log}
            case Destination():
                self.destination = fact
            case Deleted():
                self.deleted += fact.count
            case DeadFile():
                self.dead_size = fact.size
            case Superseded():
                self.letters.said(fact)
            case LettersForgotten():  # counted by `Forgotten`
                self._next_log = max(self._next_log, fact.log + 1)
            case Closed():
                pass  # counted by `Unburied`

    def _tell_fates(self, fact: Fact | LetterHead) -> None:
        match fact:
            case DeadLetter():
                if fates := self._fates.get(fact.log):
                    fates.died(fact.index, fact.reason)
            case Queued():
                if fates := self._fates.get(fact.log):
                    fates.queued(fact)
            case Unqueued():
                queued = self.queue[fact.number]
                if fates := self._fates.get(queued.log):
                    fates.unqueued(queued.index)
            case _:
                pass  # these say nothing about one change

    def facts(self) -> Iterator[JournalFact]:
        """Facts that fold to this ledger.

        The `Queued` ones come without bodies: the writer adds those.
        """
        for number, log in self.logs.items():
            yield Opened(number, log.identity)
            yield _totals(number, log)
        yield from self.queue.values()
        if self.deleted:
            yield Deleted(self.deleted)
        yield self.destination
        yield DeadFile(self.dead_size)


def _totals(number: int, log: LogState) -> Totals:
    mark, counts = log.watermark, log.counts
    return Totals(
        log=number,
        resume=mark.resume,
        runs=[(run.start, run.count, run.crc) for run in mark.runs()],
        marks=mark.marks(),
        applied=counts.applied,
        ignored=counts.ignored,
        dead=counts.dead,
        queued=counts.queued,
    )


def _from_totals(totals: Totals, identity: LogIdentity) -> LogState:
    watermark = Watermark(totals.resume)
    for mark in totals.marks:
        watermark.mark(mark)
    for start, count, crc in totals.runs:
        watermark.settle(Run(start, count, crc))
    return LogState(
        identity, watermark, LogCounts(totals.applied, totals.ignored, totals.dead, totals.queued)
    )
