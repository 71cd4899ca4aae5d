"""Lists that tests make up, a remote that answers as told, and the engine between."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import anyio
import anyio.lowlevel

from syncer.core.backoff import Backoff
from syncer.core.destination import DestinationState
from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.pull import Ask, Done, Flow, Found, Problem, Row, Unit, Units
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.engine.clock import Clock
from syncer.engine.pull import Pull, Way
from syncer.engine.turns import Turns

FINE = Reply(200, b"{}")
BROKEN = Reply(500, b"")
GONE = Reply(404, b"")
BUSY = Reply(429, b"", retry_after="0.05")
NOBODY = Reply(401, b"")
ABSENT = NoReply("no connection", sent=False)


def read(reply: Reply | NoReply) -> str | LookUpFailure:
    """What the engine is told of an answer, by its HTTP status."""
    if isinstance(reply, NoReply):
        return Failed(reply.reason, in_doubt=False, unreachable=True)
    match reply.status:
        case 200:
            return "fine"
        case 429:
            return Throttled("busy")
        case 404:
            return Refused("gone")
        case 401:
            return Halt("who are you", 11009, "credentials")
    return Failed("HTTP 500", in_doubt=False)


def ask(path: str, via: Literal["api", "storage"] = "api") -> Ask[str]:
    """A question, told by its path."""
    return Ask(Request("GET", path), read, via)


class Parts:
    """A list of so many parts, each one row and asked for by one question: /0, /1 …"""

    repeats = False

    def __init__(self, count: int, *, row_bytes: int = 2, asked_ahead: Sequence[str] = ()) -> None:
        """`asked_ahead`: what is asked before each part, if anything."""
        self.count = count
        self.line = b"x" * row_bytes
        self.asked_ahead = asked_ahead
        self.given = 0

    def units(self, after: str, done: Done | None = ()) -> Units:
        for number in range(int(after or 0), self.count):
            if number < len(self.asked_ahead) and self.asked_ahead[number]:
                yield [ask(self.asked_ahead[number])]
            self.given += 1
            yield Unit(f"part {number}", str(number + 1), lambda number=number: self.flow(number))  # type: ignore[misc]

    def flow(self, number: int) -> Flow:
        (answer,) = yield [ask(f"/{number}")]
        if isinstance(answer, Refused):
            return Found([], problems=[Problem(f"part {number}", answer.reason)])
        return Found([Row((str(number),), self.line)])


class Remote:
    """Answers each path with what is told for it, the last answer again and again, and
    FINE where nothing is told.
    """

    def __init__(self, answers: dict[str, list[Reply | NoReply]] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[str] = []
        self.answered: list[str] = []
        self.under_way = 0
        self.most_under_way = 0
        self.gates: dict[str, anyio.Event] = {}
        self.told: Callable[[str], None] = lambda _: None

    def hold(self, *paths: str) -> None:
        """Do not answer these until `free`."""
        self.gates.update({path: anyio.Event() for path in paths})

    def free(self, *paths: str) -> None:
        """Answer these."""
        for path in paths:
            self.gates[path].set()

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        path = request.path
        self.asked.append(path)
        self.told(path)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if path in self.gates:
                await self.gates[path].wait()
            else:
                await anyio.lowlevel.checkpoint()
        finally:
            self.under_way -= 1
        self.answered.append(path)
        told = self.answers.get(path)
        if told is None:
            return FINE
        return told.pop(0) if len(told) > 1 else told[0]


def engine(
    listing: Parts,
    remote: Remote,
    *,
    ahead: int = 8,
    storage: Remote | None = None,
    max_attempts: int = 3,
    give_up_seconds: float = 0.0,
    rate: float = 1e6,
    backoff: tuple[float, float] = (0.001, 0.002),
) -> Pull:
    """The engine of a pull, with pauses that are as good as none."""

    def turns(of: Remote) -> Turns:
        state = DestinationState(0.001, 0.002, 0.05, give_up_seconds)
        pace = Pace(rate)
        return Turns(
            of, pace, Concurrency(64, pace), state, Clock(), random.Random(1), lambda _: None
        )

    ways: dict[Literal["api", "storage"], Way] = {"api": Way(turns(remote), anyio.Semaphore(64))}
    if storage is not None:
        ways["storage"] = Way(turns(storage), anyio.Semaphore(2))
    return Pull(
        listing,
        ways,
        units_ahead_max=ahead,
        max_attempts=max_attempts,
        backoff=Backoff(*backoff, random.Random(2)),
    )


class Delivered:
    """What a run delivered, in its order."""

    def __init__(self, then: Callable[[Unit], Awaitable[None]] | None = None) -> None:
        self.units: list[Unit] = []
        self.found: list[Found] = []
        self._then = then

    async def __call__(self, unit: Unit, found: Found) -> None:
        if self._then is not None:
            await self._then(unit)
        self.units.append(unit)
        self.found.append(found)

    @property
    def keys(self) -> list[int]:
        """The parts whose rows came."""
        return [int(row.key[0]) for found in self.found for row in found.rows]

    @property
    def problems(self) -> list[str]:
        """What could not be had."""
        return [problem.what for found in self.found for problem in found.problems]
