"""What a push promises of order and delivery (docs/architecture.md), said a second
time: a list of changes and what is known of each.

Nothing here is fast, and nothing is shared with the code under test but the values that
go in and out of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from syncer.core.batch import Batch
from syncer.core.change import PATCHES, Change
from syncer.core.entry import Entry
from syncer.core.limits import Limits


@dataclass
class Known:
    """What became of one change so far."""

    change: Change
    ended: Literal["", "applied", "dead"] = ""
    durable: bool = False
    """Its end is on disk."""
    in_flight: bool = False
    attempts: int = 0
    doubt: bool = False
    omitted: bool = False
    suspicion: int = 0
    """How often in a row a request with it failed as a whole."""
    unproven: bool = False
    """Its last request failed as a whole, and nothing was answered well since."""
    alone: bool = False
    """Nobody else was in that request."""
    crowded: bool = False
    """That request may only have been too large."""
    asleep: bool = False
    """It failed, and waits for its time."""
    due: float = math.inf
    """Its time, once it is on disk that it failed."""
    failed_at: float = 0.0

    def forget(self) -> None:
        """The process is gone: of what is not on disk nothing is known."""
        self.in_flight = self.doubt = self.omitted = self.unproven = self.alone = self.crowded = (
            self.asleep
        ) = False
        self.attempts = self.suspicion = 0
        self.due, self.failed_at = math.inf, 0.0
        if not self.durable:
            self.ended = ""

    @property
    def to_read_back(self) -> bool:
        """May it not be sent before the remote was asked for it?"""
        return self.doubt and (
            self.change.verb == "post" or (self.omitted and self.change.verb in PATCHES)
        )


def bound(one: Change, other: Change) -> bool:
    """Is the order of these two bound?

    Those of one annotation are, and all of an input where one deletes the whole input.
    """
    return one.input_id == other.input_id and (
        one.id == other.id or "delete_input" in (one.verb, other.verb)
    )


@dataclass
class Plain:
    """All changes of one log, in order, and the rules that hold for them."""

    limits: Limits
    all: list[Known] = field(default_factory=list)

    def of(self, entry: Entry) -> Known:
        """What is known of an entry's change, by its place in the log."""
        known = self.all[entry.change.index]
        assert (known.change.verb, known.change.key) == (entry.change.verb, entry.change.key)
        return known

    def live(self) -> list[Known]:
        """Those whose end is not on disk yet."""
        return [known for known in self.all if not known.durable]

    def before(self, change: Change) -> list[Known]:
        """Live changes that this one has to wait for."""
        return [
            known
            for known in self.all[: change.index]
            if not known.durable and bound(known.change, change)
        ]

    def to_queue(self, change: Change, queued: set[int]) -> bool:
        """Where these are queued, must this one be?

        Else the log's watermark would stay before it for as long as they fail.
        """
        before = [known.change.index for known in self.before(change)]
        if change.verb == "delete_input":
            return bool(before) and queued.issuperset(before)
        return bool(before) and before[-1] in queued

    # --- a batch is taken -------------------------------------------------------------

    def taken(self, batch: Batch) -> None:
        """Check that a batch may go, now."""
        assert batch.entries
        assert len(batch.entries) <= self.limits.batch_size
        assert len({entry.change.key for entry in batch.entries}) == len(batch.entries), (
            "an annotation twice in one request"
        )
        size = sum(entry.size for entry in batch.entries)
        assert size <= self.limits.batch_bytes_max or len(batch.entries) == 1
        for entry in batch.entries:
            known = self.of(entry)
            assert entry.change.verb == batch.verb
            assert not known.in_flight, "twice under way"
            assert not known.ended, "sent although it is over"
            assert not known.asleep, "sent before its time, or before that it failed is on disk"
            assert not self.before(known.change), (
                "sent before what it has to wait for is durably over"
            )
            self._looked_up_first(known, batch)
            if batch.look_up == "no":
                self._not_too_many(known, batch)
            assert (entry.attempts, entry.doubt) == (known.attempts, known.doubt)
            assert known.attempts < self.limits.max_attempts
            known.in_flight = True

    def _looked_up_first(self, known: Known, batch: Batch) -> None:
        """What may be there already is asked for; where a whole request failed, the
        destination has to answer first.
        """
        if known.to_read_back:
            assert batch.look_up == "read back"
        elif known.unproven:
            assert batch.look_up == ("read back" if batch.verb == "post" else "probe")

    def _not_too_many(self, known: Known, batch: Batch) -> None:
        """Who was in a request that failed goes with half as many neighbours each time,
        and with none where it could be the last.
        """
        most = max(1, self.limits.batch_size >> known.suspicion)
        if known.suspicion and known.attempts == self.limits.max_attempts - 1:
            most = 1
        assert len(batch.entries) <= most

    # --- outcomes ---------------------------------------------------------------------

    def end(self, known: Known, how: Literal["applied", "dead"]) -> None:
        """It is over, once."""
        assert not known.ended, "over twice"
        known.in_flight = False
        known.ended = how

    def not_sent(self, batch: Batch) -> None:
        """Nothing of it was applied, and nothing speaks against it."""
        for entry in batch.entries:
            self.of(entry).in_flight = False

    def rejected(self, known: Known) -> None:
        """The remote will never take it."""
        known.attempts += 1
        self.end(known, "dead")

    def named(self, known: Known, now: float, *, doubt: bool, omitted: bool) -> None:
        """The answer names it as failed for now, or leaves it out: an attempt."""
        known.attempts += 1
        known.doubt, known.omitted, known.suspicion, known.unproven = doubt, omitted, 0, False
        self._put_off(known, now)
        if known.attempts >= self.limits.max_attempts:
            self.end(known, "dead")

    def failed(self, batch: Batch, now: float, *, doubt: bool, crowded: bool) -> None:
        """Their request failed as a whole: perhaps an attempt, of which nobody dies who
        was not alone; none where it was too large.
        """
        for entry in batch.entries:
            known = self.of(entry)
            known.doubt, known.omitted = known.doubt or doubt, False
            known.alone = len(batch.entries) == 1
            known.unproven = known.alone or crowded or known.attempts < self.limits.max_attempts - 1
            known.crowded = crowded
            known.suspicion += not crowded
            self._put_off(known, now)

    def unsettled(self, known: Known, now: float) -> None:
        """It could not be read back."""
        known.doubt = True
        self._put_off(known, now)

    def _put_off(self, known: Known, now: float) -> None:
        known.in_flight = False
        known.asleep = True
        known.failed_at, known.due = now, math.inf

    def looked_up(self, known: Known) -> None:
        """The destination answered, and it is to be sent: what failed before counts."""
        known.in_flight = False
        if not (known.unproven and self._count(known)):
            known.doubt = False

    def lifted(self, inputs: set[str]) -> None:
        """Letters came back to these inputs: whether what failed there counts is asked
        again when it may go.
        """
        for known in self.live():
            known.asleep = known.asleep or (known.unproven and known.change.input_id in inputs)

    def ripened(self, now: float, succeeded_at: float) -> None:
        """Time passed: a request that failed while the destination was well counts, and
        may have been the last attempt. What a letter came back before sleeps on.
        """
        for known in self.all:
            if known.asleep and known.due <= now and not self.before(known.change):
                known.asleep = False
                if known.unproven and succeeded_at > known.failed_at and not known.to_read_back:
                    self._count(known)

    def _count(self, known: Known) -> bool:
        """The failed request was an attempt. True where it was the last one."""
        known.unproven = False
        if known.crowded:
            known.crowded = False
            return False
        known.attempts += 1
        if known.attempts < self.limits.max_attempts:
            return False
        assert known.alone, "dead of a neighbour"
        self.end(known, "dead")
        return True
