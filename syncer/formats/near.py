"""Boxes that are nearly the same as another one of the same input and concept."""

from __future__ import annotations

import sqlite3

from syncer.formats.geometry import is_finite
from syncer.formats.labels import Box

NEARLY = 0.95
"""Of what both cover, the share that each of them covers."""
_APART_MAX = 0.06
"""Of a width: sides of boxes that are nearly the same are no more apart."""
_PER_CONCEPT_MAX = 300
"""Boxes that one is held against, so that time does not grow with their square."""
_NEAR = """
    select place, "left", top, "right", bottom from (
        select * from seen
        where input = ? and concept = ? and "left" between ? and ? limit ?
    ) where top between ? and ?
"""


class NearDoubles:
    """The boxes that were seen, in a database without a name."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode=off")
        self._database.execute(
            """create table seen (
                input, concept, "left", number, place, top, "right", bottom,
                primary key (input, concept, "left", number)
            ) without rowid"""
        )
        self._database.execute("begin")
        self._count = 0

    def find(self, input_id: str, concept: str, box: Box, place: str) -> str | None:
        """Return the place of a box nearly like this one; and keep this one."""
        left, top, right, bottom = box.left, box.top, box.right, box.bottom
        if not is_finite((left, top, right, bottom)):
            return None
        found = None
        across, down = abs(right - left) * _APART_MAX, abs(bottom - top) * _APART_MAX
        where = input_id, concept, left - across, left + across
        rows = self._database.execute(_NEAR, (*where, _PER_CONCEPT_MAX, top - down, top + down))
        for other_place, *sides in rows:
            if _overlap(box, Box(*sides)) > NEARLY:
                found = str(other_place)
                break
        self._count += 1
        self._database.execute(
            "insert into seen values (?, ?, ?, ?, ?, ?, ?, ?)",
            (input_id, concept, left, self._count, place, top, right, bottom),
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
