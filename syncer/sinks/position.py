"""The note from which a sink goes on: what it was, and how much of it."""

from __future__ import annotations

from syncer.errors import OutputError

FROM_THE_START = "To pull from the start, use another --state"


def write_position(what: str, count: int) -> str:
    """A position: `what` sets an output apart from others, `count` is in its own
    unit.
    """
    return f"{what}:{count}"


def parse_position(position: str) -> tuple[str, int]:
    """Return what `write_position` was given. Raises OutputError."""
    what, _, count = position.rpartition(":")
    if not what or not count.isdecimal():
        raise OutputError(
            f"the checkpoint holds a position of another kind of output ({position!r})."
            f" {FROM_THE_START}"
        )
    return what, int(count)
