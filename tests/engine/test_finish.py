"""What has begun comes to its end, whatever cancels the one that waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from functools import partial

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from syncer.core.change import LogIdentity
from syncer.core.facts import Fact, Opened
from syncer.engine.push import COMMIT_LINGER_SECONDS
from syncer.errors import StateError
from syncer.finish import finish
from tests.engine.answers import posts
from tests.support.fakes import Script
from tests.support.pushing import LOG, Pushing, Settings

A_LOG = LogIdentity("/log.jsonl", "log.jsonl", "head", 1, 10, 0, 0)


class Disk:
    """A write in a thread that lasts until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.notes: list[str] = []

    def write(self) -> None:
        self.notes.append("begun")
        assert self.let.wait(10)
        self.notes.append("written")

    async def begun(self) -> None:
        while not self.notes:  # noqa: ASYNC110 - a thread says so
            await asyncio.sleep(0.001)


async def _cancelled_by_asyncio(disk: Disk) -> None:
    async def caller() -> None:
        try:
            await finish(partial(anyio.to_thread.run_sync, disk.write))
        finally:
            disk.notes.append("caller")

    task = asyncio.create_task(caller())
    await disk.begun()
    task.cancel()
    await asyncio.sleep(0.01)
    disk.let.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _cancelled_by_anyio(disk: Disk) -> None:
    async def caller() -> None:
        try:
            await finish(partial(anyio.to_thread.run_sync, disk.write))
        finally:
            disk.notes.append("caller")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller)
        await disk.begun()
        tasks.cancel_scope.cancel()
        disk.let.set()


@pytest.mark.parametrize("cancelled", [_cancelled_by_asyncio, _cancelled_by_anyio])
def test_a_caller_that_is_cancelled_goes_on_when_the_work_is_over(cancelled: object) -> None:
    disk = Disk()
    asyncio.run(cancelled(disk))  # type: ignore[operator]
    assert disk.notes == ["begun", "written", "caller"]


def test_an_error_is_raised_as_it_is() -> None:
    async def fail() -> None:
        raise StateError("the disk is full")

    with pytest.raises(StateError, match="the disk is full"):
        asyncio.run(finish(fail))


def test_a_command_that_times_out_commits_nothing_beside_the_committer() -> None:
    pushing, disk, under_way, most = Pushing(), Disk(), 0, 0
    pushing.journal.commit([Opened(LOG, A_LOG)])
    commit = pushing.journal.commit

    def slowly(facts: list[Fact]) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if any(isinstance(fact, Opened) for fact in facts):
            disk.write()
        commit(facts)
        under_way -= 1

    def portions(*_: object) -> Iterator[Sequence[Fact]]:
        yield [Opened(2, A_LOG)]

    async def main() -> None:
        source = Script(LOG, posts(4))
        source.grows = True
        engine = pushing._engine(source, Settings(), lambda _: None)
        pushing.journal.commit = slowly  # type: ignore[method-assign,assignment]
        run = asyncio.create_task(engine.run())
        command = asyncio.create_task(engine.carry_out(portions))
        await disk.begun()
        command.cancel()
        source.add(b"no JSON")  # a dead letter, which nothing holds up
        await asyncio.sleep(10 * COMMIT_LINGER_SECONDS)
        disk.let.set()
        with pytest.raises(asyncio.CancelledError):
            await command
        engine.drain()
        await run

    asyncio.run(main())
    assert most == 1
