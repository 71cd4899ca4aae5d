"""The emulator as an HTTP server on aiohttp: bindings, tokens, limits, faults, and what happened."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import anyio
import orjson
from aiohttp import web

from syncer.emulator.clarifai import Answer, Clarifai
from syncer.emulator.settings import Settings, behaviour
from syncer.emulator.store import Annotation, Key
from syncer.errors import UsageError

RATE_WINDOW_SECONDS = 0.95
"""A little under a second: requests that left in step may arrive closer together."""
HANG_SECONDS = 120.0
SLOW_SECONDS = 1.0
REFUSED_TOKEN = "refused-token"  # noqa: S105 - the one that is always refused


class Emulator:
    """The stand-in. Make one with `running`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = ""
        self.clarifai = Clarifai()
        self.counts: Counter[str] = Counter()
        self._arrivals: deque[float] = deque()
        self._times: list[float] = []
        self.reset(settings.faults)
        for load in settings.load:
            self._load(load)

    def reset(self, faults: str) -> None:
        """Forget everything; start the faults anew from the seed."""
        self.clarifai = Clarifai()
        self.set_faults(faults)
        self.counts.clear()
        self._times.clear()

    def set_faults(self, faults: str) -> None:
        """Other faults and switches from now on."""
        self._behaviour = behaviour(faults)
        self.clarifai.switches = self._behaviour.switches
        self.clarifai.rng = self._rng = random.Random(self.settings.seed)  # noqa: S311 - repeatable faults

    def annotations(self, user_id: str, app_id: str) -> dict[Key, Annotation]:
        """What an app holds, by (input_id, id)."""
        return dict(self.clarifai.app(user_id, app_id).annotations)

    def _load(self, load: str) -> None:
        place, _, file = load.partition("=")
        user_id, _, app_id = place.partition("/")
        if not (user_id and app_id and file):
            raise UsageError(f"--load {load!r}: give USER/APP=FILE")
        try:
            lines = Path(file).read_bytes().splitlines()
        except OSError as error:
            raise UsageError(f"--load {file}: {error.strerror}") from None
        for line in filter(bytes.strip, lines):
            self.clarifai.load(user_id, app_id, orjson.loads(line))

    # --- one request --------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every request of the service's own."""
        self.counts["requests"] += 1
        self._times.append(time.monotonic())
        if self.settings.latency:
            await anyio.sleep(self.settings.latency)
        if (refused := self._refused(request)) is not None:
            return _response(refused)
        body = await request.read()
        fault = self._fault()
        if fault:
            self.counts[f"fault {fault}"] += 1
        if (before := self._fault_before(fault, request)) is not None:
            return before
        answer = self.clarifai.answer(request.method, request.rel_url.raw_path, request.query, body, self._item_fault(fault))
        self.counts["accepted"] += 1
        return await self._fault_after(fault, request, answer)

    def _refused(self, request: web.Request) -> Answer | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Key" or not token or token == REFUSED_TOKEN:
            self.counts["unauthorized"] += 1
            code, text = (11009, "Key not found") if token == REFUSED_TOKEN else (11102, "Invalid request")
            return Answer.failure(401, code, text)
        if self.settings.rps:
            now = time.monotonic()
            while self._arrivals and self._arrivals[0] <= now - RATE_WINDOW_SECONDS:
                self._arrivals.popleft()
            if len(self._arrivals) >= max(1, self.settings.rps):
                self.counts["throttled"] += 1
                return self._throttle("1")
            self._arrivals.append(now)
        return None

    def _throttle(self, retry_after: str | None) -> Answer:
        status = int(self._behaviour.switches["throttle-form"])
        answer = Answer.failure(status, 11005, "Too many requests")
        if retry_after is not None:
            answer.headers["Retry-After"] = retry_after
        return answer

    def _fault(self) -> str:
        roll = self._rng.random()
        for name, probability in self._behaviour.faults.items():
            if name == "reject":
                continue
            if roll < probability:
                return name
            roll -= probability
        return ""

    def _item_fault(self, fault: str) -> Callable[[str], int | None]:
        """Which code an item fails with: `reject` for good, by its id; `partial` for now."""
        reject = self._behaviour.faults.get("reject", 0.0)
        partial = fault == "partial"

        def code(id: str) -> int | None:
            if reject and crc32(id.encode()) % 10_000 < reject * 10_000:
                return 24155
            return 24152 if partial and self._rng.random() < 0.3 else None

        return code

    def _fault_before(self, fault: str, request: web.Request) -> web.StreamResponse | None:
        """Faults that hit before anything was applied."""
        match fault:
            case "throttle":
                return _response(self._throttle("1"))
            case "throttle-silent":
                return _response(self._throttle(None))
            case "html":
                return web.Response(status=503, text="<html><body>503 Service Unavailable</body></html>", content_type="text/html")
            case "gateway":
                return web.json_response({"code": 5, "message": "Not Found", "details": []})
            case "reset-before":
                return _broken(request)
            case "error" if self._rng.random() < 0.5:
                return _response(Answer.failure(500, 98004, "Internal error"))
        return None

    async def _fault_after(self, fault: str, request: web.Request, answer: Answer) -> web.StreamResponse:
        """Faults that hit after it was applied."""
        match fault:
            case "error":
                return _response(Answer.failure(500, 98004, "Internal error"))
            case "reset-after":
                return _broken(request)
            case "hang":
                await anyio.sleep(HANG_SECONDS)
            case "slow":
                await anyio.sleep(SLOW_SECONDS)
            case "cut":
                text = orjson.dumps(answer.body)
                cut = web.StreamResponse(status=answer.status, headers={"Content-Length": str(len(text))})
                with suppress(ConnectionResetError):  # the client may be gone
                    await cut.prepare(request)
                    await cut.write(text[: len(text) // 2])
                return _broken(request)
        return _response(answer)

    # --- to look at ---------------------------------------------------------------------------------------------

    async def report(self, _: web.Request) -> web.Response:
        """GET /_emulator/report."""
        counts = {**self.counts, **self.clarifai.counts}
        return _json(
            {**counts, "max_in_1s": _most(self._times, 1.0), "max_in_0.95s": _most(self._times, 0.95), "span_seconds": _span(self._times)}
        )

    async def state(self, request: web.Request) -> web.Response:
        """GET /_emulator/state?user=&app=."""
        held = self.annotations(request.query.get("user", "me"), request.query.get("app", ""))
        return _json({"annotations": list(held.values())})

    async def change_faults(self, request: web.Request) -> web.Response:
        """POST /_emulator/faults {"faults": SPEC}."""
        try:
            self.set_faults(orjson.loads(await request.read())["faults"])
        except (UsageError, KeyError, TypeError, orjson.JSONDecodeError) as error:
            return _json({"error": str(error)}, status=400)
        return _json({"ok": True})

    async def start_anew(self, _: web.Request) -> web.Response:
        """POST /_emulator/reset."""
        self.reset(self.settings.faults)
        return _json({"ok": True})


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=orjson.dumps(answer.body), content_type="application/json", headers=answer.headers)


def _broken(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _most(times: list[float], seconds: float) -> int:
    most = start = 0
    for end, at in enumerate(times):
        while times[start] <= at - seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def _span(times: list[float]) -> float:
    return times[-1] - times[0] if times else 0.0


@asynccontextmanager
async def running(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    rps: float = 15,
    latency: float = 0,
    faults: str = "",
    seed: int = 0,
    load: tuple[str, ...] = (),
) -> AsyncIterator[Emulator]:
    """An emulator that listens while the block lasts; its address is `url`. Raises UsageError for a bad fault or a taken port."""
    emulator = Emulator(Settings(host, port, rps, latency, faults, seed, load))
    app = web.Application(client_max_size=256 << 20)
    app.router.add_get("/_emulator/report", emulator.report)
    app.router.add_get("/_emulator/state", emulator.state)
    app.router.add_post("/_emulator/faults", emulator.change_faults)
    app.router.add_post("/_emulator/reset", emulator.start_anew)
    app.router.add_route("*", "/{path:.*}", emulator.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
        except OSError as error:
            raise UsageError(f"the emulator cannot listen on {host}:{port}: {error.strerror}") from None
        address: Any = runner.addresses[0]
        emulator.url = f"http://{address[0]}:{address[1]}"
        yield emulator
    finally:
        await runner.cleanup()


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; announces one JSON line once it listens."""
    fields = {name: getattr(settings, name) for name in ("host", "port", "rps", "latency", "faults", "seed", "load")}
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with running(**fields) as emulator:
            announce(orjson.dumps({"clarifai": emulator.url, "annotell": emulator.url, "pid": os.getpid()}).decode())
            async for _ in signals:
                return
