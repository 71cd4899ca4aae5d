"""Outbox tables: their SQL, and the making of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syncer.config import Loaded
from syncer.config.models import PostgresSource, SourceTable, SqliteSource
from syncer.errors import UsageError
from syncer.finish import finish
from syncer.sources import postgres_sql
from syncer.sources.outbox import POLL_SECONDS
from syncer.sources.postgres import PostgresTable
from syncer.sources.postgres_session import check_driver
from syncer.sources.sqlite import SqliteTable, make_table
from syncer.sources.sqlite_sql import table_sql, trigger_sql


@dataclass(frozen=True, slots=True)
class OutboxSql:
    """The statements that make a table, and an example of a trigger that fills it."""

    table: str
    trigger: str


@dataclass(frozen=True, slots=True)
class OutboxMade:
    """An outbox that is there now."""

    is_new: bool
    notes: Sequence[str]
    """What users are to know of one that was there."""


def write_sqlite(table: str) -> OutboxSql:
    """Return the SQL of an outbox in SQLite."""
    return OutboxSql(table_sql(table), trigger_sql(table))


def make_sqlite(path: Path, table: str) -> OutboxMade:
    """Make an outbox; one that is there is only checked. Raises SyncerError."""
    is_new = make_table(path, table)
    outbox = SqliteTable(path, table)
    outbox.check()
    return OutboxMade(is_new, outbox.notes)


def write_postgres(table: str) -> OutboxSql:
    """Return the SQL of an outbox in PostgreSQL."""
    return OutboxSql(postgres_sql.table_sql(table), postgres_sql.trigger_sql(table))


async def make_postgres(variable: str, table: str) -> OutboxMade:
    """Make an outbox in the database whose DSN this environment variable holds; one
    that is there is only checked. Raises SyncerError.
    """
    check_driver(variable)
    outbox = PostgresTable(variable, table, POLL_SECONDS)
    try:
        return OutboxMade(await outbox.make(postgres_sql.table_sql(table)), ())
    finally:
        await finish(outbox.close)


def find_sqlite(loaded: Loaded, name: str) -> tuple[Path, str]:
    """Return the database and the table of a source. Raises UsageError."""
    source = _find(loaded, name)
    if isinstance(source, SqliteSource):
        return Path(source.path), source.table
    raise UsageError(f"the source {name} is a {source.kind}, not a table in sqlite")


def find_postgres(loaded: Loaded, name: str) -> tuple[str, str]:
    """Return the variable that holds the DSN, and the table of a source. Raises
    UsageError.
    """
    source = _find(loaded, name)
    if isinstance(source, PostgresSource):
        return source.dsn_env, source.table
    raise UsageError(f"the source {name} is a {source.kind}, not a table in postgres")


def _find(loaded: Loaded, name: str) -> SourceTable:
    for source in loaded.config.sources:
        if source.name == name:
            return source
    raise UsageError(f"the config has no [[sources]] with the name {name}")
