"""The look before changes go that name what they were planned against.

Within the turns of one batch: what is there is read back, as much at a time as one
request can ask for; what need not go, or must not, is settled; the rest goes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio

from syncer.core.backlog import Backlog
from syncer.core.batch import Batch
from syncer.core.change import Change
from syncer.core.entry import Entry, bytes_of
from syncer.core.looks import explain_changed, is_fresh, judge_look
from syncer.core.ports.push import LookedUp, LookUpFailure, Remote
from syncer.engine.asking import Asker, HeldAnnotation, PartialAnswer
from syncer.engine.turns import NoTurn, Turn, Turns
from syncer.errors import SyncerError

LOOKING_SECONDS = 2.0
"""No further look for one batch after this time: the first ones would get too old."""

ReadBody = Callable[[Entry], Change]
NotRead = Callable[[Sequence[Entry], PartialAnswer[Any]], None]


class Looker:
    """Looks at what the changes of a batch were planned against."""

    def __init__(
        self,
        backlog: Backlog,
        remote: Remote,
        asker: Asker,
        turns: Turns,
        read_body: ReadBody,
        not_read: NotRead,
    ) -> None:
        """`read_body`: an entry's change with its body. `not_read`: what becomes of
        entries that could not be read back.
        """
        self.reconciled = 0
        self._backlog = backlog
        self._remote = remote
        self._asker = asker
        self._turns = turns
        self._read_body = read_body
        self._not_read = not_read

    async def keep_expected(self, batch: Batch, turn: Turn) -> Batch:
        """Return the part of a batch that may be sent, its turn held; what was not
        looked at, or too long ago, goes back.
        """
        rest, kept, oldest = batch.entries, list[Entry](), float("inf")
        while rest and anyio.current_time() < oldest + LOOKING_SECONDS:
            part = rest[: self._remote.look_up_size([entry.change for entry in rest])]
            changes = [self._read_body(entry) for entry in part]
            sent_at, read = await self._look(changes, turn)
            oldest = min(oldest, sent_at)
            held = [annotation for found in read.answers for annotation in found.annotations]
            looked_at = zip(part, changes, held, strict=False)
            kept += [entry for entry, change, one in looked_at if self._may_go(entry, change, one)]
            rest = rest[len(part) :]
            if read.failure is not None:
                self._not_read(part, read)
                break
        if rest:
            self._backlog.again(batch.part(rest))
        if not kept or not await self._hold(batch.part(kept), oldest, turn):
            return batch.part([])
        return batch.part(kept, bytes_of(kept))

    async def _look(
        self, changes: Sequence[Change], turn: Turn
    ) -> tuple[float, PartialAnswer[LookedUp]]:
        """The answers, and when the first of their questions was sent."""
        sent_at = list[float]()

        async def ask(changes: Sequence[Change], turn: Turn) -> LookedUp | LookUpFailure:
            found = await self._asker.found(changes, turn)
            sent_at.append(turn.sent_at)
            return found

        read = await self._asker.by_parts(changes, ask, turn, probing=True)
        return min(sent_at), read

    def _may_go(self, entry: Entry, change: Change, held: HeldAnnotation | None) -> bool:
        """Whether it is to be sent; if not, it is settled."""
        digest = None if held is None else self._remote.digest(held)
        shown = held is not None and change.verb != "delete" and self._remote.same(change, held)
        match judge_look(change, digest, shown=shown):
            case "applied":
                self.reconciled += entry.doubt
                self._backlog.applied((entry,))
                return False
            case "changed":
                now = self._turns.now()
                self._backlog.rejected(entry, explain_changed(digest), None, now)
                return False
            case "send":
                return True

    async def _hold(self, batch: Batch, looked_at: float, turn: Turn) -> bool:
        """Whether the turn to send it came while the look was fresh; if not, the batch
        goes back.
        """
        turns = self._turns
        try:
            await turn.hold()
        except (NoTurn, SyncerError) as ending:
            turns.end(ending)
        else:
            age_seconds = anyio.current_time() - looked_at
            paused = turns.paused_since(turns.now() - age_seconds)
            if not paused and is_fresh(age_seconds, turns.turn_seconds):
                return True
        self._backlog.again(batch)
        return False
