"""A source that is slow to be told, or cannot be told, what is settled."""

from __future__ import annotations

import anyio

from syncer.core.change import Mark
from syncer.errors import SyncerError
from tests.engine.answers import posts_of_inputs as posts
from tests.support.pushing import Process, Pushing


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
