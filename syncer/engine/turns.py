"""When the next request may go: the rate, the pauses of the destination, and giving up, for all requests of a lane alike."""

from __future__ import annotations

import random
from collections.abc import Callable

import anyio

from syncer.core.destination import DestinationState
from syncer.core.outcome import AllApplied, Answered, Failed, Halt, Refused, Throttled
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports import Found, Inputs, NoReply, Reply, Request, Transport
from syncer.engine.signal import Signal
from syncer.errors import CredentialsRefused, Stopped, SyncerError


class Draining(Exception):
    """No further request is sent: the run is ending."""


class Turns:
    """Lets requests go one after another, as the pace and the destination allow, and keeps account of how they fared."""

    def __init__(
        self,
        transport: Transport,
        pace: Pace,
        concurrency: Concurrency,
        destination: DestinationState,
        now: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.transport = transport
        self.concurrency = concurrency
        self.destination = destination
        self.requests = 0
        self.throttled = 0
        self.in_flight = 0
        self.draining = False
        self._pace = pace
        self._now = now
        self._rng = rng
        self._lock = anyio.Lock()
        self._changed = Signal()

    async def take(self) -> None:
        """Wait for the next turn and take it. Raises Draining at the end of a run, Stopped where the destination is given up."""
        async with self._lock:
            while True:
                now = self._now()
                if self.draining:
                    raise Draining
                if (reason := self.destination.gave_up(now)) is not None:
                    raise Stopped(f"{reason}; the state is kept: run the same command again to carry on")
                if not self.destination.allowed(now, self.in_flight):
                    wake_at = self.destination.wake_at(now)
                    await self._changed.wait(None if wake_at is None else max(0.0, wake_at - now))
                    continue
                next_at = self._pace.next_at(now)
                if next_at <= now:
                    self._pace.take(now)
                    self.in_flight += 1
                    return
                await self._changed.wait(next_at - now)

    async def send(self, request: Request) -> Reply | NoReply:
        """Send a request whose turn has been taken."""
        self.requests += 1
        started = self._now()
        try:
            reply = await self.transport.send(request)
        finally:
            self.in_flight -= 1
        if isinstance(reply, Reply):
            self.concurrency.answered(self._now() - started)
        return reply

    def give_back(self) -> None:
        """Nothing is sent for the turn that was taken."""
        self.in_flight -= 1
        self._changed.set()

    def fared(self, verdict: Answered | AllApplied | Refused | Throttled | Failed | Halt | Found | Inputs) -> None:
        """Tell the destination how a request fared. Any answer to the point is a success, refusals included."""
        now = self._now()
        match verdict:
            case Throttled():
                self.throttled += 1
                self.destination.throttled(now, verdict.after_seconds)
            case Failed():
                self.destination.failed(now, self._rng, verdict.unreachable)
            case Halt():
                pass
            case _:
                self.destination.succeeded(now)
        self._changed.set()

    def drain(self) -> None:
        """Let no further request go."""
        self.draining = True
        self._changed.set()


def halted(verdict: Halt) -> SyncerError:
    """The error that a run ends with."""
    code = "" if verdict.code is None else f" (code {verdict.code})"
    if verdict.kind == "credentials":
        return CredentialsRefused(
            f"the remote refused the credentials{code}: {verdict.reason}. Nothing was dead-lettered; "
            "check CLARIFAI_PAT or [clarifai] token_file, user_id and app_id, then run the same command again"
        )
    return Stopped(
        f"the remote refuses to go on{code}: {verdict.reason}. The state is kept; run the same command again once that is settled"
    )
