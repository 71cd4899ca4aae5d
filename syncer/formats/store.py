"""Counts and values by key, of any number, in little memory.

A database that has no name: it is in memory while it is small, on the disk when it
grows, and gone with the process, however that ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

_MEMORY_KILOBYTES = 16_000


class Store:
    """Keys of text or bytes, each with a value."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=off", "synchronous=off", f"cache_size=-{_MEMORY_KILOBYTES}"):
            self._database.execute(f"pragma {pragma}")
        self._database.execute("create table kept (key primary key, value) without rowid")
        self._database.execute("begin")

    def put_first(self, key: str | bytes, value: str | bytes) -> str | bytes:
        """Keep the value, unless the key has one. Returns the one that it has."""
        found = self._database.execute("select value from kept where key = ?", (key,)).fetchone()
        if found is not None:
            kept: str | bytes = found[0]
            return kept
        self._database.execute("insert into kept values (?, ?)", (key, value))
        return value

    def find(self, key: str | bytes) -> str | bytes | None:
        """Return the value of a key."""
        found = self._database.execute("select value from kept where key = ?", (key,)).fetchone()
        return None if found is None else found[0]

    def count(self, key: str | bytes) -> int:
        """Return how often this key was counted before."""
        (number,) = self._database.execute(
            "insert into kept values (?, 0) on conflict do update set value = value + 1"
            " returning value",
            (key,),
        ).fetchone()
        return int(number)

    def __len__(self) -> int:
        (number,) = self._database.execute("select count(*) from kept").fetchone()
        return int(number)

    def __iter__(self) -> Iterator[str | bytes]:
        for (key,) in self._database.execute("select key from kept order by key"):
            yield key

    def close(self) -> None:
        """Give up what is kept."""
        self._database.close()
