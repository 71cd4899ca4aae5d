"""A long pull uses the rate it is given, at any latency, and never more: the engine and
the listing of a pull, in virtual time.
"""

from __future__ import annotations

import os
import random
from bisect import bisect_left

import anyio
import pytest

from syncer.core.backoff import Backoff
from syncer.core.destination import DestinationState
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.pull import Found, Unit
from syncer.core.ports.wire import AnotherTurn, Reply, Request
from syncer.engine.clock import Clock as RunClock
from syncer.engine.pull import Pull, Way
from syncer.engine.turns import Turns
from syncer.jobs.origins import UNITS_AHEAD_MAX
from syncer.jobs.wiring import API_AT_ONCE_MAX
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.selection import Selection
from tests.proof.simulation.clock import Clock
from tests.remotes.listed import Service

SECONDS = int(os.environ.get("SYNCER_PROOF_RATE_SECONDS", "40"))
"""How long the list is, at the rate."""
USED_MIN = 0.97
INPUTS_A_REQUEST = 9
"""Ids are so long that eighteen inputs fill a URL, and a group of inputs takes two
requests.
"""


class Distant:
    """A service some way off. Implements `syncer.core.ports.wire.Transport`."""

    def __init__(self, service: Service, latency_seconds: float, rng: random.Random) -> None:
        self.sent: list[float] = []
        self._service = service
        self._latency_seconds = latency_seconds
        self._rng = rng

    async def send(self, request: Request, turn: AnotherTurn) -> Reply:
        self.sent.append(anyio.current_time())
        await anyio.sleep(self._latency_seconds * (0.9 + 0.2 * self._rng.random()))
        return self._service.answer(request)


@pytest.mark.parametrize("latency_seconds", [0.05, 0.4])
@pytest.mark.parametrize("rate", [15, 50, 200])
def test_a_long_pull_uses_its_rate_from_the_first_request_to_the_last(
    rate: int, latency_seconds: float
) -> None:
    """Even the first answers, which name the inputs and tell how many fill a page."""
    inputs = [
        f"input-{number:08}-{'x' * 180}" for number in range(rate * SECONDS * INPUTS_A_REQUEST)
    ]
    remote = Distant(Service({id: ["a"] for id in inputs}), latency_seconds, random.Random(rate))
    fetched: set[tuple[str, ...]] = set()

    async def deliver(unit: Unit, found: Found) -> None:
        fetched.update(row.key for row in found.rows)

    async def pull() -> None:
        destination = DestinationState(1.0, 60.0, 1.0, 0.0)
        pace = Pace(rate)
        turns = Turns(
            remote,
            pace,
            Concurrency("auto", pace),
            destination,
            RunClock(),
            random.Random(1),
            lambda _: None,
        )
        ways = {"api": Way(turns, anyio.Semaphore(API_AT_ONCE_MAX))}
        listing = AnnotationListing("me", "app", Selection())
        engine = Pull(
            listing,
            ways,
            units_ahead_max=UNITS_AHEAD_MAX,
            max_attempts=5,
            backoff=Backoff(1.0, 60.0, random.Random(2)),
        )
        await engine.run("", deliver)

    Clock().run(pull, steps_max=10**8)
    sent = remote.sent
    assert len(fetched) == len(inputs)
    assert max(number + 1 - bisect_left(sent, at - 1.0) for number, at in enumerate(sent)) <= rate
    assert (len(sent) - 1) / (sent[-1] - sent[0]) >= USED_MIN * rate
