"""The contract of an outbox table, on SQLite, PostgreSQL, and the simulation's."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import anyio
import pytest

from syncer.errors import SyncerError, UsageError
from syncer.sources.outbox_table import OutboxRow, OutboxTable, RowEnding
from syncer.sources.postgres import PostgresTable
from syncer.sources.postgres_sql import table_sql
from syncer.sources.sqlite import SqliteTable
from tests.proof.simulation.table import Row, Table
from tests.support.lines import post
from tests.support.outbox import TABLE, insert, make_outbox, writing
from tests.support.postgres import Postgres

T = TypeVar("T")


class Database(Protocol):
    """A database with an outbox, as applications have it."""

    def insert(self, *lines: bytes) -> None:
        """Commit these rows, in one transaction."""
        ...

    def change(self, id: int, change: bytes) -> None:
        """Let a row ask for something else."""
        ...

    def delete(self, id: int) -> None:
        """Remove a row."""
        ...

    def endings(self) -> list[tuple[int, bool, str | None]]:
        """(id, whether it was applied, its error) of each row."""
        ...

    def open(self) -> OutboxTable:
        """The table, for one reader."""
        ...


class InSqlite:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "labels.db"
        make_outbox(self.path)

    def insert(self, *lines: bytes) -> None:
        insert(self.path, *lines)

    def change(self, id: int, change: bytes) -> None:
        self._write(f"update {TABLE} set change = ? where id = ?", change.decode(), id)

    def delete(self, id: int) -> None:
        self._write(f"delete from {TABLE} where id = ?", id)

    def _write(self, sql: str, *values: object) -> None:
        with writing(self.path) as connection:
            connection.execute(sql, values)

    def endings(self) -> list[tuple[int, bool, str | None]]:
        with writing(self.path) as connection:
            sql = f"select id, applied_at is not null, error from {TABLE} order by id"
            return [(id, bool(applied), why) for id, applied, why in connection.execute(sql)]

    def open(self) -> OutboxTable:
        return SqliteTable(self.path, TABLE)


class InPostgres:
    def __init__(self, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        monkeypatch.setenv("LABELS_DSN", server.dsn)
        server.execute(f"drop table if exists {TABLE}")
        server.execute(table_sql(TABLE))

    def insert(self, *lines: bytes) -> None:
        changes = [line.decode() for line in lines]
        sql = f"insert into {TABLE} (change) select unnest($1::text[])::jsonb"
        self.server.execute(sql, changes)

    def change(self, id: int, change: bytes) -> None:
        sql = f"update {TABLE} set change = $1::text::jsonb where id = $2"
        self.server.execute(sql, change.decode(), id)

    def delete(self, id: int) -> None:
        self.server.execute(f"delete from {TABLE} where id = $1", id)

    def endings(self) -> list[tuple[int, bool, str | None]]:
        sql = f"select id, applied_at is not null, error from {TABLE} order by id"
        return [tuple(row) for row in self.server.execute(sql)]

    def open(self) -> OutboxTable:
        return PostgresTable("LABELS_DSN", TABLE, 1.0)


class Simulated:
    def __init__(self) -> None:
        self.table = Table(random.Random(1), 0.0)

    def insert(self, *lines: bytes) -> None:
        first = max(self.table.rows, default=0) + 1
        rows = {id: Row(line.decode(), "") for id, line in enumerate(lines, first)}
        self.table.commit(rows)

    def change(self, id: int, change: bytes) -> None:
        self.table.rows[id].change = change.decode()

    def delete(self, id: int) -> None:
        del self.table.rows[id]

    def endings(self) -> list[tuple[int, bool, str | None]]:
        return [(id, row.applied, row.error) for id, row in sorted(self.table.rows.items())]

    def open(self) -> OutboxTable:
        return self.table


@pytest.fixture(params=["sqlite", "postgres", "simulated"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    match request.param:
        case "sqlite":
            yield InSqlite(tmp_path)
        case "postgres":
            yield InPostgres(request.getfixturevalue("postgres"), monkeypatch)
        case _:
            yield Simulated()


def use(database: Database, work: Callable[[OutboxTable], Awaitable[T]]) -> T:
    async def main() -> T:
        table = database.open()
        try:
            await table.version()
            return await work(table)
        finally:
            await table.close()

    return anyio.run(main)


def list_to_do(database: Database, known: Sequence[str] = ()) -> list[OutboxRow]:
    return use(database, lambda table: table.list_to_do(lambda key: key in known))


def tell(database: Database, row: OutboxRow, reason: str | None = None) -> Sequence[int]:
    return use(database, lambda table: table.tell([RowEnding(row.name, reason)])).applied


def test_rows_that_are_to_do_are_given_in_the_order_of_their_ids(database: Database) -> None:
    database.insert(post("a"), post("b"))
    database.insert(post("c"))
    rows = list_to_do(database)
    assert [row.name.id for row in rows] == [1, 2, 3]
    assert [b'"id"' in row.line for row in rows] == [True] * 3


def test_a_row_that_is_known_is_not_given_again_unless_it_changed(database: Database) -> None:
    database.insert(post("a"), post("b"))
    keys = [row.name.key for row in list_to_do(database)]
    assert list_to_do(database, keys) == []
    database.change(2, post("x"))
    (again,) = list_to_do(database, keys)
    assert again.name.id == 2
    assert b"x" in again.line


def test_a_row_is_applied_or_has_an_error_and_is_to_do_no_more(database: Database) -> None:
    database.insert(post("a"), post("b"))
    first, second = list_to_do(database)
    assert list(tell(database, first)) == [1]
    assert list(tell(database, second, "no such input")) == []
    assert database.endings() == [(1, True, None), (2, False, "no such input")]
    assert list_to_do(database) == []


def test_a_dead_row_may_be_applied_after_all(database: Database) -> None:
    database.insert(post("a"))
    (row,) = list_to_do(database)
    tell(database, row, "not now")
    assert use(database, lambda table: table.dead_rows([1, 2])) == {1: row.name}
    assert list(tell(database, row)) == [1]
    assert database.endings() == [(1, True, None)]


def test_a_row_that_is_another_one_by_now_or_gone_is_told_nothing(database: Database) -> None:
    database.insert(post("a"), post("b"))
    first, second = list_to_do(database)
    database.change(1, post("x"))
    database.delete(2)
    assert list(tell(database, first)) == []
    assert list(tell(database, second)) == []
    assert database.endings() == [(1, False, None)]


def test_what_is_known_of_rows_and_of_the_sequence(database: Database) -> None:
    database.insert(post("a"), post("b"), post("c"))
    first, *_ = list_to_do(database)
    tell(database, first)
    state = use(database, lambda table: table.state([1, 2, 9]))
    assert (state.to_do, state.sequence) == ({1: False, 2: True}, 3)
    assert use(database, lambda table: table.highest_applied()) == 1


def test_the_first_row_to_do_after_an_id_says_when_it_was_written(database: Database) -> None:
    database.insert(post("a"), post("b"))
    first, second = list_to_do(database)
    tell(database, first)
    assert use(database, lambda table: table.first_to_do(0)) == second.name.at
    assert use(database, lambda table: table.first_to_do(1)) == second.name.at
    assert use(database, lambda table: table.first_to_do(2)) is None


def test_rows_may_be_taken_for_applied(database: Database) -> None:
    if isinstance(database, Simulated):
        pytest.skip("nobody restores it")
    database.insert(post("a"), post("b"), post("c"))
    use(database, lambda table: table.take_for_applied(2))
    assert [applied for _, applied, _ in database.endings()] == [True, True, False]


def test_a_second_reader_is_sent_away_until_the_first_one_ends(database: Database) -> None:
    if isinstance(database, Simulated):
        pytest.skip("it has one reader")

    async def main() -> None:
        first, second = database.open(), database.open()
        await first.version()
        with pytest.raises(SyncerError, match="read by another syncer"):
            await second.version()
        await first.close()
        await second.version()
        await second.close()

    anyio.run(main)


def test_a_table_that_is_missing_is_told_with_the_way_to_make_it(database: Database) -> None:
    if isinstance(database, Simulated):
        pytest.skip("it is there")
    if isinstance(database, InSqlite):
        table: OutboxTable = SqliteTable(database.path, "other")
    else:
        table = PostgresTable("LABELS_DSN", "other", 1.0)

    async def main() -> None:
        with pytest.raises(UsageError, match="no table other: make it with `syncer source init"):
            await table.version()
        await table.close()

    anyio.run(main)
