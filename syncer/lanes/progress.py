"""How far a push is, and when it will be over."""

from __future__ import annotations

from dataclasses import dataclass

from syncer.core.pace import Pace
from syncer.lanes.report import PushReport


@dataclass(frozen=True, slots=True)
class Progress:
    """A push as it is now."""

    report: PushReport
    share_read: float | None
    """Of the sources, by their bytes; None where that is not known."""
    share_of_limit: float
    """Requests a second so far, by the limit."""
    pause_seconds: float
    """Until the destination's pause is over; 0: none."""
    pause_reason: str
    left_seconds: float | None
    """The pause included; None while there is nothing to go by."""


class Estimate:
    """When a run will be over, by what it did while it was not paused, and by the request limit, whichever is later."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._active_seconds = 0.0
        self._at: float | None = None

    def note(self, now: float, *, paused: bool) -> None:
        """Time has passed, in a pause or not. Seconds of any one clock."""
        if self._at is not None and not paused:
            self._active_seconds += now - self._at
        self._at = now

    def seconds(self, settled: int, requests: int, left: float, pause_seconds: float) -> float | None:
        """How long `left` changes will take, after so many were settled with so many requests."""
        if not left:
            return 0.0
        if not settled or not self._active_seconds:
            return None
        as_before = left / settled * self._active_seconds
        by_limit = left / settled * requests / self._pace.requests_per_second
        return pause_seconds + max(as_before, by_limit)


def unread(read: int, progress: tuple[int, int] | None, start: int) -> float:
    """About how many changes are still to be read, from how many came out of the bytes read since `start`."""
    if progress is None or progress[0] <= start:
        return 0.0
    at, size = progress
    return (size - at) * read / (at - start)
