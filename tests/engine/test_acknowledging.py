"""A source that is slow to be told, or cannot be told, what is settled."""

from __future__ import annotations

import anyio

from syncer.core.change import Chunk, Mark
from syncer.errors import SyncerError
from tests.engine.answers import posts_of_inputs as posts
from tests.support.pushing import LOG, Process, Pushing


def test_an_acknowledgement_that_hangs_holds_up_no_commit() -> None:
    pushing = Pushing()
    all_applied = (400, 0, 0, 0)

    async def hang(process: Process) -> None:
        acknowledge, applied = process.source.ack, anyio.Event()

        async def ack(log: int, mark: Mark) -> None:
            await applied.wait()
            await acknowledge(log, mark)

        process.source.ack = ack  # type: ignore[method-assign]
        await anyio.sleep(100)
        assert (pushing.counts(), process.source.acked) == (all_applied, [])
        applied.set()

    process = pushing.push(posts(400), meanwhile=hang, chunk_lines=40)
    assert (process.error, pushing.counts()) == (None, all_applied)
    assert process.source.acked[-1][1].index == 400


def test_a_source_that_could_not_be_told_makes_the_run_fail_once_all_is_applied() -> None:
    pushing = Pushing()
    broken = SyncerError("it cannot be told")

    async def fail(process: Process) -> None:
        async def ack(log: int, mark: Mark) -> None:
            raise broken

        process.source.ack = ack  # type: ignore[method-assign]

    process = pushing.push(posts(400), meanwhile=fail, chunk_lines=40)
    assert (process.error, pushing.counts()) == (broken, (400, 0, 0, 0))


def test_a_source_is_told_of_a_chunk_without_changes_at_once() -> None:
    """A source that never ends may give nothing else for days."""
    blank: list[Chunk] = []

    async def give_a_blank_chunk(process: Process) -> None:
        source = process.source
        source.grows = True
        read = source.read

        async def read_on() -> Chunk | None:
            chunk = await read()
            return blank.pop() if chunk is None and blank else chunk

        source.read = read_on  # type: ignore[method-assign]
        await anyio.sleep(10)
        blank.append(Chunk(LOG, [], [], [], Mark(1, 20, 2)))
        source.add()
        await anyio.sleep(10)
        assert source.acked[-1][1] == Mark(1, 20, 2)
        process.engine.drain()

    pushing = Pushing()
    process = pushing.push(posts(1), meanwhile=give_a_blank_chunk)
    assert (process.error, blank) == (None, [])
