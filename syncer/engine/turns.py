"""When the next request may go: the rate, the pauses of the destination, and giving up,
for all requests of a lane alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

import anyio
import anyio.to_thread

from syncer.core.destination import DestinationState
from syncer.core.events import Event, RequestAnswered, RequestResult
from syncer.core.facts import Destination
from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.pull import Ask
from syncer.core.ports.wire import NoReply, Reply, Request, Transport
from syncer.core.retry_after import asked_seconds
from syncer.core.settle import rfc3339
from syncer.engine.clock import Clock
from syncer.engine.signal import Signal
from syncer.engine.whereabouts import Whereabouts
from syncer.errors import CredentialsRefused, Stopped, SyncerError

V = TypeVar("V")


LARGE_BODY_BYTES = 1 << 20
"""A larger answer is read in a thread, so that it holds nothing up."""


class Draining(Exception):
    """No further request is sent: the run is ending."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a run that stops early leaves, and why to run it again, for messages."""

    what: str
    aim: str


STATE_KEPT = Left("the state is kept", " to carry on")
OUTPUT_KEPT = Left("what is written is kept", " to carry on")
PARTLY_COMPARED = Left("not everything was compared", " to compare it all")
PARTLY_READ = Left("not everything was read", "")


@dataclass(frozen=True, slots=True)
class Advice:
    """What messages name."""

    credentials: str = "them"
    """Where the credentials come from."""
    resume: str = ""
    """The command that lifts a pause which outlives the run; empty where none is kept.
    """
    address: str = "the address"
    """Where requests go, down to the app."""
    settings: str = "it"
    """What to check where nothing is found there."""
    left: Left = STATE_KEPT


