"""The turns of requests: the rate, the pauses of the destination, and giving up, for
all requests of a lane alike.

    turn = await turns.next()       waits for the rate, and while the destination pauses
    with turn:                      at its end an unused turn goes back
        await turn.send(…)          uses it up
        await turn.send(…)          waits for another one first
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar, cast

import anyio
import anyio.to_thread

from syncer.core.destination import DestinationState
from syncer.core.events import Event, RequestAnswered, RequestResult
from syncer.core.facts import Destination
from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.pace import Concurrency, Paced
from syncer.core.ports.pull import Ask
from syncer.core.ports.wire import NoReply, Reply, Request, Transport
from syncer.core.retry_after import asked_seconds
from syncer.core.settle import rfc3339
from syncer.engine.advice import NO_ADVICE, Advice
from syncer.engine.clock import Clock
from syncer.engine.signal import Signal
from syncer.engine.whereabouts import Whereabouts
from syncer.errors import Stopped, SyncerError

V = TypeVar("V")


RATE_SECONDS = 1.0
"""How long a request waits before it looks at the rate again: another lane of the
limit may have come or gone.
"""
LARGE_BODY_BYTES = 1 << 20
"""A larger answer is read in a thread, so that it holds nothing up."""


class NoTurn(Exception):
    """A request does not get its turn."""


class Draining(NoTurn):
    """No further request is sent: the run is ending."""

    def __str__(self) -> str:
        return "the run is ending"


class Recalled(NoTurn):
    """Requests that wait are to come back unsent; they may be sent later."""

    def __str__(self) -> str:
        return "it waited, and other changes come first now"


class Turns:
    """Lets requests go one after another, as the pace and the destination allow, and
    keeps account of how they fared.
    """

    def __init__(
        self,
        transport: Transport,
        pace: Paced,
        concurrency: Concurrency,
        destination: DestinationState,
        now: Clock,
        rng: random.Random,
        observe: Callable[[Event], None],
        advice: Advice = NO_ADVICE,
    ) -> None:
        """`pace` may be shared with other lanes of the process."""
        self.transport = transport
        self.now = now
        self.observe = observe
        self.concurrency = concurrency
        self.destination = destination
        self.advice = advice
        self.requests = 0
        self.throttled = 0
        self.in_flight = 0
        """Requests under way, and turns that are held for one."""
        self.draining = False
        self._recalling = False
        self._held_until = 0.0
        self.error: SyncerError | None = None
        """Why the run cannot go on; of several reasons the first."""
        self.to_keep = Signal()
        """Set at every pause: a task that keeps state waits for it and writes it down
        at once, since the pause must outlive the process.
        """
        self.whereabouts = Whereabouts(advice.address, advice.settings)
        self._pace = pace
        self._rng = rng
        self._lock = anyio.Lock(fast_acquire=True)
        self._changed = Signal()

    async def next(self) -> Turn:
        """Wait for the next turn.

        Raises NoTurn where none will come, Stopped where the destination is given up.
        """
        turn = Turn(self)
        await turn.hold()
        return turn

    def hold(self, reason: str) -> None:
        """Let no request go until `hold("")`; `reason`: for people. What is in flight
        comes to its end.
        """
        self.destination.held = reason
        self._held_until = self.now()
        self._changed.set()

    def drain(self) -> None:
        """Let no further request go."""
        self.draining = True
        self._changed.set()

    @contextmanager
    def recall(self) -> Iterator[None]:
        """Give no turn while the block lasts: what waits for one comes back unsent."""
        self._recalling = True
        self._changed.set()
        try:
            yield
        finally:
            self._recalling = False

    def fail(self, error: SyncerError) -> None:
        """Note why the run will not be complete; what is left of it goes on."""
        self.error = self.error or error

    def end(self, ending: NoTurn | SyncerError) -> None:
        """Let no further request go if that is what this says: the run ends, perhaps
        because of an error.
        """
        if isinstance(ending, Recalled):
            return
        if isinstance(ending, SyncerError):
            self.fail(ending)
        self.drain()

    def fact(self) -> Destination:
        """Return how a later run is to treat the destination."""
        return self.destination.fact(self.now.ahead_seconds())

    def explain_stop(self, reason: str) -> Stopped:
        """The error of a run that may go on later."""
        now = self.now()
        left_seconds = self.destination.pause_seconds(now)
        if self.destination.fact().state != "paused" or not left_seconds:
            return self.advice.explain_stop(reason)
        return self.advice.explain_stop(
            reason, rfc3339(now + self.now.ahead_seconds() + left_seconds)
        )

    def pause_seconds(self) -> float:
        """Until the destination's pause is over; 0 without a pause."""
        return self.destination.pause_seconds(self.now())

    def paused_since(self, at: float) -> bool:
        """Whether a pause was on at some time since then."""
        return self._held_until >= at or self.destination.pause_seconds(at) > 0

    @property
    def turn_seconds(self) -> float:
        """The time between two turns, where nothing else is waited for."""
        return self._pace.turn_seconds

    # --- what a turn does -------------------------------------------------------------

    async def _take(self) -> None:
        async with self._lock:
            while True:
                now = self.now()
                if self.draining:
                    raise Draining
                if self._recalling:
                    raise Recalled
                if (reason := self.destination.gave_up(now)) is not None:
                    raise self.explain_stop(reason)
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
                await self._changed.wait(min(next_at - monotonic, RATE_SECONDS))

    def _release(self, *, unused: bool) -> None:
        self.in_flight -= 1
        if unused:
            self._changed.set()

    async def _carry_out(
        self, turn: Turn, request: Request, read: Callable[[Reply | NoReply], V]
    ) -> V:
        """Send a request in a turn that is held; keep account of how it fared."""
        self.requests += 1
        turn.sent_at = anyio.current_time()
        try:
            reply = await self.transport.send(request, turn)
        finally:
            turn.pass_on()
        seconds = anyio.current_time() - turn.sent_at
        if isinstance(reply, Reply):
            self.concurrency.answered(seconds)
        large = isinstance(reply, Reply) and len(reply.body) > LARGE_BODY_BYTES
        answer = await anyio.to_thread.run_sync(read, reply) if large else read(reply)
        answer = cast("V", self.whereabouts.judge(request.method, answer, self.now()))
        result = self._note_outcome(answer, reply, turn.sent_at)
        status = reply.status if isinstance(reply, Reply) else None
        self.observe(RequestAnswered(request.method, status, result, seconds))
        return answer

    def _note_outcome(
        self, answer: object, reply: Reply | NoReply, sent_at: float
    ) -> RequestResult:
        """Report to the destination, and to the pace what was too much.

        Any answer to the point is a success, refusals included.
        """
        now = self.now()
        result: RequestResult = "answered"
        wait = self._seconds_asked(reply)
        match answer:
            case Throttled():
                result = "throttled"
                self.throttled += 1
                self.destination.throttled(now, wait)
                self._pace.refused(sent_at, self.destination.pause_seconds(now))
                self.to_keep.set()
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
            self.to_keep.set()
        self._changed.set()
        return result

    def _seconds_asked(self, reply: Reply | NoReply) -> float | None:
        """The seconds that an answer asks to wait.

        The wall clock says what it means by a date, if it has no Date itself.
        """
        if not isinstance(reply, Reply) or reply.retry_after is None:
            return None
        return asked_seconds(reply.retry_after, reply.date, self.now() + self.now.ahead_seconds())


