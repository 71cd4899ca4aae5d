"""The network: requests that are late, lost, refused, answered in every wrong way, all
drawn from a seed.

The service behind it is a part of the emulator, asked without HTTP. It outlives every
process that speaks to it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

import anyio
import orjson

from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.emulator.annotell.tokens import STORAGE, TOKEN_PATH
from syncer.emulator.answer import Answer, Part
from syncer.emulator.answer import Request as Received
from syncer.emulator.codes import MISSING
from syncer.emulator.limits import Window
from tests.proof.simulation.clock import Clock
from tests.proof.simulation.pauses import NO_WAIT, Pauses, Wait, drawn_wait
from tests.proof.simulation.scenario import Outage, Weather

QUOTA = 11004
REFUSED_IN_SECONDS = 0.002
SLOW_SECONDS = 10.0


class Network:
    """See the module. `say` writes the trace."""

    def __init__(
        self, weather: Weather, service: Part, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self.seen: Counter[str] = Counter()
        """Faults that happened."""
        self.wrong: list[str] = []
        self.sends = 0
        self.rng = random.Random(f"network {weather.seed}")
        self.clock = clock
        self._weather = weather
        self._service = service
        self._say = say
        self._limit = Window(weather.service_rps, "sliding") if weather.service_rps else None
        self._rate = weather.settings["push.requests_per_second"]
        self._recent: deque[float] = deque()
        self._in_outage: Counter[Outage] = Counter()
        # of apps: they last until a process has ended after them
        self._gone: set[Outage] = set()
        self._pauses = {"api": Pauses(clock), "storage": Pauses(clock)}
        self._happened_at = 0.0  # the last thing of the process that runs
        self._under_way: dict[int, Received] = {}
        self._given_up: list[int] = []

    # --- what is watched --------------------------------------------------------------

    def process_begins(self) -> None:
        """A new one."""
        for pauses in self._pauses.values():
            pauses.begins()
        self._happened_at = self.clock.now

    def note_happening(self) -> None:
        """Something happened that a request may follow."""
        self._happened_at = self.clock.now

    def resumed(self) -> None:
        """The pause was lifted by hand."""
        for pauses in self._pauses.values():
            pauses.resumed()

    def must_keep_pauses(self) -> bool:
        """Whether a pause was told that a later process has to know of."""
        return any(pauses.must_be_kept for pauses in self._pauses.values())

    def pause_seconds(self) -> float:
        """How long the client is still asked to wait."""
        return max(pauses.left_seconds for pauses in self._pauses.values())

    def process_ended(self, *, kept_pauses: bool) -> None:
        """What the process had sent arrives now, or never; its rate does not count any
        more. `kept_pauses`: were they written down?
        """
        self._let_arrive()
        for request in self._under_way.values():
            if self.rng.random() < 0.5:
                self._say(f"          arrives after the end of its process: {self.told(request)}")
                self._answered(request, "")
        self._under_way.clear()
        self._recent.clear()
        for pauses in self._pauses.values():
            pauses.ended(kept=kept_pauses)
        self._gone = {outage for outage in self._gone if outage.end > self.clock.now}

    def _sent(self, now: float) -> None:
        recent = self._recent
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        recent.append(now)
        if len(recent) > max(1, int(self._rate)):
            self.wrong.append(
                f"rate: {len(recent)} requests in the second before {now:.3f}, {self._rate} allowed"
            )

    def check_outages(self) -> None:
        """In a long outage few requests are made."""
        for outage, count in self._in_outage.items():
            seconds = outage.end - outage.start
            # Full jitter: half the cap in the mean, and some luck.
            probes = seconds / (self._weather.settings["retry.cap_seconds"] / 4)
            allowed = max(0.1 * self._rate * seconds, probes) + 10
            if outage.kind == "refused" and seconds >= 30 and count > allowed:
                self.wrong.append(
                    f"outage: {count} requests in {seconds:g} s without any connection, {allowed:g}"
                    " allowed"
                )

    # --- one request ------------------------------------------------------------------

    async def carry(
        self, request: Received, timeout_seconds: float, *, paced: bool = True
    ) -> Reply | NoReply:
        """Send it, and what comes back within the time.

        `paced`: the limit and the pauses hold for it.
        """
        self._let_arrive()
        started = self.clock.now
        self.sends += 1
        if paced:
            self._sent(started)
        pauses = self._pauses_of(request)
        if request.path != TOKEN_PATH:
            self.wrong += pauses.sent(self._happened_at)
        self._happened_at = started
        number = self.sends
        outage = next(
            (
                outage
                for outage in self._weather.outages
                if outage.start <= started < outage.end or outage in self._gone
            ),
            None,
        )
        if outage is not None:
            if outage.kind == "no app":
                self._gone.add(outage)
            self._in_outage[outage] += paced
            if outage.kind == "refused":
                self.happened("outage")
                await anyio.sleep(REFUSED_IN_SECONDS)
                self._happened_at = self.clock.now
                return NoReply("no connection: refused", sent=False)
        fault = self._fault(started)
        self._say(f"#{number:<4} ──► {self.told(request)}")
        self._under_way[number] = request
        try:
            reply = await self._way(number, request, outage, fault, started + timeout_seconds)
        except asyncio.CancelledError:
            self._given_up.append(number)
            raise
        # A token is never the same.
        shown = (
            b""
            if request.path == TOKEN_PATH
            else reply.body[:90]
            if isinstance(reply, Reply)
            else b""
        )
        told = (
            f"HTTP {reply.status} {shown!r}"
            if isinstance(reply, Reply)
            else f"no answer ({reply.reason})"
        )
        self._say(f"#{number:<4} ◄── {told}{f'   [{fault}]' if fault else ''}")
        self._happened_at = self.clock.now
        if isinstance(reply, Asking):
            self._note_wait(reply, self._pauses_of(request))
        return reply

    def _let_arrive(self) -> None:
        """What nobody waits for any more has arrived by now, or never will. Tasks are
        cancelled in no order, so it is decided later.
        """
        given_up, self._given_up = sorted(self._given_up), []
        for number in given_up:
            request = self._under_way.pop(number, None)
            if request is not None and self.rng.random() < 0.5:
                self._say(f"#{number:<4} given up, and arrives")
                self._answered(request, "")

    async def _way(
        self, number: int, request: Received, outage: Outage | None, fault: str, deadline: float
    ) -> Reply | NoReply:
        clock, rng, narrow = self.clock, self.rng, self._weather.narrow
        await anyio.sleep(self._latency())
        if narrow is not None and len(request.body) > narrow.bytes:
            self._under_way.pop(number, None)
            self.happened(f"too large: {narrow.how}")
            if narrow.how == "413":
                return Reply(413, b"<html><body>413 Request Entity Too Large</body></html>")
            return NoReply("the connection broke before the answer came", sent=True, cause="cut")
        if fault == "lost":
            self._under_way.pop(number, None)
            return await self._silence(deadline)
        if fault == "reset-before":
            self._under_way.pop(number, None)
            return NoReply("the connection broke before the answer came", sent=True, cause="cut")
        self._under_way.pop(number, None)
        reply = self._answered(request, fault, outage)
        if fault == "answer-lost":
            return await self._silence(deadline)
        back = self._latency() + (SLOW_SECONDS * rng.random() if fault == "slow" else 0)
        if clock.now + back > deadline:
            return await self._silence(deadline)
        await anyio.sleep(back)
        if fault == "reset-after":
            return NoReply("the connection broke before the answer came", sent=True, cause="cut")
        if fault == "cut":
            return NoReply("the answer was cut off", sent=True)
        return reply

    async def _silence(self, deadline: float) -> NoReply:
        await anyio.sleep(max(0.0, deadline - self.clock.now))
        return NoReply("no complete answer in time", sent=True, cause="cut")

    def _latency(self) -> float:
        """Never so long that a request arrives when nobody waits for its answer any
        more: that is not to be made good.
        """
        return min(2.0, self._weather.latency_seconds * (0.2 + self.rng.expovariate(1.0)))

    def _fault(self, now: float) -> str:
        if now > self._weather.storm_seconds:
            return ""
        roll = self.rng.random()
        for name, probability in self._weather.faults.items():
            if roll < probability:
                self.happened(name)
                return name
            roll -= probability
        return ""

    def happened(self, fault: str) -> None:
        """It is counted."""
        self.seen[fault] += 1

    # --- the service ------------------------------------------------------------------

    def told(self, request: Received) -> str:
        """A request, for the trace."""
        return f"{request.method} {request.path} {dict(request.query)}"[:200]

    def answer(self, request: Received, fault: str) -> Answer:
        """The service carries it out."""
        return self._service.answer(request, lambda _: 0)

    def refuse_token(self, request: Received) -> Reply:
        """The service does not take the token any more."""
        request.headers = {"Authorization": "Key refused-token"}
        refused = self._service.refuse(request)
        assert refused is not None
        return reply_of(refused)

    def _answered(self, request: Received, fault: str, outage: Outage | None = None) -> Reply:
        service = self._service
        if outage is not None:
            self.happened(
                {"token": "token refused", "quota": "quota refused", "errors": "errors only"}.get(
                    outage.kind, outage.kind
                )
            )
            if outage.kind == "token":
                return self.refuse_token(request)
            if outage.kind == "no path":
                return Reply(self.rng.choice([404, 405, 200]), b"<html>something else</html>")
            if outage.kind == "no app":
                return reply_of(Answer.of(MISSING, "app_id 'app' not found."))
            return reply_of(
                Answer.of(QUOTA) if outage.kind == "quota" else service.fail(request)[0]
            )
        if (refused := service.refuse(request)) is not None:
            return reply_of(refused)
        if (
            self._limit is not None
            and service.limited(request)
            and not self._limit.take(self.clock.now)
        ):
            self.happened("over the limit")
            return self._throttled(request, Wait("1", None, 1.0))
        return self._faulty(request, fault)

    def _faulty(self, request: Received, fault: str) -> Reply:
        service, rng = self._service, self.rng
        match fault:
            case (
                "throttle"
                | "throttle-silent"
                | "throttle-date"
                | "throttle-odd"
                | "throttle-unusable"
                | "throttle-ages"
            ):
                return self._throttled(request, drawn_wait(fault, rng, self.clock))
            case "html":
                return Reply(503, b"<html><body>503 Service Unavailable</body></html>")
            case "gateway":
                return reply_of(service.gateway())
            case "error" | "error-wait":
                answer, may_be_applied = service.fail(request)
                if may_be_applied and rng.random() < 0.5:
                    self.answer(request, fault)
                return asking(reply_of(answer), drawn_wait(fault, rng, self.clock))
        reply = reply_of(self.answer(request, fault))
        if fault == "empty":
            return Reply(200, b"")
        return (
            Reply(reply.status, reply.body[: len(reply.body) // 2])
            if fault == "half-body"
            else reply
        )

    def _throttled(self, request: Received, wait: Wait) -> Reply:
        return asking(reply_of(self._service.throttle(request, silent=True)), wait, throttle=True)

    def _pauses_of(self, request: Received) -> Pauses:
        return self._pauses["storage" if request.path.startswith(STORAGE) else "api"]

    def _note_wait(self, reply: Asking, pauses: Pauses) -> None:
        """What the client knows from now on.

        After a throttle that names no time that can be waited for, it waits for a time
        of its own.
        """
        seconds = reply.wait.seconds_at(self.clock.wall())
        if seconds is None and reply.throttle:
            seconds = self._weather.settings["retry.throttle_seconds"]
        if seconds is not None:
            pauses.told(seconds)


@dataclass(frozen=True, slots=True)
class Asking(Reply):
    """An answer that may ask to wait."""

    wait: Wait = NO_WAIT
    throttle: bool = False


def asking(reply: Reply, wait: Wait, *, throttle: bool = False) -> Asking:
    """The same answer, asking for this wait."""
    return Asking(
        reply.status, reply.body, wait.retry_after, wait.date, wait=wait, throttle=throttle
    )


def received(request: Request, headers: Mapping[str, str]) -> Received:
    """A request as a part of the emulator gets it."""
    path = request.path
    if path.startswith("http"):
        host, slash, rest = path.partition("//")[2].partition("/")
        path, headers = slash + rest, {"Host": host, **headers}
    bare, _, query = path.partition("?")
    return Received(request.method, bare, parse_qs(query), headers, request.body or b"", len(path))


def reply_of(answer: Answer) -> Reply:
    """An answer of a part of the emulator, as a transport gives it."""
    body = answer.text.encode() if answer.body is None else orjson.dumps(answer.body)
    return Reply(answer.status, body, answer.headers.get("Retry-After"))


class SimulatedTransport:
    """One process's way into the network. Stands where `HttpTransport` does."""

    hidden_retries = 0

    def __init__(
        self,
        network: Network,
        timeout_seconds: float,
        authorization: str = "",
        *,
        paced: bool = True,
    ) -> None:
        self.requests = 0
        self._network = network
        self._timeout_seconds = timeout_seconds
        self._headers = {
            "Host": "remote",
            **({"Authorization": authorization} if authorization else {}),
        }
        self._paced = paced

    async def __aenter__(self) -> SimulatedTransport:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        """Send once."""
        return await self.send_with({}, request)

    async def send_with(
        self, headers: Mapping[str, str], request: Request, turn: AnotherTurn | None = None
    ) -> Reply | NoReply:
        """Send once, with these headers too."""
        self.requests += 1
        return await self._network.carry(
            received(request, {**self._headers, **headers}),
            self._timeout_seconds,
            paced=self._paced,
        )
