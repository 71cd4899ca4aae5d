"""What people have done with the state of a lane that pushes, in virtual time."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import anyio
import pytest

from syncer.core.ports.wire import Reply
from syncer.daemon.errands import Errands
from syncer.daemon.lane import Lane
from syncer.errors import StateError, UsageError
from syncer.journal.journal import DestinationId, Journal
from tests.daemon.following import Following, post
from tests.support.lanes import App
from tests.support.virtual import VirtualTime


@pytest.fixture
def following(tmp_path: Path) -> Following:
    return Following(App(tmp_path / "state"))


def count_logs(journal: Journal) -> int:
    return len(journal.ledger.logs)


def refuse(_: Journal) -> None:
    raise UsageError("no such log")


def test_it_is_done_between_two_pushes_and_the_lane_goes_on(following: Following) -> None:
    async def then(lane: Lane) -> None:
        await anyio.sleep(1)
        begun = following.source
        assert await lane.alter(count_logs) == 1
        await anyio.sleep(1)
        assert following.source is not begun
        following.add(post(1))
        await anyio.sleep(5)
        assert len(following.app.held) == 2

    following.run(then)
    assert following.paused == []


def test_its_error_is_that_of_who_asked_and_the_lane_goes_on(following: Following) -> None:
    async def then(lane: Lane) -> None:
        await anyio.sleep(1)
        with pytest.raises(UsageError, match="no such log"):
            await lane.alter(refuse)
        await anyio.sleep(1)
        following.add(post(1))
        await anyio.sleep(5)
        assert len(following.app.held) == 2

    following.run(then)
    assert following.paused == []


def test_it_is_done_in_an_outage_of_the_remote_too(following: Following) -> None:
    following.app.interfering = lambda _: Reply(503, b"")

    async def then(lane: Lane) -> None:
        await anyio.sleep(600)
        begun = anyio.current_time()
        assert await lane.alter(count_logs) == 1
        assert anyio.current_time() - begun < 60

    following.run(then)


def test_where_the_push_fails_meanwhile_nothing_is_done_and_that_is_said(tmp_path: Path) -> None:
    errands, done = Errands(), list[int]()

    async def main() -> None:
        drained = anyio.Event()

        async def push(journal: Journal) -> None:
            with suppress(StateError):
                async with errands.after(journal):
                    await drained.wait()
                    raise StateError("the disk is full")

        with closing(Journal.open(tmp_path / "state", DestinationId("", "", ""))) as journal:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(push, journal)
                with pytest.raises(StateError, match="nothing was done"):
                    await errands.ask(lambda journal: done.append(count_logs(journal)), drained.set)

    VirtualTime().run(main)
    assert done == []
