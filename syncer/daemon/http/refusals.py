"""Requests that are not done: each is answered with a reason, as JSON."""

from __future__ import annotations

import json

from aiohttp import web
from aiohttp.typedefs import Handler


def refusal(kind: type[web.HTTPException], reason: str) -> web.HTTPException:
    """The answer to a request that is not done, to be raised."""
    return kind(text=_say(reason), content_type="application/json")


@web.middleware
async def in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let what the server itself refuses look as everything else that is refused."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.content_type != "application/json":
            error.text = _say(error.text or error.reason)
            error.content_type = "application/json"
        raise


def _say(reason: str) -> str:
    return json.dumps({"error": reason})
