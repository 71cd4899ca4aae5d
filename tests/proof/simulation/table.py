"""An outbox table of a simulation, and the application that writes to it: rows that
commit late, ids of transactions that were rolled back, a database that fails.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from syncer.errors import SyncerError
from syncer.sources.outbox_table import (
    OutboxRow,
    RowEnding,
    TableState,
    TableTold,
    make_row,
    to_seconds,
)
from syncer.sources.taken import RowName
from tests.proof.simulation.model import Line

ROWS_MAX = 7
"""Fewer than a real table gives at once: so that it is asked again."""


@dataclass
class Row:
    """A row that was committed."""

    change: str
    created_at: str
    applied: bool = False
    error: str | None = None

    @property
    def is_to_do(self) -> bool:
        return not self.applied and self.error is None


class Table:
    """Committed rows, by id. Implements `OutboxTable`, in any process."""

    label = "labels.db, table outbox"

    def __init__(self, rng: random.Random, faults: float) -> None:
        self.rows: dict[int, Row] = {}
        self.is_gone: Callable[[], bool] = lambda: False
        """Whether the database cannot be reached."""
        self.may_fail: Callable[[], bool] = lambda: True
        self._rng = rng
        self._faults = faults
        self._commits = 0
        self._is_claimed = False
        """By the connection that there is."""

    def commit(self, rows: dict[int, Row]) -> None:
        """An application commits these."""
        self.rows |= rows
        self._commits += 1

    @property
    def _sequence(self) -> int:
        """The highest id that was given, as far as anybody saw."""
        return max(self.rows, default=0)

    async def _ask(self) -> bool:
        """Wait for the database; whether its answer is lost."""
        await anyio.sleep(self._rng.random() * 0.02)
        if self.is_gone():
            self.let_go()
            raise SyncerError("the database cannot be reached")
        fails = self.may_fail() and self._rng.random() < self._faults
        if fails:
            self.let_go()
            if self._rng.random() < 0.5:
                raise SyncerError("the database failed")
        return fails

    def let_go(self) -> None:
        """The connection is gone."""
        self._is_claimed = False

    async def version(self) -> object:
        await self._answer()
        self._is_claimed = True
        return self._commits

    async def _answer(self) -> None:
        if await self._ask():
            raise SyncerError("the connection broke")

    async def list_to_do(self, knows: Callable[[str], bool]) -> list[OutboxRow]:
        await self._answer()
        rows = (
            make_row(id, row.change, row.created_at)
            for id, row in sorted(self.rows.items())
            if row.is_to_do
        )
        return [row for row in rows if not knows(row.name.key)][:ROWS_MAX]

    async def tell(self, endings: Sequence[RowEnding]) -> TableTold:
        if not self._is_claimed:
            raise SyncerError("the lock is lost")
        lost = await self._ask()
        applied = []
        for ending in endings:
            id = ending.name.id
            row = self.rows.get(id)
            if row is None or row.applied:
                continue
            if make_row(id, row.change, row.created_at).name != ending.name:
                continue
            if ending.reason is None:
                row.applied, row.error = True, None
                applied.append(id)
            else:
                row.error = ending.reason
        if lost:
            raise SyncerError("the connection broke")
        return TableTold(applied, self._sequence)

    async def dead_rows(self, ids: Sequence[int]) -> dict[int, RowName]:
        await self._answer()
        return {
            id: make_row(id, row.change, row.created_at).name
            for id, row in self.rows.items()
            if id in ids and row.error is not None
        }

    async def state(self, ids: Sequence[int]) -> TableState:
        await self._answer()
        found = {id: self.rows[id].is_to_do for id in ids if id in self.rows}
        return TableState(found, self._sequence)

    async def first_to_do(self, after: int) -> float | None:
        await self._answer()
        to_do = (id for id, row in sorted(self.rows.items()) if row.is_to_do and id > after)
        first = next(to_do, None)
        return None if first is None else to_seconds(self.rows[first].created_at)

    async def highest_applied(self) -> int | None:
        await self._answer()
        return max((id for id, row in self.rows.items() if row.applied), default=None)

    async def take_for_applied(self, highest: int) -> None:
        raise AssertionError("nobody said that the table was restored")

    async def wait(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def close(self) -> None:
        self.let_go()


@dataclass(frozen=True)
class Transaction:
    """Rows that become visible together."""

    begun_at: float
    committed_at: float
    rows: dict[int, Row]


def drawn_transactions(
    lines: Sequence[Line], rng: random.Random, spread_seconds: float
) -> list[Transaction]:
    """The transactions that write these lines, in the order in which they commit.

    Two that touch one input come one after the other, as where the application takes
    the lock of the row.
    """
    parts = list[tuple[float, float, Sequence[Line]]]()
    free_at: dict[str, float] = {}
    at, first = 0.0, 0
    while first < len(lines):
        part = lines[first : first + rng.choice([1, 1, 2, 5])]
        first += len(part)
        at += rng.expovariate(1.0) * spread_seconds * len(part) / len(lines)
        inputs = [line.input_id for line in part if line.input_id]
        begun_at = max([at, *(free_at.get(one, 0.0) for one in inputs)])
        committed_at = begun_at + rng.random() ** 4 * rng.choice([0.01, 1.0, 20.0])
        free_at |= dict.fromkeys(inputs, committed_at + 1e-3)
        parts.append((begun_at, committed_at, part))
    found, id = [], 0
    for begun_at, committed_at, part in sorted(parts, key=lambda one: one[0]):
        if rng.random() < 0.1:
            id += rng.randrange(1, 4)  # of a transaction that was rolled back
        rows = {}
        for line in part:
            id += 1
            rows[id] = Row(line.text, f"{begun_at:.6f}")
        found.append(Transaction(begun_at, committed_at, rows))
    return sorted(found, key=lambda one: one.committed_at)
