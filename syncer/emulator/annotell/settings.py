"""A switch for what nobody knows of Annotell's and Kognic's service (wire/annotell.md,
section 8).
"""

from __future__ import annotations

ANNOTELL_SWITCHES: dict[str, tuple[str, ...]] = {
    # signing in
    "token-seconds": ("3600", "60", "-1"),
    "token-uses": ("any", "3"),
    "refresh-token": ("issued", "none", "expired"),
    "client-auth": ("any", "post", "basic"),
    # lists
    "list-page": ("100", "7", "2", "1"),
    "cursor": ("number", "text"),
    "cursor-place": ("mark", "offset"),
    "document-order": ("number", "newest", "arbitrary"),
    "metadata": ("object", "empty", "missing"),
    "search": ("served", "404", "405"),
    "missing-input": ("absent", "empty"),
    # what is not there
    "missing-scene": ("404", "400", "405", "409", "410", "413", "422", "left-out"),
    "not-found": ("message", "html", "gateway", "empty"),
    "unserved": ("none", "single", "scenes", "second", "by-id"),
    "unknown-address": ("message", "html", "gateway", "empty"),
    # documents
    "signed-url": ("fresh", "stale-first", "stale"),
    "signed-url-seconds": ("3600", "60", "1"),
    "compression": ("none", "gzip"),
}
"""The first value is the default."""
