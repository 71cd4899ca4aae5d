"""Memory does not grow with what there is to do.

The longer run is `python -m benchmarks memory`: 500,000 changes and 5,000,000.
"""

from __future__ import annotations

import os

from benchmarks.memory import BAR, peaks

CHANGES = int(os.environ.get("SYNCER_PROOF_MEMORY", "500000"))


def test_ten_times_as_many_changes_take_no_more_memory_to_push_and_to_verify() -> None:
    small, large = peaks(CHANGES // 10), peaks(CHANGES)
    grown = {lane: round(large[lane][1] / small[lane][1], 2) for lane in large}
    assert max(grown.values()) <= BAR, f"times the memory: {grown}"
