"""The origin of a pull and the engine that reads it, wired: a listing, HTTP, turns."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from syncer.config.models import Retry
from syncer.core.backoff import Backoff
from syncer.core.events import Event
from syncer.core.facts import OPEN, Destination
from syncer.core.limiter import LanePace
from syncer.core.pace import Concurrency, Pace, Paced
from syncer.core.ports.pull import Ask, Layout, Listing
from syncer.core.ports.wire import Transport
from syncer.engine.advice import PARTLY_READ, Advice, Left
from syncer.engine.clock import Clock
from syncer.engine.pull import Pull, Way
from syncer.engine.turns import Turns
from syncer.jobs.destinations import restore_destination
from syncer.jobs.folders import resuming
from syncer.jobs.limiters import in_use
from syncer.transport.http import HttpTransport
from syncer.transport.tokens import TokenTransport

API_AT_ONCE_MAX = 256
STORAGE_RATE = 1e6
"""Signed URLs are bounded by how many are fetched at a time, not by a rate."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a pull: a listing of a remote, and the ways to ask it."""

    listing: Listing
    layout: Layout
    api: HttpTransport | TokenTransport
    pace: LanePace
    concurrency: int | Literal["auto"]
    storage: HttpTransport | None
    """For signed URLs; None if the listing has none."""
    storage_concurrency: int
    retry: Retry
    units_ahead_max: int
    credentials: str
    """Where they come from, for messages."""
    name: str
    """What is pulled from where, without any secret: what a checkpoint is for."""
    address: str = "the remote"
    """Where requests go, for messages."""
    settings: str = "base_url"
    """What says where they go."""
    probe: Ask[object] | None = None
    """A question that is answered if the address is right."""


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The states in which an earlier run has left the API and the storage."""

    api: Destination = OPEN
    storage: Destination = OPEN
    state: Path | None = None
    """The folder that says so."""


@asynccontextmanager
async def wire(
    origin: Origin,
    observe: Callable[[Event], None],
    *,
    earlier: EarlierRun = EarlierRun(),
    listing: Listing | None = None,
    leaves: Left = PARTLY_READ,
    clock: Callable[[], Clock] = Clock,
    rng: random.Random | None = None,
) -> AsyncIterator[Pull]:
    """The engine of a run, its connections open while the block lasts.

    `listing`: another one than the origin's, of the same remote. `leaves`: what there
    is where the run stops early. `clock`: makes that of the run, within its event loop.
    `rng`: for jitter.
    """
    now, rng = clock(), rng or random.Random()  # noqa: S311 - jitter, not a secret
    retry = origin.retry
    at_once = API_AT_ONCE_MAX if origin.concurrency == "auto" else origin.concurrency
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(origin.api)
        stack.enter_context(in_use(origin.pace))
        advice = Advice(
            origin.credentials,
            "" if earlier.state is None else resuming(earlier.state),
            origin.address,
            origin.settings,
            leaves,
        )

        def turns(
            transport: Transport, pace: Paced, most: int | Literal["auto"], left: Destination
        ) -> Turns:
            destination, concurrency = (
                restore_destination(retry, left, now()),
                Concurrency(most, pace),
            )
            return Turns(transport, pace, concurrency, destination, now, rng, observe, advice)

        api_turns = turns(origin.api, origin.pace, origin.concurrency, earlier.api)
        api_turns.whereabouts.probe = origin.probe
        ways: dict[Literal["api", "storage"], Way] = {
            "api": Way(api_turns, anyio.Semaphore(at_once, fast_acquire=True))
        }
        if origin.storage is not None:
            await stack.enter_async_context(origin.storage)
            count = origin.storage_concurrency
            storage_turns = turns(origin.storage, Pace(STORAGE_RATE), count, earlier.storage)
            ways["storage"] = Way(storage_turns, anyio.Semaphore(count, fast_acquire=True))
        yield Pull(
            listing or origin.listing,
            ways,
            units_ahead_max=origin.units_ahead_max,
            max_attempts=retry.max_attempts,
            backoff=Backoff(retry.base_seconds, retry.cap_seconds, rng),
        )
