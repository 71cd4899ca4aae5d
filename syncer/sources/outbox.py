"""An outbox table as a source: rows with a change each, written by an application in
the transaction that changed its labels.

    to do ──► the spool, durably ──► read … settled ──► applied_at, or error

To do is a row that has neither. A row counts by its id, its time and its change, so one
that commits late, or that has an id which was used before, is one more row. A row is in
the spool, with its name in the note, until the table was told what became of it: so a
restart takes nothing twice. The table is told outside the commit path.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import anyio
import anyio.to_thread
import msgspec

from syncer.core.change import Chunk, Mark
from syncer.core.fates import Fates
from syncer.errors import SyncerError
from syncer.finish import finish
from syncer.sources.outbox_table import OutboxTable, RowEnding, TableState, TableTold
from syncer.sources.spool import Naming, Spool
from syncer.sources.taken import TakenRows, Told

TAKEN_ROWS_MAX = 100_000
"""Rows whose end the table was not told about: more stay where they are."""
TOLD_ROWS_MAX = 1000
"""Rows of a transaction: other writers wait for its end."""
POLL_SECONDS = 1.0

Restored = Literal["applied", "send"]
"""The answer to what is to be done with rows to do in a table that was restored: they
are taken for applied, or sent again.
"""


class TableRestored(SyncerError):
    """The table is not as it was left: rows that are to do in it may be applied."""


class Outbox:
    """A table, and the spool of its rows, as one source."""

    ended = False

    def __init__(
        self,
        table: OutboxTable,
        rows: TakenRows,
        spool: Spool,
        fates: Fates,
        settled: int,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """`spool`: over the segments of `rows`, named by `naming`. `fates`: of the
        spool's log. `settled`: how many of its changes are, in a row, from the first.
        """
        self._table = table
        self._rows = rows
        self._spool = spool
        self._fates = fates
        self._settled = Mark(index=settled)
        self._poll_seconds = poll_seconds
        self._one_at_a_time = anyio.Lock()
        self._seen: object = None
        """The version at which nothing more was to do."""
        self.unread_at: float | None = None
        """When the row was written, in seconds since 1970, that waits longest for being
        read, as of the last look; None: none does, or its time is not known.
        """

    @property
    def label(self) -> str:
        """The name of the source."""
        return self._spool.label

    # --- reading ----------------------------------------------------------------------

    async def read(self) -> Chunk | None:
        """Return the next chunk; None where nothing is to do.

        Raises BadLineFound where strict, TableRestored, SyncerError.
        """
        if (chunk := await self._read_spool()) is not None:
            return chunk
        async with self._one_at_a_time:
            # First, since it claims the table: only then can the rest be told.
            version = await self._table.version()
            if self._rows.count or self._fates.revived:
                # Also here: a change that waited may end when no mark moves.
                await self._tell()
            if version == self._seen or self._rows.count >= TAKEN_ROWS_MAX:
                return None
            await self._check_not_restored()
            if not await finish(self._take):
                self._seen, self.unread_at = version, None
                return None
        return await self._read_spool()

    async def _read_spool(self) -> Chunk | None:
        chunk = await self._spool.read()
        if chunk is not None:
            chunk.written_at = self._rows.date(change.index for change in chunk.changes)
        return chunk

    async def _take(self) -> bool:
        """Take rows into the spool; return whether there were any."""
        rows = await self._table.list_to_do(self._rows.knows)
        if rows:
            names = [row.name for row in rows]
            note = [(name.id, name.key, name.at) for name in names]
            self._rows.add(await self._spool.append([row.line for row in rows], note), names)
        return bool(rows)

    async def look_for_unread(self) -> None:
        """See how long rows wait for being read: also while nothing is read. Those that
        are in the spool come first. Raises SyncerError.
        """
        async with self._one_at_a_time:
            first = self._rows.date(self._spool.unread)
            if not first:
                first = await self._table.first_to_do(self._rows.highest) or 0.0
            self.unread_at = first or None

    async def wait(self) -> None:
        """Return when it is time for another look."""
        await self._table.wait(self._poll_seconds)

    async def close(self) -> None:
        """Let go of the connection and of the files."""
        await self._spool.close()
        await self._table.close()

    # --- telling ----------------------------------------------------------------------

    async def ack(self, log: int, mark: Mark) -> None:
        """Tell the table what became of the rows before this mark."""
        async with self._one_at_a_time:
            self._settled = max(self._settled, mark, key=lambda mark: mark.index)
            await self._tell()

    async def _tell(self) -> None:
        """Tell what is not told. That may come twice: it is durable in the table before
        it is written down here.
        """
        fates, rows = self._fates, self._rows
        await self._take_back()
        due = list(rows.untold(self._settled.index, fates.is_waiting))
        for at in range(0, len(due), TOLD_ROWS_MAX):
            part = due[at : at + TOLD_ROWS_MAX]
            names = [(i, rows.name(i)) for i in part]
            endings = [RowEnding(name, fates.reason(i)) for i, name in names if name]
            done = await finish(partial(self._table.tell, endings))
            rows.tell(part)
            fates.forget(part)
            await self._cut(_after(rows.told, done))
        if not due:
            await self._cut(rows.told)

    async def _take_back(self) -> None:
        """Letters that are retried: their rows, which have an error, may be applied."""
        if not (revived := self._fates.revived):
            return
        dead = await self._table.dead_rows(list(revived.values()))
        for index, id in revived.items():
            if id in dead and self._rows.name(index) is None:
                self._rows.take_back(index, dead[id])
        self._fates.take_revived(revived)

    async def _cut(self, told: Told) -> None:
        cut = partial(self._rows.cut, self._settled, told)
        await finish(partial(anyio.to_thread.run_sync, cut))

    # --- a table that was restored ----------------------------------------------------

    async def _check_not_restored(self) -> None:
        """Raise TableRestored where the table shows that it was set back."""
        told = self._rows.told
        if not told.highest:
            return
        state = await self._table.state((told.highest, told.last))
        proof = _find_proof(told, state)
        if proof is None and (state.sequence is not None or told.highest in state.to_do):
            return
        highest = await self._table.highest_applied()
        if highest is None:
            # Nothing of what was applied is there: a new table, or one that was
            # emptied.
            await self._begin_again(state.sequence)
        elif proof or highest < told.highest:
            proof = proof or f"row {told.highest} is gone, and row {highest} is the last applied"
            raise TableRestored(
                f"{self._table.label} was restored from an older copy: {proof}. Rows to do there,"
                f" up to id {max(told.highest, told.sequence)}, may have been applied already."
                f" Resume the source with {_way('applied')} to take these for applied, or with"
                f" {_way('send')} to send them again"
            )

    async def resume(self, restored: Restored) -> None:
        """Go on with a table that was restored: take its rows that are to do, up to the
        highest id that was known, for applied; or send them again. Raises SyncerError.
        """
        async with self._one_at_a_time:
            told = self._rows.told
            if restored == "applied":
                await self._table.take_for_applied(max(told.highest, told.sequence))
            state = await self._table.state(())
            await self._begin_again(state.sequence)

    async def _begin_again(self, sequence: int | None) -> None:
        await self._cut(Told(sequence=sequence or 0))
        self._seen = None


def naming(name: str, rows: TakenRows) -> Naming:
    """Return the naming of the spool of a table: ids that are made for its rows are the
    same in any spool.
    """
    return Naming(name.encode(), rows.name_lines)


def _after(told: Told, done: TableTold) -> Told:
    if not done.applied:
        return told
    return msgspec.structs.replace(
        told,
        highest=max(told.highest, *done.applied),
        last=done.applied[-1],
        sequence=max(told.sequence, done.sequence or 0),
    )


def _way(how: str) -> str:
    return f'{{"restored": "{how}"}}'


def _find_proof(told: Told, state: TableState) -> str | None:
    """Return what shows that the table was set back. A row that is gone does not, where
    there is a sequence: rows that are done with may be deleted.
    """
    for id in (told.highest, told.last):
        if state.to_do.get(id):
            return f"row {id} was applied, and is to do there"
    if state.sequence is not None and state.sequence < told.sequence:
        return f"its ids went back from {told.sequence} to {state.sequence}"
    return None
