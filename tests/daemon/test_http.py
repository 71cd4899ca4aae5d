"""What the daemon says of itself over HTTP, on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from syncer.daemon.http.guard import Guard
from syncer.daemon.http.health import health
from syncer.daemon.http.server import serving
from syncer.daemon.lane import Lane
from syncer.daemon.supervisor import Phase, Supervisor
from syncer.errors import SyncerError
from tests.daemon.following import Following, RealTime
from tests.support.lanes import App

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def shown(supervisor: Supervisor) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serving("127.0.0.1:0", health(supervisor), Guard()) as url,
        aiohttp.ClientSession(url) as ask,
    ):
        yield ask


async def test_it_is_ready_only_while_it_follows_and_alive_all_the_time() -> None:
    supervisor = Supervisor([], drain_seconds=1)
    told: list[tuple[int, str]] = []
    phases: tuple[Phase, ...] = ("starting", "following", "draining")
    async with shown(supervisor) as ask:
        for phase in phases:
            supervisor.phase = phase
            for path in ("/healthz", "/readyz"):
                async with ask.get(path) as answer:
                    told.append((answer.status, await answer.text()))
    assert told == [
        (200, "alive\n"),
        (503, "starting\n"),
        (200, "alive\n"),
        (200, "following\n"),
        (200, "alive\n"),
        (503, "draining\n"),
    ]


async def test_its_status_names_each_lane_with_all_that_the_contract_says(tmp_path: Path) -> None:
    lane = Following(App(tmp_path / "state")).lane("prod")
    async with shown(Supervisor([lane], drain_seconds=1)) as ask, ask.get("/api/status") as answer:
        told = await answer.json()
    assert set(told) == {"version", "uptime_seconds", "checks", "lanes", "sources"}
    (shown_lane,) = told["lanes"]
    assert set(shown_lane) == {
        "name",
        "state",
        "paused_until",
        "reason",
        "rate",
        "rate_limit",
        "in_flight",
        "concurrency",
        "read",
        "applied",
        "skipped",
        "ignored",
        "pending",
        "retrying",
        "in_doubt",
        "dead",
        "oldest_pending_seconds",
        "checks",
    }
    assert (shown_lane["name"], shown_lane["state"]) == ("prod", "paused")


def test_a_name_of_a_file_that_is_not_text_is_shown_with_escapes(tmp_path: Path) -> None:
    following = Following(App(tmp_path / "state"))
    following.app.time = RealTime()  # type: ignore[assignment]
    following.file_faults = {"\udcff.jsonl": "it was cut"}
    told: list[str] = []

    async def then(lane: Lane) -> None:
        async with shown(Supervisor([lane], drain_seconds=1)) as ask:
            while not told or '"file:' not in told[-1]:
                async with ask.get("/api/status") as answer:
                    assert answer.status == 200
                    told.append(await answer.text())

    following.run(then)
    assert "udcff" in told[-1]


async def test_an_address_that_is_taken_is_told_with_the_key_that_names_it() -> None:
    supervisor = Supervisor([], drain_seconds=1)
    async with serving("127.0.0.1:0", health(supervisor), Guard()) as url:
        taken = url.removeprefix("http://")
        with pytest.raises(SyncerError, match=rf"listen on {taken}: .*\[daemon\] listen"):
            async with serving(taken, health(supervisor), Guard()):
                pass
