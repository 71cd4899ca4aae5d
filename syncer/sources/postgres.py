"""An outbox table in PostgreSQL.

One reader at a time: it holds an advisory lock on the connection with which it asks and
writes, so the lock is gone where the connection is. Notifications hasten the next look,
and looks at intervals find all there is. No transaction is left open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from syncer.errors import SyncerError, UsageError
from syncer.printable import as_argument
from syncer.sources.outbox_table import (
    COLUMNS,
    ROWS_BYTES_MAX,
    ROWS_MAX,
    OutboxRow,
    RowEnding,
    TableState,
    TableTold,
    as_line,
    to_seconds,
)
from syncer.sources.postgres_session import PostgresSession
from syncer.sources.postgres_sql import channel_of, fill, quote
from syncer.sources.taken import RowName

if TYPE_CHECKING:
    from syncer.sources.postgres_session import Asked

LOCK = 0x73796E63
"""The first half of the number of the advisory lock, `sync`; the second is the oid of
the table.
"""
PREFETCHED_ROWS = 1000

_COLUMNS = """
select attname, format_type(atttypid, null), attnotnull from pg_attribute
where attrelid = $1 and attnum > 0 and not attisdropped
"""
_UNIQUE = """
select exists (
  select 1 from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0]
  where indrelid = $1 and attname = 'id' and indisunique and indisvalid and indnkeyatts = 1
  and indpred is null)
"""
_MAY_USE = """
select has_table_privilege($1::oid, 'select')
  and has_column_privilege($1::oid, 'applied_at', 'update')
  and has_column_privilege($1::oid, 'error', 'update')
  and coalesce(has_sequence_privilege(pg_get_serial_sequence($2, 'id'), 'select'), true)
"""
_HOLDS = """
select exists (
  select 1 from pg_locks where locktype = 'advisory' and granted and pid = pg_backend_pid()
  and classid = $1 and objid = $2 and objsubid = 1
  and database = (select oid from pg_database where datname = current_database()))
