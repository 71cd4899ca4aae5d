"""Rates and pauses: one limiter for each (base URL, credential) of the process, shared
by all its lanes, and the turns of a lane.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal
from weakref import WeakValueDictionary

from syncer.config.models import Retry
from syncer.core.destination import DestinationState
from syncer.core.events import Event
from syncer.core.facts import Destination
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.wire import Transport
from syncer.core.seeking import SeekingPace
from syncer.engine.clock import Clock
from syncer.engine.turns import Advice, Turns

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


def turns(  # noqa: PLR0913 - all that a lane shares and remembers
    transport: Transport,
    pace: Pace,
    concurrency: int | Literal["auto"],
    retry: Retry,
    left: Destination,
    now: Clock,
    rng: random.Random,
    observe: Callable[[Event], None],
    advice: Advice = Advice(),
) -> Turns:
    """The turns of a lane; `left` is how an earlier run left the destination."""
    destination = DestinationState(
        retry.base_seconds, retry.cap_seconds, retry.throttle_seconds, retry.give_up_seconds
    )
    destination.restore(left, now())
    return Turns(
        transport, pace, Concurrency(concurrency, pace), destination, now, rng, observe, advice
    )
