"""`/`: the status page, one file without anything from elsewhere; and the headers that
keep browsers from more than it needs.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from importlib.resources import files

from aiohttp import web

PAGE = files("syncer.daemon") / "page" / "index.html"
API = files("syncer.daemon") / "page" / "openapi.json"
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer."""
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def page() -> web.RouteTableDef:
    """The routes of `/` and of the description of all routes."""
    routes = web.RouteTableDef()
    text = PAGE.read_text("utf-8")
    policy = write_policy(text)

    @routes.get("/")
    async def show(_: web.Request) -> web.Response:
        """The page, without data: it asks for them."""
        return web.Response(
            text=text, content_type="text/html", headers={"Content-Security-Policy": policy}
        )

    @routes.get("/api/openapi.json")
    async def tell_api(_: web.Request) -> web.Response:
        """The OpenAPI document."""
        return web.Response(text=API.read_text("utf-8"), content_type="application/json")

    return routes


def write_policy(text: str) -> str:
    """Return the policy under which only the scripts and styles of this page run, and
    it speaks to nobody but its daemon.
    """
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, inline in _INLINE.findall(text):
        digest = base64.b64encode(sha256(inline.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(hashes['script'])}",
            f"style-src {' '.join(hashes['style'])}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every answer, before it is sent."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
