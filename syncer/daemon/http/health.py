"""Whether the daemon is alive and ready, and what it is doing."""

from __future__ import annotations

import time
from dataclasses import asdict

from aiohttp import web

from syncer.daemon.supervisor import Supervisor
from syncer.printable import json_text
from syncer.version import __version__


async def look_at(supervisor: Supervisor, retries: int = 0) -> dict[str, object]:
    """Return all lanes and sources as they are now, as JSON shows them; so many
    `retries` of each lane, the next ones, with what the page shows beside.
    """
    lanes, records = tuple(supervisor.lanes), []  # a reload may change the list meanwhile
    for lane in lanes:
        status = await lane.status()
        record = status.record()
        if retries:
            next_ones = await lane.list_retries(retries)
            record |= {
                "in_window": status.load.window,
                "next_retries": [step.record() for step in next_ones],
            }
        records.append(record)
    return {
        "version": __version__,
        "checks": [asdict(check) for check in supervisor.faults.checks()],
        "lanes": records,
        "sources": [source.record() for lane in lanes for source in lane.sources()],
    }


def health(supervisor: Supervisor) -> web.RouteTableDef:
    """The routes of `/healthz`, `/readyz` and `/api/status`."""
    routes = web.RouteTableDef()
    started = time.monotonic()

    @routes.get("/healthz")
    async def tell_alive(_: web.Request) -> web.Response:
        """200 while the event loop turns, also in a drain and in an outage."""
        return web.Response(text="alive\n")

    @routes.get("/readyz")
    async def tell_ready(_: web.Request) -> web.Response:
        """503 at the start, in a drain, and while an inbox is full."""
        if supervisor.phase != "following":
            return web.Response(text=f"{supervisor.phase}\n", status=503)
        if full := [lane.name for lane in supervisor.lanes if lane.is_inbox_full]:
            return web.Response(text=f"the inbox is full: {', '.join(full)}\n", status=503)
        return web.Response(text="following\n")

    @routes.get("/api/status")
    async def tell_status(_: web.Request) -> web.Response:
        """All lanes and sources as they are now."""
        record = await look_at(supervisor)
        seconds = {"uptime_seconds": round(time.monotonic() - started, 3)}
        return web.Response(text=json_text(seconds | record), content_type="application/json")

    return routes