class Turn:
    """The right to send one request, and then the next one: what one task sends, in the
    order in which it sends it. A context manager; at its end an unused turn goes back.
    """

    __slots__ = ("_held", "_turns", "sent_at")

    def __init__(self, turns: Turns) -> None:
        self.sent_at = 0.0
        """When its request went; one that needed another turn, when it went in that
        one: what was waited for before says nothing of the remote.
        """
        self._turns = turns
        self._held = False

    async def hold(self) -> None:
        """Wait for the turn, unless it is held already.

        Raises NoTurn where none will come, Stopped where the destination is given up.
        """
        if not self._held:
            await self._turns._take()
            self._held = True

    async def send(self, request: Request, read: Callable[[Reply | NoReply], V]) -> V:
        """Send a request when its turn has come; return what `read` makes of the
        answer, or what it means by all that is known.

        The destination learns how it fared. Where the answer may speak of the app, that
        is asked for first. Raises as `hold` does; nothing is settled then.
        """
        turns = self._turns
        if not self._held:
            await self.hold()
        answer = await turns._carry_out(self, request, read)
        if not turns.whereabouts.doubts(answer, turns.now()):
            return answer
        gone = await turns.whereabouts.missing(self._ask_until_answered, turns.now)
        return answer if gone is None else cast("V", gone)

    async def another(self, *, gone: bool) -> None:
        """Wait for one more turn, in the place of the one that is held: a request has
        gone for it, or it has passed unused.

        Raises as `hold` does.
        """
        self.give_back()
        if not gone:
            self._turns._pace.give_back()
        await self.hold()
        self.sent_at = anyio.current_time()

    def give_back(self) -> None:
        """Nothing is sent for the turn that is held, if one is."""
        if self._held:
            self._held = False
            self._turns._release(unused=True)

    def pass_on(self) -> None:
        """The request that went for the turn is over."""
        if self._held:
            self._held = False
            self._turns._release(unused=False)

    async def _ask_until_answered(self, ask: Ask[object]) -> object:
        """The answer to a question of our own, asked until there is one."""
        while True:
            await self.hold()
            answer = await self._turns._carry_out(self, ask.request, ask.read)
            if not isinstance(answer, Failed | Throttled):
                return answer

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.give_back()
