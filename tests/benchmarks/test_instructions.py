"""The counter of instructions, without callgrind: what it pushes comes about, and the
committed baseline is one of this program.
"""

from __future__ import annotations

import re

from benchmarks.instructions import COUNT, ROOT, baseline, push


def test_the_push_that_is_counted_comes_to_its_end() -> None:
    assert re.match(r"300 changes, \d+ requests, ", push(ROOT, 300, []))


def test_the_baseline_names_its_commit_its_reason_and_all_that_a_count_depends_on() -> None:
    kept = baseline()
    assert re.fullmatch(r"[0-9a-f]{40}", kept.commit)
    assert kept.reason
    assert kept.counted.push > COUNT * 1_000
    assert set(kept.counted.machine) == {"python", "libc", "processor", "valgrind"}
