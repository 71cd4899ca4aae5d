"""The queues of what may be sent, and the forming of one request: by verb, number and
bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set

from syncer.core.batch import SENDING, Batch, LookUp
from syncer.core.change import Verb
from syncer.core.columns import Posts
from syncer.core.entry import Entry, bytes_of
from syncer.core.limits import Limits
from syncer.core.ready import Ready, Unfold, cut, lift
from syncer.core.size import SizeLimit

VERBS: tuple[Verb, ...] = ("post", "merge", "overwrite", "remove", "delete", "delete_input")
TEACHING: frozenset[Verb] = frozenset(("post", "merge", "overwrite", "remove"))
"""Verbs whose requests are as large as their changes: of the others only ids are sent.
"""


class Batches:
    """Entries that wait for nothing but their request.

    `now` is in seconds of any one clock.
    """

    def __init__(self, limits: Limits, unfold: Unfold) -> None:
        self.size = SizeLimit(limits.batch_bytes_max)
        self._limits = limits
        self._unfold = unfold
        self._ready = {verb: Ready(verb, unfold) for verb in VERBS}
        self._ready_since: dict[Verb, float] = {}
        self._formed: deque[Batch] = deque()
        self._apart: dict[tuple[Verb, LookUp, int], deque[Entry]] = {}

    # --- in ---------------------------------------------------------------------------

    def add(self, entry: Entry, now: float) -> None:
        """As the last of its verb."""
        ready = self._ready[entry.change.verb]
        if not ready:
            self._ready_since[entry.change.verb] = now
        ready.add(entry)

    def add_posts(self, posts: Posts, now: float) -> None:
        """As the last of all posts."""
        ready = self._ready["post"]
        if not ready:
            self._ready_since["post"] = now
        for part in posts.parts:
            ready.add_part(part)

    def unfold(self, batch: Batch) -> None:
        """Make sure that it carries entries."""
        if batch.posts is not None:
            for part in batch.posts.parts:
                self._unfold(part.columns)
            batch.entries, batch.posts = batch.posts.list_entries(), None

    def add_again(self, entry: Entry, look_up: LookUp, cap: int, now: float) -> None:
        """One that was sent or looked up before: before all others of its verb, or with
        its like only, and no more than `cap` of them in a request.
        """
        if look_up == "no" and entry.change.expect:
            look_up = "expect"
        if look_up != "no" or entry.suspicion:
            self._add_apart(entry, look_up, cap)
            return
        ready = self._ready[entry.change.verb]
        if not ready:
            self._ready_since[entry.change.verb] = now
        ready.add_first(entry)

    def _add_apart(self, entry: Entry, look_up: LookUp, cap: int) -> None:
        self._apart.setdefault((entry.change.verb, look_up, cap), deque()).append(entry)

    def again(self, batch: Batch) -> None:
        """Before everything else, as it is."""
        self._formed.appendleft(batch)

    def list_entries(self) -> Iterator[Entry]:
        """Yield all entries; posts side by side have none."""
        for ready in self._ready.values():
            yield from ready.list_entries()
        for entries in self._apart.values():
            yield from entries
        for batch in self._formed:
            yield from batch.list_entries()

    def lift(self, inputs: Set[str]) -> Iterator[Entry]:
        """Take out all entries of these inputs."""
        for ready in self._ready.values():
            yield from ready.lift(inputs)
        for entries in self._apart.values():
            yield from lift(entries, inputs)
        self._apart = {group: entries for group, entries in self._apart.items() if entries}
        formed, self._formed = self._formed, deque()
        for batch in formed:
            self.unfold(batch)
            rest = deque(batch.entries)
            yield from lift(rest, inputs)
            if rest:
                self._formed.append(batch.part(list(rest)))

    # --- out --------------------------------------------------------------------------

    def has(self, now: float, *, hurry: bool) -> bool:
        """Whether `take` would give a batch now."""
        if not self.size.bound:
            return any(look_up not in SENDING for _, look_up, _ in self._apart)
        return bool(self._formed or self._apart) or self._best(now, hurry) is not None

    def wake_at(self) -> float | None:
        """Return when time alone makes a batch possible; None if only an event can."""
        if not self.size.bound:
            return None
        times = [
            since + self._limits.linger_seconds
            for verb, since in self._ready_since.items()
            if self._ready[verb]
        ]
        return min(times, default=None)

    def take(self, now: float, *, hurry: bool) -> Batch | None:
        """Return the batch that goes next, None where none is to go yet.

        `hurry`: a part-full one need not wait for more.
        """
        bound = self.size.bound
        if self._formed and bound:
            return self._send(self._fitting(self._formed.popleft(), bound))
        for group, entries in self._apart.items():
            verb, look_up, cap = group
            sends = look_up in SENDING
            if sends and not bound:
                continue
            most = bound if sends else self._limits.batch_bytes_max
            batch = cut(verb, entries, cap, most, look_up)
            del self._apart[group]
            if entries:
                self._apart[group] = entries  # after the others
            return self._send(batch)
        best = self._best(now, hurry) if bound else None
        if best is None:
            return None
        ready = self._ready[best]
        batch = ready.cut(self._limits.batch_size, bound)
        if ready:
            self._ready_since[best] = now
        return self._send(batch if best == "post" else self._divide(batch))

    def _divide(self, batch: Batch) -> Batch:
        """Of changes that were planned against something and such that go unseen, each
        in a batch of their own, return the one; the other goes next.
        """
        planned = [entry for entry in batch.entries if entry.change.expect]
        if not planned:
            return batch
        if len(planned) < len(batch.entries):
            rest = [entry for entry in batch.entries if not entry.change.expect]
            self._formed.append(batch.part(rest, bytes_of(rest)))
        return Batch(batch.verb, planned, "expect", bytes_of(planned))

    def _fitting(self, batch: Batch, bound: int) -> Batch:
        """Divide a batch that was formed under a wider bound."""
        if batch.posts is not None and batch.size <= bound:
            return batch
        self.unfold(batch)
        rest = deque(batch.entries)
        first = cut(batch.verb, rest, len(rest), bound, batch.look_up)
        if rest:
            self._formed.appendleft(batch.part(list(rest)))
        return first

    def _send(self, batch: Batch) -> Batch:
        if batch.sends and batch.count > 1 and batch.verb in TEACHING:
            self.size.goes(batch.size)
        return batch

    def _best(self, now: float, hurry: bool) -> Verb | None:
        """The verb with a full batch, else the one that has lingered long enough (or
        for which nothing more can come).
        """
        lingering: Verb | None = None
        for verb, ready in self._ready.items():
            if len(ready) >= self._limits.batch_size:
                return verb
            if ready and (hurry or now >= self._ready_since[verb] + self._limits.linger_seconds):
                if lingering is None or len(ready) > len(self._ready[lingering]):
                    lingering = verb
        return lingering

    def __repr__(self) -> str:
        ready = {verb: len(ready) for verb, ready in self._ready.items() if ready}
        return (
            f"ready={ready}, formed={len(self._formed)},"
            f" apart={sum(map(len, self._apart.values()))}"
        )
