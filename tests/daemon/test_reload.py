"""Reloads of a daemon in virtual time: what is decided at once, and what lanes do that
are still busy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import anyio
import pytest

from syncer.config import Loaded, load
from syncer.core.ports.wire import Reply, Request
from syncer.daemon.differences import LanePlan, plan_lanes
from syncer.daemon.lane import Lane
from syncer.daemon.reload import IsDraining, Reloaded, Reloader
from syncer.daemon.supervisor import Ended, Supervisor
from syncer.errors import UsageError
from syncer.jobs.push_parts import push_parts
from tests.daemon.following import Following, post
from tests.support.lanes import App

LANE = """
[[destinations]]
name = "{0}"
base_url = "http://127.0.0.1:1"
app_id = "app"
user_id = "{0}"
token_env = "PAT"
"""
A, B = LANE.format("a"), LANE.format("b")
DRAIN_SECONDS = 20.0


class Daemon:
    """A daemon whose config is a text that changes. Implements `LaneMaker` and
    `ReloadReports`.
    """

    def __init__(self, folder: Path, text: str) -> None:
        self.app = App(folder / "state")
        self.folder = folder
        self.text = text
        self.sample_every_seconds = 86400
        self.fault: Exception | None = None
        """Raised by each look at the config, and by what is said of a lane's end."""
        self.following: dict[str, Following] = {}
        """By lane."""
        self.reports: list[Reloaded] = []
        self.ended: list[tuple[str, int]] = []
        """Lanes that were removed, with what they had applied."""
        self.at_work = 0
        self.reloader: Reloader | None = None
        self.supervisor: Supervisor | None = None
        self.signal: Callable[[int], None] = lambda _: None
        self.early_hangups = 0

    def read(self) -> tuple[Loaded, tuple[str, ...]]:
        path = self.folder / "syncer.toml"
        state = f'[state]\ndir = "{self.folder}"\n[daemon]\ndrain_seconds = {DRAIN_SECONDS}\n'
        sample = f"verify_sample_every_seconds = {self.sample_every_seconds}\n"
        path.write_text(f"{self.text}\n{state}{sample}")
        return load(path, {"PAT": "a-token"}, {}), ()

    def check(self, plan: LanePlan) -> None:
        if self.fault is not None:
            raise self.fault
        if plan.loaded.config.push.batch_size == 7:
            raise UsageError("seven is not liked here")

    def make(self, plan: LanePlan) -> Lane:
        following = self.following.setdefault(plan.name, Following(self.app))
        return Lane(
            plan.name,
            plan.loaded,
            partial(push_parts, limiters=self.app.limiters),
            following.sources,
            following._observe,
            following._tell,
        )

    def renew(self, plan: LanePlan, lane: Lane) -> None:
        lane.take_up(plan.loaded, self.following[plan.name].sources)

    def announce(self) -> nullcontext[None]:
        return nullcontext()

    def report(self, reloaded: Reloaded) -> None:
        self.reports.append(reloaded)

    async def report_end(self, lane: Lane) -> None:
        if self.fault is not None:
            raise self.fault
        self.ended.append((lane.name, (await lane.status()).totals.applied))

    async def reload(self, text: str) -> Reloaded:
        self.text = text
        assert self.reloader is not None
        return await self.reloader.reload()

    async def rates(self) -> dict[str, float | None]:
        """The limit of each lane that is shown."""
        assert self.supervisor is not None
        statuses = [await lane.status() for lane in self.supervisor.lanes]
        return {one.name: one.traffic.rate_limit for one in statuses}

    def run(self, then: Callable[[], Awaitable[None]]) -> Ended:
        """The daemon; it is drained when `then` has ended."""

        @contextmanager
        def listen(take: Callable[[int], None]) -> Iterator[None]:
            self.signal = take
            for _ in range(self.early_hangups):
                assert self.reloader is not None
                self.reloader.ask()
            yield

        async def act() -> None:
            await anyio.sleep(1)
            await then()
            assert self.supervisor is not None
            if not self.supervisor.draining.is_set():
                self.signal(15)

        @asynccontextmanager
        async def serve(_: Supervisor) -> AsyncIterator[None]:
            assert self.reloader is not None
            async with self.reloader.answering(), anyio.create_task_group() as tasks:
                await anyio.sleep(0.1)
                tasks.start_soon(act)
                yield

        async def main() -> Ended:
            started, _ = self.read()
            lanes = [self.make(plan) for plan in plan_lanes(started).values()]
            self.supervisor = Supervisor(lanes, DRAIN_SECONDS)
            self.reloader = Reloader(self.supervisor, started, self.read, self, self)
            return await self.supervisor.run(listen, serve)

        return self.app.run(main)


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path, A + B)


