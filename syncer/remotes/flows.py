"""How lists ask: one question, several at the same time, flows side by side. Casts from answers to what they are read as stand here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import islice
from typing import TypeVar, cast

from syncer.core.outcome import Refused
from syncer.core.pull import Ask, Asking, Flow, Found

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
PASSES_MAX = 20
"""Of a list that never stops changing while it is read."""


def one(ask: Ask[T]) -> Asking[T | Refused]:
    """The answer to a question."""
    (answer,) = yield [ask]
    return cast("T | Refused", answer)


def each(asks: Sequence[Ask[T]]) -> Asking[list[T | Refused]]:
    """The answers to questions that are asked at the same time, in their order."""
    return cast("list[T | Refused]", list((yield asks)))


def together(flows: Sequence[Flow]) -> Flow:
    """Flows side by side, and what they found: what each of them asks next is asked at the same time."""
    found: dict[int, Found] = {}
    answers: dict[int, Sequence[object] | None] = dict.fromkeys(range(len(flows)))
    while answers:
        asked: dict[int, Sequence[Ask[object]]] = {}
        for place, given in answers.items():
            try:
                asked[place] = flows[place].send(given)  # type: ignore[arg-type]
            except StopIteration as end:
                found[place] = end.value
        told = iter((yield [ask for asks in asked.values() for ask in asks]) if asked else ())
        answers = {place: list(islice(told, len(asks))) for place, asks in asked.items()}
    return joined([found[place] for place in range(len(flows))])


def joined(parts: Sequence[Found]) -> Found:
    """What several flows found, as one."""
    problems = [problem for part in parts for problem in part.problems]
    return Found([row for part in parts for row in part.rows], sum(part.duplicates for part in parts), problems)


def cut(whole: list[T], size: int) -> list[list[T]]:
    """Parts of this size; the last one is perhaps smaller."""
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def settled(one_pass: Callable[[], Asking[tuple[dict[K, T], int]]]) -> Asking[dict[K, T] | None]:
    """All that a list of pages holds, by key, though it changes while it is read; None where it never stops changing.

    `one_pass` reads it once and counts the pages. Pages shift when something is deleted before them, and a pass then misses what moved up.
    Such a deletion shows in the next pass, which lacks what was deleted. So the list is read until a pass shows all that the one before it
    showed; a single page is a snapshot.
    """
    found: dict[K, T] = {}
    before: dict[K, T] | None = None
    for _ in range(PASSES_MAX):
        rows, pages = yield from one_pass()
        found.update(rows)
        if pages <= 1 or (before is not None and before.keys() <= rows.keys()):
            return found
        before = rows
    return None
