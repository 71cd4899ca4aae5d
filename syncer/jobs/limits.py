"""Rates and pauses: one limiter for each (base URL, credential) of the process, shared
by all its lanes, and a destination as an earlier run has left it.
"""

from __future__ import annotations

from typing import Literal
from weakref import WeakValueDictionary

from syncer.config.models import Retry
from syncer.core.destination import DestinationState
from syncer.core.facts import Destination
from syncer.core.pace import Pace
from syncer.core.seeking import SeekingPace

_paces: WeakValueDictionary[tuple[str, str], Pace] = WeakValueDictionary()


def shared_pace(
    base_url: str, credential: str, requests_per_second: float | Literal["auto"]
) -> Pace:
    """The pace of all that go to this address with this credential. Of two rates the
    lower one holds, for as long as both are used.

    A limit that is to be found is not sought above a rate that somebody gives.
    """
    pace = _paces.get((base_url, credential))
    if pace is None:
        pace = SeekingPace() if requests_per_second == "auto" else Pace(requests_per_second)
        _paces[base_url, credential] = pace
    if requests_per_second != "auto":
        pace.slow_to(requests_per_second)
    return pace


def carried_on(retry: Retry, left: Destination, now: float) -> DestinationState:
    """The destination as an earlier run has left it."""
    destination = DestinationState(
        retry.base_seconds, retry.cap_seconds, retry.throttle_seconds, retry.give_up_seconds
    )
    destination.restore(left, now)
    return destination
