"""The facts of HTTP answers that hold for any service."""

from __future__ import annotations

import re

from syncer.core.outcome import Failed, Halt
from syncer.core.ports.wire import NoReply, Reply

REASON_MAX = 300
"""Characters of what a service says that are kept."""


def no_reply(reply: NoReply) -> Failed | Halt:
    """Return what follows when no answer came."""
    if reply.cause == "never":
        return Halt(reply.reason, kind="address")
    return Failed(
        reply.reason, in_doubt=reply.sent, unreachable=not reply.sent, cut=reply.cause == "cut"
    )


def good(reply: Reply) -> bool:
    """Whether HTTP says success."""
    return 200 <= reply.status < 300


def one_line(text: str) -> str:
    """Return what a service says, as one short printable line; queries of URLs
    (signatures) are left out.
    """
    line = "".join(
        character if character.isprintable() else "�" for character in " ".join(text.split())
    )
    return re.sub(r"(https?://[^\s?]*\?)\S*", r"\1…", line)[:REASON_MAX]
