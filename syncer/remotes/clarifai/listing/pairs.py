"""Annotations that the user named, each by its input's id and its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from syncer.core.outcome import Refused
from syncer.core.pull import Flow, Found, Problem, Unit, Units
from syncer.remotes.clarifai.listing.groups import Groups
from syncer.remotes.clarifai.listing.queries import Pair
from syncer.remotes.flows import one, parts, together


def of_pairs(groups: Groups, named: Sequence[Pair], at: int) -> Units:
    """These annotations, as many a unit as one list may ask for."""
    pairs = list(dict.fromkeys((input_id, id) for input_id, id in named))
    while at < len(pairs):
        chunk = groups.queries.fitting_pairs(pairs[at:])
        at += len(chunk)
        yield Unit(f"annotations {chunk[0][1]} to {chunk[-1][1]}", str(at), partial(_read, groups, chunk))


def _read(groups: Groups, pairs: list[Pair]) -> Flow:
    queries = groups.queries
    page = yield from one(queries.pair(pairs[0]) if len(pairs) == 1 else queries.pairs(pairs))
    if isinstance(page, Refused) and len(pairs) > 1:
        return (yield from together([_read(groups, part) for part in parts(pairs, len(pairs) // 2)]))
    lines = {(line.input_id, line.id): line for line in ([] if isinstance(page, Refused) else page)}
    found = groups.found([line for key, line in lines.items() if key in pairs])
    absent = page.reason if isinstance(page, Refused) else "there is no such annotation"
    problems = [Problem(f"annotation {id} of input {input_id}", absent) for input_id, id in pairs if (input_id, id) not in lines]
    found = Found(found.rows, found.duplicates, problems)
    return (yield from groups.inputs.beside(found, [], None)) if groups.selection.with_inputs else found
