"""An outbox table as a source: rows with a change each, written by an application in
the transaction that changed its labels.

    todo ──► the spool, durably ──► read … settled ──► applied_at, or error

To do is a row that has neither. A row counts by its id, its time and its change, so one
that commits late, or that has an id which was used before, is one more row. A row is in
the spool, with its name in the note, until the table was told what became of it: so a
restart takes nothing twice. The table is told outside the commit path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import Literal, Protocol

import anyio
import anyio.to_thread
import msgspec
import orjson

from syncer.core.change import Chunk, Mark
from syncer.core.fates import Fates
from syncer.errors import SyncerError
from syncer.finish import finish
from syncer.sources.cutter import without_bom
from syncer.sources.spool import Naming, Spool
from syncer.sources.taken import RowName, TakenRows, Told

COLUMNS = ("id", "change", "created_at", "applied_at", "error")
ROWS_MAX = 1000
"""Rows of an append."""
ROWS_BYTES_MAX = 4 << 20
"""About so many bytes of changes make an append, too."""
TAKEN_ROWS_MAX = 100_000
"""Rows whose end the table was not told about: more stay where they are."""
TOLD_ROWS_MAX = 1000
"""Rows of a transaction: other writers wait for its end."""
POLL_SECONDS = 1.0

Restored = Literal["applied", "send"]
"""The answer to what is to be done with rows to do in a table that was restored: they
are taken for applied, or sent again.
"""
Cell = str | bytes | int | float | None


class TableRestored(SyncerError):
    """The table is not as it was left: rows that are to do in it may be applied."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row that is to do."""

    name: RowName
    line: bytes
    """Its change, as a line of a change log."""


@dataclass(frozen=True, slots=True)
class RowEnding:
    """The end of a row: applied, or dead for this reason."""

    name: RowName
    reason: str | None


@dataclass(frozen=True, slots=True)
class TableTold:
    """The outcome of telling a table: the ids of the rows that got `applied_at`, and
    the highest id that it had given to a row (None where it does not say).
    """

    applied: Sequence[int]
    sequence: int | None


@dataclass(frozen=True, slots=True)
class TableState:
    """Some rows of a table, by id, whether they are still to do; and its sequence."""

    to_do: dict[int, bool]
    sequence: int | None


class OutboxTable(Protocol):
    """A table as the source needs it, of any database.

    Everything raises SyncerError, and works again once the reason is gone.
    """

    @property
    def label(self) -> str:
        """The database and the table, for people."""
        ...

    async def version(self) -> object:
        """Return what differs from the last time if anybody else wrote meanwhile; at
        little cost. A table that has one reader at a time is claimed by it: before
        that, and once a connection was lost, nothing can be told.
        """
        ...

    async def todo(self, knows: Callable[[str], bool]) -> list[OutboxRow]:
        """Return rows that are to do and not known by their key, in order of their
        ids, all as of one moment: the first ROWS_MAX of them, or ROWS_BYTES_MAX.
        """
        ...

    async def tell(self, endings: Sequence[RowEnding]) -> TableTold:
        """Write these endings, in one transaction, to the rows that are still there and
        not applied.
        """
        ...

    async def dead_rows(self, ids: Sequence[int]) -> dict[int, RowName]:
        """Return those of these rows that have an `error`, by id."""
        ...

    async def state(self, ids: Sequence[int]) -> TableState:
        """Return what is known of these rows, and of the sequence."""
        ...

    async def highest_applied(self) -> int | None:
        """Return the highest id of a row with `applied_at`; None without any."""
        ...

    async def take_for_applied(self, highest: int) -> None:
        """Let all rows that are to do, up to this id, be applied."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return after so long, or sooner where the database tells of new rows."""
        ...

    async def close(self) -> None:
        """Let go of the connection. It may come twice."""
        ...


def make_row(id: int, change: Cell, created_at: Cell) -> OutboxRow:
    """Return the row of these cells."""
    digest = blake2b(digest_size=16)
    for part in map(_to_bytes, (id, created_at, change)):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    name = RowName(id, digest.hexdigest(), to_seconds(created_at))
    return OutboxRow(name, as_line(_to_bytes(change)))


def to_seconds(created_at: Cell) -> float:
    """Return a time in seconds since 1970; 0 where it is not in a form that databases
    write. UTC, where it does not say.
    """
    if isinstance(created_at, bytes):
        created_at = created_at.decode("utf-8", "replace")
    if not isinstance(created_at, str):
        return float(created_at or 0.0)
    try:
        at = datetime.fromisoformat(created_at)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _to_bytes(cell: Cell) -> bytes:
    if isinstance(cell, bytes):
        return cell
    return b"null" if cell is None else str(cell).encode("utf-8", "surrogateescape")


def as_line(change: bytes) -> bytes:
    """Return the change as one line that is not blank: a reader of lines passes over
    blank ones, and this row has to come to an end, too.
    """
    line = without_bom(change.strip()).strip()
    if b"\n" in line:
        try:
            orjson.loads(line)
            return line.replace(b"\n", b" ")  # JSON has line feeds between its parts only
        except orjson.JSONDecodeError:
            pass
    elif without_bom(line).strip():
        return line
    return orjson.dumps(change.decode("utf-8", "backslashreplace"))


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
                self._seen = version
                return None
        return await self._read_spool()

    async def _read_spool(self) -> Chunk | None:
        chunk = await self._spool.read()
        if chunk is not None:
            chunk.written_at = self._rows.date(change.index for change in chunk.changes)
        return chunk

    async def _take(self) -> bool:
        """Take rows into the spool; return whether there were any."""
        rows = await self._table.todo(self._rows.knows)
        if rows:
            names = [row.name for row in rows]
            note = [(name.id, name.key, name.at) for name in names]
            self._rows.add(await self._spool.append([row.line for row in rows], note), names)
        return bool(rows)

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
