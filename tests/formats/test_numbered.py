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
