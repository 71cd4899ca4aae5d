"""Questions about many changes, cut into parts that one request can name and that are
not refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from syncer.core.change import Change
from syncer.core.outcome import Failed, Refused
from syncer.core.ports.push import InputStates, LookedUp, LookUpFailure, Remote
from syncer.engine.asking import Asker
from syncer.engine.turns import Draining, Turn, Turns
from syncer.errors import Stopped

pytestmark = pytest.mark.anyio

TURN = cast("Turn", object())
CHANGES = [cast("Change", f"change {number}") for number in range(10)]


class Names:
    """A remote whose look-ups name up to five changes."""

    def look_up_size(self, changes: Sequence[Change]) -> int:
        return min(5, len(changes))


@dataclass
class Service:
    """Answers with what it was asked, unless that is too much or names what it stumbles
    over.
    """

    takes: int = 5
    stumbles_over: Change | None = None
    asked: list[int] = field(default_factory=list)

    async def ask(self, changes: Sequence[Change], turn: Turn) -> list[Change] | LookUpFailure:
        assert turn is TURN
        self.asked.append(len(changes))
        if len(changes) > self.takes:
            return Refused("URI Too Long", 414)
        return (
            Failed("HTTP 500", in_doubt=False) if self.stumbles_over in changes else list(changes)
        )


async def parts(service: Service) -> tuple[list[Change], int, LookUpFailure | None]:
    found = await Asker(cast("Remote", Names()), cast("Turns", None)).by_parts(
        CHANGES, service.ask, TURN
    )
    return [change for part in found.answers for change in part], found.answered, found.failure


async def test_a_request_names_as_many_changes_as_the_remote_says_that_it_can() -> None:
    service = Service()
    assert await parts(service) == (CHANGES, 10, None)
    assert service.asked == [5, 5]


async def test_a_part_that_is_refused_is_halved_and_all_later_ones_with_it() -> None:
    service = Service(takes=2)
    assert await parts(service) == (CHANGES, 10, None)
    assert service.asked == [5, 2, 2, 2, 2, 2]


async def test_what_is_refused_alone_ends_the_questions_and_the_answers_before_it_stay() -> None:
    service = Service(takes=0)
    assert await parts(service) == ([], 0, Refused("URI Too Long", 414))
    assert service.asked == [5, 2, 1]


async def test_a_part_that_fails_ends_the_questions_and_what_was_answered_before_stays() -> None:
    service = Service(stumbles_over=CHANGES[7])
    assert await parts(service) == (CHANGES[:5], 5, Failed("HTTP 500", in_doubt=False))


# --- one thing that does not exist ----------------------------------------------------

MISSING = Refused("CONN_DOES_NOT_EXIST", 11101, missing=True, of_app="likely")
LABELS = [
    Change(0, number, number, "delete_input", f"i-{number}", "", b"", 0, 0) for number in range(2)
]


class Answering:
    """A remote, turns to it and a turn: everything is answered so."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.ended: list[object] = []

    def end(self, ending: object) -> None:
        self.ended.append(ending)

    def __getattr__(self, name: str) -> Callable[..., object]:
        return lambda *_: self.answer

    async def send(self, request: object, read: Callable[[object], object]) -> object:
        return read(None)


def asker(answer: object) -> tuple[Asker, Turn]:
    all_of_it = Answering(answer)
    return Asker(cast("Remote", all_of_it), cast("Turns", all_of_it)), cast("Turn", all_of_it)


async def test_one_thing_that_does_not_exist_is_an_empty_answer() -> None:
    one = LABELS[:1]
    asking, turn = asker(MISSING)
    assert await asking.found(one, turn) == LookedUp([None])
    assert await asking.inputs(one, turn) == InputStates(frozenset())
    assert await asking.annotations_of(one, turn) == [0]


async def test_of_several_it_may_be_any_so_that_nothing_is_known() -> None:
    asking, turn = asker(MISSING)
    for ask in (asking.found, asking.inputs, asking.annotations_of):
        assert await ask(LABELS, turn) is MISSING


# --- the end of a run -----------------------------------------------------------------


class Ending(Answering):
    """No turn is given any more, for this reason."""

    async def send(self, request: object, read: Callable[[object], object]) -> object:
        raise cast("Exception", self.answer)


@pytest.mark.parametrize(
    ("reason", "words"),
    [(Draining(), "the run is ending"), (Stopped("it gave up"), "it gave up")],
)
async def test_where_there_are_no_turns_any_more_a_question_fails_and_the_run_ends(
    reason: Exception, words: str
) -> None:
    ending = Ending(reason)
    asking = Asker(cast("Remote", ending), cast("Turns", ending))
    answer = await asking.found(LABELS, cast("Turn", ending))
    assert answer == Failed(words, in_doubt=False)
    assert ending.ended == [reason]
