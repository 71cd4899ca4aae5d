"""The changes of one verb that wait for nothing but their request, in order: entries,
and posts side by side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Set
from itertools import islice

from syncer.core.batch import Batch, LookUp
from syncer.core.change import Verb
from syncer.core.columns import Columns, Posts, Stretch
from syncer.core.entry import Entry, bytes_of

Unfold = Callable[[Columns], object]
"""Sees to it that these columns have entries."""


class Ready:
    """A queue. A batch of it is the same whether its posts are side by side or not."""

    def __init__(self, verb: Verb, unfold: Unfold) -> None:
        self._verb = verb
        self._unfold = unfold
        self._items: deque[Entry | Stretch] = deque()
        self._parts = 0
        """Of the items, those that are no entries."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, entry: Entry) -> None:
        """As the last."""
        self._items.append(entry)
        self._count += 1

    def add_first(self, entry: Entry) -> None:
        """Before all others."""
        self._items.appendleft(entry)
        self._count += 1

    def add_part(self, part: Stretch) -> None:
        """As the last."""
        self._items.append(part)
        self._parts += 1
        self._count += len(part)

    def list_entries(self) -> Iterator[Entry]:
        """Yield all entries; posts side by side have none."""
        for item in self._items:
            if not isinstance(item, Stretch):
                yield item
            else:
                yield from item.list_entries()

    def lift(self, inputs: Set[str]) -> list[Entry]:
        """Take out all entries of these inputs."""
        entries = self._take_entries(self._count)
        lifted = lift(entries, inputs)
        self._items.extend(entries)
        self._count -= len(lifted)
        return lifted

    def cut(self, cap: int, bound: int) -> Batch:
        """Take up to `cap` off the front, as many as fit `bound`; at least one."""
        if not self._parts:
            entries: deque[Entry] = self._items  # type: ignore[assignment]
            batch = cut(self._verb, entries, cap, bound)
        elif (posts := self._cut_posts(cap, bound)) is not None:
            batch = Batch(self._verb, [], size=posts.size, posts=posts)
        else:
            entries = self._take_entries(cap)
            batch = cut(self._verb, entries, cap, bound)
            self._items.extendleft(reversed(entries))
        self._count -= batch.count
        return batch

    def _cut_posts(self, cap: int, bound: int) -> Posts | None:
        """The same, where all that it takes is side by side; else None."""
        items, taken, count, size = self._items, list[Stretch](), 0, 0
        while items and count < cap:
            part = items[0]
            if not isinstance(part, Stretch) or part.columns.entries is not None:
                break
            fits = min(cap - count, part.fitting(bound - size)) or (0 if count else 1)
            if fits < len(part):
                if fits:
                    first, items[0] = part.divide(fits)
                    taken.append(first)
                return Posts(taken)
            items.popleft()
            self._parts -= 1
            taken.append(part)
            count, size = count + len(part), size + part.size
        if (count < cap and items) or not taken:
            items.extendleft(reversed(taken))
            self._parts += len(taken)
            return None
        return Posts(taken)

    def _take_entries(self, count: int) -> deque[Entry]:
        """Take at least so many off the front, or all, as entries."""
        items, taken = self._items, deque[Entry]()
        while items and len(taken) < count:
            item = items.popleft()
            if isinstance(item, Stretch):
                self._parts -= 1
                self._unfold(item.columns)
                taken.extend(item.list_entries())
            else:
                taken.append(item)
        return taken


def lift(entries: deque[Entry], inputs: Set[str]) -> list[Entry]:
    """Take out all entries of these inputs."""
    lifted = [entry for entry in entries if entry.change.input_id in inputs]
    if lifted:
        rest = [entry for entry in entries if entry.change.input_id not in inputs]
        entries.clear()
        entries.extend(rest)
    return lifted


def cut(verb: Verb, entries: deque[Entry], cap: int, bound: int, look_up: LookUp = "no") -> Batch:
    """Take up to `cap` entries off the front, as many as fit `bound`; at least one."""
    size = bytes_of(islice(entries, cap))
    if size <= bound:
        return Batch(
            verb, [entries.popleft() for _ in range(min(cap, len(entries)))], look_up, size
        )
    taken = [entries.popleft()]
    size = taken[0].size + 1
    while entries and len(taken) < cap and size + entries[0].size + 1 <= bound:
        size += entries[0].size + 1
        taken.append(entries.popleft())
    return Batch(verb, taken, look_up, size)
