"""The logs that a state knows are changed while a daemon holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from syncer.daemon.http.bodies import read_json
from syncer.daemon.http.refusals import refusal
from syncer.daemon.lane import Lane
from syncer.errors import LogChanged, SyncerError, UsageError
from syncer.jobs.known import ForgetLogs, LogName, MoveLog
from syncer.journal.journal import Journal

T = TypeVar("T")


def states(lane: Lane) -> web.RouteTableDef:
    """The routes of `/api/state`, for the control socket of a lane."""
    routes = web.RouteTableDef()

    @routes.post("/api/state/forget")
    async def forget(request: web.Request) -> web.Response:
        """Know nothing of logs any more."""
        body = await _read_body(request)
        logs = body.get("logs")
        names = tuple(map(_name_of, logs if isinstance(logs, list) else [None]))
        asked = ForgetLogs(names, force=body.get("force") is True)
        done = await _alter(lane, asked.carry_out)
        return web.json_response(done.record())

    @routes.post("/api/state/move")
    async def move(request: web.Request) -> web.Response:
        """Give a log another path."""
        body = await _read_body(request)
        asked = MoveLog(_name_of(body.get("old")), _name_of(body.get("new")))
        done = await _alter(lane, asked.carry_out)
        return web.json_response(done.record())

    return routes


async def _alter(lane: Lane, work: Callable[[Journal], T]) -> T:
    try:
        return await lane.alter(work)
    except UsageError as error:
        raise refusal(web.HTTPNotFound, str(error)) from None
    except LogChanged as error:
        raise refusal(web.HTTPConflict, str(error)) from None
    except (SyncerError, OSError) as error:
        raise refusal(web.HTTPServiceUnavailable, str(error)) from None


async def _read_body(request: web.Request) -> dict[str, object]:
    body = await read_json(request, "send a JSON object")
    if not isinstance(body, dict):
        raise refusal(web.HTTPBadRequest, "the body is not a JSON object")
    return body


def _name_of(log: object) -> LogName:
    match log:
        case {"name": str(name), "path": str(path)}:
            return LogName(name, path)
        case _:
            raise refusal(web.HTTPBadRequest, 'a log is named by its "name" and its "path"')
