"""Counts and values by key, of any number, in little memory.

The last of them are at hand; the others are in a database that has no name, and is gone
with the process, however that ends. It is asked only for keys whose bits are set in a
filter: nearly all keys that are looked for were never put away. They are put away as
they come, and sorted when the database is first asked: most often it never is.
"""

from __future__ import annotations

import sqlite3
from typing import Generic, TypeVar

_AT_HAND_MAX = 200_000
_MEMORY_KILOBYTES = 8_000
_FILTER_BITS = 1 << 26
_BITS_OF_A_KEY = 6
"""Of a million keys that are new, one in a million is taken for one that is not."""
StoredKey = TypeVar("StoredKey", str, bytes)
StoredValue = TypeVar("StoredValue", str, int)


class Store(Generic[StoredKey, StoredValue]):
    """Keys of text or bytes, each with a value."""

    def __init__(self) -> None:
        self._at_hand: dict[StoredKey, StoredValue] = {}
        self._database: sqlite3.Connection | None = None
        self._bits = bytearray()
        self._is_sorted = True

    def find(self, key: StoredKey) -> StoredValue | None:
        """Return the value of a key."""
        value = self._at_hand.get(key)
        if value is not None or self._database is None:
            return value
        bits = self._bits
        for place in _spread(hash(key)):
            bit = place % _FILTER_BITS
            if not bits[bit >> 3] >> (bit & 7) & 1:
                return None
        self._sort()
        found = self._database.execute("select value from kept where key = ?", (key,)).fetchone()
        return None if found is None else found[0]

    def put(self, key: StoredKey, value: StoredValue) -> None:
        """Keep the value of a key, in the place of the one that it had."""
        if len(self._at_hand) >= _AT_HAND_MAX:
            self._put_away()
        self._at_hand[key] = value

    def close(self) -> None:
        """Give up what is kept."""
        self._at_hand.clear()
        if self._database is not None:
            self._database.close()

    def _put_away(self) -> None:
        if self._database is None:
            self._database = _make_database()
            self._bits = bytearray(_FILTER_BITS >> 3)
        bits = self._bits
        for number in map(hash, self._at_hand):
            for place in _spread(number):
                bit = place % _FILTER_BITS
                bits[bit >> 3] |= 1 << (bit & 7)
        self._database.executemany("insert into unsorted values (?, ?)", self._at_hand.items())
        self._at_hand.clear()
        self._is_sorted = False

    def _sort(self) -> None:
        if not self._is_sorted and self._database is not None:
            self._database.execute(
                "insert or replace into kept select * from unsorted order by key, rowid"
            )
            self._database.execute("delete from unsorted")
            self._is_sorted = True


def _spread(number: int) -> range:
    """Return where the bits of a key with this hash are, in the filter and beyond."""
    first, step = number % _FILTER_BITS, (number >> 32) % _FILTER_BITS | 1
    return range(first, first + _BITS_OF_A_KEY * step, step)


def _make_database() -> sqlite3.Connection:
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=off", "synchronous=off", f"cache_size=-{_MEMORY_KILOBYTES}"):
        database.execute(f"pragma {pragma}")
    database.execute("create table kept (key primary key, value) without rowid")
    database.execute("create table unsorted (key, value)")
    database.execute("begin")
    return database
