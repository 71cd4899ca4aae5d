"""The time that clients may take. One that says nothing, or trickles what it says,
holds a descriptor and memory, and needs no token for that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


@dataclass(frozen=True, slots=True)
class Patience:
    """The bounds, in seconds."""

    head_seconds: float = 75.0
    """For the whole head of a request: from the start of its connection, or after the
    answer before it. More than a minute, since scrapers keep connections for as long.
    """
    body_seconds: float = 120.0
    """For the whole of a body, after its head."""


PATIENCE = Patience()


def hastening(patience: Patience) -> Middleware:
    """The middleware that answers 408 where a body is read that does not come to its
    end in time. What is done with a whole body may take as long as it wants to.
    """

    @web.middleware
    async def read_in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.content.is_eof():
            return await handler(request)
        slow = _TooSlow()
        # Only a reader is told, so nothing that writes is cut off.
        timer = asyncio.get_running_loop().call_later(
            patience.body_seconds, request.content.set_exception, slow
        )
        request.content.on_eof(timer.cancel)
        try:
            return await handler(request)
        except _TooSlow:
            reason = f"the body did not come within {patience.body_seconds:g} seconds"
            answer = web.json_response({"error": f"{reason}: send it in parts"}, status=408)
            answer.force_close()
            return answer
        finally:
            timer.cancel()

    return read_in_time


class _TooSlow(TimeoutError):
    """After the answer aiohttp reads on for a while, and takes no other error there."""
