"""Turns of requests: one more of them, in the place of one that was taken."""

from __future__ import annotations

import random

import anyio
import pytest

from syncer.core.destination import DestinationState
from syncer.core.pace import Concurrency, Pace
from syncer.engine.turns import Turns
from syncer.lanes.limits import clock
from tests.engine.lists import Remote

pytestmark = pytest.mark.anyio

SPACING_SECONDS = 0.2


def turns() -> Turns:
    state, pace = DestinationState(0.001, 0.002, 0.05, 0.0), Pace(1 / SPACING_SECONDS)
    pace.take(anyio.current_time())  # at its start two may go
    return Turns(Remote(), pace, Concurrency(4, pace), state, clock(), random.Random(1), lambda _: None)


async def seconds_of_another(*, gone: bool) -> float:
    of = turns()
    await of.take()
    begun = anyio.current_time()
    await of.another(gone=gone)
    assert of.in_flight == 1
    return anyio.current_time() - begun


async def test_a_request_that_waited_for_a_token_goes_at_once_for_nothing_went_in_its_turn() -> None:
    assert await seconds_of_another(gone=False) < SPACING_SECONDS / 2


async def test_a_request_that_is_repeated_waits_for_a_turn_of_its_own() -> None:
    assert await seconds_of_another(gone=True) >= SPACING_SECONDS * 0.9