"""


class PostgresTable:
    """The table. One task at a time asks it."""

    def __init__(self, variable: str, table: str, poll_seconds: float) -> None:
        """`variable`: of the environment, which holds the DSN; that is a secret."""
        self.label = f"the table {table} of the database in {variable}"
        self._table = table
        self._session = PostgresSession(variable, poll_seconds)
        self._claimed = 0, 0
        """The number of the connection that has the lock, and the oid of the table."""
        self._looks = 0
        self._notified = anyio.Event()

    # --- the port ---------------------------------------------------------------------

    async def version(self) -> object:
        """Return another one each time: a look costs little, and shows that the server
        is there. From the first time on nobody else may read the table.
        """
        self._looks += 1
        await self._session.run(self._claim)
        return self._looks

    async def list_to_do(self, knows: Callable[[str], bool]) -> list[OutboxRow]:
        """Return the next rows that are to do."""
        return await self._session.run(lambda asked: self._list_to_do(asked, knows))

    async def tell(self, endings: Sequence[RowEnding]) -> TableTold:
        """Write what became of rows."""
        return await self._session.run(lambda asked: self._tell(asked, endings))

    async def dead_rows(self, ids: Sequence[int]) -> dict[int, RowName]:
        """Return the names of rows with an `error`."""
        sql = self._sql(
            "select id, KEY, created_at::text from TABLE"
            " where id = any($1::bigint[]) and error is not null"
        )

        async def ask(asked: Asked) -> dict[int, RowName]:
            rows = await asked.fetch(sql, list(ids))
            return {row[0]: RowName(row[0], row[1], to_seconds(row[2])) for row in rows}

        return await self._session.run(ask)

    async def state(self, ids: Sequence[int]) -> TableState:
        """Return which of these rows are to do, and the sequence."""
        sql = self._sql("select id, TO_DO from TABLE where id = any($1::bigint[])")

        async def ask(asked: Asked) -> TableState:
            to_do = {row[0]: row[1] for row in await asked.fetch(sql, list(ids))}
            return TableState(to_do, await self._sequence(asked))

        return await self._session.run(ask)

    async def first_to_do(self, after: int) -> float | None:
        """Return when the first row to do after this id was written."""
        sql = self._sql(
            "select created_at::text from TABLE where TO_DO and id > $1 order by id limit 1"
        )

        async def ask(asked: Asked) -> float | None:
            row = await asked.fetchrow(sql, after)
            return None if row is None else to_seconds(row[0])

        return await self._session.run(ask)

    async def highest_applied(self) -> int | None:
        """Return the highest id of a row that is applied."""
        sql = self._sql(
            "select id from TABLE where applied_at is not null order by id desc limit 1"
        )

        async def ask(asked: Asked) -> int | None:
            row = await asked.fetchrow(sql)
            return None if row is None else int(row[0])

        return await self._session.run(ask)

    async def take_for_applied(self, highest: int) -> None:
        """Let rows that are to do be applied."""
        sql = self._sql("update TABLE set applied_at = now() where TO_DO and id <= $1")

        async def ask(asked: Asked) -> None:
            async with self._writing(asked):
                await asked.execute(sql, highest)

        await self._session.run(ask)

    async def wait(self, seconds: float) -> None:
        """Return after so long, or when an application notifies the channel."""
        with anyio.move_on_after(seconds):
            await self._notified.wait()
        self._notified = anyio.Event()

    async def close(self) -> None:
        """Let go of the connection, and of the lock with it."""
        await self._session.close()

    async def make(self, sql: str) -> bool:
        """Make the table by this SQL if there is none of its name; return whether there
        was none. One that is there is only checked. Raises SyncerError.
        """

        async def ask(asked: Asked) -> bool:
            is_missing = await self._find_oid(asked) is None
            if is_missing:
                await asked.execute(sql)
            await self._check(asked)
            return is_missing

        return await self._session.run(ask)

    # --- the lock ---------------------------------------------------------------------

    async def _claim(self, asked: Asked) -> None:
        """Take the lock of the table, unless this connection holds it."""
        number, oid = self._claimed
        if number != self._session.number:
            oid = await self._check(asked)
            if not await asked.fetchval("select pg_try_advisory_lock($1)", LOCK << 32 | oid):
                raise SyncerError(
                    f"{self.label} is read by another syncer: this one waits until that one ends"
                )
            self._claimed = self._session.number, oid
            await self._session.hear(channel_of(self._table), lambda: self._notified.set())
            self._notified.set()  # what was told before that was told to nobody
        await self._check_lock(asked)

    async def _check_lock(self, asked: Asked) -> None:
        number, oid = self._claimed
        if number != self._session.number or not await asked.fetchval(_HOLDS, LOCK, oid):
            self._claimed = 0, 0
            raise SyncerError(
                f"{self.label}: the lock on it is lost; it is taken again before anything is read"
                " or written"
            )

    @asynccontextmanager
    async def _writing(self, asked: Asked) -> AsyncIterator[None]:
        """One transaction, of the reader that holds the lock."""
        async with asked.transaction():
            await self._check_lock(asked)
            yield

    # --- what is asked ----------------------------------------------------------------

    def _sql(self, sql: str) -> str:
        return fill(sql, self._table)

    async def _find_oid(self, asked: Asked) -> int | None:
        oid = await asked.fetchval("select to_regclass($1)::oid::bigint", quote(self._table))
        return None if oid is None else int(oid)

    async def _check(self, asked: Asked) -> int:
        """Return the oid of the table. Raises UsageError where it is no outbox."""
        oid = await self._find_oid(asked)
        if oid is None:
            raise UsageError(
                f"the database in {self._session.variable} holds no table {self._table}: make it"
                f" with `syncer source init postgres --dsn-env {self._session.variable} --table"
                f" {as_argument(self._table)} --apply`"
            )
        if what := await self._find_lack(asked, oid):
            raise UsageError(
                f"{self.label} is not an outbox: {what}. `syncer source init postgres` prints one"
            )
        if not await asked.fetchval(_MAY_USE, oid, quote(self._table)):
            raise SyncerError(
                f"{self.label}: the role lacks rights: grant it select, update (applied_at, error)"
                f" on {self._table}, and select on the sequence of its ids"
            )
        return oid

    async def _find_lack(self, asked: Asked, oid: int) -> str:
        """Return why this is not an outbox, "" where it is one."""
        kind = await asked.fetchval("select relkind::text from pg_class where oid = $1", oid)
        columns = {row[0]: row[1:] for row in await asked.fetch(_COLUMNS, oid)}
        lacking = [column for column in COLUMNS if column not in columns]
        if kind not in ("r", "p"):
            return "it is not a table"
        if lacking:
            return f"it lacks {', '.join(lacking)}"
        type_of_id, is_never_null = columns["id"]
        if type_of_id not in ("bigint", "integer", "smallint"):
            return f"its id is {type_of_id}, which is not an integer"
        if not is_never_null or not await asked.fetchval(_UNIQUE, oid):
            return "its ids may come twice or be null: make `id` its primary key"
        return ""

    async def _list_to_do(self, asked: Asked, knows: Callable[[str], bool]) -> list[OutboxRow]:
        """Digests first: there may be many rows that are known and not told yet."""
        names = self._sql("select id, KEY, created_at::text from TABLE where TO_DO order by id")
        bodies = self._sql("select id, change::text from TABLE where id = any($1::bigint[])")
        new = list[RowName]()
        async with asked.transaction(isolation="repeatable_read", readonly=True):
            async for id, key, created_at in asked.cursor(names, prefetch=PREFETCHED_ROWS):
                if not knows(key):
                    new.append(RowName(id, key, to_seconds(created_at)))
                    if len(new) >= ROWS_MAX:
                        break
            found = await asked.fetch(bodies, [name.id for name in new])
        changes = {row[0]: row[1] for row in found}
        rows, size = list[OutboxRow](), 0
        for name in new:
            change = changes[name.id]
            rows.append(OutboxRow(name, as_line(b"null" if change is None else change.encode())))
            size += len(rows[-1].line)
            if size >= ROWS_BYTES_MAX:
                break
        return rows

    async def _tell(self, asked: Asked, endings: Sequence[RowEnding]) -> TableTold:
        look = self._sql(
            "select id, KEY from TABLE where id = any($1::bigint[]) and applied_at is null"
            " order by id for update"
        )
        apply = self._sql(
            "update TABLE set applied_at = now(), error = null where id = any($1::bigint[])"
        )
        bury = self._sql(
            "update TABLE as row set error = told.reason"
            " from unnest($1::bigint[], $2::text[]) as told (id, reason) where row.id = told.id"
        )
        async with self._writing(asked):
            found = await asked.fetch(look, [ending.name.id for ending in endings])
            keys = {row[0]: row[1] for row in found}
            # the others are deleted, or are other rows by now
            left = [one for one in endings if keys.get(one.name.id) == one.name.key]
            applied = [one.name.id for one in left if one.reason is None]
            dead = {one.name.id: one.reason.replace("\0", "") for one in left if one.reason}
            if applied:
                await asked.execute(apply, applied)
            if dead:
                await asked.execute(bury, list(dead), list(dead.values()))
            return TableTold(applied, await self._sequence(asked))

    async def _sequence(self, asked: Asked) -> int | None:
        name = await asked.fetchval("select pg_get_serial_sequence($1, 'id')", quote(self._table))
        if name is None:
            return None
        # the server quotes the name
        sql = f"select case when is_called then last_value else 0 end from {name}"  # noqa: S608
        last = await asked.fetchval(sql)
        return None if last is None else int(last)
