"""Changes that are posted to a lane that runs, on a real socket and in real time."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from syncer.daemon.followed import Followed
from syncer.daemon.http.changes import ingest
from syncer.daemon.http.guard import Guard
from syncer.daemon.http.server import serving
from syncer.daemon.lane import Lane
from syncer.daemon.sources import make_sources
from syncer.engine.push import Push
from syncer.jobs.push_parts import PushParts
from syncer.sources.folder_events import explain_silence, watch_folders
from syncer.sources.watching import Watcher
from tests.daemon.following import Following, RealTime
from tests.support.lanes import App
from tests.support.lines import delete, patch, post

SMALL = 5000
"""Bytes of a body."""
Answer = tuple[int, Any]


class Receiving(Following):
    """A lane whose one source is its inbox, and clients."""

    def __init__(self, folder: Path) -> None:
        super().__init__(App(folder / "state"))
        self.app.time = RealTime()  # type: ignore[assignment]
        self.ask: aiohttp.ClientSession

    def sources(self, parts: PushParts, engine: Callable[[], Push]) -> Sequence[Followed]:
        return make_sources(
            [], lambda _: None, Watcher(watch_folders, explain_silence), parts, engine
        )

    def receive(self, then: Callable[[Lane], Awaitable[None]], **options: Any) -> None:
        async def meanwhile(lane: Lane) -> None:
            async with self.listening([lane]):
                with anyio.fail_after(20):
                    await self.until(202, b"")
                    await then(lane)

        self.run(meanwhile, push__requests_per_second=1000, **options)

    @asynccontextmanager
    async def listening(self, lanes: Sequence[Lane]) -> AsyncIterator[str]:
        async with (
            serving("127.0.0.1:0", ingest(lanes, SMALL), Guard()) as url,
            aiohttp.ClientSession(url) as self.ask,
        ):
            yield url

    async def until(self, status: int, body: bytes, **headers: str) -> None:
        while (await self.post(body, **headers))[0] != status:  # noqa: ASYNC110 - as users would
            await anyio.sleep(0.01)

    async def post(
        self, body: bytes, key: str | None = None, query: str = "", **headers: str
    ) -> Answer:
        if key is not None:
            headers["Idempotency-Key"] = key
        async with self.ask.post(f"/api/changes{query}", data=body, headers=headers) as answer:
            self.retry_after = answer.headers.get("Retry-After")
            return answer.status, await answer.json()

    async def applied(self, count: int) -> list[str]:
        while len(self.app.held) < count:  # noqa: ASYNC110 - as users would
            await anyio.sleep(0.01)
        return sorted(id for _, id in self.app.held)


@pytest.fixture
def receiving(tmp_path: Path) -> Receiving:
    return Receiving(tmp_path)


def test_what_is_accepted_is_applied_and_bad_lines_are_named(receiving: Receiving) -> None:
    async def then(_: Lane) -> None:
        told = await receiving.post(post("a") + b"\nbad\n" + post("b"))
        assert told == (
            202,
            {"accepted": 2, "bad": [{"line": 2, "reason": told[1]["bad"][0]["reason"]}]},
        )
        assert await receiving.applied(2) == ["a", "b"]

    receiving.receive(then)


def test_each_refusal_has_its_status_and_says_why(receiving: Receiving) -> None:
    async def then(_: Lane) -> None:
        ask = receiving.post
        assert (await ask(delete("a")))[0] == 400
        assert (await ask(post("a"), key=" "))[0] == 400
        assert (await ask(post("a"), query="?strict=maybe"))[0] == 400
        strict = await ask(post("a") + b"\nbad", query="?strict=1")
        assert (strict[0], [one["line"] for one in strict[1]["bad"]]) == (400, [2])
        assert (await ask(post("a"), query="?lane=other"))[0] == 404
        assert (await ask(b" " * (SMALL + 1)))[0] == 413
        assert (await ask(patch("a"), key="k"))[0] == 202
        assert (await ask(patch("b"), key="k"))[0] == 422
        assert receiving.app.held == {}

    receiving.receive(then)


def test_a_body_may_be_compressed_but_not_beyond_what_a_body_may_be(receiving: Receiving) -> None:
    async def then(_: Lane) -> None:
        packed = partial(receiving.post, **{"Content-Encoding": "gzip"})
        assert await packed(gzip.compress(post("a"))) == (202, {"accepted": 1, "bad": []})
        assert (await packed(gzip.compress(b" " * 1_000_000)))[0] == 413
        assert (await packed(b"not gzip at all"))[0] == 400
        assert await receiving.applied(1) == ["a"]

    receiving.receive(then)


def test_of_several_lanes_one_has_to_be_named(tmp_path: Path) -> None:
    receiving = Receiving(tmp_path)

    async def main() -> None:
        lanes = [receiving.lane(name) for name in ("prod", "test")]
        async with receiving.listening(lanes):
            assert (await receiving.post(post("a")))[0] == 400
            assert (await receiving.post(post("a"), query="?lane=prod"))[0] == 503

    anyio.run(main)


def test_a_lane_that_is_paused_by_an_error_sends_clients_away_until_it_goes_on(
    receiving: Receiving, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("a-token")

    async def then(lane: Lane) -> None:
        token.write_text("refused-token")
        receiving.app.refused_keys.add("Key a-token")
        await receiving.until(503, post("a"))
        assert int(receiving.retry_after or 0) >= 1
        receiving.app.refused_keys.clear()
        token.write_text("another-token")
        await receiving.until(202, patch("a"), key="k")
        assert (await receiving.applied(1)) == ["a"]

    receiving.receive(then, clarifai__token_file=str(token))


def test_clients_that_post_at_once_are_each_answered(receiving: Receiving) -> None:
    answers: list[Answer] = []

    async def client(n: int) -> None:
        answers.append(await receiving.post(post(f"a{n % 5}"), key=f"k{n % 5}"))

    async def then(_: Lane) -> None:
        async with anyio.create_task_group() as tasks:
            for n in range(20):
                tasks.start_soon(client, n)
        assert answers == [(202, {"accepted": 1, "bad": []})] * 20
        assert len(await receiving.applied(5)) == 5

    receiving.receive(then)


def test_a_client_that_goes_away_in_the_middle_of_its_body_leaves_nothing(
    receiving: Receiving, caplog: pytest.LogCaptureFixture
) -> None:
    async def then(_: Lane) -> None:
        url = receiving.ask._base_url
        assert url is not None
        stream = await anyio.connect_tcp("127.0.0.1", url.port or 0)
        head = (
            f"POST /api/changes HTTP/1.1\r\nHost: 127.0.0.1:{url.port}\r\nContent-Length: 500\r\n"
        )
        await stream.send(head.encode() + b"Idempotency-Key: k\r\n\r\n" + post("a") + b"\n")
        await anyio.sleep(0.05)
        await stream.aclose()
        assert await receiving.post(post("b"), key="k") == (202, {"accepted": 1, "bad": []})
        assert await receiving.applied(1) == ["b"]

    receiving.receive(then)
    assert not caplog.records
