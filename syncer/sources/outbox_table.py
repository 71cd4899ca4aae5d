"""An outbox table as its source needs it, of any database: its rows as values, and what
is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Protocol

import orjson

from syncer.sources.cutter import without_bom
from syncer.sources.taken import RowName

COLUMNS = ("id", "change", "created_at", "applied_at", "error")
ROWS_MAX = 1000
"""Rows of an append."""
ROWS_BYTES_MAX = 4 << 20
"""About so many bytes of changes make an append, too."""
Cell = str | bytes | int | float | None


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

    async def list_to_do(self, knows: Callable[[str], bool]) -> list[OutboxRow]:
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

    async def first_to_do(self, after: int) -> float | None:
        """Return the time, in seconds since 1970, of the first row to do with a higher
        id than this; 0: not known; None: there is no such row.
        """
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
