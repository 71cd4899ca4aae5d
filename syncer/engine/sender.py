"""One batch's way: encode, send, decode, and what follows from the answer, read-backs
included.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from syncer.core.backlog import Backlog
from syncer.core.backoff import Backoff
from syncer.core.batch import Batch
from syncer.core.change import Change, Verb
from syncer.core.deletions import Deletions
from syncer.core.entry import Entry
from syncer.core.outcome import (
    AllApplied,
    Answered,
    Applied,
    Exists,
    Failed,
    Halt,
    InDoubt,
    Missing,
    Outcome,
    Refused,
    Rejected,
    Retriable,
    Throttled,
    Verdict,
)
from syncer.core.ports.push import Created, InputStates, Journal, Remote
from syncer.engine.asking import Asker, HeldAnnotation, PartialAnswer
from syncer.engine.looking import Looker
from syncer.engine.refusals import Refusals
from syncer.engine.trail import NOBODY, Trail
from syncer.engine.turns import NoTurn, Turn, Turns
from syncer.errors import Stopped, SyncerError

DELETES: frozenset[Verb] = frozenset(("delete", "delete_input"))


class Sender:
    """A sender of batches: from a backlog to one remote, and back what came of them."""

    def __init__(
        self,
        backlog: Backlog,
        remote: Remote,
        journal: Journal,
        created: Created,
        turns: Turns,
        deletions: Deletions,
        backoff: Backoff,
    ) -> None:
        """`backoff`: between the attempts of one change."""
        self.retries = 0
        self._reconciled = 0
        self.trail: Trail = NOBODY
        self._backlog = backlog
        self._remote = remote
        self._journal = journal
        self._turns = turns
        self._now = turns.now
        self._deletions = deletions
        self._backoff = backoff
        self.asker = Asker(remote, turns)
        self._refusals = Refusals(backlog, self.asker, created, self._now, self._draw_due)
        self._looker = Looker(backlog, remote, self.asker, turns, self._change, self._not_read)

    @property
    def reconciled(self) -> int:
        """Changes in doubt that a look at the remote settled."""
        return self._reconciled + self._looker.reconciled

    async def send(self, batch: Batch, turn: Turn) -> None:
        """Carry a batch to its outcomes; its first request goes in the turn that is
        held.
        """
        if not batch.sends:
            await self._look_up_batch(batch, turn)
            return
        if batch.look_up == "expect":
            batch = await self._looker.keep_expected(batch, turn)
            if not batch.entries:
                return
        if batch.verb in DELETES:
            batch = await self._admit(batch, turn)
            if not batch.entries:
                return
        changes = batch.posts or [self._change(entry) for entry in batch.entries]
        self.retries += sum(entry.last_failed_at > 0 for entry in batch.entries)
        self.trail.note_sent(changes, self._now())
        try:
            verdict = await turn.send(
                self._remote.encode(batch.verb, changes),
                partial(self._remote.decode, batch.verb, changes),
            )
        except (NoTurn, SyncerError) as ending:
            self._turns.end(ending)
            self._backlog.again(batch)
            return
        await self._follow(batch, verdict, turn)

    def _change(self, entry: Entry) -> Change:
        """The entry's change with its body, from disk where it is there only."""
        return entry.change if entry.change.raw else self._journal.read_queued(entry.number)

    async def _admit(self, batch: Batch, turn: Turn) -> Batch:
        """Return the part of a batch of deletes that may be sent, its turn held; the
        rest goes back.

        Where deletions are bounded, the run ends.
        """
        backlog, entries, counts = self._backlog, batch.entries, [0] * len(batch.entries)
        if batch.verb == "delete":
            counts = [1] * len(entries)
        elif self._deletions.limit is not None:
            listed = await self.asker.by_parts(
                [entry.change for entry in entries], self.asker.annotations_of, turn, probing=True
            )
            if listed.failure is not None:
                self._not_read(entries, listed)
                if listed.answered:
                    backlog.again(batch.part(entries[: listed.answered]))
                return batch.part([])
            counts = [count for part in listed.answers for count in part]
            try:
                await turn.hold()
            except (NoTurn, SyncerError) as ending:
                self._turns.end(ending)
                backlog.again(batch)
                return batch.part([])
        admitted = self._deletions.admit(entries, counts)
        if admitted < len(entries):
            backlog.again(batch.part(entries[admitted:]))
            self._turns.end(self._no_more(entries[admitted], counts[admitted]))
        return batch.part(entries[:admitted])

    def _no_more(self, entry: Entry, deletes: int) -> Stopped:
        what = (
            f"all {deletes} annotations of input {entry.change.input_id}"
            if entry.change.verb == "delete_input"
            else "one more"
        )
        return Stopped(
            f"--max-delete {self._deletions.limit}: {self._deletions.count} annotations are deleted"
            " or being deleted (all runs of this state counted), and the next change deletes"
            f" {what}: stopped before it. The state is kept: run again with a higher --max-delete"
            " to continue"
        )

    def _draw_due(self, attempts: int) -> float:
        return self._now() + self._backoff.delay(attempts + 1)

    async def _follow(self, batch: Batch, verdict: Verdict, turn: Turn) -> None:
        backlog = self._backlog
        if isinstance(verdict, AllApplied | Answered) or (
            isinstance(verdict, Refused) and not verdict.too_large
        ):
            backlog.passed(batch)
        if isinstance(verdict, AllApplied):
            self._refusals.note_taken(batch.posts or (entry.change for entry in batch.entries))
            backlog.all_applied(batch)
            return
        backlog.unfold(batch)
        entries = batch.entries
        match verdict:
            case Answered():
                await self._settle_answered(entries, verdict.outcomes, turn)
            case Refused():
                await self._settle_refused(batch, verdict, turn)
            case Throttled():
                backlog.again(batch)
            case Failed():
                if verdict.unreachable:
                    backlog.again(batch)
                elif verdict.strange == "surely":
                    # It says nothing of any change, so it is not an attempt of one.
                    backlog.unsettled(
                        entries, verdict.reason, verdict.code, self._now(), self._draw_due(0)
                    )
                else:
                    due = self._draw_due(max(entry.suspicion for entry in entries))
                    reason = _reason(batch, verdict)
                    backlog.failed(
                        entries,
                        reason,
                        verdict.code,
                        self._now(),
                        due,
                        doubt=verdict.in_doubt,
                        cut=verdict.cut,
                    )
            case Halt():
                backlog.again(batch)
                self._turns.end(self._turns.advice.explain_halt(verdict))

    async def _settle_refused(self, batch: Batch, verdict: Refused, turn: Turn) -> None:
        """A request that was refused as a whole: one change is settled, several are
        parted.
        """
        entries = batch.entries
        if verdict.duplicate and batch.verb == "post":
            await self._settle_duplicate(batch, verdict, turn)
        elif len(entries) > 1 and verdict.too_large:
            self._backlog.too_large(batch, self._now())
        elif len(entries) > 1:
            self._refusals.begin_search()
            self._backlog.halve(batch)
        elif verdict.missing:
            missing = Missing(verdict.reason, verdict.code)
            await self._refusals.settle_missing([(entries[0], missing)], turn)
        elif verdict.too_large:
            reason = _reason(batch, verdict)
            self._backlog.rejected(entries[0], reason, verdict.code, self._now())
        else:
            refused = Rejected(verdict.reason, verdict.code)
            await self._refusals.settle_refused([(entries[0], refused)], turn)

    async def _settle_answered(
        self, entries: Sequence[Entry], outcomes: Sequence[Outcome], turn: Turn
    ) -> None:
        backlog, now = self._backlog, self._now()
        due = self._draw_due(max(entry.attempts for entry in entries))
        applied: list[Entry] = []
        exists: list[tuple[Entry, Exists]] = []
        missing: list[tuple[Entry, Missing]] = []
        for entry, outcome in zip(entries, outcomes, strict=True):
            match outcome:
                case Applied():
                    applied.append(entry)
                case Rejected():
                    backlog.rejected(entry, outcome.reason, outcome.code, now)
                case Retriable():
                    backlog.retriable(entry, outcome.reason, outcome.code, now, due)
                case InDoubt():
                    backlog.retriable(
                        entry,
                        outcome.reason,
                        outcome.code,
                        now,
                        due,
                        doubt=True,
                        omitted=outcome.omitted,
                    )
                case Exists():
                    exists.append((entry, outcome))
                case Missing():
                    missing.append((entry, outcome))
        self._refusals.note_taken(entry.change for entry in applied)
        backlog.applied(applied)
        if exists:
            await self._compare(exists, turn)
        if missing:
            await self._refusals.settle_missing(missing, turn)

    # --- posts that may be there already ----------------------------------------------

    async def _compare(self, exists: Sequence[tuple[Entry, Exists]], turn: Turn) -> None:
        """Find out whether posts that the answer refused one by one are there."""
        why = {id(entry): outcome for entry, outcome in exists}
        refused: list[tuple[Entry, Rejected]] = []
        for entry in await self._not_settled_by_look_up([entry for entry, _ in exists], turn):
            outcome = why[id(entry)]
            if outcome.certain:
                due = self._draw_due(entry.attempts)
                reason = f"refused as a duplicate, but not found when read back: {outcome.reason}"
                self._backlog.retriable(entry, reason, outcome.code, self._now(), due)
            else:
                refused.append((entry, Rejected(outcome.reason, outcome.code)))
        if refused:
            await self._refusals.settle_refused(refused, turn)

    async def _settle_duplicate(self, batch: Batch, verdict: Refused, turn: Turn) -> None:
        """Some id of the batch exists: settle those that exist, send the rest again,
        halve if none does.
        """
        absent = await self._not_settled_by_look_up(batch.entries, turn)
        if not absent:
            return
        if len(absent) < len(batch.entries):
            self._backlog.again(batch.part(absent))
        elif len(absent) > 1:
            self._backlog.halve(batch)
        else:
            reason = f"refused as a duplicate, but not found when read back: {verdict.reason}"
            self._backlog.retriable(
                absent[0], reason, verdict.code, self._now(), self._draw_due(absent[0].attempts)
            )

    async def _not_settled_by_look_up(self, entries: Sequence[Entry], turn: Turn) -> list[Entry]:
        """Read back, and settle what can be seen there.

        Returns the rest; where the look-up fails, it is queued in doubt.
        """
        changes = [self._change(entry) for entry in entries]
        read = await self.asker.by_parts(changes, self.asker.found, turn, probing=True)
        self._not_read(entries, read)
        annotations = [annotation for found in read.answers for annotation in found.annotations]
        return [
            entry
            for entry, change, annotation in zip(entries, changes, annotations, strict=False)
            if annotation is None or not self._settled_by(entry, change, annotation)
        ]

    def _settled_by(self, entry: Entry, change: Change, annotation: HeldAnnotation) -> bool:
        """Whether it is over, now that this is what the remote holds.

        A patch that cannot be seen there is not.
        """
        if self._remote.same(change, annotation):
            self._reconciled += 1
            self._backlog.applied((entry,))
            return True
        if change.verb != "post":
            return False
        reason = (
            "id taken: the remote holds an annotation of this id with other content; it was left as"
            " it is"
        )
        self._backlog.rejected(entry, reason, entry.code, self._now())
        return True

    def _not_read(self, entries: Sequence[Entry], read: PartialAnswer[Any]) -> None:
        """Ask again for what got no answer.

        For the one that the remote does not answer to, that was an attempt.
        """
        failure, unread = read.failure, entries[read.answered :]
        if failure is None:
            return
        reason = f"could not be read back: {failure.reason}"
        code = None if isinstance(failure, Throttled) else failure.code
        due = self._draw_due(max(entry.attempts for entry in unread))
        if read.at_fault:
            self._backlog.retriable(unread[0], reason, code, self._now(), due, doubt=True)
            unread = unread[1:]
        self._backlog.unsettled(unread, reason, code, self._now(), due)

    # --- look-ups ---------------------------------------------------------------------

    async def _look_up_batch(self, batch: Batch, turn: Turn) -> None:
        """A batch of the retry queue: it is read back, or it only matters that the
        destination answers.
        """
        entries: Sequence[Entry] = batch.entries
        if batch.look_up == "read back":
            entries = await self._not_settled_by_look_up(entries, turn)
        else:
            answer = await self.asker.inputs([entries[0].change], turn)
            if not isinstance(answer, InputStates | Refused):
                self._not_read(entries, PartialAnswer([], 0, answer))
                return
        for entry in entries:
            self._backlog.looked_up(entry, self._now())


def _reason(batch: Batch, verdict: Refused | Failed) -> str:
    """Return what to look at, too, if a change that was alone in its request may have
    been too large.
    """
    alone = f"{verdict.reason}; it was alone in a request of about {batch.size:,} bytes, which"
    match verdict:
        case Refused(too_large=True) if batch.size:
            return f"{alone} is too large"
        case Failed(cut=True) if batch.size and len(batch.entries) == 1:
            return f"{alone} may be too large"
    return verdict.reason
