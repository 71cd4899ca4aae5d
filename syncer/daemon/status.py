"""The daemon as it is now, as values: what `/api/status`, metrics and the page show."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from syncer.core.backlog import Backlog
from syncer.core.events import Event, RequestAnswered
from syncer.core.ledger import Ledger
from syncer.core.settle import rfc3339
from syncer.daemon.drift import NO_DRIFT, DriftFound
from syncer.daemon.lag import NO_DELAYS, Delays
from syncer.engine.turns import Turns

LaneState = Literal["open", "paused", "probing", "stopped"]
SourceState = Literal["following", "parked", "late", "stopped"]
CheckStatus = Literal["healthy", "late", "warning", "error"]
ReloadResult = Literal["ok", "unchanged", "failed"]
RATE_SECONDS = 10.0
"""The time over which the rate of requests is averaged."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is watched."""

    name: str
    status: CheckStatus
    since: str
    """RFC 3339, UTC: since when it has been like that."""
    message: str


@dataclass(frozen=True, slots=True)
class LanePause:
    """The time in which a lane does not push, and the reason."""

    until: float
    """Seconds since 1970."""
    reason: str
    since: float

    @classmethod
    def now(cls, reason: str, seconds: float) -> LanePause:
        """A pause that begins now."""
        since = time.time()
        return cls(since + seconds, reason, since)

    def left_seconds(self) -> float:
        """Return how long it lasts yet: never longer than as a whole, also where the
        clock was set back since.
        """
        return min(self.until - time.time(), self.until - self.since)

    def check(self) -> Check:
        """Return it as something that is wrong."""
        return Check("push", "error", rfc3339(self.since), self.reason)


@dataclass(frozen=True, slots=True)
class StateTotals:
    """The counts of a state over all runs: read = applied + ignored + dead +
    pending.
    """

    read: int = 0
    applied: int = 0
    skipped: int = 0
    """Always 0: what an earlier run applied counts as applied."""
    ignored: int = 0
    pending: int = 0
    retrying: int = 0
    in_doubt: int = 0
    dead: int = 0
    oldest_pending_seconds: float | None = None
    """Since what waits longest failed first."""

    @classmethod
    def of(cls, ledger: Ledger) -> StateTotals:
        """The counts of a ledger that nobody changes meanwhile."""
        counts = [log.counts for log in ledger.logs.values()]
        queue = ledger.queue.values()
        failed_at = [queued.first_failed_at for queued in queue if queued.first_failed_at]
        return cls(
            read=sum(one.read for one in counts),
            applied=sum(one.applied for one in counts),
            ignored=sum(one.ignored for one in counts),
            pending=sum(one.queued for one in counts),
            retrying=sum(not queued.doubt for queued in queue),
            in_doubt=sum(queued.doubt for queued in queue),
            dead=ledger.dead,
            oldest_pending_seconds=(
                round(max(0.0, time.time() - min(failed_at)), 3) if failed_at else None
            ),
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests of a lane just now."""

    rate: float = 0.0
    """Requests a second, of late."""
    rate_limit: float | None = None
    """The most requests a second; None where no push is on."""
    in_flight: int = 0
    concurrency: int = 0
    """The most requests in flight."""

    @classmethod
    def of(cls, turns: Turns, rate_limit: float, rate: float) -> Traffic:
        """The requests that go in these turns."""
        return cls(round(rate, 2), rate_limit, turns.in_flight, turns.concurrency.limit)


@dataclass(frozen=True, slots=True)
class Load:
    """The changes that a push holds, and how many it may."""

    window: int = 0
    window_limit: int = 0
    queue: int = 0
    queue_limit: int = 0

    @classmethod
    def of(cls, backlog: Backlog) -> Load:
        """The load of this backlog."""
        limits = backlog.limits
        return cls(backlog.window_count, limits.window_max, backlog.queue_count, limits.queue_max)


NO_LOAD = Load()


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane as it is now."""

    name: str
    state: LaneState
    paused_until: str | None
    """RFC 3339, UTC."""
    reason: str
    traffic: Traffic
    totals: StateTotals
    checks: tuple[Check, ...]
    load: Load = NO_LOAD
    last_applied_at: float | None = None
    """Seconds since 1970; None: nothing was applied since the start."""
    drift: DriftFound = NO_DRIFT

    def record(self) -> dict[str, object]:
        """Return it as `/api/status` shows it."""
        return {
            "name": self.name,
            "state": self.state,
            "paused_until": self.paused_until,
            "reason": self.reason,
            **asdict(self.traffic),
            **asdict(self.totals),
            "checks": [asdict(check) for check in self.checks],
        }


@dataclass(slots=True)
class SourceTotals:
    """The part of a source in a state."""

    read: int = 0
    pending: int = 0
    failed_at: float = math.inf
    """When the change of it that waits longest failed first; infinite: none waits."""


def sum_up_sources(ledger: Ledger) -> dict[str, SourceTotals]:
    """Return the totals of each source, by its name: the labels of its logs are the
    name, or begin with it and a slash.
    """
    found = defaultdict[str, SourceTotals](SourceTotals)
    names = {n: log.identity.label.partition("/")[0] for n, log in ledger.logs.items()}
    for number, log in ledger.logs.items():
        found[names[number]].read += log.counts.read
    for queued in ledger.queue.values():
        of_source = found[names[queued.log]]
        of_source.pending += 1
        if queued.first_failed_at:
            of_source.failed_at = min(of_source.failed_at, queued.first_failed_at)
    return found


class RecentRequests:
    """The requests of the last seconds, for their rate."""

    def __init__(self) -> None:
        self._answered_at: deque[float] = deque()

    def note(self, event: Event, now: float) -> None:
        """Count an event that is about a request."""
        if isinstance(event, RequestAnswered):
            self._answered_at.append(now)
            self._forget(now)

    def rate(self, now: float) -> float:
        """Return the requests a second, of late."""
        self._forget(now)
        return len(self._answered_at) / RATE_SECONDS

    def _forget(self, now: float) -> None:
        while self._answered_at and self._answered_at[0] < now - RATE_SECONDS:
            self._answered_at.popleft()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault of something that is watched."""

    message: str
    status: CheckStatus = "error"
    since: float | None = None
    """Seconds since 1970; None: since it was seen first."""


@dataclass(slots=True)
class Faults:
    """The faults of a thing that is watched, by the name of the check, each with the
    time of its beginning.
    """

    _since: dict[str, tuple[float, Trouble]] = field(default_factory=dict)

    def set(self, found: Mapping[str, Trouble]) -> None:
        """Take over what is wrong now; what was wrong already keeps its time."""
        now = time.time()
        self._since = {
            name: (trouble.since or (self._since[name][0] if name in self._since else now), trouble)
            for name, trouble in found.items()
        }

    def checks(self) -> tuple[Check, ...]:
        """Return them, the oldest first."""
        return tuple(
            Check(name, trouble.status, rfc3339(since), trouble.message)
            for name, (since, trouble) in sorted(self._since.items(), key=lambda one: one[1][0])
        )


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source as it is now."""

    name: str
    kind: str
    lane: str
    state: SourceState
    reason: str
    lag_seconds: float | None
    """How long the change of it has waited that waits longest for being applied; None
    before anything of it was read.
    """
    read: int
    """Changes and bad lines of it that the state knows of."""
    checks: tuple[Check, ...]
    delays: Delays = NO_DELAYS
    pending: int = 0
    """Changes of it that are to be tried again."""

    def record(self) -> dict[str, object]:
        """Return it as `/api/status` shows it."""
        record = asdict(replace(self, delays=NO_DELAYS))
        del record["delays"]
        return record
