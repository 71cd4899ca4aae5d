"""A destination as an earlier run has left it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import anyio
import msgspec

from syncer.config.models import Retry
from syncer.core.destination import DestinationState
from syncer.core.facts import Destination
from syncer.engine.turns import Turns


def restore_destination(retry: Retry, left: Destination, now: float) -> DestinationState:
    """The destination as an earlier run has left it."""
    destination = DestinationState(
        retry.base_seconds, retry.cap_seconds, retry.throttle_seconds, retry.give_up_seconds
    )
    destination.restore(left, now)
    return destination


@dataclass(frozen=True, slots=True)
class LeftDestination:
    """The state of a destination as a run has left it, for the next one of the same
    process: its pause ends when it was to, also where the wall clock was set meanwhile
    or nothing could be written down.
    """

    known: Destination
    written: Destination
    """The same as the journal knew it then."""
    pause_seconds: float
    at: float
    """When it was left, by the clock of the event loop."""

    @classmethod
    def of(cls, turns: Turns, written: Destination) -> LeftDestination:
        """Return it at the end of a run."""
        return cls(turns.fact(), written, turns.pause_seconds(), anyio.current_time())

    def restore(self, written: Destination) -> Destination:
        """Return it as it is by now. `written`: what the journal says now; where that
        was changed since, it counts.
        """
        if written != self.written:
            return written
        if self.known.state != "paused":
            return self.known
        left_seconds = self.pause_seconds - (anyio.current_time() - self.at)
        return msgspec.structs.replace(self.known, until=time.time() + left_seconds)
