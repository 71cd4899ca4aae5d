"""A destination as an earlier run has left it."""

from __future__ import annotations

from syncer.config.models import Retry
from syncer.core.destination import DestinationState
from syncer.core.facts import Destination


def restore_destination(retry: Retry, left: Destination, now: float) -> DestinationState:
    """The destination as an earlier run has left it."""
    destination = DestinationState(
        retry.base_seconds, retry.cap_seconds, retry.throttle_seconds, retry.give_up_seconds
    )
    destination.restore(left, now)
    return destination
