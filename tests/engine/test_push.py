"""A push lane at work: when it reads, sends, writes down and tells its source, in
virtual time, against the fakes of its ports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import anyio
import anyio.lowlevel
import pytest

from syncer.core.events import ChangeDied, ChangesSettled, DestinationChanged
from syncer.core.facts import Destination, Queued, Settled, Unqueued
from syncer.core.outcome import Answered, Halt, Refused, Retriable
from syncer.engine.push import LETTERS_BYTES_MAX
from syncer.errors import CredentialsRefused, StateError, Stopped, SyncerError
from tests.engine.answers import BROKEN, not_now
from tests.engine.answers import posts_of_inputs as posts
from tests.support.fakes import LOST, UNREACHED, Service, busy
from tests.support.lines import delete, holds, patch, post
from tests.support.pushing import LOG, Process, Pushing, Settings

SLOWLY = Settings(requests_per_second=5.0, concurrency=1)


def test_a_run_is_complete_once_all_was_read_and_settled_and_not_where_it_was_drained() -> None:
    async def drain(process: Process) -> None:
        await anyio.sleep(1)
        process.engine.drain()

    assert Pushing().push(posts(8)).engine.complete
    drained = Pushing().push(posts(100), SLOWLY, meanwhile=drain)
    assert drained.error is None
    assert not drained.engine.complete


# --- what the source is told ----------------------------------------------------------


def test_a_source_is_told_of_nothing_that_is_only_read() -> None:
    pushing = Pushing()

    async def look(process: Process) -> None:
        free = pushing.service.hold("post")
        await anyio.sleep(60)
        assert process.source.handed_over == 40
        assert process.source.acked == []
        free()

    process = pushing.push(posts(40), chunk_lines=4, meanwhile=look)
    assert [mark.index for _, mark in process.source.acked][-1] == 40


def test_a_source_is_told_only_of_what_is_durable_and_in_order() -> None:
    pushing = Pushing()
    pushing.time.thread_seconds = 0.3  # a slow disk
    pushing.push(posts(100), replace(SLOWLY, requests_per_second=20.0), chunk_lines=5)
    settled: set[int] = set()
    acked = 0
    for what, told in pushing.order:
        if what == "commit":
            settled |= {
                index
                for fact in told
                if isinstance(fact, Settled)
                for index in range(fact.start, fact.start + fact.count)
            }
        elif what == "ack":
            assert set(range(told)) <= settled
            assert told > acked
            acked = told
    assert acked == 100


def test_a_source_is_not_told_of_what_could_not_be_written_down() -> None:
    pushing = Pushing()

    async def break_(process: Process) -> None:
        await anyio.sleep(1)
        pushing.journal.fails = StateError("the disk is full")

    process = pushing.push(posts(100), SLOWLY, chunk_lines=1, meanwhile=break_)
    assert isinstance(process.error, StateError)
    durable = pushing.counts()[0]
    assert 0 < durable < len(pushing.service.applied)
    assert process.source.acked[-1][1].index == durable


def test_bad_lines_alone_are_written_down_and_the_source_is_told() -> None:
    pushing = Pushing()
    process = pushing.push([b"no JSON", b"[]", b'{"id":"c","input_id":"i","input_level":true}'])
    assert pushing.counts() == (0, 1, 2, 0)
    assert [letter.line for letter in pushing.letters] == [1, 2]
    assert [mark.index for _, mark in process.source.acked] == [3]
    assert pushing.service.asked == []


def test_a_bad_line_is_written_down_at_once_and_not_when_something_else_is_settled() -> None:
    pushing = Pushing()
    pushing.service.latency_seconds = 1000.0
    pushing.push([b"no JSON", post("a")], killed_at=1.0)
    assert [letter.line for letter in pushing.letters] == [1]


def test_the_source_waits_while_letters_wait_for_a_slow_disk() -> None:
    """Whatever their number: what is in memory are those on their way to the disk and
    those for the next frame.
    """
    pushing = Pushing()
    pushing.time.thread_seconds = 10.0
    bad = [b"no JSON" + b" " * 4096] * 10_000
    read: list[int] = []

    async def look(process: Process) -> None:
        while True:
            durable = sum(pushing.counts())
            read.append(process.source.handed_over - durable)
            await anyio.sleep(5)

    pushing.push(bad, chunk_lines=50, meanwhile=look)
    assert pushing.counts() == (0, 0, 10_000, 0)
    assert max(read) < 2 * LETTERS_BYTES_MAX / 4096 + 100


def test_a_log_is_acknowledged_while_one_change_of_it_fails_again_and_again() -> None:
    """What failed once has left the window, with its body: nobody waits for it."""
    pushing = Pushing()
    pushing.service.always("merge", BROKEN)
    pushing.time.run(lambda: anyio.lowlevel.checkpoint())
    process = pushing.push(
        [post("a"), patch("a", action="merge"), *posts(30)],
        replace(SLOWLY, requests_per_second=50.0),
        killed_at=2.0,
    )
    assert not process.came_to_its_end
    assert process.source.acked[-1][1].index == 32
    assert pushing.counts() == (31, 0, 0, 1)


# --- what is posted is known before it counts -----------------------------------------


def test_that_an_annotation_was_created_is_noted_before_its_post_is_written_down_as_done() -> None:
    """Else a crash between the two would make the patches behind it dead letters."""
    pushing = Pushing()
    pushing.push(posts(50), chunk_lines=7)
    noted: set[object] = set()
    lines = {index: (f"i{index // 3}", f"a{index}") for index in range(50)}
    for what, told in pushing.order:
        if what == "creating":
            noted |= set(told)
        elif what == "commit":
            done = [fact for fact in told if isinstance(fact, Settled) and fact.place == "applied"]
            assert {
                lines[index]
                for fact in done
                for index in range(fact.start, fact.start + fact.count)
            } <= noted
    assert len(noted) == 50


def test_only_posts_that_were_applied_are_noted_as_created() -> None:
    pushing = Pushing()
    pushing.service.held["i", "b"] = holds("before")
    pushing.service.always("post", Answered([Retriable("not now")]))
    pushing.push([patch("b"), post("a")])
    assert [letter.id for letter in pushing.letters] == ["a"]
    assert not pushing.created.keys


# --- pauses ---------------------------------------------------------------------------


def test_a_pause_is_written_down_at_once_though_nothing_is_settled() -> None:
    pushing = Pushing()
    pushing.service.always("post", busy(90))
    pushing.push(posts(3), killed_at=0.5)
    (pause,) = pushing.journal.facts(Destination)
    assert isinstance(pause, Destination)
    assert (pause.state, pause.reason) == ("paused", "throttled by the remote")


def test_a_pause_told_to_a_look_up_is_written_down_while_another_request_is_under_way() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.always("look-up", busy(90))
    pushing.service.hold("delete")
    pushing.push([post("a"), delete("b")], killed_at=10.0)
    assert [fact.state for fact in pushing.journal.facts(Destination)] == ["paused"]  # type: ignore[union-attr]


def test_a_pause_outlives_the_process_that_was_told_it() -> None:
    pushing = Pushing()
    pushing.service.plays("post", busy(90))
    pushing.push(posts(3), killed_at=1.0)
    told_at = pushing.service.asked[0].at + pushing.service.latency_seconds
    process = pushing.push(posts(3))
    assert process.error is None
    assert pushing.service.asked[1].at >= told_at + 90.0 - 1e-6
    assert pushing.service.asked[1].at < told_at + 91.0


def test_that_a_pause_is_over_is_written_down_with_the_next_success() -> None:
    pushing = Pushing()
    pushing.service.plays("post", busy(5))
    process = pushing.push(posts(3))
    assert [fact.state for fact in pushing.journal.facts(Destination)] == ["paused", "open"]  # type: ignore[union-attr]
    assert [event.state for event in process.events if isinstance(event, DestinationChanged)] == [
        "paused",
        "open",
    ]


def test_that_an_outage_is_on_is_written_down_while_it_lasts() -> None:
    pushing = Pushing()
    pushing.service.always("post", UNREACHED)
    pushing.push(posts(3), killed_at=10.0)
    assert pushing.journal.ledger.destination.state == "probing"


# --- the end --------------------------------------------------------------------------


def test_an_interrupted_run_ends_what_is_under_way_writes_it_down_and_asks_nothing_more() -> None:
    pushing = Pushing(Service(latency_seconds=2.0))

    async def interrupt(process: Process) -> None:
        await anyio.sleep(1.0)
        process.engine.drain()

    process = pushing.push(posts(100), Settings(concurrency=2), chunk_lines=10, meanwhile=interrupt)
    assert process.error is None
    assert process.came_to_its_end
    assert len(pushing.service.asked) == 2
    assert pushing.counts() == (8, 0, 0, 0)
    assert pushing.time.now < 3.0


def test_an_interrupted_run_does_not_wait_for_a_pause_to_end() -> None:
    pushing = Pushing()
    pushing.service.always("post", busy(300))

    async def interrupt(process: Process) -> None:
        await anyio.sleep(10.0)
        process.engine.drain()

    process = pushing.push(posts(10), meanwhile=interrupt)
    assert process.came_to_its_end
    assert pushing.time.now < 11.0


def test_an_interrupted_run_does_not_wait_for_the_turn_of_what_failed() -> None:
    pushing = Pushing()
    pushing.service.always("post", not_now)

    async def interrupt(process: Process) -> None:
        await anyio.sleep(1.0)
        process.engine.drain()

    process = pushing.push(posts(4), Settings(backoff=(1e6, 1e6)), meanwhile=interrupt)
    assert process.came_to_its_end
    assert pushing.time.now < 2.0
    assert pushing.counts() == (0, 0, 0, 4)


def test_what_is_settled_is_written_down_though_the_run_is_cancelled_awaiting_a_thread() -> None:
    pushing = Pushing()

    async def all_threads_are_busy(work: Callable[..., object], *arguments: object) -> object:
        await anyio.sleep(5.0)
        return work(*arguments)

    async def cancel(_: Process) -> None:
        with mock.patch("anyio.to_thread.run_sync", all_threads_are_busy):
            await anyio.sleep(1.0)
        raise Interrupted

    with pytest.raises(ExceptionGroup):
        pushing.push(posts(4), meanwhile=cancel)
    assert pushing.counts() == (4, 0, 0, 0)


class Interrupted(Exception):
    """Whoever runs the lane has to do something else."""


def test_where_reading_fails_what_was_read_is_finished_first() -> None:
    pushing = Pushing()
    process = pushing.push(posts(10), SLOWLY, error=SyncerError("log.jsonl: cannot be read"))
    assert str(process.error) == "log.jsonl: cannot be read"
    assert pushing.counts() == (10, 0, 0, 0)
    assert process.source.acked[-1][1].index == 10


def test_refused_credentials_end_the_run_and_lose_nothing() -> None:
    pushing = Pushing()
    pushing.service.plays("post", Halt("who are you", 11009, "credentials"))
    process = pushing.push(posts(20))
    assert isinstance(process.error, CredentialsRefused)
    assert pushing.letters == []
    assert pushing.push(posts(20)).error is None
    assert pushing.counts() == (20, 0, 0, 0)


def test_nothing_more_is_sent_after_refused_credentials() -> None:
    pushing = Pushing()
    pushing.service.always("post", Halt("who are you", 11009, "credentials"))
    pushing.push(posts(400), Settings(concurrency=2))
    assert len(pushing.service.asked) <= 2


def test_of_several_reasons_to_stop_the_first_is_told() -> None:
    pushing = Pushing()

    async def twice(process: Process) -> None:
        process.engine.turns.end(Stopped("first"))
        process.engine.turns.end(Stopped("second"))
        process.engine.drain()

    assert str(pushing.push(posts(3), meanwhile=twice).error) == "first"


def test_where_nothing_succeeds_the_run_gives_up_keeps_all_and_goes_on_later() -> None:
    pushing = Pushing()
    for kind in ("post", "inputs", "look-up"):
        pushing.service.always(kind, UNREACHED)
    process = pushing.push(posts(10))
    assert isinstance(process.error, Stopped)
    assert 600 <= pushing.time.now < 700
    assert pushing.letters == []
    for kind in ("post", "inputs", "look-up"):
        pushing.service.always(kind, None)
    assert pushing.push(posts(10)).error is None
    assert pushing.counts() == (10, 0, 0, 0)


# --- what is told ---------------------------------------------------------------------


def test_an_observer_is_told_each_end_once_and_only_when_it_is_durable() -> None:
    pushing = Pushing()
    pushing.time.thread_seconds = 1.0
    pushing.service.plays("post", BROKEN)

    async def look(process: Process) -> None:
        while True:
            told = sum(
                event.applied for event in process.events if isinstance(event, ChangesSettled)
            )
            assert told <= pushing.counts()[0]
            await anyio.sleep(0.01)

    process = pushing.push([*posts(30), b"bad", patch("nobody's")], meanwhile=look)
    settled = [event for event in process.events if isinstance(event, ChangesSettled)]
    assert sum(event.applied for event in settled) == 30
    assert sum(event.queued for event in settled) == 4
    assert [event.letter.line for event in process.events if isinstance(event, ChangeDied)] == [
        31,
        32,
    ]


def test_what_a_run_read_is_counted_without_what_earlier_runs_settled() -> None:
    pushing = Pushing()
    pushing.push(posts(10))
    process = pushing.push([*posts(12), b"bad"])
    assert process.engine.intake.read == {LOG: 3}


def test_a_letter_of_a_change_that_waited_holds_its_line() -> None:
    pushing = Pushing()
    pushing.service.plays("post", BROKEN, Refused("no", 21200))
    line = post("a", data="as it was written")
    pushing.push([line])
    (letter,) = pushing.letters
    assert letter.change == line.decode()
    assert pushing.journal.facts(Queued, Unqueued)[-1] == Unqueued(1, "dead")
