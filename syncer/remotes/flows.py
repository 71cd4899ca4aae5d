"""The ways that lists ask: one question, several at the same time, flows side by side.

Casts from answers to what they are read as stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import islice
from typing import TypeVar, cast

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask, Asking, Flow, Found

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
PASSES_MAX = 20
"""The passes over a list that never stops changing while it is read."""


def one(ask: Ask[T] | Refused) -> Asking[T | Refused]:
    """The answer to a question. One that cannot be asked is its own refusal."""
    (answer,) = yield from each([ask])
    return answer


def each(asks: Sequence[Ask[T] | Refused]) -> Asking[list[T | Refused]]:
    """The answers to questions that are asked at the same time, in their order."""
    questions = [ask for ask in asks if not isinstance(ask, Refused)]
    answers = iter((yield questions) if questions else ())
    return [ask if isinstance(ask, Refused) else cast("T | Refused", next(answers)) for ask in asks]


def together(flows: Sequence[Flow]) -> Flow:
    """Flows side by side, and what they found: what each of them asks next is asked at
    the same time.
    """
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
    return join_found([found[place] for place in range(len(flows))])


def join_found(parts: Sequence[Found]) -> Found:
    """Join what several flows found."""
    problems = [problem for part in parts for problem in part.problems]
    return Found(
        [row for part in parts for row in part.rows],
        sum(part.duplicates for part in parts),
        problems,
    )


def cut(whole: list[T], size: int) -> list[list[T]]:
    """Parts of this size; the last one is perhaps smaller."""
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def settle(
    one_pass: Callable[[], Asking[tuple[list[tuple[K, T]], int]]],
) -> Asking[dict[K, T] | None]:
    """All that a list of pages holds, by key, though it changes while it is read; None
    where it never stops changing.

    `one_pass` reads it once: its rows in order, each with its key, and how many answers
    they came in. A single one is a snapshot.
    """
    found: dict[K, T] = {}
    before: list[K] | None = None
    for _ in range(PASSES_MAX):
        rows, answers = yield from one_pass()
        found.update(rows)
        keys = [key for key, _ in rows]
        if answers <= 1 or (before is not None and undisturbed(before, keys)):
            return found
        before = keys
    return None


def undisturbed(before: Sequence[K], after: Sequence[K]) -> bool:
    """Whether nothing was missed in the first of two passes over pages, which shift
    when something before them is deleted or moved.

    What was deleted or moved to the end while a pass was under way, and so made another
    row slip past it, stands where it was in that pass and no more in the next one. So
    the first pass missed nothing where the next one has all of its rows, in the same
    order, each once: at most some were added.
    """
    rest = iter(after)
    return len(set(before)) == len(before) and all(key in rest for key in before)
