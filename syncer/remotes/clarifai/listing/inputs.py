"""Inputs looked up by their ids: beside their annotations, and those that do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from syncer.core.outcome import Refused
from syncer.core.pull import Asking, Flow, Found, Problem, Row
from syncer.remotes.clarifai.listing.queries import Queries
from syncer.remotes.clarifai.rows import Line
from syncer.remotes.flows import one, parts

LOOKED_UP_MAX = 100


class Inputs:
    """Look-ups of one app's inputs."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def beside(self, found: Found, ids: Sequence[str], known: dict[str, Line] | None) -> Flow:
        """Rows of inputs with annotations: every annotation beside its input, every one of `ids` at least once."""
        wanted = list(dict.fromkeys([*ids, *(row.key[0] for row in found.rows)]))
        held = dict(known or {})
        absent = yield from self._look_up([id for id in wanted if id not in held], held)
        by_input: dict[str, list[Row]] = {}
        for row in found.rows:
            by_input.setdefault(row.key[0], []).append(row)
        problems = [problem for id, problem in absent.items() if id not in by_input]
        rows = [row for id in wanted for row in _beside(id, held.get(id), by_input.get(id, []))]
        return Found(rows, found.duplicates, found.problems + problems)

    def with_absent(self, found: Found, ids: Sequence[str]) -> Flow:
        """What was found, and which of these inputs do not exist. A list is silent about them, as about those without annotations."""
        seen = {row.key[0] for row in found.rows}
        told = {problem.what for problem in found.problems}
        absent = yield from self._look_up([id for id in ids if id not in seen and span([id]) not in told], {})
        return Found(found.rows, found.duplicates, [*found.problems, *absent.values()])

    def _look_up(self, ids: list[str], held: dict[str, Line]) -> Asking[dict[str, Problem]]:
        """These inputs, into `held`, and why the others cannot be had. What an answer leaves out is asked for until nothing more comes."""
        absent: dict[str, Problem] = {}
        while ids:
            group = self._queries.fitting(ids, LOOKED_UP_MAX)
            page = yield from one(self._queries.inputs(group))
            came = {} if isinstance(page, Refused) else {line.id: line for line in page}
            held.update(came)
            rest = [id for id in group if id not in came]
            if isinstance(page, Refused) and len(group) > 1:
                for part in parts(group, len(group) // 2):
                    absent |= yield from self._look_up(part, held)
                rest = []
            elif len(rest) == len(group):
                reason = page.reason if isinstance(page, Refused) else "there is no such input"
                absent |= {id: Problem(span([id]), reason) for id in rest}
                rest = []
            ids = rest + ids[len(group) :]
        return absent


def span(ids: Sequence[str]) -> str:
    """Inputs, for messages."""
    return f"input {ids[0]}" if len(ids) == 1 else f"inputs {ids[0]} to {ids[-1]}"


def _beside(id: str, held: Line | None, annotations: Sequence[Row]) -> Iterator[Row]:
    """The rows of one input; an input that is gone by now is named by its id."""
    if held is None and not annotations:
        return
    before = b'{"input":' + (held.raw if held else orjson.dumps({"id": id})) + b',"annotation":'
    for row in annotations:
        yield Row(row.key, before + row.line + b"}")
    if not annotations:
        yield Row((id, ""), before + b"null}")
