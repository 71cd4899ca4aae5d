"""How much a push reads, keeps, sends at once; in which order changes take effect."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import anyio
import anyio.lowlevel

from syncer.core.limits import Limits
from tests.engine.answers import BROKEN, not_now
from tests.engine.answers import posts_of_inputs as posts
from tests.support.fakes import LOST, Service
from tests.support.lines import delete, delete_all, holds, patch, post
from tests.support.pushing import Process, Pushing, Settings

SLOWLY = Settings(requests_per_second=5.0, concurrency=1)


SMALL = Limits(batch_size=4, window_max=20, window_bytes_max=1 << 20, queue_max=50, max_attempts=4)


def test_no_more_is_read_than_the_window_holds_while_nothing_is_answered() -> None:
    pushing = Pushing()
    pushing.service.latency_seconds = 1000.0
    process = pushing.push(
        posts(1000), Settings(SMALL, concurrency=2), chunk_lines=3, killed_at=10.0
    )
    assert 20 <= process.source.handed_over <= 20 + 2 * 4 + 3


def test_no_more_is_read_than_the_window_holds_bytes() -> None:
    pushing = Pushing()
    pushing.service.latency_seconds = 1000.0
    large = [post(f"a{number}", data="x" * 1000) for number in range(1000)]
    limits = replace(SMALL, window_max=10_000, window_bytes_max=20_000)
    process = pushing.push(large, Settings(limits, concurrency=2), chunk_lines=3, killed_at=10.0)
    assert 15 <= process.source.handed_over <= 24


def test_no_more_is_read_than_the_retry_queue_takes_and_reading_goes_on_with_its_room() -> None:
    pushing = Pushing()
    pushing.service.always("post", not_now)

    async def mend(process: Process) -> None:
        await anyio.sleep(100)
        assert 50 <= process.source.handed_over <= 50 + 20 + 2 * 4 + 3
        pushing.service.always("post", None)

    limits = replace(SMALL, max_attempts=1_000_000)
    process = pushing.push(
        posts(400), Settings(limits, concurrency=2), chunk_lines=3, meanwhile=mend
    )
    assert process.error is None
    assert pushing.counts() == (400, 0, 0, 0)


def test_no_more_requests_are_under_way_than_allowed() -> None:
    pushing = Pushing(Service(latency_seconds=1.0))
    pushing.push(posts(200), Settings(concurrency=3))
    assert pushing.service.most_under_way == 3


def test_bodies_of_what_is_queued_are_not_kept_in_memory() -> None:
    pushing = Pushing()
    pushing.service.always("post", not_now)

    async def look(process: Process) -> None:
        await anyio.sleep(1)
        backlog = process.engine.backlog
        assert (backlog.window_count, backlog.window_bytes) == (0, 0)
        assert backlog.queue_count == 40
        pushing.service.always("post", None)

    pushing.push([post(f"a{number}", data="x" * 500) for number in range(40)], meanwhile=look)
    assert pushing.service.held["i", "a7"] == holds("x" * 500)


# --- order ----------------------------------------------------------------------------


def test_a_successor_leaves_only_when_the_end_of_its_predecessor_is_durable() -> None:
    pushing = Pushing()
    pushing.time.thread_seconds = 2.0
    pushing.push([post("a"), patch("a", data=1), patch("a", data=2), delete("a")])
    times = [asked.at for asked in pushing.service.asked]
    assert pushing.service.kinds() == ["post", "overwrite", "overwrite", "delete"]
    assert all(later - earlier >= 2.0 for earlier, later in pairwise(times))


def test_changes_of_an_annotation_take_effect_in_order_over_failures_and_kills() -> None:
    lines = [
        post("a"),
        post("b"),
        patch("a", data=1),
        delete_all(),
        post("a"),
        patch("a", data=2),
        patch("b", data=1),
    ]
    for killed_at in (0.03, 0.06, 0.2, 0.4, 0.9, 1.7, 3.0, 6.0):
        pushing = Pushing()
        pushing.service.plays("post", BROKEN, LOST)
        pushing.service.plays("overwrite", BROKEN)
        pushing.service.plays("delete_input", LOST)
        pushing.push(lines, killed_at=killed_at)
        process = pushing.push(lines)
        assert process.error is None
        assert pushing.service.held == {("i", "a"): holds(2)}, killed_at
        assert [letter.line for letter in pushing.letters] == [7]


def test_what_waits_from_an_earlier_run_goes_before_what_is_read_now() -> None:
    pushing = Pushing()
    pushing.service.always("post", not_now)
    pushing.push([post("a"), post("b")], killed_at=0.5)
    assert pushing.counts()[3] == 2
    pushing.service.always("post", None)
    process = pushing.push([post("a"), post("b"), patch("a", data=1), delete("b")])
    assert process.error is None
    assert pushing.service.held == {("i", "a"): holds(1)}


def test_batches_that_come_close_together_share_a_frame() -> None:
    """Each frame costs a sync of the disk."""
    pushing = Pushing()
    pushing.service.latency_seconds = 0.1
    pushing.push(posts(2000), Settings(requests_per_second=1000.0, concurrency=64))
    assert pushing.counts()[0] == 2000
    assert len(pushing.journal.commits) < len(pushing.service.asked) / 10
