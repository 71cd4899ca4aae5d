"""The events of a run, as frozen values: the one hook for logs, metrics, progress and
pages (`observe=`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syncer.core.facts import DeadLetter

RequestResult = Literal["answered", "refused", "throttled", "failed", "halted"]


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """A request came back, a look-up included: the remote dealt with it, refused it
    whole, throttled it, failed, or ended the run.
    """

    method: str
    """The HTTP method."""
    status: int | None
    """The HTTP status; None where no complete answer came."""
    result: RequestResult
    seconds: float
    """From sending to the end of the answer."""


@dataclass(frozen=True, slots=True)
class ChangesSettled:
    """Changes left the window or the retry queue, durably: these counts are on disk."""

    applied: int
    dead: int
    queued: int
    """Newly waiting to be tried again."""
    retried: int
    """Tried again in vain, waiting on."""


@dataclass(frozen=True, slots=True)
class ChangeDied:
    """A change became a dead letter, durably."""

    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class DestinationChanged:
    """The destination is paused, probed, or open again."""

    state: Literal["open", "paused", "probing", "stopped"]
    paused_until: float | None
    """Seconds since 1970."""
    reason: str


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """A source could not be read, or told what is settled; the others go on."""

    source: str
    reason: str
    again_seconds: float
    """Until it is tried again."""


@dataclass(frozen=True, slots=True)
class SourceRecovered:
    """A source that had failed works again."""

    source: str


Event = (
    RequestAnswered
    | ChangesSettled
    | ChangeDied
    | DestinationChanged
    | SourceFailed
    | SourceRecovered
)
"""Everything that an observer receives."""
