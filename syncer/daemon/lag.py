"""The way of changes in time: from where they were written until the remote has them.

    written ──► read ──► sent ──► applied
       └─────────── the whole ───────┘

Counted by chunks: the changes of one were read together, and count as sent with the
first of them.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, get_args

from syncer.core.batch import Settlement
from syncer.core.change import Change, Chunk
from syncer.core.columns import Posts, Stretch
from syncer.core.limiter import Wish

Stage = Literal["read", "sent", "applied"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""What a change waits for, one after the other."""
SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""The upper bounds of buckets, beside those of a lane's own."""
ROUND_TRIP_SECONDS = 0.1
"""A remote's, as far as one is assumed for the bound."""
SLACK_SECONDS = 0.02


def bounds_of(linger_seconds: float, rate: Wish) -> tuple[float, ...]:
    """Return the bounds of the buckets of a lane with these settings: among them how
    long a change may take while the lane is not at its limit, and three times that.
    """
    between = 0.0 if rate == "auto" else 1.0 / rate
    bound = linger_seconds + ROUND_TRIP_SECONDS + between + SLACK_SECONDS
    return tuple(sorted({*SECONDS, round(bound, 3), round(3 * bound, 3)}))


class Durations:
    """A histogram of seconds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum_seconds = 0.0

    def add(self, seconds: float, count: int) -> None:
        """So many took so long."""
        self._counts[bisect_left(self._bounds, seconds)] += count
        self.sum_seconds += seconds * count

    def buckets(self) -> list[tuple[str, int]]:
        """Return each upper bound with the count of all up to it, as Prometheus has
        them.
        """
        found, total = [], 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            found.append((bound, total))
        return found


@dataclass(slots=True, eq=False)
class _Portion:
    """The changes of a chunk. Times are those of the push's clock."""

    start: int
    end: int
    written_at: float
    read_at: float
    left: int
    """Changes that are not over."""
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class Delays:
    """The changes of one source on their way, now; times in seconds since 1970."""

    quiet_seconds: float = 0.0
    """Since a change was read, or since there was anybody to read one."""
    last_read_at: float | None = None
    oldest_unsent_at: float | None = None
    """When the oldest change was written of which nothing was sent yet."""
    oldest_unapplied_at: float | None = None
    """The same of changes that the remote does not have, and that are not dead."""
    whole: Durations | None = None
    stages: Mapping[Stage, Durations] = field(default_factory=dict)
    oldest_unread_at: float | None = None
    """When the oldest row was written that a table holds and nobody read yet."""


NO_DELAYS = Delays()


