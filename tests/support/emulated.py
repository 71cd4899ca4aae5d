"""The emulator without a network: a transport that hands each request to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

from syncer.config import Loaded, load
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.emulator.answer import Answer
from syncer.emulator.server import Emulator
from syncer.emulator.settings import Settings
from syncer.jobs.clarifai import App
from syncer.jobs.limiters import Limiters
from syncer.remotes.clarifai import Clarifai
from tests.proof.simulation import network
from tests.proof.simulation.network import received

USER, APP_ID, TOKEN = "the-user", "the-app", "the-token"
URL = "https://the-service.example"


def reply_of(answer: Answer) -> Reply:
    """An answer as a transport gives it, with the date of now."""
    reply = network.reply_of(answer)
    date = answer.headers.get("Date", formatdate(int(time.time()), usegmt=True))
    return Reply(reply.status, reply.body, reply.retry_after, date or None)


class Killed(BaseException):
    """The process ends here."""


class EmulatedTransport:
    """Requests to an emulator in this process, its faults included."""

    hidden_retries = 0

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.sent: list[Request] = []
        self.dies_after: int | None = None
        """The process is killed when this many requests were answered."""
        self.at_request: tuple[int, Callable[[], None]] | None = None
        """What happens right after a request of this number has come."""

    async def __aenter__(self) -> EmulatedTransport:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        """Send once."""
        self.sent.append(request)
        if self.at_request is not None and len(self.sent) == self.at_request[0]:
            self.at_request[1]()
        reply = await self._answer(request)
        if self.dies_after is not None and len(self.sent) >= self.dies_after:
            raise Killed
        return reply

    async def _answer(self, request: Request) -> Reply | NoReply:
        emulator, part = self.emulator, self.emulator.clarifai
        read = received(request, {"Authorization": f"Key {TOKEN}"})
        read.path = emulator._path(read.path)
        if (refused := await emulator._refuse(part, read)) is not None:
            return reply_of(refused)
        fault = emulator._fault()
        match fault:
            case "throttle" | "throttle-silent":
                return reply_of(part.throttle(read, silent=fault == "throttle-silent"))
            case "html":
                return Reply(503, b"<html>503 Service Unavailable</html>")
            case "gateway":
                return reply_of(part.gateway())
            case "reset-before":
                return NoReply("it broke off", sent=True)
            case "error":
                answer, applied = part.fail(read)
                if not applied or emulator._rng.random() < 0.5:
                    return reply_of(answer)
            case _:
                pass
        answer = part.answer(read, emulator._item_fault(fault))
        match fault:
            case "error":
                return reply_of(part.fail(read)[0])
            case "empty":
                return Reply(200, b"")
            case "reset-after" | "cut" | "hang":
                return NoReply("it broke off", sent=True)
            case _:
                return reply_of(answer)


def emulate(
    faults: str, *, rps: float = 0, seed: int = 0, load: tuple[str, ...] = (), like: str = ""
) -> Emulator:
    """An emulator that listens nowhere."""
    return Emulator(Settings(rps=rps, faults=faults, seed=seed, load=load, like=like))


def configure(**options: object) -> Loaded:
    """A config for it."""
    given: dict[str, object] = {
        "clarifai.base_url": URL,
        "clarifai.user_id": USER,
        "clarifai.app_id": APP_ID,
        **options,
    }
    return load(None, {"CLARIFAI_PAT": TOKEN}, given)


def opening(transport: EmulatedTransport) -> Callable[[Loaded, Limiters], App]:
    """What opens the app of a config, over this transport."""

    def open_app(loaded: Loaded, limiters: Limiters) -> App:
        pace = limiters.lane(URL, ("token",), loaded.config.push.requests_per_second)
        return App(Clarifai(USER, APP_ID), transport, pace)  # type: ignore[arg-type]

    return open_app


def write_empty_log(folder: Path) -> str:
    """What makes the app known where only loaded ones are."""
    log = folder / "nothing.jsonl"
    log.write_bytes(b"")
    return f"{USER}/{APP_ID}={log}"
