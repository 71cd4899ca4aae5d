"""All decisions of a push: what is sent, and with what, what waits and what is over.

    held ──► ready ──► in flight ──► settled: applied, or dead
               ▲          │    └───► refused whole ──► halves, ready at once
               │          └────────► failed ──► queued, its body on disk
               │                                  └──► due ──► ready, or looked up first
               └── released when the end of its predecessor is durable

Three rules carry the guarantee:

1. Only the oldest live change of each annotation leaves `held`; its successor follows
   when the predecessor's end is *durable* (`committed`), not merely known. A
   whole-input delete waits for every earlier change of its input, and holds every
   later one (`Order`).
2. A change leaves the window with its first outcome. What fails is queued with its
   body, and all that is held behind it is queued behind it, in order; so the log's
   watermark moves on while one change fails for an hour.
3. A request that failed as a whole is an attempt of its changes only if the destination
   was healthy otherwise (`ripen`), and the next request with them carries half as many
   neighbours, the last one none: nobody dies of a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from itertools import chain, count

from syncer.core.batch import Batch, LookUp, Settlement
from syncer.core.batches import TEACHING, Batches
from syncer.core.change import Change
from syncer.core.columns import Posts
from syncer.core.due import DueEntries
from syncer.core.entry import Entry, Live, bytes_of, make_entry, restore_entry
from syncer.core.facts import Queued
from syncer.core.limits import Limits
from syncer.core.order import Order


class Backlog:
    """The live changes of a push.

    Give it changes (`offer`), take batches, report outcomes, collect what became true.
    """

    def __init__(self, limits: Limits, next_number: int = 1) -> None:
        self.limits = limits
        self.window_count = 0
        self.window_bytes = 0
        self.queue_count = 0
        self.source_ended = False
        self.resting = False
        """Nothing is taken in or out, and nothing comes due, while letters are put
        back.
        """
        self.numbers = count(next_number)
        """Those that the retry queue gives next."""
        self._order = Order(self._go, self._queue)
        self._batches = Batches(limits, self._order.unfold)
        self.waiting = DueEntries()
        self._settlement = Settlement()
        self._out: dict[int, Batch] = {}

    # --- in ---------------------------------------------------------------------------

    def room(self) -> bool:
        """Whether more may be read."""
        limits = self.limits
        window_max = limits.window_max + self.batches_out * limits.batch_size
        return (
            not self.resting
            and self.window_count < window_max
            and self.window_bytes < limits.window_bytes_max
            and self.queue_count < limits.queue_max
        )

    def offer(self, changes: Iterable[Change], now: float) -> None:
        """Take over changes, in the source's order."""
        if isinstance(changes, Posts) and self._order.place_posts(changes):
            self.window_count += len(changes)
            self.window_bytes += changes.held_bytes
            self._batches.add_posts(changes, now)
            return
        for entry in map(make_entry, changes):
            self.window_count += 1
            self.window_bytes += entry.held_bytes
            self._order.place(entry, now)

    def restore(self, queue: Iterable[Queued], now: float) -> None:
        """Take over what an earlier run left in the retry queue, in the order of the
        numbers. Before any `offer`.
        """
        for queued in queue:
            entry = restore_entry(queued, now)
            self.queue_count += 1
            self._order.place(entry, now)

    def put_back(self, inputs: Set[str], queue: Iterable[Queued], now: float) -> None:
        """Take over the letters of these inputs that came back into the retry queue:
        each goes before what comes after it.

        `queue`: all of it, durable, in the order of the numbers. Since before that was
        decided the backlog is `resting`, with no batch out and nothing to collect.
        """
        let_go = chain(self.waiting.lift(inputs), self._batches.lift(inputs))
        entries = self._order.lift(inputs, let_go)
        known = {(entry.change.log, entry.change.index): entry for entry in entries if entry.number}
        for queued in queue:
            if queued.input_id not in inputs:
                continue
            entry = known.pop((queued.log, queued.index), None)
            if entry is None:
                entry = restore_entry(queued, now)
                self.queue_count += 1
            entry.number = queued.number
            self._order.place(entry, now)
        assert not known, "the queue is not all there"
        for entry in entries:
            if not entry.number:
                self._order.place(entry, now)

    def _go(self, entry: Entry, now: float) -> None:
        """Nothing is before this entry any more."""
        if entry.number:
            self.waiting.add(entry)
        else:
            self._batches.add(entry, now)

    # --- out --------------------------------------------------------------------------

    def ripen(self, now: float, succeeded_at: float) -> None:
        """Sort what has come due.

        `succeeded_at`: when the destination last answered a request well.
        """
        if self.resting:
            return
        self._batches.size.heard(succeeded_at)
        while (entry := self.waiting.pop(now)) is not None:
            healthy = succeeded_at > entry.last_failed_at
            to_read_back = entry.to_read_back
            if entry.unproven and healthy and not to_read_back and self._count_attempt(entry):
                continue
            asked = to_read_back or (entry.unproven and entry.change.verb == "post")
            self._sort(entry, now, "read back" if asked else "probe" if entry.unproven else "no")

    def looked_up(self, entry: Entry, now: float) -> None:
        """The destination answered a look-up well, and it did not settle this entry: it
        is to be sent (again).
        """
        if entry.unproven and self._count_attempt(entry):
            return
        entry.doubt = False
        self._sort(entry, now, "no")

    def _sort(self, entry: Entry, now: float, look_up: LookUp) -> None:
        """Put an entry with those that it may share a request with."""
        cap = entry.cap(self.limits) if look_up == "no" else self.limits.batch_size
        self._batches.add_again(entry, look_up, cap, now)

    def _count_attempt(self, entry: Entry) -> bool:
        """The last request was an attempt of this entry.

        True where it was the last one: the entry is dead then.
        """
        entry.unproven = False
        if entry.crowded:
            entry.crowded = False
            return False
        entry.attempts += 1
        if entry.attempts < self.limits.max_attempts:
            return False
        self._settlement.dead.append(entry)
        return True

    def has_batch(self, now: float) -> bool:
        """Whether `take` would give a batch now."""
        return not self.resting and self._batches.has(now, hurry=self._hurry())

    def wake_at(self, now: float) -> float | None:
        """Return when time alone makes a batch possible; None if only an event can."""
        if self.resting:
            return None
        times = (self._batches.wake_at(), self.waiting.next_at)
        return min((time for time in times if time is not None), default=None)

    def take(self, now: float) -> Batch | None:
        """Return the batch that goes next, None if none may go yet.

        Call `over` when its request is over.
        """
        batch = None if self.resting else self._batches.take(now, hurry=self._hurry())
        if batch is not None:
            self._out[id(batch)] = batch
        return batch

    def _hurry(self) -> bool:
        return self.source_ended or not self.room()

    def over(self, batch: Batch) -> None:
        """Its request has been answered, or has failed."""
        del self._out[id(batch)]
        self._batches.size.over(batch.size)

    def passed(self, batch: Batch) -> None:
        """The remote itself has answered it, in any way."""
        if batch.verb in TEACHING:
            self._batches.size.passed(batch.size)

    # --- outcomes ---------------------------------------------------------------------

    def applied(self, entries: Iterable[Entry]) -> None:
        """The remote holds what these ask for."""
        self._settlement.applied.extend(entries)

    def all_applied(self, batch: Batch) -> None:
        """The remote holds all that this batch asks for."""
        self._settlement.applied.extend(batch.entries)
        if batch.posts is not None:
            self._settlement.posts.extend(batch.posts.parts)

    def unfold(self, batch: Batch) -> None:
        """Let what comes next of this batch be about its entries."""
        self._batches.unfold(batch)

    def rejected(self, entry: Entry, reason: str, code: int | None, now: float) -> None:
        """The remote will never take this one: an attempt, and the last."""
        entry.note_failure(reason, code, now)
        entry.attempts += 1
        self._settlement.dead.append(entry)

    def retriable(
        self,
        entry: Entry,
        reason: str,
        code: int | None,
        now: float,
        due: float,
        *,
        doubt: bool = False,
        omitted: bool = False,
    ) -> None:
        """The answer names this one as failed for now, or leaves it out (`omitted`);
        `doubt`: it may have been applied.
        """
        entry.note_failure(reason, code, now)
        entry.doubt, entry.omitted = doubt, omitted
        entry.suspicion = 0
        if not self._count_attempt(entry):
            self._put_off(entry, due)

    def failed(
        self,
        entries: Sequence[Entry],
        reason: str,
        code: int | None,
        now: float,
        due: float,
        *,
        doubt: bool,
        cut: bool = False,
    ) -> None:
        """Their request failed as a whole; `doubt`: it may have been applied. Only who
        was alone in it can have had the last attempt.

        `cut`: nothing came back. If as much has never gone through, its size is in
        question, and nobody in it.
        """
        alone = len(entries) == 1
        teaches = cut and not alone and entries[0].change.verb in TEACHING
        crowded = teaches and self._batches.size.cut(bytes_of(entries), now)
        for entry in entries:
            entry.note_failure(reason, code, now)
            entry.doubt = entry.doubt or doubt
            entry.omitted = False
            entry.unproven = alone or crowded or entry.attempts < self.limits.max_attempts - 1
            entry.crowded = crowded
            entry.suspicion += not crowded
            self._put_off(entry, due)

    def unsettled(
        self, entries: Iterable[Entry], reason: str, code: int | None, now: float, due: float
    ) -> None:
        """A look-up of these failed: they are looked up again."""
        for entry in entries:
            entry.note_failure(reason, code, now)
            entry.doubt = True
            self._put_off(entry, due)

    def again(self, batch: Batch) -> None:
        """Nothing of this batch was applied and nothing speaks against it: it goes
        again as soon as it may.
        """
        self._batches.again(batch)

    def halve(self, batch: Batch) -> None:
        """The remote refused the batch as a whole: its halves go next.

        At least two entries.
        """
        middle = len(batch.entries) // 2
        assert middle > 0, batch
        self._batches.again(batch.part(batch.entries[middle:]))
        self._batches.again(batch.part(batch.entries[:middle]))

    def too_large(self, batch: Batch, now: float) -> None:
        """The batch was refused for its size: what it carried goes again in smaller
        ones. At least two entries.
        """
        if batch.verb not in TEACHING:
            self.halve(batch)
            return
        self._batches.size.refused(batch.size)
        for entry in reversed(batch.entries):
            self._sort(entry, now, "no")

    def _put_off(self, entry: Entry, due: float) -> None:
        """Queue an entry that failed, and behind it all that must wait for it; or keep
        it queued.
        """
        entry.due = due
        self._settlement.waiting.append(entry)
        if entry.number:
            self._settlement.retried.append(entry)
        else:
            self._order.queue(entry)

    def _queue(self, entry: Entry) -> None:
        """Move an entry from the window to the retry queue, unless it is there."""
        if entry.number:
            return
        entry.number = next(self.numbers)
        self.window_count -= 1
        self.window_bytes -= entry.held_bytes
        self.queue_count += 1
        self._settlement.queued.append(entry)

    # --- durable ----------------------------------------------------------------------

    def collect(self) -> Settlement:
        """Return what became true since the last call.

        Write it down, then call `committed`.
        """
        settlement, self._settlement = self._settlement, Settlement()
        return settlement

    @property
    def settling(self) -> bool:
        """Whether there is anything to collect."""
        return bool(self._settlement)

    def committed(self, settlement: Settlement, now: float) -> None:
        """The settlement is durable: bodies of the queued may go, successors of the
        ended may leave.
        """
        for entry in settlement.queued:
            entry.drop_body()
        for entry in settlement.waiting:
            self.waiting.add(entry)
        for part in settlement.list_folded():
            self.window_count -= len(part)
            self.window_bytes -= part.held_bytes
            self._order.release_posts(part)
        for entry in settlement.list_ended():
            if entry.number:
                self.queue_count -= 1
            else:
                self.window_count -= 1
                self.window_bytes -= entry.held_bytes
            self._order.release(entry, now)

    # --- to look at -------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Live changes."""
        return self.window_count + self.queue_count

    @property
    def batches_out(self) -> int:
        """Batches that were taken and are not over."""
        return len(self._out)

    def list_live(self, input_id: str) -> list[Live]:
        """Return the live changes of an input, each after what it waits for."""
        self._order.unfold_input(input_id)
        sent = [entry for batch in self._out.values() for entry in batch.list_entries()]
        let_go = chain(self.waiting, self._batches.list_entries())
        return self._order.trace(input_id, sent, let_go)

    def __repr__(self) -> str:
        return f"Backlog(window={self.window_count}, queue={self.queue_count}, {self._batches!r})"
