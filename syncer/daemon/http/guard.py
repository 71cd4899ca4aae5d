"""The requests that the daemon answers, and those that it turns away: decided from
their method, path and headers alone.

On loopback no token is asked for, so a page that a browser shows must not be able to
ask: its requests carry another Host (a name that was made to mean this machine), or say
by Origin or Sec-Fetch-Site that they come from elsewhere. Beyond loopback a token is
needed, which no page has.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from syncer.core.address import is_loopback

OPEN_PATHS = frozenset(("/", "/healthz", "/readyz"))
"""What anybody may ask: it says nothing of what is being done. The page has no data: it
asks for the token, and then for them.
"""
READING = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that change nothing."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """The answer to a request that is turned away."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one daemon."""

    token: str | None = None
    """What requests have to give; None: it listens on loopback only, and asks for
    none.
    """

    def judge(self, method: str, path: str, headers: Mapping[str, str]) -> Rejection | None:
        """Return why a request is turned away, None if it is answered. `headers`: found
        by any spelling of their names.
        """
        host = headers.get("Host", "")
        if self.token is None and not is_loopback(_hostname(host)):
            return Rejection(403, "the Host of the request is not this machine's own: localhost")
        origin = headers.get("Origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return Rejection(403, "the request comes from a page of another origin")
        site = headers.get("Sec-Fetch-Site", "same-origin")
        if method not in READING and site != "same-origin":
            return Rejection(403, "the request comes from a page of another site")
        if self.token is None or path in OPEN_PATHS:
            return None
        given = headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return None
        return Rejection(401, "give the daemon's token: Authorization: Bearer TOKEN")


def guarding(guard: Guard) -> Middleware:
    """The middleware that turns away what the guard refuses."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = guard.judge(request.method, request.path, request.headers)
        if refusal is None:
            return await handler(request)
        asks = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
        return web.json_response({"error": refusal.reason}, status=refusal.status, headers=asks)

    return check


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
