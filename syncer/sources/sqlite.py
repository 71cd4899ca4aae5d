"""An outbox table in SQLite.

No transaction is left open: one that reads would let the WAL grow. The file is opened
again where another one has come to its name.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote_plus

import anyio
import anyio.to_thread

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
    make_row,
    to_seconds,
)
from syncer.sources.sqlite_sql import TO_DO, fill, table_sql
from syncer.sources.taken import RowName

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""How long another writer is waited for."""
_ROWS = "select id, change, created_at from TABLE where TO_DO order by id"
_IS_THERE = (
    "select type, sql from sqlite_master"
    " where name = ? collate nocase and type in ('table', 'view')"
)
_UNIQUE = """
select max(column.name) from pragma_index_list(?) as made, pragma_index_info(made.name) as column
where made."unique" and not made.partial group by made.name having count(*) = 1
"""
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_AUTOINCREMENT = re.compile(r"\bautoincrement\b", re.IGNORECASE)


def make_table(path: Path, table: str) -> bool:
    """Make an outbox table, and the database if it is missing; return whether there was
    no table of this name. It blocks. Raises SyncerError.
    """
    try:
        with closing(connect(path, "rwc")) as connection, _writing(connection):
            is_missing = _first(connection, _IS_THERE, table) is None
            if is_missing:
                for statement in table_sql(table).split(";\n"):
                    connection.execute(statement).close()
    except sqlite3.Error as error:
        raise SyncerError(f"{path}: {_explain(error)}") from None
    return is_missing


