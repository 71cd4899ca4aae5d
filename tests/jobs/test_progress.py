"""The time left, from values; and of a push, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from syncer.core.pace import Pace
from syncer.core.ports.wire import Reply
from syncer.core.seeking import SeekingPace
from syncer.jobs.limiters import Limiters
from syncer.jobs.progress import Estimate, Share, unread
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from tests.support.lanes import App
from tests.support.lines import post


def noted(*times: tuple[float, bool], limit: float = 10) -> Estimate:
    estimate = Estimate(Pace(limit))
    for now, paused in times:
        estimate.note(now, paused=paused)
    return estimate


def test_it_goes_on_as_before() -> None:
    assert (
        noted((0, False), (10, False)).seconds(settled=100, requests=10, left=50, pause_seconds=0)
        == 5
    )


def test_a_pause_is_added_but_does_not_slow_what_comes_after_it() -> None:
    estimate = noted((0, False), (10, False), (40, True))
    assert estimate.seconds(settled=100, requests=10, left=50, pause_seconds=12) == 12 + 5


def test_the_request_limit_is_never_beaten() -> None:
    """A burst at the start says nothing: 1,000 requests at 10 a second take 100 s."""
    assert (
        noted((0, False), (1, False), limit=10).seconds(
            settled=100, requests=100, left=1000, pause_seconds=0
        )
        == 100
    )


def test_without_knowing_how_much_is_left_there_is_no_estimate() -> None:
    """At the start nothing is read yet, and all is left."""
    assert (
        noted((0, False), (10, False)).seconds(settled=100, requests=10, left=None, pause_seconds=0)
        is None
    )


def test_without_anything_to_go_by_there_is_no_estimate() -> None:
    assert (
        noted((0, True), (30, True)).seconds(settled=0, requests=0, left=10, pause_seconds=5)
        is None
    )
    assert noted((0, False)).seconds(settled=9, requests=1, left=0, pause_seconds=0) == 0.0


def test_what_is_unread_is_told_by_the_bytes() -> None:
    assert unread(read=100, progress=(3_000, 10_000), start=2_000) == 700
    assert unread(read=0, progress=(2_000, 10_000), start=2_000) is None
    assert unread(read=0, progress=(2_000, 2_000), start=2_000) == 0
    assert unread(read=100, progress=None, start=0) is None


def shares(
    pace: Pace,
    seconds: float,
    ready: Callable[[float], bool] = lambda now: True,
    start: float = 1e6,
) -> list[float]:
    """The share of the limit at each tenth of a second, where a request is ready to go
    at those moments.
    """
    share, found, now, sample = Share(pace, start), [], start, start
    while now < start + seconds:
        if pace.next_at(now) <= now and ready(now - start):
            pace.take(now)
        if now >= sample:
            found.append(share.at(now))
            sample += 0.1
        now += 0.001
    return found


@pytest.mark.parametrize("rate", [0.1, 0.5, 1, 1.5, 2.5, 15, 200])
def test_a_sender_at_the_limit_uses_all_of_it_and_never_more_from_the_first_moment_on(
    rate: float,
) -> None:
    found = shares(Pace(rate), 30)[1:]
    assert 0.97 <= min(found) <= max(found) <= 1.0


def test_half_of_the_limit_is_half_of_it() -> None:
    found = shares(Pace(20), 20, lambda now: int(now * 10) != int((now - 0.001) * 10))
    assert found[-1] == pytest.approx(0.5, abs=0.02)


def test_the_share_is_of_the_limit_as_it_was_when_it_is_sought() -> None:
    """A sender that always has something to send is at the limit that it tries,
    whatever that is.
    """
    found = shares(SeekingPace(), 10)
    assert min(found[1:]) > 0.85
    assert max(found) <= 1.0


def test_what_others_used_before_and_turns_that_were_given_back_do_not_count() -> None:
    pace = Pace(10)
    for now in (0.0, 0.1, 0.2):
        pace.take(now)
    share = Share(pace, 100.0)
    assert share.at(100.0) == 0.0
    pace.take(100.0)
    pace.give_back()
    assert share.at(100.05) == 0.0


# --- of a push ------------------------------------------------------------------------


@pytest.mark.parametrize("pause_seconds", [0, 30])
def test_the_time_left_is_told_by_what_was_done_outside_of_pauses_and_includes_the_one_that_is_on(
    tmp_path: Path, pause_seconds: int
) -> None:
    app, path = App(tmp_path / "state"), tmp_path / "log.jsonl"
    path.write_bytes(b"".join(post(f"a{number:02}") + b"\n" for number in range(40)))
    throttled = Reply(429, b'{"status":{"code":11005}}', str(pause_seconds))
    app.interfering = lambda _: throttled if pause_seconds and len(app.asked) == 10 else None
    told: list[tuple[float, float | None]] = []
    config = app.config(push__batch_size=1, push__requests_per_second=1.0)

    async def run() -> float:
        with push_parts(config, Limiters()) as parts:
            lane = PushLane(parts, [str(path)])

            async def watch() -> None:
                while True:
                    await anyio.sleep(0.25)
                    told.append((app.time.now, lane.progress().left_seconds))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch)
                assert (await lane.run()).error is None
                tasks.cancel_scope.cancel()
        return app.time.now

    end = app.run(run)
    assert end == pytest.approx(40 + pause_seconds, abs=3)
    settled = [(at, left) for at, left in told if at > 12]
    assert len(settled) > 100
    for at, left in settled:
        assert left == pytest.approx(end - at, abs=6), at
