"""`/api/events`: the news of the daemon as server-sent events."""

from __future__ import annotations

from contextlib import aclosing

import anyio
from aiohttp import web

from syncer.daemon.http.refusals import refusal
from syncer.daemon.news import News, NewsFeed
from syncer.printable import json_text

WATCHERS_MAX = 32
WRITE_SECONDS = 30.0
"""Who takes nothing for so long is sent away."""
AGAIN_SECONDS = "5"


def events(feed: NewsFeed) -> web.RouteTableDef:
    """The route of `/api/events`."""
    routes = web.RouteTableDef()

    @routes.get("/api/events")
    async def watch(request: web.Request) -> web.StreamResponse:
        """Tell the news as they come; `Last-Event-ID` says what was told before."""
        if feed.watchers >= WATCHERS_MAX:
            busy = refusal(web.HTTPServiceUnavailable, f"{WATCHERS_MAX} watch already")
            busy.headers["Retry-After"] = AGAIN_SECONDS
            raise busy
        response = web.StreamResponse(headers={"X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        async with aclosing(feed.watch(request.headers.get("Last-Event-ID", ""))) as news:
            async for one in news:
                with anyio.move_on_after(WRITE_SECONDS) as stalled:
                    await response.write(_render(one))
                if stalled.cancelled_caught and request.transport is not None:
                    request.transport.abort()
                    break
        return response

    return routes


def _render(one: News) -> bytes:
    if one.kind == "alive":
        return b": alive\n\n"
    return f"id: {one.id}\nevent: {one.kind}\ndata: {json_text(one.data)}\n\n".encode()
