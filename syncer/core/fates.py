"""The fates of settled changes of one log, for a source that tells the place where they
came from what became of them.

The watermark says that a change left the window: applied, or not, which is the
difference between `applied_at` and `error` in a table. The ledger folds that into
totals and a queue, and has no text of a letter. So a log that needs it has this beside
its totals, folded from the same facts (`Ledger.follow`).

One thread folds, another one may ask: a change that waits and dies is both for a
moment, and never neither. Letters come first in every frame.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncer.core.facts import Queued


class Fates:
    """The changes of a log that wait in the retry queue, and the reasons of those that
    died in this run.
    """

    def __init__(self, waiting: Iterable[Queued]) -> None:
        self._waiting = set[int]()
        self._reasons: dict[int, str] = {}
        self._revived: dict[int, int] = {}
        for fact in waiting:
            self.queued(fact)

    def died(self, index: int, reason: str) -> None:
        """There is a dead letter of this change."""
        self._reasons[index] = reason

    def queued(self, fact: Queued) -> None:
        """A change waits in the retry queue: also where it was a dead letter before."""
        self._waiting.add(fact.index)
        if fact.rank is not None:
            self._revived[fact.index] = fact.line
        self._reasons.pop(fact.index, None)

    def unqueued(self, index: int) -> None:
        """It waits there no more."""
        self._waiting.discard(index)

    @property
    def revived(self) -> dict[int, int]:
        """By index, the lines of dead letters that came back, in this run or before."""
        return dict(self._revived)

    def is_waiting(self, index: int) -> bool:
        """Whether a settled change is still to be sent. Ask this first."""
        return index in self._waiting

    def reason(self, index: int) -> str | None:
        """Return why a settled change that does not wait died; None if it did not."""
        return self._reasons.get(index)

    def forget(self, indexes: Iterable[int]) -> None:
        """Nobody will ask for these again."""
        for index in indexes:
            self._reasons.pop(index, None)

    def take_revived(self, indexes: Iterable[int]) -> None:
        """It is known that these came back."""
        for index in indexes:
            self._revived.pop(index, None)
