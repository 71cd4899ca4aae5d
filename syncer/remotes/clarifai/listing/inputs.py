"""Inputs looked up by their ids: beside their annotations, and which do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Asking, Flow, Found, Problem, Row
from syncer.remotes.clarifai.answers import says_missing
from syncer.remotes.clarifai.listing.queries import Queries
from syncer.remotes.clarifai.rows import ListedLine
from syncer.remotes.flows import cut, one

LOOKED_UP_MAX = 100
GONE = "there is no such input"
OTHERS = "the service answered with other inputs than those that were asked for"


class InputLookUps:
    """Look-ups of one app's inputs."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def beside(self, found: Found, ids: Sequence[str], known: dict[str, ListedLine] | None) -> Flow:
        """Rows of inputs with annotations: every annotation beside its input, every one
        of `ids` at least once.
        """
        wanted = list(dict.fromkeys([*ids, *(row.key[0] for row in found.rows)]))
        held = dict(known or {})
        unknown = yield from self.look_up([id for id in wanted if id not in held], held)
        by_input: dict[str, list[Row]] = {}
        for row in found.rows:
            by_input.setdefault(row.key[0], []).append(row)
        # An input that went after its annotations were listed is not a problem; one
        # that the service refuses to show is.
        problems = [
            _problem(id, reason)
            for id, reason in unknown.items()
            if reason != GONE or id not in by_input
        ]
        rows = [row for id in wanted for row in _beside(id, held.get(id), by_input.get(id, []))]
        return Found(rows, found.duplicates, found.problems + problems)

    def with_absent(self, found: Found, ids: Sequence[str]) -> Flow:
        """Return what was found, and which of these inputs do not exist.

        A list is silent about them, as about those without annotations.
        """
        seen = {row.key[0] for row in found.rows} | {problem.input_id for problem in found.problems}
        unknown = yield from self.look_up([id for id in ids if id not in seen], {})
        return Found(
            found.rows,
            found.duplicates,
            found.problems + [_problem(id, reason) for id, reason in unknown.items()],
        )

    def is_gone(self, id: str) -> Asking[bool]:
        """Whether an answer, which an input in it would have been a part of, shows that
        the input does not exist.
        """
        unknown = yield from self.look_up([id], {})
        return unknown.get(id) == GONE

    def look_up(self, ids: list[str], held: dict[str, ListedLine]) -> Asking[dict[str, str]]:
        """These inputs, into `held`; for the others, why they cannot be fetched.

        What an answer leaves out is asked for until no more comes.
        """
        unknown: dict[str, str] = {}
        while ids:
            group = self._queries.fitting(ids, LOOKED_UP_MAX)
            page = yield from one(self._queries.inputs(group))
            came = {} if isinstance(page, Refused) else {line.id: line for line in page}
            held.update(came)
            rest = [id for id in group if id not in came]
            if isinstance(page, Refused) and len(group) > 1:
                for part in cut(group, len(group) // 2):
                    unknown |= yield from self.look_up(part, held)
                rest = []
            elif len(rest) == len(group):
                reason = (
                    GONE
                    if says_missing(page) or page == []
                    else page.reason
                    if isinstance(page, Refused)
                    else OTHERS
                )
                unknown |= dict.fromkeys(rest, reason)
                rest = []
            ids = rest + ids[len(group) :]
        return unknown


def span(ids: Sequence[str]) -> str:
    """Inputs, for messages."""
    return f"input {ids[0]}" if len(ids) == 1 else f"inputs {ids[0]} to {ids[-1]}"


def _problem(id: str, reason: str) -> Problem:
    return Problem(span([id]), reason, id)


def _beside(id: str, held: ListedLine | None, annotations: Sequence[Row]) -> Iterator[Row]:
    """The rows of one input; an input that is gone by now is named by its id."""
    if held is None and not annotations:
        return
    before = b'{"input":' + (held.raw if held else orjson.dumps({"id": id})) + b',"annotation":'
    for row in annotations:
        yield Row(row.key, before + row.line + b"}")
    if not annotations:
        yield Row((id, ""), before + b"null}")
