"""Facts that no chunk brings, such as a log that appeared while a run is on: they are
durable before anything is built on them.
"""

from __future__ import annotations

import anyio
import pytest

from syncer.core.change import Chunk, LogIdentity, Mark
from syncer.core.facts import Opened
from syncer.errors import StateError
from tests.engine.answers import posts
from tests.support.fakes import Script
from tests.support.lines import post
from tests.support.pushing import LOG, Process, Pushing

LATE = LOG + 1
OPENED = Opened(LATE, LogIdentity("/late.jsonl", "late.jsonl", "head", 2, 0, 0, 0))


def test_a_log_that_appears_while_a_run_is_on_is_read_and_its_source_is_told() -> None:
    pushing, told = Pushing(), dict[int, int]()
    late = Script(LATE, [post("late"), b"no JSON"])

    async def find(process: Process) -> None:
        first = process.source.read

        async def read() -> Chunk | None:
            if (chunk := await first()) is not None:
                return chunk
            if LATE not in pushing.journal.ledger.logs:
                await process.engine.note([OPENED])
            return await late.read()

        async def ack(log: int, mark: Mark) -> None:
            told[log] = mark.index

        process.source.read = read  # type: ignore[method-assign]
        process.source.ack = ack  # type: ignore[method-assign]

    assert pushing.push(posts(3), meanwhile=find).error is None
    assert told == {LOG: 3, LATE: 2}
    assert [letter.source for letter in pushing.letters] == ["late.jsonl"]


def test_what_is_noted_comes_after_all_that_was_read_before() -> None:
    """Else an older word on a log would be the last one."""
    pushing = Pushing()
    pushing.service.latency_seconds = 1000.0

    async def note(process: Process) -> None:
        while not process.source.handed_over:  # noqa: ASYNC110 - no event says so
            await anyio.sleep(0.001)
        await process.engine.note([OPENED])

    pushing.push(posts(3), meanwhile=note, killed_at=10.0)
    facts = [type(fact).__name__ for commit in pushing.journal.commits[1:] for fact in commit]
    assert facts == ["Read", "Opened"]


def test_a_note_that_cannot_be_written_ends_the_run() -> None:
    pushing, full = Pushing(), StateError("the disk is full")
    pushing.service.latency_seconds = 1000.0

    async def note(process: Process) -> None:
        await anyio.sleep(1)
        pushing.journal.fails = full
        with pytest.raises(StateError):
            await process.engine.note([OPENED])

    assert pushing.push(posts(3), meanwhile=note).error is full


def test_the_ledger_is_looked_at_while_nothing_is_written() -> None:
    pushing, seen = Pushing(), list[int]()
    pushing.time.thread_seconds = 3.0

    async def look(process: Process) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(process.engine.note, [OPENED])
            await anyio.sleep(1)
            seen.append(await process.engine.look(lambda ledger: len(ledger.logs)))

    pushing.push([], meanwhile=look)
    assert seen == [2]
