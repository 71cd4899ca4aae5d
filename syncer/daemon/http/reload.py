"""The config is read again when somebody asks for it."""

from __future__ import annotations

from aiohttp import web

from syncer.daemon.http.refusals import refusal
from syncer.daemon.reload import IsDraining, Reloader
from syncer.printable import json_text


def reloads(reloader: Reloader) -> web.RouteTableDef:
    """The route of `/api/reload`."""
    routes = web.RouteTableDef()

    @routes.post("/api/reload")
    async def reload(_: web.Request) -> web.Response:
        """Take the config of now: 200 once the lanes go by it, 422 where it is bad and
        changes nothing.
        """
        try:
            reloaded = await reloader.reload()
        except IsDraining as error:
            raise refusal(web.HTTPServiceUnavailable, str(error)) from None
        status = 422 if reloaded.result == "failed" else 200
        text = json_text(reloaded.record())
        return web.Response(status=status, text=text, content_type="application/json")

    return routes