class _OfSource:
    """The books of one source."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.last_read_at: float | None = None
        self.quiet_since = time.monotonic()
        self.whole = Durations(bounds)
        self.stages: dict[Stage, Durations] = {stage: Durations(bounds) for stage in STAGES}

    def note_applied(self, portion: _Portion, count: int, now: float) -> None:
        sent_at = portion.read_at if portion.sent_at is None else portion.sent_at
        self.whole.add(now - portion.written_at, count)
        self.stages["read"].add(portion.read_at - portion.written_at, count)
        self.stages["sent"].add(sent_at - portion.read_at, count)
        self.stages["applied"].add(now - sent_at, count)


class _OfLog:
    """The portions of one log, in order."""

    def __init__(self, number: int, source: _OfSource) -> None:
        self.number = number
        self.source = source
        self.portions: list[_Portion] = []
        self._ends: list[int] = []
        self._last: _Portion | None = None

    def add(self, portion: _Portion) -> None:
        self.portions.append(portion)
        self._ends.append(portion.end)

    def find(self, index: int) -> _Portion | None:
        """The portion of the change with this index; None of one that an earlier run
        read.
        """
        last = self._last
        if last is not None and last.start <= index < last.end:
            return last
        at = bisect_right(self._ends, index)
        if at == len(self._ends) or self.portions[at].start > index:
            return None
        self._last = self.portions[at]
        return self._last

    def remove(self, portion: _Portion) -> None:
        at = bisect_left(self._ends, portion.end)
        del self.portions[at], self._ends[at]
        if self._last is portion:
            self._last = None


class Lag:
    """The delays of the sources of one lane. Implements `Trail`, of one push after the
    other.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds`: of the buckets."""
        self._bounds = bounds
        self._sources: dict[str, _OfSource] = {}
        self._logs: dict[int, _OfLog] = {}
        self._began = time.monotonic()
        self._ahead_seconds = 0.0
        """Of the wall clock, as against the clock of the push."""
        self.last_applied_at: float | None = None

    def count_within(self, bounds: Sequence[float]) -> None:
        """Count in these buckets, from scratch where they are other ones."""
        if bounds != self._bounds:
            self._bounds = bounds
            self._sources.clear()

    def begin(self) -> None:
        """A push begins: it reads again what an earlier one was not done with."""
        self._logs.clear()

    def note_read(self, source: str, chunk: Chunk, now: float) -> None:
        """Follow the changes of a chunk."""
        name, count, wall = source.partition("/")[0], len(chunk.changes), time.time()
        known = self._sources.get(name)
        if known is None:
            known = self._sources[name] = _OfSource(self._bounds)
        if not chunk.count:
            return
        known.last_read_at, known.quiet_since = wall, time.monotonic()
        self._ahead_seconds = wall - now
        if count:
            log = self._logs.get(chunk.log)
            if log is None:
                log = self._logs[chunk.log] = _OfLog(chunk.log, known)
            waited = max(0.0, wall - chunk.written_at) if chunk.written_at else 0.0
            first = chunk.changes[0].index
            log.add(_Portion(first, chunk.end.index, now - waited, now, count))

    def note_sent(self, changes: Sequence[Change], now: float) -> None:
        """The first request with changes of a portion stands for all of them."""
        pieces = changes.parts if isinstance(changes, Posts) else changes
        for _, portion in self._count(pieces):
            if portion.sent_at is None:
                portion.sent_at = now

    def note_settled(self, settlement: Settlement, now: float) -> None:
        """Count what was applied, and let go of what is over."""
        ended = [entry.change for entry in settlement.applied]
        applied = self._count(chain(ended, settlement.posts))
        for (log, portion), count in applied.items():
            log.source.note_applied(portion, count, now)
            self._take_out(log, portion, count)
        for (log, portion), count in self._count(entry.change for entry in settlement.dead).items():
            self._take_out(log, portion, count)
        if settlement.applied_count:
            self.last_applied_at = time.time()
            self._ahead_seconds = self.last_applied_at - now

    def _count(self, pieces: Iterable[Change | Stretch]) -> dict[tuple[_OfLog, _Portion], int]:
        """Count how many of these are of which portion. A stretch is of one."""
        found: dict[tuple[_OfLog, _Portion], int] = {}
        for piece in pieces:
            log = self._logs.get(piece.log)
            portion = None if log is None else log.find(piece.index)
            if log is not None and portion is not None:
                count = len(piece) if isinstance(piece, Stretch) else 1
                found[log, portion] = found.get((log, portion), 0) + count
        return found

    def _take_out(self, log: _OfLog, portion: _Portion, count: int) -> None:
        portion.left -= count
        if portion.left <= 0:
            log.remove(portion)
            if not log.portions:  # there are ever more logs, and most are over
                self._logs.pop(log.number, None)

    def delays(self, source: str) -> Delays:
        """Return those of the source of this name."""
        known = self._sources.get(source)
        if known is None:
            return Delays(quiet_seconds=time.monotonic() - self._began)
        portions = [
            portion
            for log in self._logs.values()
            if log.source is known
            for portion in log.portions
        ]
        unsent = [portion.written_at for portion in portions if portion.sent_at is None]
        ahead = self._ahead_seconds
        return Delays(
            time.monotonic() - known.quiet_since,
            known.last_read_at,
            min(unsent) + ahead if unsent else None,
            min(portion.written_at for portion in portions) + ahead if portions else None,
            known.whole,
            known.stages,
        )
