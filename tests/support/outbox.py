"""An outbox table in SQLite, as applications have it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from syncer.sources.sqlite import table_sql

TABLE = "outbox"


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection, and what is written with it committed."""
    with closing(sqlite3.connect(path, timeout=0.1)) as connection, connection:
        yield connection


def make_outbox(path: Path) -> None:
    """Make the database and its table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("pragma synchronous = off; pragma journal_mode = wal;")
        connection.executescript(table_sql(TABLE))


def insert(path: Path, *lines: bytes) -> None:
    """Let rows follow, in one transaction."""
    with writing(path) as connection:
        rows = [(line.decode(),) for line in lines]
        connection.executemany(f"insert into {TABLE} (change) values (?)", rows)


Ended = list[tuple[int, bool, str | None]]


def ended(path: Path) -> Ended:
    """(id, whether it was applied, its error) of each row."""
    with closing(sqlite3.connect(path)) as connection:
        sql = f"select id, applied_at is not null, error from {TABLE} order by id"
        return [(id, bool(applied), error) for id, applied, error in connection.execute(sql)]
