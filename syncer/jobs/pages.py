"""A list as a stream of pages, fetched ahead while one is worked on; nothing is written
down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import orjson

from syncer.core.events import Event
from syncer.core.ports.pull import Found, Problem, Row, Unit
from syncer.errors import first_error
from syncer.jobs.wiring import Origin, wire


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: some hundreds of rows, each key once."""

    rows: list[Row]
    problems: list[Problem]
    """What is listed but could not be had."""

    def objects(self) -> list[dict[str, object]]:
        """The rows as values: annotations in the wire's JSON form, or {"input",
        "annotation"} with inputs.
        """
        return [orjson.loads(row.line) for row in self.rows]


@asynccontextmanager
async def pages_of(
    origin: Origin, observe: Callable[[Event], None] = lambda _: None
) -> AsyncIterator[AsyncIterator[Page]]:
    """The pages of an origin's list, while the block lasts; leave it at any time.

    Raises SyncerError for what ends the list early.
    """
    give, take = anyio.create_memory_object_stream[Page](1)

    async def deliver(unit: Unit, found: Found) -> None:
        await give.send(Page(found.rows, found.problems))

    async with wire(origin, observe) as engine:

        async def run() -> None:
            async with give:
                await engine.run("", deliver)

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                async with take:
                    yield take
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None
