"""A pull at work: one task enumerates the units of a listing, one task per unit
fetches, and what they find is delivered in order.

    listing.units ──► enumerate ──► fetch, fetch, fetch … (at most `units_ahead_max`)
        ──► deliver, one after another

A unit's place is kept until it has been delivered, so memory holds at most that many. A
drained run delivers what is whole and in order, and ends; the one that delivers writes
down how far that is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Literal

import anyio
import anyio.abc

from syncer.core.backoff import Backoff
from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.pull import Ask, Done, Found, Listing, Unit, Units
from syncer.engine.signal import Signal
from syncer.engine.turns import Draining, Turns
from syncer.errors import first_error
from syncer.printable import counted

AHEAD_AT_FIRST = 4
DOUBLINGS_MAX = 16
"""With each unit that is found twice as many are fetched ahead."""
AHEAD_BYTES_MAX = 64 << 20
"""Of rows that are fetched or wait to be delivered, as far as the units before them
show: masks make large rows.
"""
AVERAGE_OVER = 8
"""Units whose average size predicts that of the next ones."""

Deliver = Callable[[Unit, Found], Awaitable[None]]
"""Takes what a unit came to.
Units come in order; the next one waits until this one is taken.
"""


@dataclass(frozen=True, slots=True)
class Way:
    """The way one kind of question is asked: through these turns, this many at a
    time.
    """

    turns: Turns
    at_once: anyio.Semaphore


@dataclass(slots=True)
class _Slot:
    unit: Unit
    found: Found | None = None
    done: anyio.Event = field(default_factory=anyio.Event)


class Pull:
    """One run over a listing. `run` once; `drain` from a signal handler."""

    def __init__(
        self,
        listing: Listing,
        ways: Mapping[Literal["api", "storage"], Way],
        *,
        units_ahead_max: int,
        max_attempts: int,
        backoff: Backoff,
    ) -> None:
        """`units_ahead_max`: units fetched or waiting to be delivered; `backoff`:
        between the attempts of one question.
        """
        self.ways = ways
        self.complete = False
        """Whether all of the list has been delivered."""
        self._listing = listing
        self._units_ahead_max = units_ahead_max
        self._max_attempts = max_attempts
        self._backoff = backoff
        self._slots: deque[_Slot] = deque()
        self._found = 0
        # of a unit's rows, on an average of the last ones that were found
        self._unit_bytes = 0.0
        self._queues = {via: anyio.Lock(fast_acquire=True) for via in ways}
        self._answered: dict[
            str, Ask[object]
        ] = {}  # of each way the last question that was answered to the point
        self._enumerated = self._at_the_end = False
        self._draining = False
        self._drained = anyio.Event()
        self._more = Signal()
        self._room = Signal()

    async def run(self, after: str, deliver: Deliver, done: Done | None = ()) -> None:
        """From the cursor to the end of the list, without what is done, or until
        drained. Raises SyncerError for what stops a run.
        """
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._enumerate, self._listing.units(after, done), tasks)
                await self._deliver_all(deliver)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    def drain(self) -> None:
        """End the run: finish what is in flight, deliver what is whole, ask no more."""
        self._draining = True
        self._drained.set()
        for way in self.ways.values():
            way.turns.drain()
        self._room.set()
        self._more.set()

    async def _enumerate(self, units: Units, tasks: anyio.abc.TaskGroup) -> None:
        try:
            answers: Sequence[object] | None = None
            while not self._draining:
                step = units.send(answers)
                answers = None
                if not isinstance(step, Unit):
                    answers = await self._answers(step, first=True)
                    continue
                while len(self._slots) >= self._ahead_max() and not self._draining:
                    await self._room.wait()
                slot = _Slot(step)
                self._slots.append(slot)
                tasks.start_soon(self._fetch, slot)
                self._more.set()
        except StopIteration:
            self._at_the_end = True
        except Draining:
            pass
        finally:
            self._enumerated = True
            self._more.set()

    def _ahead_max(self) -> int:
        """Few until some have shown how large units are; no more than the rate
        needs.
        """
        begun = AHEAD_AT_FIRST << min(self._found, DOUBLINGS_MAX)
        keep_busy = min(self._units_ahead_max, begun, self.ways["api"].turns.concurrency.limit)
        return min(
            keep_busy, max(AHEAD_AT_FIRST, int(AHEAD_BYTES_MAX // max(1.0, self._unit_bytes)))
        )

    async def _fetch(self, slot: _Slot) -> None:
        """Drive a unit's flow to its end; where the run is drained first, the unit
        stays unfinished.
        """
        flow = slot.unit.flow()
        try:
            answers: Sequence[object] | None = None
            while True:
                answers = await self._answers(flow.send(answers))  # type: ignore[arg-type]
        except StopIteration as end:
            slot.found = end.value
            self._learn(end.value)
        except Draining:
            pass
        finally:
            slot.done.set()

    def _learn(self, found: Found) -> None:
        """From what a unit came to: how large they are."""
        self._found += 1
        size = sum(len(row.line) for row in found.rows)
        self._unit_bytes += (size - self._unit_bytes) / min(self._found, AVERAGE_OVER)
        self._room.set()

    async def _deliver_all(self, deliver: Deliver) -> None:
        while True:
            while not self._slots:
                if self._enumerated:
                    self.complete = self._at_the_end
                    return
                await self._more.wait()
            slot = self._slots[0]
            await slot.done.wait()
            if slot.found is None:
                return
            await deliver(slot.unit, slot.found)
            self._slots.popleft()
            self._room.set()

    # --- questions --------------------------------------------------------------------

    async def _answers(self, asks: Sequence[Ask[object]], *, first: bool = False) -> list[object]:
        """The answers to questions that are asked at the same time, in their order.

        `first`: before all others that wait.
        """
        if len(asks) == 1:
            return [await self._answer(asks[0], first)]
        answers: list[object] = [None] * len(asks)

        async def answer(place: int) -> None:
            answers[place] = await self._answer(asks[place], first)

        try:
            async with anyio.create_task_group() as tasks:
                for place in range(len(asks)):
                    tasks.start_soon(answer, place)
        except BaseExceptionGroup as group:
            if (
                group.subgroup(lambda error: not isinstance(error, Draining | BaseExceptionGroup))
                is None
            ):
                raise Draining from None
            raise first_error(group) from None
        return answers

    async def _answer(self, ask: Ask[object], first: bool) -> object:
        """Ask until there is an answer to the point.

        Raises Draining, and SyncerError where there will be none.
        """
        turns = self.ways[ask.via].turns
        attempts = failures = 0
        while True:
            succeeded_at = turns.destination.last_success_at
            answer = await self._ask(ask, first)
            match answer:
                case Halt():
                    raise turns.advice.explain_halt(answer)
                case Failed(unreachable=False):
                    failures += 1
                    # A document of a storage stands for itself; where a list fails, so
                    # may everything.
                    counts = (
                        ask.via == "storage"
                        or turns.destination.last_success_at > succeeded_at
                        or await self._others_succeed(ask)
                    )
                    attempts += counts
                    if attempts >= self._max_attempts and ask.via == "storage":
                        return Refused(f"{answer.reason}, in {counted(attempts, 'attempt')}")
                    if attempts >= self._max_attempts:
                        raise turns.explain_stop(
                            "a part of the list could not be read in"
                            f" {counted(attempts, 'attempt')}: {answer.reason}"
                        )
                    with anyio.move_on_after(self._backoff.delay(failures)):
                        await self._drained.wait()
                case Failed() | Throttled():
                    # the destination is paused: the next turn comes when it is over
                    pass
                case _:
                    self._answered[ask.via] = ask
                    return answer

    async def _ask(self, ask: Ask[object], first: bool) -> object:
        """Once, when its turn has come.

        Parts of the list wait for their turn in a row. What names further parts does
        not: while it is asked, those that are known keep the rate busy.
        """
        way = self.ways[ask.via]
        async with nullcontext() if first else self._queues[ask.via]:
            await way.at_once.acquire()
            try:
                turn = await way.turns.next()
            except BaseException:
                way.at_once.release()
                raise
        try:
            with turn:
                return await turn.send(ask.request, ask.read)
        finally:
            way.at_once.release()

    async def _others_succeed(self, failed: Ask[object]) -> bool:
        """Whether this question fails, rather than the remote is out of order.

        What it answered last is asked once more to find out.
        """
        answered = self._answered.get(failed.via)
        return answered is not None and not isinstance(
            await self._ask(answered, first=True), Failed | Throttled | Halt
        )
