"""How far a log is settled when its changes settle out of order.

Whole histories are in tests/models.
"""

from __future__ import annotations

import gc
import random
import sys

import pytest

from syncer.core.change import Chunk, IgnoredLine, Mark
from syncer.core.watermark import Run, Skip, Watermark


@pytest.mark.parametrize("seed", range(20))
def test_it_moves_to_the_first_change_that_is_not_settled_and_reading_resumes_at_the_mark_before_it(
    seed: int,
) -> None:
    rng = random.Random(seed)
    watermark, settled = Watermark(), set[int]()
    marks = [Mark(index, index * 10 + 10) for index in sorted(rng.sample(range(60), 6))]
    for mark in marks:
        watermark.mark(mark)
    for index in rng.sample(range(60), 60):
        watermark.settle(Run(index, 1, index))
        settled.add(index)
        first = next(index for index in range(61) if index not in settled)
        resume = next((mark for mark in reversed(marks) if mark.index <= first), Mark())
        assert (watermark.index, watermark.resume) == (first, resume)
        assert watermark.settled_end() == (max(settled) + 1 if max(settled) >= first else first)
        skip = Skip(watermark.runs())
        assert [index in skip for index in range(resume.index, 60)] == [
            index in settled for index in range(resume.index, 60)
        ]


def test_a_log_that_is_settled_takes_little_memory_also_where_much_came_out_of_order() -> None:
    """The ledger has one of each log that there ever was."""
    watermark = Watermark()
    for index in [*range(1, 1000), 0]:
        watermark.settle(Run(index, 1, index))
    watermark.mark(Mark(1000, 10_000))
    assert watermark.index == 1000
    held = [one for one in gc.get_referents(watermark) if one is not Watermark]
    assert sum(map(sys.getsizeof, held)) < 1000


def test_an_older_place_does_not_come_after_a_later_one() -> None:
    watermark = Watermark(Mark(5, 50))
    watermark.mark(Mark(3, 30))
    assert watermark.marks() == []
    assert repr(watermark) == f"Watermark(index=5, resume={Mark(5, 50)!r}, ahead=0)"


def test_a_chunk_counts_lines_of_every_kind() -> None:
    ignored = IgnoredLine(1, 0, 1, b"")
    assert Chunk(1, [], [], [ignored, ignored], Mark()).count == 2
