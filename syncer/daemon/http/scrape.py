"""The metrics of the daemon, for Prometheus to scrape."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from syncer.daemon.metrics import Metrics
from syncer.daemon.supervisor import Supervisor


def scrape(supervisor: Supervisor, metrics: Metrics) -> web.RouteTableDef:
    """The route of `/metrics`."""
    routes = web.RouteTableDef()

    @routes.get("/metrics")
    async def tell_metrics(_: web.Request) -> web.Response:
        """All metrics as text."""
        lanes = tuple(supervisor.lanes)  # a reload may change the list meanwhile
        statuses = [await lane.status() for lane in lanes]
        sources = [source for lane in lanes for source in lane.sources()]
        text = metrics.render(statuses, sources)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes
