"""The time left, from values."""

from __future__ import annotations

from syncer.core.pace import Pace
from syncer.lanes.progress import Estimate, unread


def noted(*times: tuple[float, bool], limit: float = 10) -> Estimate:
    estimate = Estimate(Pace(limit))
    for now, paused in times:
        estimate.note(now, paused=paused)
    return estimate


def test_it_goes_on_as_before() -> None:
    assert noted((0, False), (10, False)).seconds(settled=100, requests=10, left=50, pause_seconds=0) == 5


def test_a_pause_is_added_but_does_not_slow_what_comes_after_it() -> None:
    estimate = noted((0, False), (10, False), (40, True))
    assert estimate.seconds(settled=100, requests=10, left=50, pause_seconds=12) == 12 + 5


def test_the_request_limit_is_never_beaten() -> None:
    """A burst at the start says nothing: 1,000 requests at 10 a second take 100 s."""
    assert noted((0, False), (1, False), limit=10).seconds(settled=100, requests=100, left=1000, pause_seconds=0) == 100


def test_without_anything_to_go_by_there_is_no_estimate() -> None:
    assert noted((0, True), (30, True)).seconds(settled=0, requests=0, left=10, pause_seconds=5) is None
    assert noted((0, False)).seconds(settled=9, requests=1, left=0, pause_seconds=0) == 0.0


def test_what_is_unread_is_told_by_the_bytes() -> None:
    assert unread(read=100, progress=(3_000, 10_000), start=2_000) == 700
    assert unread(read=0, progress=(2_000, 10_000), start=2_000) == 0
    assert unread(read=100, progress=None, start=0) == 0
