"""Dead letters back into the retry queue: each before the waiting changes that come after it, behind those that come before it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from syncer.core.backlog import READ_BACK
from syncer.core.change import Change, Key
from syncer.core.facts import Closed, DeadLetter, Fact, JournalFact, Queued, Requeued, Unburied
from syncer.core.letters import OpenLetter


def queued_again(found: OpenLetter, change: Change) -> Queued:
    """The fact that queues a letter's change anew (its number is given by `RetryQueue.put`): no attempts yet."""
    letter = found.letter
    return Queued(
        number=0,
        log=letter.log,
        index=letter.index,
        line=letter.line,
        verb=change.verb,
        input_id=change.input_id,
        id=change.id,
        size=len(change.raw) if change.written is None else len(change.written),
        attempts=0,
        doubt=change.verb in READ_BACK,  # an earlier attempt may have been applied after all
        first_failed_at=0.0,
        last_failed_at=0.0,
        reason=letter.reason,
        code=letter.code,
        raw=change.raw.decode(),
        at=change.at,
        to=change.to,
        written=None if change.written is None else change.written.decode(),
        rank=found.rank,
    )


def dropped(number: int, letter: DeadLetter) -> list[Fact]:
    """The facts that drop a letter: it counts as ignored from then on."""
    return [Unburied(letter.log, "ignored"), Closed(number, "dropped")]


class RetryQueue:
    """What waits, by input and in order, and what letters make of it. Restarts restore a queue by its numbers."""

    def __init__(self, waiting: Iterable[Queued], next_number: int) -> None:
        self._next_number = next_number
        self._inputs: dict[str, list[Queued]] = {}
        self._keys: set[Key] = set()
        for queued in waiting:
            self._append(queued)

    def _append(self, queued: Queued) -> None:
        self._inputs.setdefault(queued.input_id, []).append(msgspec.structs.replace(queued, raw="", written=None))
        self._keys.add((queued.input_id, queued.id))

    def put(self, found: OpenLetter, queued: Queued) -> list[Fact]:
        """The facts that bring a letter back as this change, in an order in which they can be folded."""
        waiting = self._inputs.get(queued.input_id, [])
        at = self._place(waiting, queued)
        behind, waiting[at:] = waiting[at:], []
        queued = msgspec.structs.replace(queued, number=self._take_number())
        facts: list[JournalFact] = [Unburied(queued.log, "queued"), queued]
        self._append(queued)
        for other in behind:
            number = self._take_number()
            facts.append(Requeued(other.number, number))
            self._append(msgspec.structs.replace(other, number=number))
        return [*facts, Closed(found.number, "retried")]

    def _place(self, waiting: list[Queued], queued: Queued) -> int:
        """Where in what waits of its input the change belongs: before the first that must come after it, else at the end."""
        at = len(waiting)
        if queued.id and not {(queued.input_id, queued.id), (queued.input_id, "")} & self._keys:
            return at
        for position in reversed(range(len(waiting))):
            other = waiting[position]
            if other.id == queued.id or not other.id or not queued.id:  # both change one annotation
                if not _precedes(queued, other):
                    break
                at = position
        return at

    def _take_number(self) -> int:
        self._next_number += 1
        return self._next_number - 1


def _precedes(queued: Queued, other: Queued) -> bool:
    """Does the log say `queued` first? Of another log, a change that was never dead came after all that were dead before it."""
    if queued.log == other.log:
        return queued.index < other.index
    return other.rank is None or (queued.rank is not None and queued.rank < other.rank)
