"""The memory of a folder of wishes: what was last asked of each annotation, which files
are known, and the changes that follow from them, in an outbox beside it.

It is a database, so that what is asked and the changes that ask for it are written as
one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from syncer.core.wanted import find_changes
from syncer.errors import SyncerError
from syncer.sources.sqlite import connect, make_table

CHANGES = "changes"
"""The outbox table."""
_TABLES = (
    "create table if not exists asked"
    " (input_id text, id text, wish blob, primary key (input_id, id)) without rowid",
    "create table if not exists missing"
    " (input_id text, id text, primary key (input_id, id)) without rowid",
    "create table if not exists files (path blob primary key, device integer, inode integer,"
    " size integer, mtime_ns integer, ctime_ns integer, input_id text, fault text) without rowid",
    "create table if not exists facts (name text primary key, value text) without rowid",
)


FileStamp = tuple[int, int, int, int, int]
"""Device, inode, size, and times of content and change in nanoseconds."""


class FileSeen(NamedTuple):
    """A file as it was seen last."""

    stamp: FileStamp
    input_id: str | None
    """None where it names none."""
    fault: str
    """Why nobody can act on it; empty: it was read."""


class AskedWishes:
    """The database. It blocks; one thread at a time uses it."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it. Raises SyncerError."""
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_table(path, CHANGES)
            self._db = connect(path, "rw")
            self._db.execute("pragma journal_mode = wal").close()
            for statement in _TABLES:
                self._db.execute(statement).close()
        except (OSError, sqlite3.Error) as error:
            raise SyncerError(f"{path}: {error}") from None

    def close(self) -> None:
        """Let go of it. It may come twice."""
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all of a block, or nothing. Raises SyncerError."""
        try:
            self._db.execute("begin immediate").close()
            try:
                yield
                self._db.execute("commit").close()
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback").close()
                raise
        except sqlite3.Error as error:
            raise SyncerError(f"{self.path}: {error}") from None

    def _rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with closing(self._db.execute(sql, values)) as cursor:
            return cursor.fetchall()

    # --- what is known ----------------------------------------------------------------

    def read_fact(self, name: str) -> str | None:
        """Return what was written under a name."""
        rows = self._rows("select value from facts where name = ?", name)
        return _text(rows[0][0]) if rows else None

    def list_files(self) -> dict[str, FileSeen]:
        """Return all files that are known, by path."""
        found = {}
        for path, *stamp, input_id, fault in self._rows("select * from files"):
            assert isinstance(path, bytes)
            seen = tuple(stamp)
            named = None if input_id is None else _text(input_id)
            found[os.fsdecode(path)] = FileSeen(seen, named, _text(fault))  # type: ignore[arg-type]
        return found

    def list_asked(self, input_id: str) -> dict[str, bytes]:
        """Return what was asked of an input, by the ids of annotations."""
        rows = self._rows("select id, wish from asked where input_id = ?", input_id)
        return {_text(id): _text(wish).encode() for id, wish in rows}

    def list_inputs(self) -> set[str]:
        """Return the inputs of which something was asked."""
        return {_text(row[0]) for row in self._rows("select distinct input_id from asked")}

    def list_missing(self) -> list[tuple[str, str]]:
        """Return what was asked and is missing in files that can be read."""
        rows = self._rows("select input_id, id from missing")
        return [(_text(input_id), _text(id)) for input_id, id in rows]

    def count_asked(self) -> int:
        """Return how many annotations were asked for."""
        return int(str(self._rows("select count(*) from asked")[0][0]))

    # --- what changes, within `writing` -----------------------------------------------

    def write_fact(self, name: str, value: str) -> None:
        """Remember this under a name."""
        self._rows("insert or replace into facts values (?, ?)", name, value)

    def note_file(self, path: str, seen: FileSeen | None) -> None:
        """Remember how a file is; None: it is gone."""
        if seen is None:
            self._rows("delete from files where path = ?", os.fsencode(path))
        else:
            values = (os.fsencode(path), *seen.stamp, seen.input_id, seen.fault)
            self._rows("insert or replace into files values (?, ?, ?, ?, ?, ?, ?, ?)", *values)

    def note_missing(self, input_id: str, ids: Iterable[str]) -> None:
        """Remember which annotations of an input are missing in its file."""
        self._rows("delete from missing where input_id = ?", input_id)
        for id in ids:
            self._rows("insert into missing values (?, ?)", input_id, id)

    def ask(self, input_id: str, id: str, asked: bytes | None, wanted: bytes | None) -> None:
        """Let the changes follow that make of what was asked what is wanted."""
        before, after = (None if one is None else orjson.loads(one) for one in (asked, wanted))
        for change in find_changes(input_id, id, before, after):
            line = orjson.dumps(change).decode()
            self._rows("insert into changes (change) values (?)", line)
        if wanted is None:
            self._rows("delete from asked where input_id = ? and id = ?", input_id, id)
            self._rows("delete from missing where input_id = ? and id = ?", input_id, id)
        else:
            self._rows("insert or replace into asked values (?, ?, ?)", input_id, id, wanted)

    def forget_applied(self) -> None:
        """Let go of changes that were applied long enough ago to be told."""
        self._rows("delete from changes where applied_at is not null")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
