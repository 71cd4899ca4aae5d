"""Annotations that the service finds by a search: by status, or by when they were updated last."""

from __future__ import annotations

from functools import partial
from itertools import count

from syncer.core.outcome import Refused
from syncer.core.pull import Flow, Found, Unit, Units
from syncer.errors import Stopped
from syncer.remotes.clarifai.listing.groups import Groups
from syncer.remotes.flows import one


def searched(groups: Groups, at: int) -> Units:
    """Pages of a search, ahead of what is known to be there: the first empty one is the end."""
    yield from ()
    for number in count(at + 1):
        yield Unit(f"page {number} of the search", str(number), partial(_page, groups, number))


def _page(groups: Groups, number: int) -> Flow:
    lines = yield from one(groups.queries.search(number))
    if isinstance(lines, Refused):
        raise Stopped(f"the remote refused to list by a search: {lines.reason}")
    wanted = groups.selection.input_ids
    found = groups.found([line for line in lines if not wanted or line.input_id in wanted])
    if groups.selection.with_inputs:
        found = yield from groups.inputs.beside(found, [], None)
    return Found(found.rows, found.duplicates, found.problems, ended=not lines)
