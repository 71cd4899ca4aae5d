"""The questions that several ask of one app, as URLs: annotations by pairs of ids or by
inputs, inputs by ids. And how much one URL has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from syncer.core.change import Key
from syncer.remotes.paths import fitting, segment

URL_BYTES_MAX = 3_800
"""Of path and query: many servers take 4,000 in all, and a base URL comes before them.
"""
PER_PAGE_MAX = 1000
"""The most that the service gives a page (wire, 2.2)."""
PAIRS_MAX = 128
"""Ids in one GET: the service names no limit, so it is that of annotations in one POST.
"""

Query = list[tuple[str, str]]
ALL_MAKERS: Query = [("list_all_annotations", "true")]
"""Also what models made."""


class AppUrls:
    """The URLs of one app: path and query, quoted."""

    def __init__(self, user_id: str, app_id: str) -> None:
        self.app = f"/v2/users/{segment(user_id)}/apps/{segment(app_id)}"

    def list(self, path: str, query: Query) -> str:
        """A list of the app."""
        return f"{self.app}{path}?{'&'.join([f'{name}={escape(value)}' for name, value in query])}"

    def pairs(self, pairs: Sequence[Key]) -> str:
        """These annotations: ids and input_ids in the same order.

        One of them, too: in a query no id changes what is asked for, in a path `.` and
        `..` do.
        """
        ids = [("ids", id) for _, id in pairs]
        input_ids = [("input_ids", input_id) for input_id, _ in pairs]
        return self.list("/annotations", ids + input_ids + ALL_MAKERS + page_of(1, len(pairs)))

    def annotations(self, input_ids: Sequence[str], filters: Query, number: int) -> str:
        """A page of these inputs' annotations."""
        ids = [("input_ids", id) for id in input_ids]
        return self.list("/annotations", ids + filters + page_of(number))

    def inputs(self, ids: Sequence[str]) -> str:
        """These inputs."""
        return self.list("/inputs", [("ids", id) for id in ids] + page_of(1, len(ids)))

    # --- how much fits ----------------------------------------------------------------

    def fitting_pairs(self, pairs: Sequence[Key]) -> int:
        """Return how many of the first of these pairs one URL may ask for; at least
        one.
        """
        room = URL_BYTES_MAX - len(self.list("/annotations", ALL_MAKERS + page_of(1, PAIRS_MAX)))
        lengths = (
            len("&ids=&input_ids=") + len(escape(id)) + len(escape(input_id))
            for input_id, id in pairs[:PAIRS_MAX]
        )
        return fitting(lengths, room)

    def fitting_inputs(self, input_ids: Sequence[str], filters: Query) -> int:
        """Return how many of the first of these inputs one URL may ask for; at least
        one.
        """
        room = URL_BYTES_MAX - len(self.annotations([], filters, 1))
        return fitting((len("&input_ids=") + len(escape(id)) for id in input_ids), room)


def page_of(number: int, size: int = PER_PAGE_MAX) -> Query:
    """The part of a query that names a page."""
    return [("page", str(number)), ("per_page", str(size))]


escape = lru_cache(maxsize=512)(segment)
"""A name as a part of a query.

Cached: an id is measured before its group is made, and stands in the URL of every page.
"""
