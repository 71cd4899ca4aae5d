"""The progress of a push or a pull, and when a push will be over."""

from __future__ import annotations

import math
from dataclasses import dataclass

import anyio

from syncer.core.pace import Paced
from syncer.engine.turns import Turns
from syncer.jobs.report import PushReport


@dataclass(frozen=True, slots=True)
class Sending:
    """The state of a lane's requests just now."""

    share_of_limit: float = 0.0
    """From 0 to 1: how much of what the limit has let go so far has gone."""
    pause_seconds: float = 0.0
    """Until the destination's pause is over; 0: none."""
    pause_reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """A push as it is now."""

    report: PushReport
    share_read: float | None
    """The share of the sources, by their bytes; None if that is not known."""
    sending: Sending
    left_seconds: float | None
    """The pause included; None while there is nothing to go by."""


class Share:
    """The share of a limit that is used, by the limiter's own count: what it does not
    limit does not count, and its rate may change.
    """

    def __init__(self, pace: Paced, now: float) -> None:
        """From now on. Seconds of the clock that the pace is asked with."""
        self._pace = pace
        self._taken = pace.taken
        self._let = pace.let(now)

    def at(self, now: float) -> float:
        """From 0 to 1.

        The first request is let go at once; lateness that was made up for is no more
        than the limit.
        """
        let = 1 + math.floor(self._pace.let(now) - self._let + 1e-6)
        return min(1.0, (self._pace.taken - self._taken) / let)


def sending(turns: Turns, share: Share) -> Sending:
    """Return how the requests of these turns go just now. From within the event
    loop.
    """
    return Sending(share.at(anyio.current_time()), turns.pause_seconds(), turns.destination.reason)


class Estimate:
    """The time when a run will be over, by what it did while it was not paused, and by
    the request limit, the later of the two.
    """

    def __init__(self, pace: Paced) -> None:
        self._pace = pace
        self._active_seconds = 0.0
        self._at: float | None = None

    def note(self, now: float, *, paused: bool) -> None:
        """Time has passed, in a pause or not. Seconds of any one clock."""
        if self._at is not None and not paused:
            self._active_seconds += now - self._at
        self._at = now

    def seconds(
        self, settled: int, requests: int, left: float | None, pause_seconds: float
    ) -> float | None:
        """Return how long `left` changes will take, after `settled` took `requests`;
        None if that is not known yet.
        """
        if left == 0:
            return 0.0
        if left is None or not settled or not self._active_seconds:
            return None
        as_before = left / settled * self._active_seconds
        by_limit = left / settled * requests / self._pace.requests_per_second
        return pause_seconds + max(as_before, by_limit)


def unread(read: int, progress: tuple[int, int] | None, start: int) -> float | None:
    """About how many changes are still to be read, from how many came out of the bytes
    read since `start`; None where that is not known.
    """
    if progress is None:
        return None
    at, size = progress
    if at >= size:
        return 0.0
    return (size - at) * read / (at - start) if at > start else None
