"""The emulator as an HTTP server on aiohttp: parts, limits, faults, what happened."""

from __future__ import annotations

import gzip
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote, unquote
from zlib import crc32

import anyio
import orjson
from aiohttp import web

from syncer import signals
from syncer.emulator import codes
from syncer.emulator.annotell.part import Annotell
from syncer.emulator.annotell.projects import UnloadableDocuments
from syncer.emulator.answer import Answer, ItemFault, Part, Request
from syncer.emulator.bodies import Unreadable, read_json
from syncer.emulator.clarifai.part import Clarifai
from syncer.emulator.clarifai.store import Annotation, AnnotationKey
from syncer.emulator.limits import WINDOW_SECONDS, Limit
from syncer.emulator.settings import Behaviour, Settings, behaviour
from syncer.emulator.waits import asking_to_wait
from syncer.errors import UsageError
from syncer.finish import finish

HANG_SECONDS = 120.0
SLOW_SECONDS = 1.0
LINE_BYTES_MAX = 1 << 20
"""The bytes of a request's first line: long URLs are for the parts to refuse."""


class Emulator:
    """The stand-in.

    Make one with `running`. `url` is where it listens; as a text, an emulator is its
    `url`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = ""
        self.counts: Counter[str] = Counter()
        self._times: list[float] = []
        self.reset(settings.faults)
        for load in settings.load:
            if not any(part.load(load) for part in self.parts):
                raise UsageError(f"--load {load!r}: give USER/APP=FILE, or FILE.json with projects")

    def __str__(self) -> str:
        return self.url

    def reset(self, faults: str) -> None:
        """Forget everything; start the faults again from the seed.

        Raises UsageError for a bad fault.
        """
        behave = self._read_behaviour(faults)
        self.clarifai = Clarifai(behave.switches)
        self.clarifai.hosted.url = self.url
        self.annotell = Annotell(behave.switches)
        self.parts: tuple[Part, ...] = (self.annotell, self.clarifai)
        """The first part that claims a request answers it, so the catch-all comes
        last.
        """
        self.set_faults(faults)
        self.counts.clear()
        self._times.clear()

    def set_faults(self, faults: str) -> None:
        """Other faults and switches from now on.

        Raises UsageError for a bad one, and then nothing has changed.
        """
        self._behaviour = self._read_behaviour(faults)
        self._rng = random.Random(self.settings.seed)  # noqa: S311 - repeatable faults
        self.clarifai.behave(self._behaviour.switches, self._rng)
        self.annotell.switches = self._behaviour.switches
        self._limits: dict[tuple[str, str], Limit] = {}

    def _read_behaviour(self, faults: str) -> Behaviour:
        """Read faults, and switches over those of the profile."""
        return behaviour(f"{self.settings.like},{faults}")

    @property
    def span_seconds(self) -> float:
        """Time from the first request to the last."""
        return self._times[-1] - self._times[0] if self._times else 0.0

    def annotations(self, user_id: str, app_id: str) -> dict[AnnotationKey, Annotation]:
        """Return what an app holds, by (input_id, id)."""
        return dict(self.clarifai.app(user_id, app_id).annotations)

    # --- one request ------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every request of the services' own."""
        self.counts["requests"] += 1
        self._times.append(time.monotonic())
        if self.settings.latency:
            await anyio.sleep(self.settings.latency)
        query = request.rel_url.query
        read = Request(
            method=request.method,
            path=self._path(request.rel_url.raw_path),
            query={name: query.getall(name) for name in query},
            headers=request.headers,
            body=b"",
            url_length=len(request.raw_path),
        )
        part = next(part for part in self.parts if part.claims(read))
        if (refused := await self._refuse(part, read)) is not None:
            return _response(refused)
        try:
            read.body = await request.read()
        except ConnectionResetError:
            self.counts["gone"] += 1
            return _break_off(request)
        fault = self._fault()
        if fault:
            self.counts[f"fault {fault}"] += 1
        if (before := self._fault_before(part, fault, read, request)) is not None:
            return before
        answer = part.answer(read, self._item_fault(fault))
        self.counts["accepted"] += 1
        return await self._fault_after(part, fault, read, request, answer)

    def _path(self, path: str) -> str:
        """As it comes through: something on the way may take `.` and `..` for steps,
        and `%2F` for a slash.
        """
        if self._behaviour.switches["url-path"] == "kept":
            return path
        steps: list[str] = []
        for step in unquote(path).split("/"):
            if step == "..":
                steps = steps[:-1]
            elif step not in ("", "."):
                steps.append(quote(step, safe=""))
        return "/" + "/".join(steps)

    async def _refuse(self, part: Part, request: Request) -> Answer | None:
        if (refused := part.refuse(request)) is not None:
            self.counts["unauthorized"] += 1
            return refused
        if self.settings.rps and part.limited(request):
            switches = self._behaviour.switches
            scope = part.credential(request) if switches["rate-scope"] == "token" else ""
            limit = self._limits.setdefault(
                (part.name, scope), Limit(self.settings.rps, switches["rate-rule"])
            )
            if not await limit.take():
                self.counts["throttled"] += 1
                return part.throttle(request, silent=False)
        return None

    def _fault(self) -> str:
        roll = self._rng.random()
        for name, probability in self._behaviour.faults.items():
            if name == "reject":
                continue
            if roll < probability:
                return name
            roll -= probability
        return ""

    def _item_fault(self, fault: str) -> ItemFault:
        """Return the code that an item fails with: `reject` for good, by its id;
        `partial` for now.
        """
        reject = self._behaviour.faults.get("reject", 0.0)
        partial = fault == "partial"

        def code(id: str) -> int:
            if reject and crc32(id.encode()) % 10_000 < reject * 10_000:
                return codes.INVALID
            return codes.FAILED_FOR_NOW if partial and self._rng.random() < 0.3 else 0

        return code

    def _fault_before(
        self, part: Part, fault: str, read: Request, request: web.Request
    ) -> web.StreamResponse | None:
        """Faults that hit before anything was applied."""
        match fault:
            case "throttle" | "throttle-silent":
                return _response(part.throttle(read, silent=fault == "throttle-silent"))
            case "html":
                wait = asking_to_wait(self._behaviour.switches["error-retry-after"], time.time())
                return web.Response(
                    status=503,
                    text="<html>503 Service Unavailable</html>",
                    content_type="text/html",
                    headers=wait,
                )
            case "gateway":
                return _response(part.gateway())
            case "reset-before":
                return _break_off(request)
            case "error":
                answer, applied = part.fail(read)
                return _response(answer) if not applied or self._rng.random() < 0.5 else None
            case _:
                return None

    async def _fault_after(
        self, part: Part, fault: str, read: Request, request: web.Request, answer: Answer
    ) -> web.StreamResponse:
        """Faults that hit after it was applied."""
        match fault:
            case "error":
                return _response(part.fail(read)[0])
            case "empty":
                return web.Response(status=200)
            case "reset-after":
                return _break_off(request)
            case "hang":
                await anyio.sleep(HANG_SECONDS)
            case "slow":
                await anyio.sleep(SLOW_SECONDS)
            case "cut":
                text = _write(answer)
                cut = web.StreamResponse(
                    status=answer.status, headers={"Content-Length": str(len(text))}
                )
                with suppress(ConnectionResetError):  # the client may be gone
                    await cut.prepare(request)
                    await cut.write(text[: len(text) // 2])
                return _break_off(request)
            case _:
                pass  # it has hit before
        return _response(answer)

    # --- to look at -------------------------------------------------------------------

    async def report(self, _: web.Request) -> web.Response:
        """GET /_emulator/report."""
        counts = dict(self.counts)
        for part in self.parts:
            counts.update(part.counts)
        most = {
            f"max_in_{seconds:g}s": _most(self._times, seconds) for seconds in (1.0, WINDOW_SECONDS)
        }
        return _json({**counts, **most, "span_seconds": self.span_seconds})

    async def state(self, request: web.Request) -> web.Response:
        """Answer GET /_emulator/state?user=&app=[&form=answered]."""
        app = self.clarifai.app(request.query.get("user", "me"), request.query.get("app", ""))
        held = {"annotations": list(app.annotations.values()), "inputs": list(app.inputs.values())}
        answered = request.query.get("form") == "answered"
        return _json(self.clarifai.show(held) if answered else held)

    async def projects(self, request: web.Request) -> web.Response:
        """GET and POST /_emulator/projects: what the Annotell part holds; projects to
        be held from now on, in the same shape.
        """
        if request.method == "POST":
            try:
                self.annotell.projects.add(read_json(await request.read()))
            except (Unreadable, UnloadableDocuments) as error:
                return _json({"error": str(error)}, status=400)
        return _json({"projects": self.annotell.projects.dump()})

    async def change_faults(self, request: web.Request) -> web.Response:
        """POST /_emulator/faults {"faults": SPEC}."""
        try:
            self.set_faults(read_json(await request.read())["faults"])
        except (KeyError, TypeError, AttributeError, Unreadable):
            return _json({"error": 'send {"faults": SPEC}'}, status=400)
        except UsageError as error:
            return _json({"error": str(error)}, status=400)
        return _json({"ok": True})

    async def start_again(self, _: web.Request) -> web.Response:
        """POST /_emulator/reset."""
        self.reset(self.settings.faults)
        return _json({"ok": True})


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _write(answer: Answer) -> bytes:
    written = answer.file or answer.text.encode()
    if answer.body is not None:
        written = orjson.dumps(answer.body)
    return gzip.compress(written) if answer.headers.get("Content-Encoding") == "gzip" else written


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=_write(answer),
        content_type=answer.content_type,
        headers=answer.headers,
    )


def _break_off(request: web.Request) -> web.StreamResponse:
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


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reachable(address: str) -> str:
    """The address where clients on this machine find what listens on all addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - it is looked up, not listened on


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
    like: str = "",
) -> AsyncIterator[Emulator]:
    """An emulator that listens while the block lasts; its address is `url`, and what it
    is as a text.

    Raises UsageError for a bad fault, a bad line of a file to load (it names file and
    line) or a taken port.
    """
    emulator = Emulator(Settings(host, port, rps, latency, faults, seed, load, like))
    app = web.Application(client_max_size=256 << 20)
    app.router.add_get("/_emulator/report", emulator.report)
    app.router.add_get("/_emulator/state", emulator.state)
    app.router.add_get("/_emulator/projects", emulator.projects)
    app.router.add_post("/_emulator/projects", emulator.projects)
    app.router.add_post("/_emulator/faults", emulator.change_faults)
    app.router.add_post("/_emulator/reset", emulator.start_again)
    app.router.add_route("*", "/{path:(?s:.*)}", emulator.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, max_line_size=LINE_BYTES_MAX)
    await runner.setup()
    try:
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
        except OSError as error:
            # A name that is not found has another number.
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise UsageError(
                f"the emulator cannot listen on {_authority(host, port)}: {why}"
            ) from None
        address: Any = runner.addresses[0]
        emulator.url = emulator.clarifai.hosted.url = (
            f"http://{_authority(_reachable(address[0]), address[1])}"
        )
        yield emulator
    finally:
        await finish(runner.cleanup)


async def serve(settings: Settings, announce: Callable[[dict[str, object]], None]) -> None:
    """Run until SIGINT or SIGTERM; announces its addresses once it listens."""
    fields = {
        name: getattr(settings, name)
        for name in ("host", "port", "rps", "latency", "faults", "seed", "load", "like")
    }
    stop = anyio.Event()
    with signals.listening(lambda _: stop.set()):
        async with running(**fields) as emulator:
            announce({"clarifai": emulator.url, "annotell": emulator.url, "pid": os.getpid()})
            await stop.wait()
            signals.hold()
