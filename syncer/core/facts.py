"""The facts that a run makes true: the only things that the journal ever writes, and
all that a restart knows.

Facts say what happened, never what is about to be done. Folding them in order
(`syncer.core.ledger`) gives the state; a fact of one frame is true together with all
others of that frame, or not at all. The wire form is docs/journal.md.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from syncer.core.change import Change, LogIdentity, Mark, Verb

Ending = Literal["applied", "ignored", "dead"]
"""How a change ends."""

Fate = Literal["applied", "ignored", "dead", "queued"]
"""Where a change went when it left the window: to its end, or to the retry queue."""


class Opened(msgspec.Struct, frozen=True, array_like=True, tag="log"):
    """The log of this number is this file (again, after it grew: the same number with a
    new identity).
    """

    log: int
    identity: LogIdentity


class Read(msgspec.Struct, frozen=True, array_like=True, tag="read"):
    """Reading passed this place.

    Reading can be taken up here once every change before it has left the window.
    """

    log: int
    mark: Mark


class Settled(msgspec.Struct, frozen=True, array_like=True, tag="settled"):
    """`count` neighbouring changes of a log left the window.

    `crc` is the crc32 of their lines, joined.
    """

    log: int
    start: int
    count: int
    crc: int
    place: Fate


class Totals(msgspec.Struct, frozen=True, array_like=True, tag="totals"):
    """All that the facts of one log added up to when the journal was compacted; comes
    right after `Opened`.
    """

    log: int
    resume: Mark
    runs: list[tuple[int, int, int]]
    """(start, count, crc) of what is settled at or after `resume`."""
    marks: list[Mark]
    applied: int
    ignored: int
    dead: int
    queued: int


class Queued(msgspec.Struct, frozen=True, array_like=True, tag="queued"):
    """A change waits in the retry queue, with its body.

    Numbers grow; a key's changes wait in the order of theirs.
    """

    number: int
    log: int
    index: int
    line: int
    verb: Verb
    input_id: str
    id: str
    size: int
    """Bytes of the annotation as it will be sent."""
    attempts: int
    doubt: bool
    """Its last request may have been applied."""
    first_failed_at: float
    last_failed_at: float
    """Seconds since 1970; 0 where it only waits behind another."""
    reason: str
    code: int | None
    raw: str
    at: int
    to: int
    written: str | None
    rank: int | None = None
    """The letter's rank, for a change that was a dead letter before (see
    `DeadLetter`).
    """
    expect: str = ""
    """Digest of the annotation that it was planned against."""

    def change(self) -> Change:
        """The change itself.

        Where the fact was stripped of its body, so is the change.
        """
        return Change(
            log=self.log,
            index=self.index,
            line=self.line,
            verb=self.verb,
            input_id=self.input_id,
            id=self.id,
            raw=self.raw.encode(),
            at=self.at,
            to=self.to,
            written=None if self.written is None else self.written.encode(),
            expect=self.expect,
        )


class Retried(msgspec.Struct, frozen=True, array_like=True, tag="retried"):
    """A queued change was tried again in vain, and goes on waiting."""

    number: int
    attempts: int
    doubt: bool
    first_failed_at: float
    last_failed_at: float
    reason: str
    code: int | None


class Unqueued(msgspec.Struct, frozen=True, array_like=True, tag="unqueued"):
    """A queued change came to its end."""

    number: int
    ending: Ending


class Requeued(msgspec.Struct, frozen=True, array_like=True, tag="requeued"):
    """A queued change waits on under another number, after those queued before it."""

    old: int
    new: int


class Unburied(msgspec.Struct, frozen=True, array_like=True, tag="unburied"):
    """A dead letter of this log was dropped (`ignored`), or is to be sent again
    (`queued`, its `Queued` follows).
    """

    log: int
    place: Literal["ignored", "queued"]


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True, tag="dead", tag_field="event"):
    """A change that will not be sent again, as `dead list --json` shows it
    (`superseded` is added there).

    Its place in the log follows from `Settled` or `Unqueued`; it is kept in a file of
    its own (dead.jsonl). Letters are numbered from 0 in the order of that file. It is
    open until `Closed`; if it is tried again in vain, that is a new letter of the same
    rank.
    """

    source: str
    line: int
    op: str | None
    input_id: str | None
    id: str | None
    reason: str
    code: int | None
    attempts: int
    first_failed_at: str
    last_failed_at: str
    """RFC 3339, UTC."""
    change: str
    """The line as read."""
    log: int
    index: int
    whole: bool = True
    """`change` is the line byte for byte, unless a bad line was cut or is not UTF-8."""
    rank: int | None = None
    """The number of the first letter of this change, which gives its turn among other
    logs' changes. None: this one.
    """


class LetterHead(msgspec.Struct, frozen=True, tag="dead", tag_field="event"):
    """The part of a letter that a start reads of a million, when there is no time for
    all of each.
    """

    op: str | None
    input_id: str | None
    id: str | None
    log: int
    index: int


class Superseded(
    msgspec.Struct, frozen=True, omit_defaults=True, tag="superseded", tag_field="event"
):
    """This change of a dead letter's annotation (empty id: a delete of its whole input)
    was applied.

    It comes after the letters that it may supersede: those of its own log with a lower
    index, those of other logs with a lower rank.
    """

    input_id: str
    id: str
    log: int
    index: int
    rank: int | None = None
    """Where it was a dead letter itself: its rank.
    None: all letters of other logs that stand before this line are earlier changes.
    """


class Closed(msgspec.Struct, frozen=True, tag="closed", tag_field="event"):
    """The letter of this number was dropped, or went back to the retry queue."""

    letter: int
    how: Literal["retried", "dropped"]


class LettersForgotten(msgspec.Struct, frozen=True, tag="forgotten", tag_field="event"):
    """All letters so far of this log are closed: the state forgot the log."""

    log: int


class DeadFile(msgspec.Struct, frozen=True, array_like=True, tag="dead_file"):
    """dead.jsonl is this many bytes long: what comes after them was never settled, and
    is cut off.
    """

    size: int


class Destination(msgspec.Struct, frozen=True, array_like=True, tag="destination"):
    """The state of the destination, kept across restarts."""

    state: Literal["open", "paused", "probing", "stopped"]
    until: float
    """Seconds since 1970; 0 unless paused."""
    reason: str
    asked_seconds: float | None = None
    """How long the pause was to last when it was asked for; None if not known: states
    before this field was added.
    """

    def left_seconds(self, now: float, trusted_seconds: float) -> float:
        """Return how much of the pause is left: never more than was asked, even if the
        clock was set. If that is not known, at most `trusted_seconds`.
        """
        if self.state != "paused":
            return 0.0
        longest_seconds = trusted_seconds if self.asked_seconds is None else self.asked_seconds
        return max(0.0, min(self.until - now, longest_seconds))


OPEN = Destination("open", 0.0, "")
"""Nothing is known that speaks against sending."""


class Deleted(msgspec.Struct, frozen=True, array_like=True, tag="deleted"):
    """This many annotations were deleted at the remote (for `--max-delete`, which
    counts over all runs).
    """

    count: int


class Forgotten(msgspec.Struct, frozen=True, array_like=True, tag="forgotten"):
    """The state knows nothing of this log any more (`syncer state forget`)."""

    log: int


JournalFact = (
    Opened
    | Totals
    | Read
    | Settled
    | Queued
    | Retried
    | Requeued
    | Unqueued
    | Unburied
    | DeadFile
    | Destination
    | Deleted
    | Forgotten
)
"""Facts of the journal file."""

DeadFact = DeadLetter | Superseded | Closed | LettersForgotten
"""Facts of dead.jsonl."""

Fact = JournalFact | DeadFact
