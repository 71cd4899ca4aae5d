"""Changes come in over HTTP, as lines of a change log."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aiohttp import web

from syncer.daemon.errands import NotPushing
from syncer.daemon.http.bodies import BodyReader
from syncer.daemon.http.lanes import find_lane
from syncer.daemon.lane import Lane
from syncer.errors import SyncerError
from syncer.printable import json_text
from syncer.sources.body import LineFault
from syncer.sources.inbox import NotTaken

FULL_SECONDS = 5.0
"""After this long there may be room in an inbox that was full."""
STATUS = {"malformed": 400, "key used": 422, "too large": 413, "full": 503}
STRICT = {"": False, "0": False, "false": False, "1": True, "true": True}


def ingest(lanes: Sequence[Lane], body_bytes_max: int) -> web.RouteTableDef:
    """The route of `/api/changes`. `body_bytes_max`: of one request."""
    routes, reader = web.RouteTableDef(), BodyReader(body_bytes_max)

    @routes.post("/api/changes")
    async def take_changes(request: web.Request) -> web.Response:
        """Store changes durably, each body once, and say which lines are bad."""
        lane = find_lane(lanes, request.query.get("lane"))
        strict = STRICT.get(request.query.get("strict", ""))
        if strict is None:
            return _refuse(400, "strict is 1 or 0")
        key = request.headers.get("Idempotency-Key")
        if key is not None and not key.strip():
            return _refuse(400, "the Idempotency-Key is empty")
        try:
            inbox = lane.inbox()  # before the body is read: it may be long
            async with reader.reading(request) as body:
                taken = await inbox.take(body, key, strict=strict)
        except SyncerError as error:
            seconds = error.retry_seconds if isinstance(error, NotPushing) else FULL_SECONDS
            return _refuse(503, str(error), retry_seconds=seconds)
        if isinstance(taken, NotTaken):
            return _refuse(STATUS[taken.cause], taken.reason, taken.bad)
        return _answer(202, {"accepted": taken.accepted, "bad": _name(taken.bad)})

    return routes


def _name(bad: Sequence[LineFault]) -> list[dict[str, object]]:
    return [{"line": one.line, "reason": one.reason} for one in bad]


def _refuse(
    status: int,
    reason: str,
    bad: Sequence[LineFault] = (),
    *,
    retry_seconds: float | None = None,
) -> web.Response:
    record: dict[str, object] = {"error": reason}
    if bad:
        record["bad"] = _name(bad)
    if status == 503:
        return _answer(status, record, FULL_SECONDS if retry_seconds is None else retry_seconds)
    return _answer(status, record)


def _answer(
    status: int, record: dict[str, object], retry_seconds: float | None = None
) -> web.Response:
    headers = {} if retry_seconds is None else {"Retry-After": str(math.ceil(retry_seconds))}
    return web.Response(
        status=status, text=json_text(record), content_type="application/json", headers=headers
    )
