"""A change on its way: what the backlog knows of it beside the change itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from syncer.core.change import PATCHES, Change
from syncer.core.facts import Queued
from syncer.core.limits import Limits


class Entry(msgspec.Struct, eq=False, gc=False):
    """One live change.

    Its body is with it while it is in the window, and on disk once it is queued.
    """

    change: Change
    size: int
    """Bytes of the annotation as it will be sent."""
    number: int = 0
    """Its number in the retry queue; 0 while it is in the window."""
    held_bytes: int = 0
    """What it takes of memory while it is in the window, with its body."""
    attempts: int = 0
    suspicion: int = 0
    """How often a request with it failed as a whole: the next one carries half as many
    neighbours.
    """
    doubt: bool = False
    """Its last request may have been applied."""
    omitted: bool = False
    """The last answer dealt with its request, and left it out."""
    unproven: bool = False
    """Its last request failed as a whole, and whether that counts as an attempt is not
    known yet.
    """
    crowded: bool = False
    """Perhaps it failed for the size of that request alone: then it does not count."""
    first_failed_at: float = 0.0
    last_failed_at: float = 0.0
    reason: str = ""
    code: int | None = None
    due: float = 0.0
    deletions: int = 0
    """Annotations that it deletes, as far as that is known."""
    rank: int | None = None
    """The letter's rank, for a dead letter that is tried again (see `DeadLetter`)."""
    after: Entry | None = None
    """The next change of the same annotation, held until this one's end is durable."""

    @property
    def to_read_back(self) -> bool:
        """Whether it is settled by what the remote holds: a post in doubt, so that it
        is not made twice. A patch only where answers leave it out: sending it again is
        safe, but a read that lags may show a state before it in which it seems done.
        """
        verb = self.change.verb
        return self.doubt and (verb == "post" or (self.omitted and verb in PATCHES))

    def note_failure(self, reason: str, code: int | None, now: float) -> None:
        """Its request failed, or the answer speaks against it."""
        self.first_failed_at = self.first_failed_at or now
        self.last_failed_at = now
        self.reason = reason
        self.code = code

    def cap(self, limits: Limits) -> int:
        """Return how many may be in the next request with it."""
        if self.suspicion and self.attempts >= limits.max_attempts - 1:
            return 1
        return max(1, limits.batch_size >> min(self.suspicion, 30))

    def to_queued(self) -> Queued:
        """The fact that puts this entry, body and all, into the retry queue."""
        change = self.change
        return Queued(
            number=self.number,
            log=change.log,
            index=change.index,
            line=change.line,
            verb=change.verb,
            input_id=change.input_id,
            id=change.id,
            size=self.size,
            attempts=self.attempts,
            doubt=self.doubt,
            first_failed_at=self.first_failed_at,
            last_failed_at=self.last_failed_at,
            reason=self.reason,
            code=self.code,
            raw=change.raw.decode(),
            at=change.at,
            to=change.to,
            written=None if change.written is None else change.written.decode(),
            rank=self.rank,
            expect=change.expect,
        )

    def drop_body(self) -> None:
        """Its body is on disk now."""
        change = self.change
        self.change = msgspec.structs.replace(change, raw=b"", written=None)


def make_entry(change: Change) -> Entry:
    """The entry of a change that was just read."""
    raw_bytes, written = len(change.raw), change.written
    if written is None:
        return Entry(change, raw_bytes, 0, raw_bytes)
    return Entry(change, len(written), 0, raw_bytes + len(written))


def restore_entry(queued: Queued, due: float) -> Entry:
    """The entry of a queued change, as a restart finds it."""
    return Entry(
        change=queued.change(),
        size=queued.size,
        number=queued.number,
        attempts=queued.attempts,
        doubt=queued.doubt,
        first_failed_at=queued.first_failed_at,
        last_failed_at=queued.last_failed_at,
        reason=queued.reason,
        code=queued.code,
        due=due,
        rank=queued.rank,
    )


def bytes_of(entries: Iterable[Entry]) -> int:
    """Return the bytes of a request that carries these, except its first few."""
    return sum([entry.size + 1 for entry in entries])


@dataclass(frozen=True, slots=True)
class Live:
    """A change on its way, for those who ask where it is."""

    entry: Entry
    before: Entry | None
    """The one whose end it waits for."""
    is_sent: bool
    """A request with it is under way."""


@dataclass(slots=True)
class Gate:
    """A whole-input delete: it waits for all earlier changes of its input, all later
    ones wait for it.
    """

    barrier: Entry
    behind: deque[Entry] = field(default_factory=deque)
