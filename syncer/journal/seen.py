"""The keys that a pull has had, on disk, for lists that repeat themselves: memory does
not grow with the list.

With each page goes what all keys so far add up to, so that a start knows whether they
are all there and as they were written: a key that is lost or altered would let a row
through a second time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from syncer.errors import StateError
from syncer.journal.damage import Damage, way_out
from syncer.printable import counted

SEEN_FILE = "seen.sqlite"
AGAIN = "Fix that, then run the same command again"
Sums = tuple[int, ...]
"""How many keys, the sums of the four 32-bit parts of each, and of their pages."""

_SEEN = (
    "create table seen (high integer, low integer, page integer not null,"
    " primary key (high, low)) without rowid"
)
_SUMS = (
    "create table sums (page integer primary key, keys integer,"
    " a integer, b integer, c integer, d integer, pages integer)"
)
_TABLES = (_SEEN, _SUMS)
_ADDED_UP = (
    "select count(*),"
    " ifnull(sum((high >> 32) & 4294967295), 0), ifnull(sum(high & 4294967295), 0),"
    " ifnull(sum((low >> 32) & 4294967295), 0), ifnull(sum(low & 4294967295), 0),"
    " ifnull(sum(page), 0) from seen where page < ?"
)
_NOTED = "select keys, a, b, c, d, pages from sums where page = ?"
_PART = 0xFFFFFFFF
Broken = (sqlite3.Error, ValueError)
"""What the database says of a damaged file; a ValueError where that is not text."""


class Seen:
    """Keys by the page that brought them first.

    Used from one thread at a time. Raises StateError.
    """

    def __init__(self, folder: Path, pages: int) -> None:
        """`pages`: how many are durable; what later ones brought is forgotten."""
        self._path = folder / SEEN_FILE
        self._sums: Sums = (0,) * 6
        try:
            if not pages:
                for leftover in files(folder):
                    leftover.unlink(missing_ok=True)
            elif not self._path.exists():
                raise _describe_loss(self._path, "it is missing").error()
            self._rows = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        except (*Broken, OSError) as error:
            raise self._unusable(error) from None
        try:
            self._begin(pages)
        except Broken as error:
            self._rows.close()
            raise self._unusable(error) from None
        except StateError:
            self._rows.close()
            raise

    def _unusable(self, error: Exception) -> StateError:
        if isinstance(error, Broken) and not isinstance(error, sqlite3.OperationalError):
            return _describe_loss(self._path, str(error)).error()
        return StateError(
            f"{self._path} cannot be used: {error}. {_lacking(error) or way_out(self._path.parent)}"
        )

    def _begin(self, pages: int) -> None:
        if not pages:
            for table in _TABLES:
                self._rows.execute(table)
            return
        if (wrong := _wrong(self._rows, pages)) is not None:
            raise _describe_loss(self._path, wrong).error()
        self._rows.execute("delete from seen where page >= ?", (pages,))
        self._rows.execute("delete from sums where page >= ?", (pages,))
        self._sums = self._rows.execute(_NOTED, (pages - 1,)).fetchone()

    def fresh(self, keys: Sequence[tuple[str, ...]], page: int) -> list[bool]:
        """Return for each key whether no page had it before, durably. Blocking."""
        sums = list(self._sums)
        fresh: list[bool] = []
        try:
            self._rows.execute("begin")
            for key in keys:
                high, low = _digest(key)
                added = self._rows.execute(
                    "insert or ignore into seen values (?, ?, ?)", (high, low, page)
                )
                new = added.rowcount == 1
                fresh.append(new)
                if new:
                    quarters = (high >> 32 & _PART, high & _PART, low >> 32 & _PART, low & _PART)
                    parts = (1, *quarters, page)
                    sums = [total + part for total, part in zip(sums, parts, strict=True)]
            self._rows.execute(
                "insert or replace into sums values (?, ?, ?, ?, ?, ?, ?)", (page, *sums)
            )
            self._rows.execute("commit")
        except Broken as error:
            raise StateError(
                f"{self._path} cannot be written: {error}. {_lacking(error) or AGAIN}"
            ) from None
        self._sums = tuple(sums)
        return fresh

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()


def _lacking(error: Exception) -> str:
    """The folder is ours alone: who "locks" it, or fails, is its file system.

    Empty where that is not it.
    """
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_IOERR") or name in ("SQLITE_BUSY", "SQLITE_PROTOCOL"):
        return (
            f"Where its file system cannot lock, cut or sync a file ({name}), put --state on a"
            f" local disk. {AGAIN}"
        )
    return ""


def files(folder: Path) -> tuple[Path, Path]:
    """All that belongs to the keys of a pull: the database and its journal."""
    return folder / SEEN_FILE, folder / f"{SEEN_FILE}-journal"


def check(folder: Path, pages: int) -> Damage | None:
    """Return the damage of the keys of the first pages, None if all are as they were
    written.

    Reads only; a pull may be using them.
    """
    path, _ = files(folder)
    if not pages or not path.exists():
        return None
    try:
        rows = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except Broken as error:
        return _describe_loss(path, str(error))
    try:
        wrong = _wrong(rows, pages)
    except Broken as error:
        wrong = str(error)
    finally:
        rows.close()
    return None if wrong is None else _describe_loss(path, wrong)


def _wrong(rows: sqlite3.Connection, pages: int) -> str | None:
    """Return the fault of the keys of the first pages."""
    noted = rows.execute(_NOTED, (pages - 1,)).fetchone()
    if noted is None or noted != rows.execute(_ADDED_UP, (pages,)).fetchone():
        return f"the stored keys of the first {counted(pages, 'page')} fail their checksum"
    return None


def _describe_loss(path: Path, what: str) -> Damage:
    return Damage(
        str(path),
        0,
        what,
        "it is not known which rows were written already, so the pull cannot be carried on",
    )


def _digest(key: tuple[str, ...]) -> tuple[int, int]:
    digest = blake2b(digest_size=16)
    for part in key:
        digest.update(b"%d:" % len(part.encode()))
        digest.update(part.encode())
    both = digest.digest()
    return int.from_bytes(both[:8], "big", signed=True), int.from_bytes(
        both[8:], "big", signed=True
    )
