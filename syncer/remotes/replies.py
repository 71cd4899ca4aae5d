"""What holds of HTTP answers whoever gives them."""

from __future__ import annotations

import math
import re
from email.utils import parsedate_to_datetime

from syncer.core.outcome import Failed, Halt
from syncer.core.ports import NoReply, Reply

REASON_MAX = 300
"""Characters of what a service says that are kept."""

WAIT_SECONDS_MAX = 1e9
"""Thirty years: nobody waits longer, and the end of a longer wait may be no date any more."""


def no_reply(reply: NoReply) -> Failed | Halt:
    """What follows from there being no answer."""
    if reply.cause == "never":
        return Halt(reply.reason, kind="address")
    return Failed(reply.reason, in_doubt=reply.sent, unreachable=not reply.sent, cut=reply.cause == "cut")


def good(reply: Reply) -> bool:
    """Does HTTP say success?"""
    return 200 <= reply.status < 300


def one_line(text: str) -> str:
    """What a service says, as one short printable line; queries of URLs (signatures) are left out."""
    line = "".join(character if character.isprintable() else "�" for character in " ".join(text.split()))
    return re.sub(r"(https?://[^\s?]*\?)\S*", r"\1…", line)[:REASON_MAX]


def after_seconds(reply: Reply) -> float | None:
    """Retry-After in seconds: as it came, or a date against the remote's own clock (RFC 9110, 10.2.3). None where it says nothing.

    At most `WAIT_SECONDS_MAX`.
    """
    text = reply.retry_after or ""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(reply.date or "")).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(0.0, seconds), WAIT_SECONDS_MAX) if math.isfinite(seconds) else None
