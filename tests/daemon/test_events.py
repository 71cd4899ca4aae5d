"""`/api/events` on a real socket: what comes over it, and who is sent away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import anyio
import pytest

from syncer.daemon.http import events as events_route
from syncer.daemon.http.events import WATCHERS_MAX, events
from syncer.daemon.http.guard import Guard
from syncer.daemon.http.server import serving
from syncer.daemon.news import NewsFeed

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def watching(feed: NewsFeed) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a daemon with this feed."""
    async with (
        serving("127.0.0.1:0", events(feed), Guard()) as url,
        aiohttp.ClientSession(url) as client,
    ):
        with anyio.fail_after(20):
            yield client
        feed.close()


async def block(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The fields of the next event."""
    text = (await answer.content.readuntil(b"\n\n")).decode().strip()
    return dict(line.split(": ", 1) for line in text.split("\n"))


async def test_news_come_as_events_with_ids_and_none_is_kept_by_anybody() -> None:
    feed = NewsFeed()
    async with watching(feed) as client, client.get("/api/events") as answer:
        assert answer.content_type == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        known = await block(answer)
        feed.tell("dead", "prod", "line\nfeed")
        told = await block(answer)
        assert (known["event"], told["event"]) == ("reset", "outcome")
        assert json.loads(told["data"])["reason"] == "line\nfeed"
        headers = {"Last-Event-ID": known["id"]}
        async with client.get("/api/events", headers=headers) as later:
            assert await block(later) == told


async def test_when_too_many_watch_one_more_is_told_to_come_again() -> None:
    feed = NewsFeed()
    async with watching(feed) as client:
        open_ = [await client.get("/api/events") for _ in range(WATCHERS_MAX)]
        for answer in open_:
            await block(answer)
        async with client.get("/api/events") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        open_.pop().close()
        while feed.watchers == WATCHERS_MAX:
            feed.tell("open", "prod", "")
            await anyio.sleep(0.01)
        async with client.get("/api/events") as answer:
            assert answer.status == 200
        for answer in open_:
            answer.close()


async def test_who_goes_away_leaves_no_word_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    feed = NewsFeed()
    async with watching(feed) as client:
        answer = await client.get("/api/events")
        await block(answer)
        answer.close()
        while feed.watchers:
            feed.tell("open", "prod", "")
            await anyio.sleep(0.01)
    assert not caplog.records


async def test_who_takes_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_route, "WRITE_SECONDS", 0.1)
    feed = NewsFeed()
    async with watching(feed) as client:
        answer = await client.get("/api/events")
        await block(answer)
        while feed.watchers:
            feed.tell("dead", "prod", "x" * 1_000_000)
            await anyio.sleep(0.02)
        answer.close()