class Turns:
    """Lets requests go one after another, as the pace and the destination allow, and
    keeps account of how they fared.
    """

    def __init__(
        self,
        transport: Transport,
        pace: Pace,
        concurrency: Concurrency,
        destination: DestinationState,
        now: Clock,
        rng: random.Random,
        observe: Callable[[Event], None],
        advice: Advice = Advice(),
    ) -> None:
        """`pace` may be shared with other lanes of the process."""
        self.transport = transport
        self.now = now
        self.observe = observe
        self.concurrency = concurrency
        self.destination = destination
        self.requests = 0
        self.throttled = 0
        self.in_flight = 0
        self.draining = False
        self.paused: Callable[[], None] = lambda: None
        """Called for every pause, so that whoever keeps state writes it down at once:
        it must outlive the process.
        """
        self._pace = pace
        self._rng = rng
        self._advice = advice
        self.whereabouts = Whereabouts(advice.address, advice.settings)
        self._lock = anyio.Lock(fast_acquire=True)
        self._changed = Signal()

    async def take(self) -> None:
        """Wait for the next turn and take it.

        Raises Draining at the end of a run, Stopped where the destination is given up.
        """
        async with self._lock:
            while True:
                now = self.now()
                if self.draining:
                    raise Draining
                if (reason := self.destination.gave_up(now)) is not None:
                    raise self.stopped(reason)
                if not self.destination.allowed(now, self.in_flight):
                    wake_at = self.destination.wake_at(now)
                    await self._changed.wait(None if wake_at is None else max(0.0, wake_at - now))
                    continue
                # the one clock of all that share a pace
                monotonic = anyio.current_time()
                next_at = self._pace.next_at(monotonic)
                if next_at <= monotonic:
                    self._pace.take(monotonic)
                    self.in_flight += 1
                    return
                await self._changed.wait(next_at - monotonic)

    async def ask(self, request: Request, read: Callable[[Reply | NoReply], V]) -> V:
        """Send a request whose turn has been taken; what `read` makes of the answer, or
        what it means by all that is known.

        The destination is told how it fared. Where the answer may speak of the app,
        that is asked for first.
        """
        answer = await self._once(request, read)
        if not self.whereabouts.doubts(answer, self.now()):
            return answer
        try:
            gone = await self.whereabouts.missing(self._answered, self.now)
        except (Draining, SyncerError) as ending:
            return cast("V", Failed(str(ending) or "the run is ending", in_doubt=False))
        return answer if gone is None else cast("V", gone)

    async def _answered(self, ask: Ask[object]) -> object:
        """The answer to a question of our own. Raises as `take` does."""
        while True:
            await self.take()
            answer = await self._once(ask.request, ask.read)
            if not isinstance(answer, Failed | Throttled):
                return answer

    async def _once(self, request: Request, read: Callable[[Reply | NoReply], V]) -> V:
        self.requests += 1
        started = anyio.current_time()
        reply: Reply | NoReply
        try:
            reply = await self.transport.send(request)
        except (Draining, SyncerError):  # while it waited for another turn
            reply = NoReply("the run is ending", sent=False)
        finally:
            self.in_flight -= 1
        seconds = anyio.current_time() - started
        if isinstance(reply, Reply):
            self.concurrency.answered(seconds)
        large = isinstance(reply, Reply) and len(reply.body) > LARGE_BODY_BYTES
        answer = await anyio.to_thread.run_sync(read, reply) if large else read(reply)
        answer = cast("V", self.whereabouts.noted(request.method, answer, self.now()))
        result = self._fared(answer, reply, started)
        status = reply.status if isinstance(reply, Reply) else None
        self.observe(RequestAnswered(request.method, status, result, seconds))
        return answer

    async def another(self, *, gone: bool) -> None:
        """Wait for one more turn, in the place of one that has been taken: a request
        has gone for it, or it has passed unused.

        Raises as `take` does.
        """
        self.give_back()
        if not gone:
            self._pace.give_back()
        try:
            await self.take()
        except BaseException:
            self.in_flight += 1  # whoever had taken the first one gives it back
            raise

    def give_back(self) -> None:
        """Nothing is sent for the turn that was taken."""
        self.in_flight -= 1
        self._changed.set()

    def fact(self) -> Destination:
        """How the destination is to be treated by a later run."""
        return self.destination.fact(self.now.ahead_seconds())

    def stopped(self, reason: str) -> Stopped:
        """The error of a run that may go on later."""
        return Stopped(f"{reason}; {self._advice.left.what}: {self._way_on(self.now())}")

    def _way_on(self, now: float) -> str:
        """What to do once the run has stopped."""
        aim = self._advice.left.aim
        left_seconds = self.destination.pause_seconds(now)
        if self.destination.fact().state != "paused" or not left_seconds:
            return f"run the same command again{aim}"
        lift = (
            f", or lift the pause with `{self._advice.resume}` first" if self._advice.resume else ""
        )
        return (
            "run the same command again after"
            f" {rfc3339(now + self.now.ahead_seconds() + left_seconds)}{aim}{lift}"
        )

    def _fared(self, answer: object, reply: Reply | NoReply, sent_at: float) -> RequestResult:
        """Tell the destination, and the pace of what was too much.

        Any answer to the point is a success, refusals included.
        """
        now = self.now()
        result: RequestResult = "answered"
        wait = self._asked(reply)
        match answer:
            case Throttled():
                result = "throttled"
                self.throttled += 1
                self.destination.throttled(now, wait)
                self._pace.refused(sent_at)
                self.paused()
            case Failed():
                result = "failed"
                self.destination.failed(now, self._rng, answer.unreachable, answer.reason)
            case Halt():
                result = "halted"
            case _:
                result = "refused" if isinstance(answer, Refused) else "answered"
                self.destination.succeeded(now)
        if (
            wait is not None
            and result != "throttled"
            and isinstance(reply, Reply)
            and reply.status >= 500
        ):
            why = answer.reason if isinstance(answer, Failed) else f"HTTP {reply.status}"
            self.destination.asked_to_wait(now, wait, f"the remote asks to wait: {why}")
            self.paused()
        self._changed.set()
        return result

    def _asked(self, reply: Reply | NoReply) -> float | None:
        """The seconds that an answer asks to wait.

        What it means by a date, where it has none itself, the wall clock tells.
        """
        if not isinstance(reply, Reply) or reply.retry_after is None:
            return None
        return asked_seconds(reply.retry_after, reply.date, self.now() + self.now.ahead_seconds())

    def pause_seconds(self) -> float:
        """Until the destination's pause is over; 0 where there is none."""
        return self.destination.pause_seconds(self.now())

    def drain(self) -> None:
        """Let no further request go."""
        self.draining = True
        self._changed.set()

    def halted(self, verdict: Halt) -> SyncerError:
        """The error that a run ends with."""
        code = "" if verdict.code is None else f" (code {verdict.code})"
        if verdict.kind == "credentials":
            return CredentialsRefused(
                f"the remote refused the credentials{code}: {verdict.reason}. Nothing is lost; "
                f"check {self._advice.credentials}, then run the same command again"
            )
        if verdict.kind == "address":
            return Stopped(
                f"{verdict.reason}. Nothing is lost; set it right, then run the same command again"
                " (with another --state, where another destination was meant)"
            )
        kept = self._advice.left.what
        return Stopped(
            f"the remote refuses to go on{code}: {verdict.reason}; {kept}: run the same command"
            " again once that is settled"
        )
