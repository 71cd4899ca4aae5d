"""Keys and values of which only some are at hand."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.formats import store
from syncer.formats.store import Store


@given(keys=st.lists(st.binary(min_size=1, max_size=2), max_size=40), bits=st.integers(0, 9))
def test_a_store_knows_what_a_mapping_knows(keys: list[bytes], bits: int) -> None:
    """Also where the filter is so small that it lets nearly all through."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_AT_HAND_MAX", 3)
        patch.setattr(store, "_FILTER_BITS", 8 << bits)
        kept: Store[bytes, int] = Store()
        counts: dict[bytes, int] = {}
        for key in keys:
            assert kept.find(key) == counts.get(key)
            counts[key] = counts.get(key, 0) + 1
            kept.put(key, counts[key])
        assert [kept.find(key) for key in counts] == list(counts.values())
        kept.close()


def test_keys_that_are_all_new_are_never_sorted() -> None:
    kept: Store[bytes, int] = Store()
    with patch.object(store, "_AT_HAND_MAX", 10), patch.object(Store, "_sort") as sort:
        for number in range(1_000):
            key = b"%d" % number
            assert kept.find(key) is None
            kept.put(key, number)
    assert sort.call_count == 0
    assert kept.find(b"7") == 7
    kept.close()
