"""The entries and posts that go into one request, and what became true of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from syncer.core.change import Change, Key, Verb
from syncer.core.columns import Posts, Stretch
from syncer.core.entry import Entry

LookUp = Literal["no", "read back", "probe", "expect"]


SENDING: frozenset[LookUp] = frozenset(("no", "expect"))
"""Those after which changes are sent in the same turn."""


@dataclass(slots=True)
class Batch:
    """Entries that go into one request: one verb, no annotation twice."""

    verb: Verb
    entries: list[Entry]
    look_up: LookUp = "no"
    """What to ask the remote before anything is sent again: what it holds of these, or
    only whether it answers at all. `expect`: what it holds, and at once they are sent
    where that is what they were planned against.
    """
    size: int = 0
    """Bytes of its request, near enough."""
    posts: Posts | None = None
    """Instead of entries: posts that were never sent before, and of which nothing is
    known that needs an entry.
    """

    @property
    def count(self) -> int:
        """The number of changes it carries."""
        return len(self.entries if self.posts is None else self.posts)

    def list_entries(self) -> list[Entry]:
        """Return its entries; posts side by side have none."""
        return self.entries if self.posts is None else self.posts.list_entries()

    def part(self, entries: list[Entry], size: int = 0) -> Batch:
        """Some of its entries, to be treated as it is."""
        return Batch(self.verb, entries, self.look_up, size)

    @property
    def sends(self) -> bool:
        """Whether changes may be sent for it, and not only a question."""
        return self.look_up in SENDING


@dataclass(slots=True)
class Settlement:
    """The facts that became true since the last one; durable before anything builds on
    it.
    """

    applied: list[Entry] = field(default_factory=list)
    posts: list[Stretch] = field(default_factory=list)
    """Were applied, too, side by side."""
    dead: list[Entry] = field(default_factory=list)
    queued: list[Entry] = field(default_factory=list)
    """Left the window for the retry queue."""
    retried: list[Entry] = field(default_factory=list)
    """Were queued already, and stay so."""
    waiting: list[Entry] = field(default_factory=list)
    """Those of the queued and the retried that come due by time; the others are held
    behind those.
    """

    def __bool__(self) -> bool:
        return bool(self.applied or self.posts or self.dead or self.queued or self.retried)

    @property
    def applied_count(self) -> int:
        """The number of changes that were applied."""
        return len(self.applied) + sum(map(len, self.posts))

    def list_folded(self) -> list[Stretch]:
        """Return the posts that are still side by side."""
        return [part for part in self.posts if part.columns.entries is None]

    def list_ended(self) -> Iterator[Entry]:
        """Yield the entries that are over; posts side by side have none."""
        yield from self.applied
        for part in self.posts:
            yield from part.list_entries()
        yield from self.dead

    def list_applied(self) -> Iterator[tuple[Change, int | None]]:
        """Yield the changes that were applied, each with its letter's rank."""
        for entry in self.applied:
            yield entry.change, entry.rank
        for part in self.posts:
            for change in part.changes():
                yield change, None

    def list_created(self) -> list[Key]:
        """Return the keys of the posts among them."""
        keys = [entry.change.key for entry in self.applied if entry.change.verb == "post"]
        for part in self.posts:
            keys += part.keys
        return keys
