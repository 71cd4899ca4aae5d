"""The way of a run's requests: one after another, within the rate, the pauses that the
service asks for, and the number of requests that a run may send.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import anyio

from syncer.config.models import Retry
from syncer.core.backoff import Backoff
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.core.retry_after import asked_seconds
from syncer.errors import Stopped
from syncer.jobs.clarifai import App
from syncer.jobs.probe.shown import Crowded, Halted, NotPlain, Shown, read_shown

REQUESTS_MAX = 299
"""The requests of a run, its tidying included."""
FAILURES_MAX = 25
"""So many faults one after another are an outage."""


class RunEnds(Exception):
    """No further question is asked: the run is to end."""


class Spent(Exception):
    """The requests of the run are used up."""


class RequestLine:
    """Sends the requests of a run, one at a time."""

    def __init__(self, app: App, retry: Retry, rng: random.Random) -> None:
        self.requests = 0
        """Requests that were sent for questions and for tidying."""
        self.kept = 0
        """Requests that are kept for tidying up."""
        self.ending = anyio.Event()
        """Set once no further question is to be asked."""
        self.last: Reply | NoReply | None = None
        """What came last."""
        self._app = app
        self._retry = retry
        self._backoff = Backoff(retry.base_seconds, retry.cap_seconds, rng)
        self._failures = 0
        self._throttles = 0
        self._not_before = 0.0

    async def ask(self, request: Request, *, tidying: bool = False) -> Shown:
        """Send a request in its turn; return what shows.

        Raises NotPlain, Halted, Spent, RunEnds, Stopped.
        """
        if self.requests >= REQUESTS_MAX - (0 if tidying else self.kept):
            raise Spent
        await self._take(tidying=tidying)
        self.requests += 1
        turn = _Again(self, tidying=tidying)
        self.last = reply = await self._app.transport.send(request, turn)
        try:
            shown = read_shown(reply)
        except Crowded:
            self._pause(tidying=tidying)
            raise
        except NotPlain:
            self._fail(tidying=tidying)
            raise
        except Halted:
            self._failures = 0
            raise
        self._failures = self._throttles = 0
        return shown

    async def insist(self, request: Request, *, tidying: bool = False) -> Shown:
        """Ask until the answer is plain. For what may be asked twice."""
        while True:
            try:
                return await self.ask(request, tidying=tidying)
            except NotPlain:
                continue

    async def send_at_once(self, requests: Sequence[Request]) -> list[Reply | NoReply]:
        """Send these without a pace, all at the same time; return what came, in their
        order. Raises RunEnds.
        """
        if self.ending.is_set():
            raise RunEnds
        self.requests += len(requests)
        came: dict[int, Reply | NoReply] = {}

        async def send(place: int, request: Request) -> None:
            turn = _Again(self, tidying=True)
            came[place] = await self._app.transport.send(request, turn)

        async with anyio.create_task_group() as tasks:
            for place, request in enumerate(requests):
                tasks.start_soon(send, place, request)
        return [came[place] for place in range(len(requests))]

    def read_wait(self) -> float | None:
        """Return the seconds that the last answer asks to wait; None if it does not."""
        reply = self.last
        if not isinstance(reply, Reply):
            return None
        return asked_seconds(reply.retry_after, reply.date, time.time())

    async def rest(self, seconds: float) -> None:
        """Wait, unless the run is to end. Raises RunEnds."""
        with anyio.move_on_after(seconds):
            await self.ending.wait()
            raise RunEnds

    async def _take(self, *, tidying: bool) -> None:
        pace = self._app.pace
        while True:
            if self.ending.is_set() and not tidying:
                raise RunEnds
            now = anyio.current_time()
            at = max(self._not_before, pace.next_at(now))
            if at <= now:
                pace.take(now)
                return
            if tidying:
                await anyio.sleep(at - now)
            else:
                await self.rest(at - now)

    def _pause(self, *, tidying: bool) -> None:
        """Wait as long as the service asks, else as long as its documents say."""
        self._throttles += 1
        asked = self.read_wait()
        seconds = self._retry.throttle_seconds * self._throttles if asked is None else asked
        self._app.pace.refused(anyio.current_time(), seconds)
        self._wait(seconds, tidying=tidying)

    def _fail(self, *, tidying: bool) -> None:
        """Wait before the next request. Raises Stopped in an outage."""
        self._failures += 1
        if self._failures >= FAILURES_MAX and not tidying:
            raise Stopped(
                f"the last {FAILURES_MAX} requests failed: the service has an outage, or something"
                " on the way there; run the same command again later"
            )
        delay = self._backoff.delay(min(self._failures, FAILURES_MAX))
        self._wait(max(self.read_wait() or 0.0, delay), tidying=tidying)

    def _wait(self, seconds: float, *, tidying: bool) -> None:
        """Let no request go for so long. Tidying has a bound of its own."""
        give_up = self._retry.give_up_seconds
        if give_up and seconds > give_up and not tidying:
            raise Stopped(
                f"the service asks to wait {seconds:.0f} s, more than [retry] give_up_seconds:"
                " run the same command again later"
            )
        self._not_before = max(self._not_before, anyio.current_time() + seconds)


class _Again:
    """Another turn for a request that goes once more. Implements `AnotherTurn`."""

    def __init__(self, line: RequestLine, *, tidying: bool) -> None:
        self._line = line
        self._tidying = tidying

    async def another(self, *, gone: bool) -> None:
        """Wait for one more turn."""
        self._line.requests += gone
        await self._line._take(tidying=self._tidying)
