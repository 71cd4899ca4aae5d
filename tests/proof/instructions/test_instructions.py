"""A push does not become dearer unseen: its instructions beside the committed baseline,
by callgrind. Clocks say nothing on a machine that does other things, too.
"""

from __future__ import annotations

import shutil

import pytest

from benchmarks.instructions import RATIO_MAX, TOO_MANY, baseline, compared


def test_a_push_takes_no_more_instructions_than_the_baseline_allows() -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed (Debian: apt-get install valgrind)")
    then, now = compared(baseline())
    if then is None:
        pytest.skip("git does not have the commit of the baseline, and this is another machine")
    assert now.push <= RATIO_MAX * then.push, TOO_MANY
