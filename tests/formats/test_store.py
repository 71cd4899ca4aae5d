"""Keys and values of which only some are at hand."""

from __future__ import annotations

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