def at(rate: float) -> str:
    return f"requests_per_second = {rate}\n"


def hang(daemon: Daemon, user: str, seconds: float) -> None:
    """Let each request to this user's app take so long."""
    daemon.app.latency_seconds = lambda request: seconds if f"/{user}/" in request.path else 0.05


def test_a_lane_that_is_still_busy_goes_on_by_what_is_wanted_last(daemon: Daemon) -> None:
    """Removed, wanted again, changed: never two at once, and nothing is sent twice."""
    hang(daemon, "b", 10.0)

    async def then() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(daemon.reload, A)
            await anyio.sleep(1)
            assert list(await daemon.rates()) == ["a"]
            tasks.start_soon(daemon.reload, A + B + at(7))
            await anyio.sleep(1)
            assert list(await daemon.rates()) == ["a", "b"]
            tasks.start_soon(daemon.reload, A + B + at(9))
        assert daemon.app.time.now == pytest.approx(11, abs=1)
        await anyio.sleep(30)
        assert (await daemon.rates())["b"] == 9

    assert daemon.run(then).exit_code == 0
    assert [(one.added, one.restarted, one.removed) for one in daemon.reports] == [
        ((), (), ("b",)),
        (("b",), (), ()),
        ((), ("b",), ()),
    ]
    assert daemon.ended == []
    assert daemon.following["b"].paused == []
    assert sum("/b/" in request.path for request in daemon.app.asked) == 1


def test_what_hangs_is_given_up_when_a_drain_would_be_and_asked_after_by_the_next_push(
    daemon: Daemon,
) -> None:
    """The other lane goes on meanwhile."""
    hang(daemon, "b", 1000.0)

    async def then() -> None:
        began = daemon.app.time.now
        await daemon.reload(A + B + at(9))
        assert daemon.app.time.now - began == pytest.approx(DRAIN_SECONDS, abs=0.1)
        hang(daemon, "b", 0.05)
        daemon.following["a"].add(post(1))
        await anyio.sleep(30)

    assert daemon.run(then).exit_code == 0
    assert daemon.following["a"].source is not None
    verbs = [request.method for request in daemon.app.asked if "/b/" in request.path]
    assert verbs[0] == "POST"
    assert len(verbs) >= 2
    assert daemon.following["b"].paused == []


def test_a_lane_that_is_removed_has_ended_before_another_one_goes_to_its_app(
    daemon: Daemon,
) -> None:
    hang(daemon, "b", 5.0)

    async def then() -> None:
        renamed = B.replace('name = "b"', 'name = "c"')
        began = daemon.app.time.now
        reloaded = await daemon.reload(A + renamed)
        assert (reloaded.added, reloaded.removed) == (("c",), ("b",))
        assert daemon.app.time.now - began >= 4
        assert daemon.ended == [("b", 1)]

    assert daemon.run(then).exit_code == 0


def test_a_bad_config_changes_nothing_and_a_good_one_after_it_is_taken(daemon: Daemon) -> None:
    async def then() -> None:
        before = await daemon.rates()
        seven = "[push]\nbatch_size = 7\n"
        for bad in ("[push", A + B + seven, A.replace('"app"', '"other"')):
            reloaded = await daemon.reload(bad)
            assert (reloaded.result, bool(reloaded.error)) == ("failed", True)
        assert daemon.supervisor is not None
        (check,) = daemon.supervisor.faults.checks()
        assert (check.status, "app other" in check.message) == ("error", True)
        assert await daemon.rates() == before
        assert (await daemon.reload(A)).result == "ok"
        assert daemon.supervisor.faults.checks() == ()

    daemon.run(then)


