"""The remote of the script: the emulator's answers without a network, failing as the
script says; its content can be kept and put back.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Mapping
from urllib.parse import parse_qs

import anyio
import orjson

from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.emulator.answer import Answer
from syncer.emulator.answer import Request as Asked
from syncer.emulator.clarifai.part import Clarifai
from syncer.emulator.settings import behaviour

USER, APP = "me", "app"
LATENCY_SECONDS = 0.05

Held = dict[tuple[str, str], dict[str, float]]
"""Concepts and their values, by (input_id, id)."""


class Remote:
    """A transport and what is behind it.

    `faults`: by number of the request, what happens to it; `items`: by action (of a
    patch) or method, and id, the codes of failures.
    """

    def __init__(self, rng: random.Random, image: bytes | None = None) -> None:
        self.faults: Mapping[int, str] = {}
        self.items: Mapping[str, list[int]] = {}
        self.outage_from = 1 << 30
        self.requests = 0
        self._rng = rng
        self._part = Clarifai(behaviour("").switches)
        if image is not None:
            self._part._apps = pickle.loads(image)

    def image(self) -> bytes:
        """What it holds."""
        return pickle.dumps(self._part._apps)

    def held(self) -> Held:
        """What it holds, as values to compare."""
        annotations = self._part.app(USER, APP).annotations
        return {
            key: {one["id"]: one["value"] for one in held["data"].get("concepts", [])}
            for key, held in annotations.items()
        }

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        """One request.

        It is applied on its way there or on its way back, as chance has it.
        """
        self.requests += 1
        fault = self.faults.get(self.requests, "") if self.requests < self.outage_from else "html"
        there = self._rng.random() * LATENCY_SECONDS
        await anyio.sleep(there)
        match fault:
            case "refused":
                return NoReply("connection refused", sent=False)
            case "reset":
                return NoReply("connection reset", sent=True)
            case "throttle":
                return _reply(self._part.throttle(self._asked(request), silent=False))
            case "html":
                return Reply(503, b"<html>503</html>")
        answer = self._part.answer(
            self._asked(request), lambda id: self._item_fault(f"{_action(request)} {id}")
        )
        await anyio.sleep(LATENCY_SECONDS - there)
        return NoReply("connection reset", sent=True) if fault == "answer lost" else _reply(answer)

    def _asked(self, request: Request) -> Asked:
        path, _, query = request.path.partition("?")
        return Asked(
            request.method,
            path,
            parse_qs(query, keep_blank_values=True),
            {},
            request.body or b"",
            len(request.path),
        )

    def _item_fault(self, item: str) -> int:
        codes = self.items.get(item)
        return codes.pop(0) if codes else 0


def _action(request: Request) -> str:
    action: str = (
        orjson.loads(request.body).get("action", request.method) if request.body else request.method
    )
    return action


def _reply(answer: Answer) -> Reply:
    body = answer.text.encode() if answer.body is None else orjson.dumps(answer.body)
    return Reply(answer.status, body, answer.headers.get("Retry-After"))
