"""Questions to the remote that settle what an answer left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Generic, Protocol, TypeVar

from syncer.core.change import Change, Key
from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.push import InputStates, Listed, LookedUp, LookUpFailure, Remote
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.engine.turns import NoTurn, Turn, Turns
from syncer.errors import SyncerError

HeldAnnotation = dict[str, object]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class AskOfPart(Protocol[T_co]):
    """A question about some changes, sent in this turn."""

    async def __call__(self, changes: Sequence[Change], turn: Turn) -> T_co | LookUpFailure:
        """The answer to the point, or why none came."""
        ...


@dataclass(frozen=True, slots=True)
class PartialAnswer(Generic[T]):
    """The answers about changes that were asked for in parts, in their order, and how
    many changes from the first on they are about.
    """

    answers: list[T]
    answered: int
    failure: LookUpFailure | None
    """The reason why the rest was not answered."""
    at_fault: bool = False
    """The first of the rest was asked for by itself, and a remote that is otherwise
    well does not answer to that.
    """


class Asker:
    """Asks within the rate, again after a throttle."""

    def __init__(self, remote: Remote, turns: Turns) -> None:
        self._remote = remote
        self._turns = turns

    async def ask(
        self, request: Request, read: Callable[[Reply | NoReply], T | LookUpFailure], turn: Turn
    ) -> T | LookUpFailure:
        """Return what `read` makes of the answer.

        A reason for which no request goes any more is a failure that ends the run.
        """
        while True:
            try:
                answer = await turn.send(request, read)
            except (NoTurn, SyncerError) as ending:
                self._turns.end(ending)
                return Failed(str(ending), in_doubt=False)
            if isinstance(answer, Halt):
                self._turns.end(self._turns.advice.explain_halt(answer))
            if not isinstance(answer, Throttled):
                return answer

    async def by_parts(
        self,
        changes: Sequence[Change],
        ask: AskOfPart[T],
        turn: Turn,
        *,
        probing: bool = False,
    ) -> PartialAnswer[T]:
        """Ask for as many changes at a time as one request can name, and for fewer
        where that is refused, until a part fails.

        `probing`: where a part fails, find out whether the remote is well otherwise. If
        so, it was as good as refused.
        """
        answers: list[T] = []
        answered, size_max = 0, len(changes)
        while answered < len(changes):
            rest = changes[answered : answered + size_max]
            part = rest[: self._remote.look_up_size(rest)]
            answer = await ask(part, turn)
            refused = isinstance(answer, Refused) or (
                probing and isinstance(answer, Failed) and await self.well(part[0], turn)
            )
            if refused and len(part) > 1:
                # Perhaps its URL is too long for something on the way, or one of them
                # is at fault.
                size_max = len(part) // 2
                continue
            if isinstance(answer, LookUpFailure):
                return PartialAnswer(answers, answered, answer, at_fault=refused)
            answers.append(answer)
            answered += len(part)
        return PartialAnswer(answers, answered, None)

    async def well(self, change: Change, turn: Turn) -> bool:
        """Whether the remote answers.

        Any question about the input will do, and a refusal is an answer, too.
        """
        return isinstance(await self.inputs([change], turn), InputStates | Refused)

    async def found(self, changes: Sequence[Change], turn: Turn) -> LookedUp | LookUpFailure:
        """Return what the remote holds of these changes' annotations."""
        found = await self.ask(
            self._remote.look_up(changes), partial(self._remote.found, changes), turn
        )
        return LookedUp([None]) if _nothing_there(changes, found) else found

    async def inputs(self, changes: Sequence[Change], turn: Turn) -> InputStates | LookUpFailure:
        """Return the states of these changes' inputs."""
        input_ids = list(dict.fromkeys(change.input_id for change in changes))
        found = await self.ask(
            self._remote.inputs_look_up(input_ids),
            partial(self._remote.inputs_found, input_ids),
            turn,
        )
        return InputStates(frozenset()) if _nothing_there(input_ids, found) else found

    async def annotations_of(
        self, changes: Sequence[Change], turn: Turn
    ) -> list[int] | LookUpFailure:
        """Return how many annotations each of these whole-input deletes deletes."""
        listed = await self._list([change.input_id for change in changes], turn)
        if not isinstance(listed, set):
            return listed
        by_input = Counter(input_id for input_id, _ in listed)
        return [by_input[change.input_id] for change in changes]

    async def _list(self, input_ids: Sequence[str], turn: Turn) -> set[Key] | LookUpFailure:
        """Every annotation of these inputs that a delete of them deletes: pages until
        an empty one.
        """
        keys: set[Key] = set()
        for page in count(1):
            request = self._remote.inputs_list(input_ids, page)
            listed = await self.ask(request, partial(self._remote.inputs_listed, input_ids), turn)
            if _nothing_there(input_ids, listed):
                break
            if not isinstance(listed, Listed):
                return listed
            if not listed.rows:
                break
            keys.update(listed.keys)
        return keys


def _nothing_there(asked: Sequence[object], answer: object) -> bool:
    """Whether the remote says that the one thing asked for does not exist.

    If several were asked for, it may mean any: each is asked for by itself then.
    """
    return len(asked) == 1 and isinstance(answer, Refused) and answer.missing
