"""Lanes are paused by hand, and let go on, while they run."""

from __future__ import annotations

from aiohttp import web

from syncer.daemon.lane import Lane
from syncer.daemon.supervisor import Supervisor
from syncer.errors import SyncerError


def steer(supervisor: Supervisor) -> web.RouteTableDef:
    """The routes of `/api/lanes`."""
    routes = web.RouteTableDef()
    by_name = {lane.name: lane for lane in supervisor.lanes}

    async def hold(request: web.Request, *, held: bool) -> web.Response:
        name = request.match_info["name"]
        lane: Lane | None = by_name.get(name)
        if lane is None:
            return web.json_response({"error": f"there is no lane {name}"}, status=404)
        try:
            await lane.hold(held=held)
        except SyncerError as error:
            return web.json_response({"error": str(error)}, status=503)
        return web.json_response((await lane.status()).record())

    @routes.post("/api/lanes/{name}/pause")
    async def pause(request: web.Request) -> web.Response:
        """Send nothing more, after a restart either, until it is resumed."""
        return await hold(request, held=True)

    @routes.post("/api/lanes/{name}/resume")
    async def resume(request: web.Request) -> web.Response:
        """Go on after a pause by hand."""
        return await hold(request, held=False)

    return routes
