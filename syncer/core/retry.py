"""Dead letters back into the retry queue: each before the waiting changes that come
after it, after those that come before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from syncer.core.change import READ_BACK, Change, Key
from syncer.core.facts import Closed, DeadLetter, Fact, Queued, Requeued, Unburied
from syncer.core.ledger import Ledger
from syncer.core.letters import OpenLetter

Portions = Callable[[Ledger, Iterator[int]], Iterator[Sequence[Fact]]]
"""Facts about dead letters, one portion after another; those of a portion become true
together. Given the ledger, and the numbers that the retry queue gives next.

Reads files. From the first portion to the last nothing else changes what waits.
"""


def queue_again(number: int, found: OpenLetter, change: Change) -> Queued:
    """The fact that queues a letter's change again, under this number: no attempts
    yet.
    """
    letter = found.letter
    return Queued(
        number=number,
        log=letter.log,
        index=letter.index,
        line=letter.line,
        verb=change.verb,
        input_id=change.input_id,
        id=change.id,
        size=len(change.raw) if change.written is None else len(change.written),
        attempts=0,
        # an earlier attempt may have been applied after all
        doubt=change.verb in READ_BACK,
        first_failed_at=0.0,
        last_failed_at=0.0,
        reason=letter.reason,
        code=letter.code,
        raw=change.raw.decode(),
        at=change.at,
        to=change.to,
        written=None if change.written is None else change.written.decode(),
        rank=found.rank,
        expect=change.expect,
    )


def drop_letter(number: int, letter: DeadLetter) -> list[Fact]:
    """The facts that drop a letter: it counts as ignored from then on."""
    return [Unburied(letter.log, "ignored"), Closed(number, "dropped")]


class RetryQueue:
    """The changes that wait, by input and in order, and what letters make of them.

    Restarts restore a queue by its numbers.
    """

    def __init__(self, waiting: Iterable[Queued], numbers: Iterator[int]) -> None:
        """`waiting`: all that waits, without bodies and with nothing of it on its way.
        `numbers`: those that the queue gives next.
        """
        self._numbers = numbers
        self._inputs: dict[str, list[Queued]] = {}
        self._keys: set[Key] = set()
        for queued in waiting:
            self._append(queued)

    def _append(self, queued: Queued) -> None:
        self._inputs.setdefault(queued.input_id, []).append(queued)
        self._keys.add((queued.input_id, queued.id))

    def put_back(self, letters: Iterable[tuple[OpenLetter, Change]]) -> list[Fact]:
        """Return the facts that bring letters back, each as its change, in an order in
        which they can be folded.
        """
        return [fact for found, change in letters for fact in self._put(found, change)]

    def _put(self, found: OpenLetter, change: Change) -> list[Fact]:
        queued = queue_again(next(self._numbers), found, change)
        behind = self._behind(queued)
        if behind:
            moved = {other.number for other in behind}
            self._inputs[queued.input_id] = [
                other for other in self._inputs[queued.input_id] if other.number not in moved
            ]
        facts: list[Fact] = [Unburied(queued.log, "queued"), queued]
        self._append(msgspec.structs.replace(queued, raw="", written=None))
        for other in behind:
            number = next(self._numbers)
            facts.append(Requeued(other.number, number))
            self._append(msgspec.structs.replace(other, number=number))
        return [*facts, Closed(found.number, "retried")]

    def _behind(self, queued: Queued) -> list[Queued]:
        """Return what waits and must come after this change, directly or not, in
        order.
        """
        input_id, id = queued.input_id, queued.id
        waiting = self._inputs.get(input_id, [])
        if id and (input_id, id) not in self._keys and (input_id, "") not in self._keys:
            return []
        start = len(waiting)
        for at in reversed(range(len(waiting))):
            other = waiting[at]
            if _related(queued.id, other.id):
                if _precedes(queued, other):
                    start = at
                elif id:
                    break  # what binds this change binds those before it too
        ids: set[str] = set()
        behind = []
        for other in waiting[start:]:
            follows = _related(id, other.id) and _precedes(queued, other)
            if follows or (ids and (other.id in ids or "" in ids or not other.id)):
                ids.add(other.id)
                behind.append(other)
        return behind


def _related(one: str, other: str) -> bool:
    """Whether the order of changes of these ids of one input is bound.

    An empty id is that of a delete of the whole input.
    """
    return one == other or not one or not other


def _precedes(queued: Queued, other: Queued) -> bool:
    """Whether the log says `queued` first.

    A change of another log that was never dead came after all that were dead before it.
    """
    if queued.log == other.log:
        return queued.index < other.index
    return other.rank is None or (queued.rank is not None and queued.rank < other.rank)
