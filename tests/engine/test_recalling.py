"""Commands about dead letters, while requests wait for their turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import anyio
import pytest

from syncer.core.change import Mark
from syncer.core.facts import Fact
from syncer.errors import StateError
from tests.engine.answers import posts
from tests.journal.made import queued
from tests.support.fakes import LOST, busy
from tests.support.pushing import LOG, Process, Pushing

PAUSE_SECONDS = 500.0


def nothing(*_: object) -> Iterator[Sequence[Fact]]:
    """A command that changes nothing."""
    return iter(())


def test_a_command_is_carried_out_at_once_though_a_look_up_waits_for_minutes() -> None:
    pushing, seconds = Pushing(), list[float]()
    pushing.service.plays("post", LOST)
    pushing.service.plays("look-up", busy(PAUSE_SECONDS))

    async def command(process: Process) -> None:
        await anyio.sleep(30)
        assert process.engine.backlog.batches_out == 1
        begun = anyio.current_time()
        await process.engine.carry_out(nothing)
        seconds.append(anyio.current_time() - begun)

    process = pushing.push(posts(3), meanwhile=command)
    assert seconds[0] < 1.0
    assert (process.error, pushing.counts()) == (None, (3, 0, 0, 0))
    assert len(pushing.service.of("post")) == 1


def test_a_command_in_an_outage_does_not_end_the_run() -> None:
    pushing = Pushing()
    pushing.service.plays("post", busy(PAUSE_SECONDS))

    async def command(process: Process) -> None:
        await anyio.sleep(30)
        await process.engine.carry_out(nothing)

    process = pushing.push(posts(3), meanwhile=command)
    assert (process.error, pushing.counts()) == (None, (3, 0, 0, 0))


def test_a_run_ends_where_a_command_cannot_write_what_was_settled() -> None:
    pushing, full = Pushing(), StateError("the disk is full")

    async def command(process: Process) -> None:
        while not process.engine.backlog.settling:  # noqa: ASYNC110 - no event says so
            await anyio.sleep(0.001)
        pushing.journal.fails = full
        with pytest.raises(StateError):
            await process.engine.carry_out(nothing)
        pushing.journal.fails = None

    assert pushing.push(posts(3), meanwhile=command).error is full


def test_what_comes_back_once_a_run_sends_nothing_more_is_left_to_the_next_one() -> None:
    pushing, told = Pushing(), anyio.Event()
    back = queued(1, 0, log=LOG)

    def put_back(*_: object) -> Iterator[Sequence[Fact]]:
        yield [back]

    async def command(process: Process) -> None:
        async def ack(log: int, mark: Mark) -> None:
            await told.wait()

        process.source.ack = ack  # type: ignore[method-assign]
        await anyio.sleep(60)
        await process.engine.carry_out(put_back)
        assert process.engine.backlog.count == 0
        told.set()

    pushing.push(posts(3), meanwhile=command)
    assert list(pushing.journal.ledger.queue) == [1]
