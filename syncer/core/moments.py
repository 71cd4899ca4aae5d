"""Points in time as remotes write them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: object) -> datetime | None:
    """A time of RFC 3339 in UTC, what is below a microsecond cut off; None for anything
    else.

    A time without an offset is taken as UTC. Both remotes write such strings, Clarifai
    with up to nine digits of a second (wire, 3.3), Annotell as ISO 8601.
    """
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text.upper())
        if time.tzinfo is UTC:
            return time
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        # OverflowError: an offset that leads out of the years 1 to 9999.
        return None
