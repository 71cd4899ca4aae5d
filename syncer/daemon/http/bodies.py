"""The bodies of requests: read whole, unpacked, in bounded memory. What cannot be read
is refused.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio.lowlevel
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from syncer.daemon.errands import RETRY_SECONDS
from syncer.daemon.http.refusals import refusal
from syncer.sources.gunzip import DamagedLog, Gunzip

BODIES_MAX = 4
"""So many bodies of the largest size may be in memory at once."""
BLOCK_BYTES = 1 << 16
GZIP = ("gzip", "x-gzip")


class BodyReader:
    """Reads bodies in bounded memory, also where many come at once."""

    def __init__(self, body_bytes_max: int) -> None:
        """`body_bytes_max`: of one body, packed and unpacked."""
        self._most = body_bytes_max
        self._room_bytes = BODIES_MAX * body_bytes_max

    @asynccontextmanager
    async def reading(self, request: web.Request) -> AsyncIterator[bytes]:
        """Give the whole body of a request, unpacked, which counts as in memory while
        the block lasts. Raises HTTPException.
        """
        is_packed = _encoding(request, *GZIP) in GZIP
        if (request.content_length or 0) > self._most:
            raise self._explain_too_large()
        held = 0

        async def gather(blocks: AsyncIterator[bytes]) -> bytes:
            nonlocal held
            body = bytearray()
            async for block in blocks:
                if len(body) + len(block) > self._most:
                    raise self._explain_too_large()
                if len(block) > self._room_bytes:
                    raise _explain_too_many()
                self._room_bytes -= len(block)
                held += len(block)
                body += block
            return bytes(body)

        try:
            with _coming():
                body = await gather(request.content.iter_any())
            yield await gather(_unpack(body)) if is_packed else body
        finally:
            self._room_bytes += held

    def _explain_too_large(self) -> web.HTTPException:
        reason = f"the body has more than {self._most:,} bytes: send it in parts"
        return web.HTTPRequestEntityTooLarge(
            self._most, text=f"{reason}, or raise [daemon] body_bytes_max"
        )


async def read_json(request: web.Request, how: str) -> Any:
    """Read a small body that is JSON. `how`: what to send. Raises HTTPException."""
    _encoding(request)
    with _coming():
        body = await request.read()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise refusal(web.HTTPBadRequest, f"the body is not JSON; {how}") from None


def _encoding(request: web.Request, *known: str) -> str:
    """Return the Content-Encoding of a request, which has to be one of these."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", *known):
        return encoding
    what = " or ".join(("no Content-Encoding", *known[:1]))
    raise refusal(web.HTTPUnsupportedMediaType, f"send the body with {what}")


@contextmanager
def _coming() -> Iterator[None]:
    """Refuse what does not come to its end. Mostly nobody hears the answer."""
    try:
        yield
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
        raise refusal(web.HTTPBadRequest, "the body does not come to its end") from None


async def _unpack(packed: bytes) -> AsyncIterator[bytes]:
    with Gunzip(io.BytesIO(packed)) as unpacked:
        try:
            while block := unpacked.read(BLOCK_BYTES):
                yield block
                await anyio.lowlevel.checkpoint()  # others are served meanwhile
        except (EOFError, DamagedLog) as error:
            raise refusal(web.HTTPBadRequest, f"{error}: send the body again") from None


def _explain_too_many() -> web.HTTPException:
    busy = refusal(web.HTTPServiceUnavailable, "many bodies come at once: try again")
    busy.headers["Retry-After"] = str(math.ceil(RETRY_SECONDS))
    return busy
