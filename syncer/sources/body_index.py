"""Bodies by the digests of their keys, in the order in which they came. Files of the
inbox hold all of them: this is made again by each process, and takes no memory to
speak of however many there are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from syncer.errors import StateError
from syncer.sources.body import LineFault

_CACHE_KB = 512
_SETTINGS = (
    # Nobody reads it once this process is gone.
    "journal_mode = off",
    "synchronous = off",
    "locking_mode = exclusive",
    f"cache_size = -{_CACHE_KB}",
)
_TABLE = (
    "create table bodies (number integer primary key, key text unique, body text, at real,"
    " receipt blob)"
)


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """The answer to a body that was taken."""

    accepted: int
    """Lines that are stored."""
    bad: tuple[LineFault, ...] = ()


class KnownBody(msgspec.Struct, frozen=True, array_like=True):
    """A body that was taken under a key."""

    key: str
    """Digest of the key: 32 hex digits."""
    body: str
    """Digest of the body: 32 hex digits."""
    at: float
    """When it was taken, in seconds since 1970."""
    receipt: Receipt


class BodyIndex:
    """The table. It is for one task at a time."""

    def __init__(self, path: Path | None) -> None:
        """`path`: of a file that is made, and has no name from then on; None: memory.

        Raises StateError.
        """
        self.count = 0
        self._path = path
        self._unwritten: dict[str, KnownBody] = {}
        """Those for which there was no room on the disk."""
        with self._explaining():
            if path is not None:
                path.unlink(missing_ok=True)
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            for setting in _SETTINGS:
                self._db.execute(f"pragma {setting}").close()
            self._db.execute(_TABLE).close()
            if path is not None:
                path.unlink()

    def find(self, key: str) -> KnownBody | None:
        """Return the body under the key with this digest. Raises StateError."""
        if (body := self._unwritten.get(key)) is not None:
            return body
        sql = "select key, body, at, receipt from bodies where key = ?"
        with self._explaining(), closing(self._db.execute(sql, (key,))) as rows:
            return _read_row(rows.fetchone())

    def put(self, body: KnownBody) -> None:
        """Keep this body as the last one, in the place of one with the same key. It
        does not fail: what was taken is durable elsewhere.
        """
        self._unwritten[body.key] = body
        try:
            for one in list(self._unwritten.values()):
                self._write(one)
                del self._unwritten[one.key]
        except sqlite3.Error:
            pass  # it is kept in memory until there is room

    def _write(self, body: KnownBody) -> None:
        with closing(self._db.execute("delete from bodies where key = ?", (body.key,))) as found:
            self.count -= found.rowcount
        receipt = msgspec.json.encode(body.receipt)
        self._db.execute(
            "insert into bodies (key, body, at, receipt) values (?, ?, ?, ?)",
            (body.key, body.body, body.at, receipt),
        ).close()
        self.count += 1

    def oldest(self) -> KnownBody | None:
        """Return the body that came first. Raises StateError."""
        sql = "select key, body, at, receipt from bodies order by number limit 1"
        with self._explaining(), closing(self._db.execute(sql)) as rows:
            return _read_row(rows.fetchone())

    def remove(self, key: str) -> None:
        """Forget this body. Raises StateError."""
        with (
            self._explaining(),
            closing(self._db.execute("delete from bodies where key = ?", (key,))) as found,
        ):
            self.count -= found.rowcount

    def close(self) -> None:
        """Let go of the file. It may come twice."""
        self._db.close()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"the index of keys {self._path} cannot be used: {error}") from None


def _read_row(row: tuple[str, str, float, bytes] | None) -> KnownBody | None:
    if row is None:
        return None
    key, body, at, receipt = row
    return KnownBody(key, body, at, msgspec.json.decode(receipt, type=Receipt))
