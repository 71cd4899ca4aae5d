"""The daemon as a whole: its lanes do not hold each other up, and it ends in time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest

from syncer.daemon.supervisor import Ended, Supervisor
from tests.daemon.following import Following, post
from tests.support.lanes import App

Signal = Callable[[int], None]


class Running:
    """A daemon of two lanes to one service, and what happens to it."""

    def __init__(self, folder: Path) -> None:
        app = App(folder / "state")
        self.prod, self.test = Following(app), Following(app)
        self._folder = folder

    def run(
        self, then: Callable[[Supervisor, Signal], Awaitable[None]], drain_seconds: float = 25.0
    ) -> Ended:
        """The daemon, from its start until it has ended of itself."""
        heard: list[Signal] = []

        @contextmanager
        def listen(take: Signal) -> Iterator[None]:
            heard.append(take)
            yield

        @asynccontextmanager
        async def serve(daemon: Supervisor) -> AsyncIterator[None]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(then, daemon, heard[0])
                yield

        async def main() -> Ended:
            lanes = [
                following.lane(name, clarifai__app_id=name, state__dir=str(self._folder / name))
                for name, following in (("prod", self.prod), ("test", self.test))
            ]
            return await Supervisor(lanes, drain_seconds).run(listen, serve)

        return self.prod.app.run(main)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def test_a_lane_that_cannot_push_holds_up_no_other(running: Running) -> None:
    counts: list[int] = []
    (running._folder / "prod").mkdir()
    (running._folder / "prod" / "journal").write_text("rotten")

    async def then(daemon: Supervisor, signal: Signal) -> None:
        await anyio.sleep(60)
        running.test.add(post(1))
        await anyio.sleep(60)
        states = [await lane.status() for lane in daemon.lanes]
        assert [one.state for one in states] == ["paused", "open"]
        counts.extend(one.totals.applied for one in states)
        signal(15)

    assert running.run(then).exit_code == 0
    assert counts == [0, 2]


def test_a_signal_lets_what_is_in_flight_finish(running: Running) -> None:
    running.prod.app.latency_seconds = lambda _: 10.0

    async def then(_: Supervisor, signal: Signal) -> None:
        await anyio.sleep(2)
        signal(15)

    assert running.run(then).exit_code == 0
    assert len(running.prod.app.asked) == 2
    assert running.prod.app.time.now < 15


def test_a_drain_that_takes_too_long_is_cut_off_and_its_lanes_are_named(running: Running) -> None:
    running.prod.app.latency_seconds = lambda _: 50.0

    async def then(_: Supervisor, signal: Signal) -> None:
        await anyio.sleep(2)
        signal(15)

    ended = running.run(then, drain_seconds=5)
    assert ended.exit_code == 1
    assert "before the lanes prod, test had finished" in str(ended.error)
    assert running.prod.app.time.now < 10


def test_a_second_signal_stops_at_once(running: Running) -> None:
    running.prod.app.latency_seconds = lambda _: 50.0

    async def then(_: Supervisor, signal: Signal) -> None:
        await anyio.sleep(2)
        signal(15)
        await anyio.sleep(1)
        signal(15)

    assert running.run(then).exit_code == 1
    assert running.prod.app.time.now < 4