def test_a_lane_whose_push_cannot_be_opened_is_renewed_at_once(daemon: Daemon) -> None:
    """It waits for its next try otherwise."""
    (daemon.folder / "b").mkdir()
    (daemon.folder / "b" / "journal").write_text("rotten")

    async def then() -> None:
        await anyio.sleep(600)
        (daemon.folder / "b" / "journal").unlink()
        began = daemon.app.time.now
        await daemon.reload(A + B + at(9))
        await anyio.sleep(1)
        assert daemon.app.time.now - began < 2
        assert (await daemon.rates())["b"] == 9

    daemon.run(then)


def test_a_rate_that_was_found_survives(daemon: Daemon) -> None:
    daemon.text = A + at(0.0).replace("0.0", '"auto"')
    found: list[float | None] = []

    def throttle(_: Request) -> Reply | None:
        throttled = daemon.app.time.now < 20 and len(daemon.app.asked) % 3 == 0
        return Reply(429, b"{}", "1") if throttled else None

    async def then() -> None:
        daemon.app.interfering = throttle
        for n in range(1, 40):
            daemon.following["a"].add(post(n))
            await anyio.sleep(0.5)
        found.append((await daemon.rates())["a"])
        await daemon.reload(daemon.text + "[push]\nlinger_seconds = 0.5\n")
        await anyio.sleep(0.1)
        found.append((await daemon.rates())["a"])

    daemon.run(then)
    assert daemon.reports[0].restarted == ("a",)
    assert found[0] is not None
    assert found[0] < 10
    assert found[1] == pytest.approx(found[0], rel=0.2)


def test_hangups_that_came_before_it_follows_are_one_reload(daemon: Daemon) -> None:
    daemon.early_hangups = 5

    async def then() -> None:
        await anyio.sleep(1)

    daemon.run(then)
    assert [one.result for one in daemon.reports] == ["unchanged"]


def test_in_a_drain_no_config_is_taken_and_a_lane_that_was_removed_counts_for_its_end(
    daemon: Daemon,
) -> None:
    hang(daemon, "b", 1000.0)

    async def then() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(daemon.reload, A)
            await anyio.sleep(5)
            daemon.signal(15)
            with pytest.raises(IsDraining):
                await daemon.reload(A + B)
            tasks.cancel_scope.cancel()

    ended = daemon.run(then)
    assert ended.unfinished == ("b",)
    assert daemon.app.time.now == pytest.approx(6 + DRAIN_SECONDS, abs=1)


def test_an_error_that_nobody_expected_fails_the_reload_and_ends_no_lane(daemon: Daemon) -> None:
    async def hang_up(text: str) -> None:
        daemon.text, daemon.fault = text, KeyError("a-token")
        assert daemon.reloader is not None
        daemon.reloader.ask()
        await anyio.sleep(30)
        daemon.fault = None

    async def then() -> None:
        await hang_up(A + B + at(9))
        assert (await daemon.rates())["b"] == 15
        assert (await daemon.reload(A + B + at(9))).restarted == ("b",)
        await hang_up(A)
        daemon.following["a"].add(post(1))
        await anyio.sleep(5)

    assert daemon.run(then).exit_code == 0
    assert sum("/a/" in request.path for request in daemon.app.asked) == 2
    before, _, removed, after = daemon.reports
    assert removed.removed == ("b",)
    for failed in (before, after):
        assert failed.result == "failed"
        assert failed.error is not None
        assert "KeyError in syncer/daemon/reload.py" in failed.error
        assert "a-token" not in failed.error


def test_a_shorter_interval_holds_for_the_next_look_at_what_was_applied(daemon: Daemon) -> None:
    daemon.text = A
    checked_at: list[float | None] = []

    async def look() -> None:
        assert daemon.supervisor is not None
        status = await daemon.supervisor.lanes[0].status()
        checked_at.append(status.drift.checked_at)

    async def then() -> None:
        await anyio.sleep(2 * 3600)
        await look()
        daemon.sample_every_seconds = 1800
        assert (await daemon.reload(A)).restarted == ("a",)
        await anyio.sleep(600)
        await look()

    daemon.run(then)
    first, second = checked_at
    assert first is not None
    assert second is not None
    assert second - first >= 3600
