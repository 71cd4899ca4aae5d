"""The bound on deletions, as values."""

from __future__ import annotations

from syncer.core.change import Change
from syncer.core.deletions import Deletions
from syncer.core.entry import Entry


def deletes(count: int) -> list[Entry]:
    return [Entry(Change(1, n, n + 1, "delete", "i", f"a-{n}", b"{}"), 2) for n in range(count)]


def test_without_a_limit_everything_is_admitted_and_counted() -> None:
    deletions = Deletions(5)
    assert deletions.admit(deletes(3), [1, 40, 1]) == 3
    assert deletions.count == 47


def test_what_would_go_beyond_the_limit_and_all_after_it_stay() -> None:
    deletions = Deletions(5, limit=8)
    entries = deletes(4)
    assert deletions.admit(entries, [1, 3, 1, 1]) == 1
    assert deletions.count == 6
    assert [entry.deletions for entry in entries] == [1, 0, 0, 0]


def test_what_is_sent_again_is_counted_once_even_if_it_is_gone_by_then() -> None:
    deletions = Deletions(0, limit=10)
    entries = deletes(1)
    assert [
        deletions.admit(entries, [9]),
        deletions.admit(entries, [0]),
        deletions.admit(entries, [9]),
    ] == [1, 1, 1]
    assert deletions.count == 9
    assert deletions.admit(entries, [11]) == 0


def test_what_died_deleted_nothing() -> None:
    deletions = Deletions(0, limit=1)
    entries = deletes(2)
    deletions.admit(entries[:1], [1])
    assert deletions.admit(entries[1:], [1]) == 0
    deletions.dead(entries[:1])
    assert deletions.admit(entries[1:], [1]) == 1


def test_what_a_trace_shows_of_it_is_count_and_limit() -> None:
    assert repr(Deletions(3, 9)) == "Deletions(count=3, limit=9)"
