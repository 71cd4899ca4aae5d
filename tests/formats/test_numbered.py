"""Bytes by small whole numbers."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from syncer.formats import numbered
from syncer.formats.numbered import NumberedBytes


@given(st.lists(st.tuples(st.integers(-1, 12), st.binary(max_size=5))))
def test_what_was_kept_is_found_and_nothing_else(pairs: list[tuple[int, bytes]]) -> None:
    kept, counts = NumberedBytes(), dict[int, bytes]()
    with (
        patch.object(numbered, "_NUMBERS_MAX", 10),
        patch.object(numbered, "_BYTES_MAX", 16),
        patch.object(numbered, "_LENGTH_MAX", 4),
    ):
        for number, value in pairs:
            if number not in counts and kept.put(number, value):
                counts[number] = value
    assert sum(map(len, counts.values())) <= 16
    assert all(0 <= number < 10 and 1 <= len(value) <= 4 for number, value in counts.items())
    assert {number: kept.find(number) for number in range(-2, 14)} == {
        number: counts.get(number) for number in range(-2, 14)
    }


def test_a_number_far_up_is_kept_and_one_beyond_is_refused() -> None:
    kept = NumberedBytes()
    assert kept.put(2_000_000, b"far")
    assert not kept.put(3_000_000, b"beyond")
    assert kept.find(2_000_000) == b"far"
    assert kept.find(3_000_000) is None


PAIRS = st.tuples(st.integers(-1, 12), st.binary(max_size=5))


@given(st.lists(st.lists(PAIRS, max_size=6)))
def test_many_are_kept_at_once_as_they_are_one_by_one(
    groups: list[list[tuple[int, bytes]]],
) -> None:
    single, many = NumberedBytes(), NumberedBytes()
    with (
        patch.object(numbered, "_NUMBERS_MAX", 10),
        patch.object(numbered, "_BYTES_MAX", 16),
        patch.object(numbered, "_LENGTH_MAX", 4),
    ):
        for pairs in groups:
            for number, value in pairs:
                put_new(single, number, value)
            while pairs:
                free = many.count_free([number for number, _ in pairs])
                numbers, values = zip(*pairs[:free], strict=True) if free else ((), ())
                pairs = pairs[many.put_all(numbers, values) :]
                if pairs:
                    put_new(many, *pairs[0])
                    pairs = pairs[1:]
            assert [many.find(number) for number in range(12)] == [
                single.find(number) for number in range(12)
            ]


def put_new(kept: NumberedBytes, number: int, value: bytes) -> None:
    if kept.find(number) is None:
        kept.put(number, value)


def test_a_number_that_was_refused_is_not_free_where_another_has_space() -> None:
    """What was kept of it elsewhere would be lost."""
    kept = NumberedBytes()
    assert not kept.put(1, bytes(70_000))
    assert kept.count_free([1, 2]) == 0
