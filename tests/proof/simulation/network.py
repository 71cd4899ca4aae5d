"""The network and the service behind it: requests that are late, lost, refused, answered in every wrong way, all drawn from a seed.

The service is the emulator's own, asked without HTTP. It outlives every process that speaks to it.
"""

from __future__ import annotations

import json
import random
from collections import Counter, deque
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

import anyio
import orjson

from syncer.core.ports import NoReply, Reply, Request
from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.answer import Request as Received
from syncer.emulator.clarifai import Clarifai
from syncer.emulator.limits import Limit
from syncer.emulator.settings import behaviour
from tests.proof.simulation.clock import Clock
from tests.proof.simulation.model import History, Model
from tests.proof.simulation.scenario import Outage, Scenario

USER, APP = "me", "app"
QUOTA = 11004
RETRY_AFTER_SECONDS = (1, 5, 30, 90)
REFUSED_IN_SECONDS = 0.002
SLOW_SECONDS = 10.0
PERSISTED_AFTER_SECONDS = 5.0
"""A pause that was told this long before a crash must have been written down by then, however slow the disk is."""


class Network:
    """See the module. `say` writes the trace."""

    def __init__(self, scenario: Scenario, model: Model, clock: Clock, say: Callable[[str], None]) -> None:
        self.seen: Counter[str] = Counter()
        """Faults that happened."""
        self.wrong: list[str] = []
        self.history = History(model)
        self.poisoned: set[str] = set()
        """Markers of changes that were refused for good."""
        self.sends = 0
        self._scenario = scenario
        self._model = model
        self._clock = clock
        self._say = say
        self._rng = random.Random(f"network {scenario.seed}")
        switches = behaviour(",".join(f"{name}={value}" for name, value in scenario.switches.items())).switches
        self._service = Clarifai(switches)
        self._service.behave(switches, random.Random(f"service {scenario.seed}"))
        self.app = self._service.app(USER, APP)
        self._watch()
        self._limit = Limit(scenario.service_rps, "sliding") if scenario.service_rps else None
        self._rate = scenario.settings["push.requests_per_second"]
        self._recent: deque[float] = deque()
        self._in_outage: Counter[Outage] = Counter()
        self._pauses: list[tuple[float, float]] = []  # (told at, until)
        self._under_way: dict[int, Request] = {}
        self._items: dict[tuple[str, str], str] = {}  # of the request that is being answered: marker by (input_id, id)

    # --- what is watched ------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Be told of everything that the app is changed by."""
        app, history = self.app, self.history
        put, delete, delete_of_input = app.put, app.delete, app.delete_of_input

        def putting(annotation: dict[str, Any], lag: int = 0) -> None:
            key = annotation["input_id"], annotation["id"]
            history.written(*key, self._model.by_marker[self._items[key]])
            put(annotation, lag)

        def deleting(key: tuple[str, str], lag: int = 0) -> bool:
            there = delete(key, lag)
            if there and not self._emptying:
                history.deleted(*key)
            return there

        def emptying(input_id: str, lag: int = 0) -> int:
            self._emptying = True
            count = delete_of_input(input_id, lag)
            self._emptying = False
            if count:
                history.emptied(input_id)
            return count

        self._emptying = False
        app.put, app.delete, app.delete_of_input = putting, deleting, emptying  # type: ignore[method-assign]

    def process_ended(self, *, kept_pauses: bool) -> None:
        """What the process had sent arrives now, or never; its rate does not count any more. `kept_pauses`: were they written down?"""
        for request in self._under_way.values():
            if self._rng.random() < 0.5:
                self._say(f"          arrives after the end of its process: {_told(request)}")
                self._answered(request, "")
        self._under_way.clear()
        self._recent.clear()
        now = self._clock.now
        self._pauses = [(told, until) for told, until in self._pauses if kept_pauses and until > now and told < now - PERSISTED_AFTER_SECONDS]

    def _sent(self, now: float) -> None:
        self.sends += 1
        recent = self._recent
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        recent.append(now)
        if len(recent) > max(1, int(self._rate)):
            self.wrong.append(f"rate: {len(recent)} requests in the second before {now:.3f}, {self._rate} allowed")
        for told, until in self._pauses:
            if now < until - 1e-6:
                self.wrong.append(f"pause: a request at {now:.3f}, though the service asked at {told:.3f} to wait until {until:.3f}")
        self._pauses = [pause for pause in self._pauses if pause[1] > now]

    def check_outages(self) -> None:
        """In a long outage few requests are made."""
        for outage, count in self._in_outage.items():
            seconds = outage.end - outage.start
            probes = seconds / (self._scenario.settings["retry.cap_seconds"] / 4)  # full jitter: half the cap in the mean, and some luck
            allowed = max(0.1 * self._rate * seconds, probes) + 10
            if outage.kind == "refused" and seconds >= 30 and count > allowed:
                self.wrong.append(f"outage: {count} requests in {seconds:g} s without any connection, {allowed:g} allowed")

    # --- one request ----------------------------------------------------------------------------------------------

    async def carry(self, request: Request, token: str, timeout_seconds: float) -> Reply | NoReply:
        """Send it, and what comes back within the time."""
        clock, rng, scenario = self._clock, self._rng, self._scenario
        started = clock.now
        self._sent(started)
        number = self.sends
        outage = next((outage for outage in scenario.outages if outage.start <= started < outage.end), None)
        if outage is not None:
            self._in_outage[outage] += 1
            if outage.kind == "refused":
                self._happened("outage")
                await anyio.sleep(REFUSED_IN_SECONDS)
                return NoReply("no connection: refused", sent=False)
        fault = self._fault(started)
        self._say(f"#{number:<4} ──► {_told(request)}")
        self._under_way[number] = request
        reply = await self._way(number, request, outage, fault, started + timeout_seconds)
        self._under_way.pop(number, None)
        told = f"HTTP {reply.status} {reply.body[:90]!r}" if isinstance(reply, Reply) else f"no answer ({reply.reason})"
        self._say(f"#{number:<4} ◄── {told}{f'   [{fault}]' if fault else ''}")
        self._note_pause(reply, fault)
        return reply

    async def _way(self, number: int, request: Request, outage: Outage | None, fault: str, deadline: float) -> Reply | NoReply:
        clock, rng = self._clock, self._rng
        await anyio.sleep(self._latency())
        if fault == "lost":
            self._under_way.pop(number, None)
            return await self._silence(deadline)
        if fault == "reset-before":
            self._under_way.pop(number, None)
            return NoReply("the connection broke before the answer came", sent=True)
        self._under_way.pop(number, None)
        reply = self._answered(request, fault, outage)
        if fault == "answer-lost":
            return await self._silence(deadline)
        back = self._latency() + (SLOW_SECONDS * rng.random() if fault == "slow" else 0)
        if clock.now + back > deadline:
            return await self._silence(deadline)
        await anyio.sleep(back)
        if fault == "reset-after":
            return NoReply("the connection broke before the answer came", sent=True)
        if fault == "cut":
            return NoReply("the answer was cut off", sent=True)
        return reply

    async def _silence(self, deadline: float) -> NoReply:
        await anyio.sleep(max(0.0, deadline - self._clock.now))
        return NoReply("no complete answer in time", sent=True)

    def _latency(self) -> float:
        """Never so long that a request arrives when nobody waits for its answer any more: that is not to be made good."""
        return min(2.0, self._scenario.latency_seconds * (0.2 + self._rng.expovariate(1.0)))

    def _fault(self, now: float) -> str:
        if now > self._scenario.storm_seconds:
            return ""
        roll = self._rng.random()
        for name, probability in self._scenario.faults.items():
            if roll < probability:
                self._happened(name)
                return name
            roll -= probability
        return ""

    def _happened(self, fault: str) -> None:
        self.seen[fault] += 1

    # --- the service ----------------------------------------------------------------------------------------------

    def _answered(self, request: Request, fault: str, outage: Outage | None = None) -> Reply:
        received, service = _received(request), self._service
        if outage is not None and outage.kind in ("token", "quota"):
            self._happened(f"{outage.kind} refused")
            if outage.kind == "token":
                received.headers = {"Authorization": "Key refused-token"}
                refused = service.refused(received)
                assert refused is not None
                return _reply(refused)
            return _reply(Answer.of(QUOTA))
        if outage is not None:
            self._happened("errors only")
            return _reply(service.failed(received)[0])
        if self._limit is not None and not self._limit.take(self._clock.now):
            self._happened("over the limit")
            return self._throttled(received, "throttle", seconds=1)
        return self._faulty(received, request, fault)

    def _faulty(self, received: Received, request: Request, fault: str) -> Reply:
        service, rng = self._service, self._rng
        match fault:
            case "throttle" | "throttle-silent" | "throttle-date":
                return self._throttled(received, fault)
            case "html":
                return Reply(503, b"<html><body>503 Service Unavailable</body></html>")
            case "gateway":
                return _reply(service.gateway())
            case "error":
                answer, may_be_applied = service.failed(received)
                if may_be_applied and rng.random() < 0.5:
                    self._carried_out(received, request, fault)
                return _reply(answer)
        reply = _reply(self._carried_out(received, request, fault))
        if fault == "empty":
            return Reply(200, b"")
        return Reply(reply.status, reply.body[: len(reply.body) // 2]) if fault == "half-body" else reply

    def _throttled(self, received: Received, fault: str, seconds: int = 0) -> Reply:
        reply = _reply(self._service.throttled(received, silent=True))
        seconds = seconds or self._rng.choice(RETRY_AFTER_SECONDS)
        if fault == "throttle":
            return Reply(reply.status, reply.body, str(seconds), None)
        if fault == "throttle-date":
            now = int(self._clock.wall())
            return Reply(reply.status, reply.body, formatdate(now + seconds, usegmt=True), formatdate(now, usegmt=True))
        return reply

    def _carried_out(self, received: Received, request: Request, fault: str) -> Answer:
        self._items = self._named(request)
        return self._service.answer(received, lambda id: self._item_fault(id, fault))

    def _item_fault(self, id: str, fault: str) -> int:
        if poisoned(id, self._scenario.poison):
            self._happened("poison")
            self.poisoned.update(mark for key, mark in self._items.items() if key[1] == id)
            return codes.INVALID
        return codes.FAILED_FOR_NOW if fault == "partial" and self._rng.random() < 0.3 else 0

    def _named(self, request: Request) -> dict[tuple[str, str], str]:
        """The changes that a request carries, by what they change. No annotation twice."""
        sent = json.loads(request.body or b"{}")
        if request.method == "DELETE":
            ids = sent.get("ids")
            keys = list(zip(sent["input_ids"], ids, strict=True)) if ids else [(input_id, "") for input_id in sent["input_ids"]]
            named = dict.fromkeys(keys, "")
        else:
            annotations = sent.get("annotations", [])
            keys = [(annotation["input_id"], annotation["id"]) for annotation in annotations]
            named = {key: _marker(annotation) for key, annotation in zip(keys, annotations, strict=True)}
        if len(named) < len(keys):
            self.wrong.append(f"batch: an annotation comes twice in one request: {_told(request)}")
        return named

    def _note_pause(self, reply: Reply | NoReply, fault: str) -> None:
        """What the client knows from now on."""
        if not isinstance(reply, Reply) or reply.retry_after is None:
            return
        now = self._clock.now
        if reply.date is None:
            self._pauses.append((now, now + float(reply.retry_after)))
            return
        seconds = (parsedate_to_datetime(reply.retry_after) - parsedate_to_datetime(reply.date)).total_seconds()
        self._pauses.append((now, now + seconds))


def poisoned(id: str, share: float) -> bool:
    """Will the service never take an annotation of this id?"""
    return bool(share) and crc32(id.encode()) % 10_000 < share * 10_000


def _marker(annotation: dict[str, Any]) -> str:
    return next(concept["id"] for concept in annotation["data"]["concepts"] if concept["id"].startswith("n-"))


def _received(request: Request) -> Received:
    path, _, query = request.path.partition("?")
    headers = {"Authorization": "Key a-token"}
    return Received(request.method, path, parse_qs(query), headers, request.body or b"", len(request.path))


def _reply(answer: Answer) -> Reply:
    body = answer.text.encode() if answer.body is None else orjson.dumps(answer.body)
    return Reply(answer.status, body, answer.headers.get("Retry-After"))


def _told(request: Request) -> str:
    """A request, for the trace."""
    path = request.path.partition("?")[0].rpartition("/apps/app/")[2]
    if request.method == "GET":
        return f"GET {path} {request.path.partition('?')[2][:80]}"
    sent = json.loads(request.body or b"{}")
    if request.method == "DELETE":
        ids = sent.get("ids") or [""] * len(sent["input_ids"])
        keys = [f"{input_id}/{id or '*'}" for input_id, id in zip(sent["input_ids"], ids, strict=True)]
        return f"DELETE {len(keys)}: {_few(keys)}"
    keys = [f"{annotation['input_id']}/{annotation['id'][:12]} {_marker(annotation)}" for annotation in sent["annotations"]]
    return f"{request.method} {sent.get('action', '')} {len(keys)}: {_few(keys)}"


def _few(keys: list[str]) -> str:
    return ", ".join(keys[:6]) + (f", and {len(keys) - 6} more" if len(keys) > 6 else "")


class SimulatedTransport:
    """One process's way into the network. Stands where `HttpTransport` does."""

    hidden_retries = 0

    def __init__(self, network: Network, timeout_seconds: float) -> None:
        self.requests = 0
        self._network = network
        self._timeout_seconds = timeout_seconds

    async def __aenter__(self) -> SimulatedTransport:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, request: Request, headers: object = None) -> Reply | NoReply:
        self.requests += 1
        return await self._network.carry(request, "a-token", self._timeout_seconds)
