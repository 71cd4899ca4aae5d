"""Lanes are named in requests, paused by hand, and let go on, while they run."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from syncer.daemon.http.refusals import refusal
from syncer.daemon.lane import Lane
from syncer.errors import SyncerError


def find_lane(lanes: Sequence[Lane], name: str | None) -> Lane:
    """The lane of this name; None: the only one. Raises HTTPException."""
    if name is None and len(lanes) == 1:
        return lanes[0]
    names = ", ".join(lane.name for lane in lanes)
    if name is None:
        raise refusal(web.HTTPBadRequest, f"say which lane: {names}")
    for lane in lanes:
        if lane.name == name:
            return lane
    raise refusal(web.HTTPNotFound, f"there is no lane {name}, only {names}")


def steer(lanes: Sequence[Lane]) -> web.RouteTableDef:
    """The routes of `/api/lanes`."""
    routes = web.RouteTableDef()

    async def hold(request: web.Request, *, held: bool) -> web.Response:
        lane = find_lane(lanes, request.match_info["name"])
        try:
            await lane.hold(held=held)
        except SyncerError as error:
            raise refusal(web.HTTPServiceUnavailable, str(error)) from None
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
