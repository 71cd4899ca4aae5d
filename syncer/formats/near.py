"""Boxes that are nearly the same as another one of the same input and concept."""

from __future__ import annotations

import json
import sqlite3

from syncer.formats.labels import Box

NEARLY = 0.95
"""Of what both cover, the share that each of them covers."""
_PER_CONCEPT_MAX = 300
"""Boxes that one is held against, so that time does not grow with their square."""


class NearDoubles:
    """The boxes that were seen, in a database without a name."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode=off")
        self._database.execute("create table seen (input, concept, place, box)")
        self._database.execute("create index by_input on seen (input, concept)")
        self._database.execute("begin")

    def find(self, input_id: str, concept: str, box: Box, place: str) -> str | None:
        """Return the place of a box nearly like this one; and keep this one."""
        sides = (box.left, box.top, box.right, box.bottom)
        found = None
        rows = self._database.execute(
            "select place, box from seen where input = ? and concept = ? limit ?",
            (input_id, concept, _PER_CONCEPT_MAX),
        )
        for other_place, other in rows:
            if _overlap(box, Box(*json.loads(other))) > NEARLY:
                found = str(other_place)
                break
        self._database.execute(
            "insert into seen values (?, ?, ?, ?)", (input_id, concept, place, json.dumps(sides))
        )
        return found

    def close(self) -> None:
        """Forget them."""
        self._database.close()


def _overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)
