"""Entries that wait for their time: those of the retry queue that nothing is before."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Set

from syncer.core.entry import Entry


class DueEntries:
    """A heap of entries, by when they are due and their number in the queue."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Entry]] = []

    def add(self, entry: Entry) -> None:
        """Let an entry wait until it is due."""
        heapq.heappush(self._heap, (entry.due, entry.number, entry))

    def pop(self, now: float) -> Entry | None:
        """Take out the next one that is due, None if none is."""
        if not self._heap or self._heap[0][0] > now:
            return None
        return heapq.heappop(self._heap)[2]

    @property
    def next_at(self) -> float | None:
        """When the next one is due; None without any."""
        return self._heap[0][0] if self._heap else None

    def list_next(self, most: int) -> list[Entry]:
        """Return those that are due next, so many at most."""
        return [entry for _, _, entry in heapq.nsmallest(most, self._heap)]

    def lift(self, inputs: Set[str]) -> list[Entry]:
        """Take out all entries of these inputs."""
        lifted = [entry for entry in self if entry.change.input_id in inputs]
        if lifted:
            self._heap = [one for one in self._heap if one[2].change.input_id not in inputs]
            heapq.heapify(self._heap)
        return lifted

    def __iter__(self) -> Iterator[Entry]:
        return (entry for _, _, entry in self._heap)

    def __len__(self) -> int:
        return len(self._heap)
