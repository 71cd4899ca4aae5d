"""Retry-After in the forms in which services, and what stands before them, write it."""

from __future__ import annotations

import re
from email.utils import formatdate

SECONDS = 1
FORMS = (
    "seconds",
    "date",
    "none",
    "fraction",
    "old-date",
    "undated",
    "several",
    "zero",
    "negative",
    "past",
    "words",
    "infinite",
    "huge",
)
"""The first is the usual one.
From `zero` to `infinite` they name no time that can be waited for, and `huge` is thirty
years.
"""
_PLAIN = {
    "seconds": f"{SECONDS}",
    "fraction": f"{SECONDS / 2}",
    "several": f"0, {SECONDS}",
    "zero": "0",
    "negative": f"-{SECONDS}",
    "words": "soon",
    "infinite": "inf",
    "huge": "999999999",
}


def asking_to_wait(form: str, now: float) -> dict[str, str]:
    """The headers that ask for a wait in this form. `now`: seconds since 1970."""
    if form == "none":
        return {}
    if form in _PLAIN:
        return {"Retry-After": _PLAIN[form]}
    date = formatdate(int(now) + (-60 if form == "past" else SECONDS), usegmt=True)
    if form == "old-date":  # RFC 850, and in lower case
        date = re.sub(r"(\d\d) (\w{3}) \d\d(\d\d)", r"\1-\2-\3", date).lower()
    return {"Retry-After": date, **({"Date": ""} if form == "undated" else {})}
