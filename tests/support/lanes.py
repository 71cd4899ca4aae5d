"""Push lanes over real logs and a real state folder, to a service within the process,
in virtual time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import anyio

from syncer.api.remotes import Clarifai as Where
from syncer.api.remotes import load_with
from syncer.config import Loaded
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.emulator.clarifai.part import Clarifai
from syncer.emulator.clarifai.store import App as Held
from syncer.emulator.settings import behaviour
from syncer.errors import SyncerError
from syncer.jobs.limiters import Limiters
from syncer.jobs.push import Finished, PushLane
from syncer.jobs.push_parts import push_parts
from syncer.jobs.verified import Finding, Verified
from syncer.jobs.verify import Verification
from syncer.sources.feed import ChangeSource
from syncer.transport.http import HttpTransport
from tests.proof.simulation.network import received, reply_of
from tests.support.virtual import VirtualTime

T = TypeVar("T")

USER, APP = "me", "app"
Interfering = Callable[[Request], Reply | NoReply | None]


class App:
    """An app of the emulator's, without HTTP.

    It outlives the lanes that push to it, and so does the time.
    """

    def __init__(self, state: Path, switches: str = "", *, latency_seconds: float = 0.05) -> None:
        self.state = state
        self.time = VirtualTime()
        self.limiters = Limiters()
        self.asked: list[Request] = []
        self.interfering: Interfering = lambda _: None
        """What is answered instead of what the service says; None where it is the
        service.
        """
        self.refused_keys: set[str] = set()
        """Whole Authorization headers."""
        self.latency_seconds: Callable[[Request], float] = lambda _: latency_seconds
        self._service = Clarifai(behaviour(switches).switches)

    @property
    def held(self) -> dict[tuple[str, str], Any]:
        """The annotations that the app holds, by (input_id, id)."""
        return {(one["input_id"], one["id"]): one for one in self.there.annotations.values()}

    @property
    def there(self) -> Held:
        """The app itself, to be changed as others would."""
        return self._service.app(USER, APP)

    def push(
        self, *logs: str | Path | ChangeSource, lane: dict[str, Any] | None = None, **options: Any
    ) -> Finished:
        """One run.

        `options`: dotted config keys with `__` for the dot; `lane`: what else a lane
        takes.
        """
        config, named = (
            self.config(**options),
            [str(log) if isinstance(log, Path) else log for log in logs],
        )

        async def run() -> Finished:
            with push_parts(config, self.limiters) as parts:
                return await PushLane(parts, named, **(lane or {})).run()

        return self.run(run)

    def verify(
        self, *logs: Path, config: dict[str, Any] | None = None, **what: Any
    ) -> tuple[Verified, list[Finding]]:
        """One verification, and what it told. `what`: how it compares."""
        told: list[Finding] = []
        verification = Verification(
            self.config(**(config or {})), self.limiters, [str(log) for log in logs], **what
        )
        return self.run(lambda: verification.run(told.append)), told

    def config(self, **options: Any) -> Loaded:
        """The configuration of this app; dotted keys have `__` for the dot."""
        where = Where(base_url="http://127.0.0.1:1", user_id=USER, app_id=APP, token="a-token")
        return load_with(
            where,
            None,
            {
                "state.dir": str(self.state),
                **{name.replace("__", "."): value for name, value in options.items()},
            },
            {},
        )

    def run(self, main: Callable[[], Awaitable[T]]) -> T:
        """What it comes to, with this app at the other end of every transport."""

        async def opened(transport: HttpTransport) -> HttpTransport:
            return transport

        async def closed(_: HttpTransport, *__: object) -> None:
            pass

        async def send(
            _: HttpTransport, headers: Mapping[str, str], request: Request, turn: AnotherTurn
        ) -> Reply | NoReply:
            return await self._answer(request, headers["Authorization"])

        with mock.patch.multiple(
            HttpTransport, __aenter__=opened, __aexit__=closed, send_with=send
        ):
            came_to = self.time.run(main)
        assert came_to is not None
        return came_to

    def refused(self, *logs: str | Path | ChangeSource, **options: Any) -> SyncerError:
        """The error that keeps a run from starting. Nothing is asked."""
        asked = len(self.asked)
        try:
            finished = self.push(*logs, **options)
        except SyncerError as error:
            assert len(self.asked) == asked
            return error
        raise AssertionError(f"it was not refused: {finished}")

    async def _answer(self, request: Request, key: str) -> Reply | NoReply:
        self.asked.append(request)
        await anyio.sleep(self.latency_seconds(request))
        if key in self.refused_keys:
            key = "Key refused-token"
        told = self.interfering(request)
        if told is not None:
            return told
        asked = received(request, {"Authorization": key, "Host": "remote"})
        return reply_of(self._service.refuse(asked) or self._service.answer(asked, lambda _: 0))
