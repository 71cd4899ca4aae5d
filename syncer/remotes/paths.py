"""Names in a URL: which of them a path changes, where a query cannot hold them, and how
many of them fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate, takewhile
from urllib.parse import quote

URL_BYTES_MOST = 8_000
"""The bytes of a URL: no usual server takes more than 8,190 bytes for it."""
_STEPS = ("", ".", "..")
"""Between slashes: what takes a quoted slash for one answers such a name with what
another name stands for.
"""
_SLASHES = re.compile(r"[/\\]")


def segment(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def fitting(lengths: Iterable[int], room: int) -> int:
    """Return how many of the first parts of these lengths a URL has room for; at least
    one.
    """
    return max(1, sum(1 for _ in takewhile(lambda filled: filled <= room, accumulate(lengths))))


def unfit_for_path(name: str) -> str | None:
    """Return why a name cannot stand in a path, however it is written; None if it can,
    as far as that is for us to say.
    """
    if name == "":
        return "the path of a URL cannot hold an empty name"
    if any(part in _STEPS for part in _SLASHES.split(name)):
        return f"the path of a URL cannot hold {name!r}, which may mean another place there"
    return None


def describe_change(*names: str) -> str:
    """For people: what may be the reason where something of these names is not found;
    nothing where they are plain.
    """
    for name in names:
        for character in name:
            if character in "/\\;%" or not character.isprintable():
                return (
                    f" ({character!r} in a name may have been changed on the way: it stands in the"
                    " path of the URL)"
                )
    return ""
