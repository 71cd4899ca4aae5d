"""Where the changes of one annotation are."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from syncer.daemon.http.lanes import find_lane
from syncer.daemon.http.refusals import refusal
from syncer.daemon.lane import Lane
from syncer.errors import SyncerError
from syncer.jobs.story import AskedAnnotation
from syncer.printable import json_text


def stories(lanes: Sequence[Lane]) -> web.RouteTableDef:
    """The route of `/api/annotations`."""
    routes = web.RouteTableDef()

    @routes.get("/api/annotations")
    async def tell_story(request: web.Request) -> web.Response:
        """The changes of an annotation by source and line; without an id those of its
        whole input.
        """
        lane = find_lane(lanes, request.query.get("lane"))
        input_id, id = request.query.get("input_id"), request.query.get("id")
        if not input_id:
            raise refusal(web.HTTPBadRequest, "say which: input_id, and the id of the annotation")
        try:
            steps = await lane.tell_story(AskedAnnotation(input_id, id or None))
        except SyncerError as error:
            raise refusal(web.HTTPServiceUnavailable, str(error)) from None
        if not steps:
            raise refusal(web.HTTPNotFound, "nothing is known of this annotation")
        record = {"changes": [step.record() for step in steps]}
        return web.Response(text=json_text(record), content_type="application/json")

    return routes
