"""Which keys a pull has had, on disk, for lists that repeat themselves: memory does not grow with the list."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from syncer.errors import StateError

FILE = "seen.sqlite"


class Seen:
    """Keys by the page that brought them first. Used from one thread at a time. Raises StateError."""

    def __init__(self, folder: Path, pages: int) -> None:
        """`pages`: how many are durable; what later ones brought is forgotten."""
        self._path = folder / FILE
        try:
            if not pages:
                self._path.unlink(missing_ok=True)
            self._rows = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None
        try:
            self._rows.execute("create table if not exists seen (key blob primary key, page integer not null) without rowid")
            self._rows.execute("delete from seen where page >= ?", (pages,))
        except sqlite3.Error as error:
            self._rows.close()
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> StateError:
        return StateError(f"{self._path} cannot be used: {error}. To pull from the start, use another --state")

    def fresh(self, keys: Sequence[tuple[str, ...]], page: int) -> list[bool]:
        """Which of these keys no page had before, durably. Blocking."""
        try:
            self._rows.execute("begin")
            insert = "insert or ignore into seen values (?, ?)"
            fresh = [self._rows.execute(insert, (_digest(key), page)).rowcount == 1 for key in keys]
            self._rows.execute("commit")
        except sqlite3.Error as error:
            raise StateError(f"{self._path} cannot be written: {error}. Mend that and run the same command again") from None
        return fresh

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()


def _digest(key: tuple[str, ...]) -> bytes:
    digest = blake2b(digest_size=16)
    for part in key:
        digest.update(b"%d:" % len(part.encode()))
        digest.update(part.encode())
    return digest.digest()
