"""Changes come in over HTTP, as lines of a change log."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from syncer.daemon.http.lanes import find_lane
from syncer.daemon.lane import RETRY_SECONDS, Lane, NotPushing
from syncer.errors import SyncerError
from syncer.printable import json_text
from syncer.sources.body import LineFault
from syncer.sources.inbox import NotTaken

FULL_SECONDS = 5.0
"""After this long there may be room in an inbox that was full."""
BODIES_MAX = 4
"""So many bodies of the largest size may be in memory at once."""
STATUS = {"malformed": 400, "key used": 422, "too large": 413, "full": 503}
STRICT = {"": False, "0": False, "false": False, "1": True, "true": True}


def ingest(lanes: Sequence[Lane], body_bytes_max: int) -> web.RouteTableDef:
    """The route of `/api/changes`. `body_bytes_max`: of one request."""
    routes, reader = web.RouteTableDef(), _BodyReader(body_bytes_max)

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
        except _NotRead as error:
            return _refuse(error.status, str(error), retry_seconds=error.retry_seconds)
        except SyncerError as error:
            seconds = error.retry_seconds if isinstance(error, NotPushing) else FULL_SECONDS
            return _refuse(503, str(error), retry_seconds=seconds)
        if isinstance(taken, NotTaken):
            return _refuse(STATUS[taken.cause], taken.reason, taken.bad)
        return _answer(202, {"accepted": taken.accepted, "bad": _name(taken.bad)})

    return routes


class _NotRead(Exception):
    """A body that is not read, with the status of the answer."""

    def __init__(self, status: int, reason: str, retry_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_seconds = retry_seconds


class _BodyReader:
    """Reads bodies in bounded memory, also where many come at once."""

    def __init__(self, body_bytes_max: int) -> None:
        self._most = body_bytes_max
        self._room_bytes = BODIES_MAX * body_bytes_max

    @asynccontextmanager
    async def reading(self, request: web.Request) -> AsyncIterator[bytes]:
        """Give the whole body of a request, which counts as in memory while the block
        lasts. Raises _NotRead.
        """
        body = bytearray()
        try:
            async for block in self._blocks(request):
                if len(body) + len(block) > self._most:
                    raise self._explain_too_large()
                if len(block) > self._room_bytes:
                    raise _NotRead(503, "many bodies come at once: try again", RETRY_SECONDS)
                self._room_bytes -= len(block)
                body += block
            yield bytes(body)
        finally:
            self._room_bytes += len(body)

    async def _blocks(self, request: web.Request) -> AsyncIterator[bytes]:
        packed = "Content-Encoding" in request.headers
        if not packed and (request.content_length or 0) > self._most:
            raise self._explain_too_large()
        try:
            async for block in request.content.iter_any():
                yield block
        except (web.RequestPayloadError, HttpProcessingError):
            raise _NotRead(400, "the body is not what its Content-Encoding says") from None
        except ConnectionError:  # nobody hears the answer
            raise _NotRead(400, "the connection ended before the body") from None

    def _explain_too_large(self) -> _NotRead:
        reason = f"the body has more than {self._most:,} bytes: send it in parts"
        return _NotRead(413, f"{reason}, or raise [daemon] body_bytes_max")


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
