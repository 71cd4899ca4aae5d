"""The time that a remote asks to wait: the Retry-After header (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SECONDS_MAX = 1e9
"""Thirty years: nobody waits longer, and the end of a longer wait may not be a date any
more.
"""

_NUMBER = re.compile(r"\d+(\.\d*)?", re.ASCII)
_BETWEEN_VALUES = re.compile(r"(?<!mon|tue|wed|thu|fri|sat|sun|day),", re.IGNORECASE)
"""A comma, except the one after the name of a date's day."""


def asked_seconds(header: str | None, date: str | None, now: float) -> float | None:
    """The seconds that a Retry-After asks for, more than 0 and at most `SECONDS_MAX`;
    None where it names no time that can be waited for.

    It may be a number of seconds or a date in any form of HTTP. A date is compared with
    the answer's Date header, which is the remote's own clock, and without a readable
    one with `now` (seconds since 1970). The longest of several values counts: a proxy
    may add its own.
    """
    waits = [_wait(value.strip(), date, now) for value in _BETWEEN_VALUES.split(header or "")]
    longest = max((wait for wait in waits if wait is not None), default=0.0)
    return min(longest, SECONDS_MAX) if longest > 0 else None


def _wait(value: str, date: str | None, now: float) -> float | None:
    if _NUMBER.fullmatch(value):
        return float(value)
    until = read_date(value)
    if until is None:
        return None
    told = read_date(date or "")
    return until - (now if told is None else told)


def read_date(text: str) -> float | None:
    """A date of HTTP as seconds since 1970.

    Dates without a zone are in UTC, as asctime's always are.
    """
    try:
        moment: datetime = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
