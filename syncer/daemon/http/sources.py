"""Sources that wait for somebody's word go on: deletions are let go, a table that was
restored is taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from syncer.daemon.followed import Followed
from syncer.daemon.http.bodies import read_json
from syncer.daemon.http.refusals import refusal
from syncer.daemon.lane import Lane
from syncer.errors import SyncerError

BODY = '{"deletions": N} for a folder, or {"restored": "applied"} or "send" for a table'


def sources(lanes: Sequence[Lane]) -> web.RouteTableDef:
    """The route of `/api/sources`."""
    routes = web.RouteTableDef()

    @routes.post("/api/sources/{name}/resume")
    async def resume(request: web.Request) -> web.Response:
        """Let a source go on as the body says."""
        followed = _find(lanes, request.match_info["name"])
        match await read_json(request, f"send {BODY}"):
            case {"deletions": deletions, **more} if not more and type(deletions) is int:
                _let_go(followed, deletions)
            case {"restored": "applied" | "send" as restored, **more} if not more:
                await _take_back(followed, restored)
            case _:
                raise refusal(web.HTTPBadRequest, f"send {BODY}")
        return web.json_response({})

    return routes


def _find(lanes: Sequence[Lane], name: str) -> Followed:
    for lane in lanes:
        if (followed := lane.find_source(name)) is not None:
            return followed
    raise refusal(web.HTTPNotFound, f"no source {name} is followed just now")


def _let_go(followed: Followed, deletions: int) -> None:
    if followed.let_go is None:
        raise refusal(web.HTTPConflict, f"a {followed.kind} holds no deletions up")
    if (why := followed.let_go(deletions)) is not None:
        raise refusal(web.HTTPConflict, why)


async def _take_back(followed: Followed, restored: str) -> None:
    if followed.take_back is None:
        raise refusal(web.HTTPConflict, f"a {followed.kind} has no table that could be restored")
    try:
        await followed.take_back("applied" if restored == "applied" else "send")
    except SyncerError as error:
        raise refusal(web.HTTPServiceUnavailable, str(error)) from None
