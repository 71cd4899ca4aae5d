"""A lane of the daemon, wired with a source that grows, to a service within this
process, in virtual time.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import anyio

from syncer.core.change import LogIdentity
from syncer.core.events import Event
from syncer.core.facts import Opened
from syncer.core.ports.wire import Reply
from syncer.daemon.followed import Followed
from syncer.daemon.lane import Control, Lane, no_control
from syncer.engine.push import Push
from syncer.jobs.push_parts import PushParts, push_parts
from tests.support.fakes import Script
from tests.support.lanes import App

LOG = 1
REFUSING = Reply(400, b'{"status":{"code":11102,"description":"invalid"}}')


def post(n: int) -> bytes:
    return json.dumps({"op": "post", "annotation": {"id": f"a{n}", "input_id": "i"}}).encode()


class RealTime:
    """In the place of virtual time, in which sockets are silent."""

    run = staticmethod(anyio.run)


class Following:
    """A lane of an app, and a source that grows."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.lines = [post(0)]
        self.source: Script | None = None
        self.events: list[Event] = []
        self.at_event: Callable[[Event], None] = lambda _: None
        """Called with each event."""
        self.paused: list[str] = []
        """The reasons of its pauses, and "" where it went on."""
        self.control: Control = no_control
        self.file_faults: dict[str, str] = {}
        self.expected_every_seconds = 0.0

    def sources(self, parts: PushParts, _: Callable[[], Push]) -> Sequence[Followed]:
        if LOG not in parts.journal.ledger.logs:
            parts.journal.commit([Opened(LOG, LogIdentity("/log", "log", "head", 1, 10, 0, 0))])
        watermark = parts.journal.ledger.logs[LOG].watermark
        self.source = Script(LOG, self.lines, watermark=watermark)
        self.source.label = "log"
        self.source.grows = True
        followed = Followed(
            "changelog",
            self.source,
            lambda: self.file_faults,
            expected_every_seconds=self.expected_every_seconds,
        )
        return [followed]

    def add(self, *lines: bytes) -> None:
        self.lines += lines
        assert self.source is not None
        self.source.add(*lines)

    def run(self, then: Callable[[Lane], Awaitable[None]], **options: Any) -> None:
        """The lane, until `then` has ended; it is drained after that."""

        async def main() -> bool:
            lane = self.lane("prod", **options)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lane.run)
                await then(lane)
                lane.drain()
            return True

        self.app.run(main)

    def lane(self, name: str, **options: Any) -> Lane:
        """A lane with these dotted config keys, with `__` for the dot."""
        loaded = self.app.config(**options)
        lane = Lane(
            name,
            loaded,
            partial(push_parts, limiters=self.app.limiters),
            self.sources,
            self._observe,
            self._tell,
            self.control,
        )
        lane.chance = random.Random(1)
        return lane

    def _observe(self, event: Event) -> None:
        self.events.append(event)
        self.at_event(event)

    def _tell(self, lane: Lane) -> None:
        self.paused.append("" if lane.pause is None else lane.pause.reason)
