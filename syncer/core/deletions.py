"""The bound on the annotations that all runs of a state delete together
(`--max-delete`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncer.core.entry import Entry


class Deletions:
    """A count of the annotations deleted so far and about to be.

    An entry's share is counted once, however often it is sent.
    """

    def __init__(self, done: int, limit: int | None = None) -> None:
        """`done`: deletions of earlier runs; `limit`: the most in all, None for no
        bound.
        """
        self.limit = limit
        self.count = done

    def admit(self, entries: Sequence[Entry], counts: Sequence[int]) -> int:
        """Return how many of the first entries may be sent, and count their shares.
        `counts`: how many annotations each entry deletes.
        """
        for position, (entry, deletes) in enumerate(zip(entries, counts, strict=True)):
            more = max(0, deletes - entry.deletions)
            if self.limit is not None and self.count + more > self.limit:
                return position
            self.count += more
            entry.deletions += more
        return len(entries)

    def dead(self, entries: Iterable[Entry]) -> None:
        """These deleted nothing after all."""
        self.count -= sum(entry.deletions for entry in entries)

    def __repr__(self) -> str:
        return f"Deletions(count={self.count}, limit={self.limit})"
