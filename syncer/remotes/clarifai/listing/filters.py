"""The filters of a search, applied to what a list shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from syncer.remotes.clarifai.codes import number
from syncer.remotes.clarifai.rows import ListedLine, read_dates
from syncer.remotes.clarifai.selection import Selection

Keep = Callable[[ListedLine], bool | None]
"""Whether a row is wanted; None where it does not say enough."""
_TIME = re.compile(r"(.+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


def by_level(selection: Selection) -> Keep:
    """All, or all but the annotation that each input comes with."""
    return lambda line: selection.input_level or not line.input_level


def as_searched(selection: Selection) -> Keep:
    """Return a filter that keeps what a search by status and time would find, times
    included at both ends (wire, 5).
    """
    code = number(selection.status) if selection.status else None
    since, until = nanoseconds(selection.since), nanoseconds(selection.until)
    level = by_level(selection)

    def keep(line: ListedLine) -> bool | None:
        shown = read_dates(line)
        if not level(line) or (code is not None and shown.code not in (0, code)):
            return False
        if code is not None and not shown.code:
            return None
        if since is None and until is None:
            return True
        at = nanoseconds(shown.modified_at)
        return (
            None
            if at is None
            else (since is None or since <= at) and (until is None or at <= until)
        )

    return keep


def nanoseconds(text: str | None) -> int | None:
    """A time of RFC 3339, since 1970; None for anything else."""
    parts = _TIME.fullmatch(text or "")
    try:
        seconds = None if parts is None else datetime.fromisoformat(parts[1] + parts[3].upper())
    except ValueError:
        return None
    if parts is None or seconds is None:
        return None
    return int(seconds.timestamp()) * 10**9 + int((parts[2] or "0")[:9].ljust(9, "0"))