class SqliteTable:
    """The table. One task at a time asks it, in a thread."""

    def __init__(self, path: Path, table: str) -> None:
        self.label = f"{path}, table {table}"
        self.notes: list[str] = []
        """What users are to know of the table, once it was opened."""
        self._path = path
        self._table = table
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._opened = 0
        self._has_sequence = False
        self._one_at_a_time = anyio.Lock()
        self._lock: int | None = None

    # --- the port ---------------------------------------------------------------------

    async def version(self) -> object:
        """Return the file, the connection and its `data_version`. From the first time
        on nobody else may read the table: each would apply all of it.
        """
        return await self._run(self._version)

    async def list_to_do(self, knows: Callable[[str], bool]) -> list[OutboxRow]:
        """Return the next rows that are to do."""
        return await self._run(lambda connection: self._list_to_do(connection, knows))

    async def tell(self, endings: Sequence[RowEnding]) -> TableTold:
        """Write what became of rows."""
        return await self._run(lambda connection: self._tell(connection, endings))

    async def dead_rows(self, ids: Sequence[int]) -> dict[int, RowName]:
        """Return the names of rows with an `error`."""
        return await self._run(lambda connection: self._dead_rows(connection, ids))

    async def state(self, ids: Sequence[int]) -> TableState:
        """Return which of these rows are to do, and the sequence."""
        return await self._run(lambda connection: self._state(connection, ids))

    async def first_to_do(self, after: int) -> float | None:
        """Return when the first row to do after this id was written."""
        sql = self._sql("select created_at from TABLE where TO_DO and id > ? order by id limit 1")

        def ask(connection: sqlite3.Connection) -> float | None:
            with closing(connection.execute(sql, (after,))) as cursor:
                found = cursor.fetchone()
            return None if found is None else to_seconds(found[0])

        return await self._run(ask)

    async def highest_applied(self) -> int | None:
        """Return the highest id of a row that is applied."""
        sql = self._sql(
            "select id from TABLE where applied_at is not null order by id desc limit 1"
        )
        return await self._run(lambda connection: _first(connection, sql))

    async def take_for_applied(self, highest: int) -> None:
        """Let rows that are to do be applied."""
        sql = self._sql("update TABLE set applied_at = NOW where TO_DO and id <= ?")

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(sql, (highest,)).close()

        await self._run(update)

    async def wait(self, seconds: float) -> None:
        """Return after so long: SQLite tells nobody."""
        await anyio.sleep(seconds)

    def check(self) -> None:
        """Raise UsageError where this is not an outbox, SyncerError where that cannot
        be seen. `notes` has the rest. It blocks.
        """
        self._work(lambda _: None)
        self._let_go()

    async def close(self) -> None:
        """Let go of the connection."""
        async with self._one_at_a_time:
            await anyio.to_thread.run_sync(self.release)

    def release(self) -> None:
        """Let go of all that is open. It blocks, and may come twice."""
        self._let_go()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- a connection -----------------------------------------------------------------

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        async with self._one_at_a_time:
            return await anyio.to_thread.run_sync(self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._open())
        except sqlite3.Error as error:
            self._let_go()
            raise SyncerError(f"{self.label}: {_explain(error)}") from None
        except BaseException:
            self._let_go()
            raise

    def _open(self) -> sqlite3.Connection:
        """Return the connection to the file that has the name now."""
        file = self._look_up_file()
        if self._connection is None or file != self._file:
            self._let_go()
            # `rw`: a database that is missing is not made
            self._connection = connect(self._path, "rw")
            self._file = self._look_up_file()
            self._opened += 1
            self._check(self._connection)
        return self._connection

    def _claim(self) -> None:
        """Take the lock of the table, which ends with the process.

        It is a file of its own: to close a descriptor of the database would end the
        locks that SQLite has on it.
        """
        if self._lock is not None:
            return
        path = self._path.resolve()
        path = path.with_name(f"{path.name}-{quote_plus(self._table)}.lock")
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(lock)
                raise
        except BlockingIOError:
            raise SyncerError(
                f"{self.label} is read by another syncer: this one waits until that one ends"
            ) from None
        except OSError as error:
            raise SyncerError(f"{path} cannot be locked: {error.strerror or error}") from None
        self._lock = lock

    def _look_up_file(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise SyncerError(
                f"{self._path} cannot be read: {error.strerror}. Put the database there"
            ) from None
        return status.st_dev, status.st_ino

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _check(self, connection: sqlite3.Connection) -> None:
        self.notes.clear()
        with closing(connection.execute(_IS_THERE, (self._table,))) as cursor:
            found = cursor.fetchone()
        if found is None:
            raise UsageError(
                f"{self._path} holds no table {self._table}: make it with `syncer source init"
                f" sqlite --path {as_argument(self._path)} --table {as_argument(self._table)}"
                " --apply`"
            )
        kind, made_by = (part.decode() for part in found)
        if what := self._find_lack(connection, kind):
            raise UsageError(
                f"{self.label} is not an outbox: {what}. `syncer source init sqlite` prints one"
            )
        self._has_sequence = bool(_AUTOINCREMENT.search(_COMMENT.sub(" ", made_by)))
        if not self._has_sequence:
            self.notes.append(
                f"{self.label}: its ids are used again after rows were deleted, and an older copy"
                " of it may not be noticed: make it with `id integer primary key autoincrement`"
            )
        with closing(connection.execute(self._sql(f"explain query plan {_ROWS}"))) as cursor:
            plan = b" ".join(row[3] for row in cursor)
        if b"INDEX" not in plan:
            self.notes.append(
                f"{self.label}: each look reads the whole table: create an index on (id) where"
                f" {TO_DO}"
            )

    def _find_lack(self, connection: sqlite3.Connection, kind: str) -> str:
        """Return why this is not an outbox, "" where it is one."""
        with closing(connection.execute(self._sql("pragma table_info(TABLE)"))) as cursor:
            # name: type, whether it is never null, and its place in the primary key
            columns = {row[1].decode().lower(): (row[2], row[3], row[5]) for row in cursor}
        if lacking := [column for column in COLUMNS if column not in columns]:
            return f"it lacks {', '.join(lacking)}"
        if kind != "table":
            return "it is a view"
        kind_of_id, is_never_null, _ = columns["id"]
        key = [name for name, (_, _, place) in columns.items() if place]
        if key == ["id"] and kind_of_id.upper() == b"INTEGER":
            return ""  # the number of the row itself; any other key may be null in SQLite
        with closing(connection.execute(_UNIQUE, (self._table,))) as cursor:
            is_unique = any(name.decode().lower() == "id" for (name,) in cursor)
        if not is_unique or not is_never_null:
            return "its ids may come twice or be null: make `id integer primary key` of it"
        return ""

    # --- what is asked ----------------------------------------------------------------

    def _sql(self, sql: str) -> str:
        return fill(sql, self._table)

    def _version(self, connection: sqlite3.Connection) -> object:
        self._claim()
        return self._file, self._opened, _first(connection, "pragma data_version")

    def _list_to_do(
        self, connection: sqlite3.Connection, knows: Callable[[str], bool]
    ) -> list[OutboxRow]:
        rows, size = list[OutboxRow](), 0
        with closing(connection.execute(self._sql(_ROWS))) as cursor:
            for id, change, created_at in cursor:
                if not isinstance(id, int):
                    raise UsageError(f"{self.label} is not an outbox: the id {id!r} is no number")
                row = make_row(id, change, created_at)
                if knows(row.name.key):
                    continue
                rows.append(row)
                size += len(row.line)
                if len(rows) >= ROWS_MAX or size >= ROWS_BYTES_MAX:
                    break
        return rows

    def _tell(self, connection: sqlite3.Connection, endings: Sequence[RowEnding]) -> TableTold:
        look = self._sql("select change, created_at from TABLE where id = ? and applied_at is null")
        apply = self._sql("update TABLE set applied_at = NOW, error = null where id = ?")
        bury = self._sql("update TABLE set error = ? where id = ?")
        applied = []
        with _writing(connection):
            for ending in endings:
                id = ending.name.id
                with closing(connection.execute(look, (id,))) as cursor:
                    found = cursor.fetchone()
                if found is None or make_row(id, *found).name.key != ending.name.key:
                    continue  # deleted, or another row by now
                if ending.reason is None:
                    connection.execute(apply, (id,)).close()
                    applied.append(id)
                else:
                    connection.execute(bury, (ending.reason, id)).close()
            return TableTold(applied, self._sequence(connection))

    def _dead_rows(self, connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, RowName]:
        sql = self._sql("select change, created_at from TABLE where id = ? and error is not null")
        found = {}
        for id in ids:
            with closing(connection.execute(sql, (id,))) as cursor:
                if (row := cursor.fetchone()) is not None:
                    found[id] = make_row(id, *row).name
        return found

    def _state(self, connection: sqlite3.Connection, ids: Sequence[int]) -> TableState:
        sql = self._sql("select TO_DO from TABLE where id = ?")
        found = {id: _first(connection, sql, id) for id in ids}
        to_do = {id: bool(value) for id, value in found.items() if value is not None}
        return TableState(to_do, self._sequence(connection))

    def _sequence(self, connection: sqlite3.Connection) -> int | None:
        if not self._has_sequence:
            return None
        sql = "select seq from sqlite_sequence where name = ? collate nocase"
        return _first(connection, sql, self._table) or 0


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection for any one thread, without transactions of its own and with
    texts as bytes, since they may not be UTF-8. Raises sqlite3.Error.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    connection.text_factory = bytes
    return connection


def _first(connection: sqlite3.Connection, sql: str, *values: object) -> int | None:
    with closing(connection.execute(sql, values)) as cursor:
        found = cursor.fetchone()
    return None if found is None else found[0]


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction: written whole, or not at all."""
    connection.execute("begin immediate").close()
    try:
        yield
        connection.execute("commit").close()
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback").close()
        raise


def _explain(error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return f"another program has held its lock for {BUSY_SECONDS:g} seconds: {error}"
    return str(error)
