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


class Fates:
    """The changes of a log that wait in the retry queue, and the reasons of those that
    died in this run.
    """

    def __init__(self, waiting: Iterable[int]) -> None:
        self._waiting = set(waiting)
        self._reasons: dict[int, str] = {}

    def died(self, index: int, reason: str) -> None:
        """There is a dead letter of this change."""
        self._reasons[index] = reason

    def queued(self, index: int) -> None:
        """It waits in the retry queue: also where it was a dead letter before."""
        self._waiting.add(index)
        self._reasons.pop(index, None)

    def unqueued(self, index: int) -> None:
        """It waits there no more."""
        self._waiting.discard(index)

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
