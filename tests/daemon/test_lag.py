"""How long changes take from where they were written to the remote, and how long the
oldest one waits.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from syncer.core.batch import Settlement
from syncer.core.change import Change, Chunk, Mark
from syncer.core.entry import Entry
from syncer.daemon.lag import STAGES, Delays, Lag, Stage, bounds_of
from tests.support.virtual import VirtualTime

T0 = 1_750_000_000.0
"""The wall clock at the beginning of virtual time."""
BOUNDS = (1.0, 10.0, 100.0)


def change(index: int) -> Change:
    return Change(1, index, index + 1, "post", "i", f"a{index}", b"{}")


def chunk(start: int, end: int, written_at: float = 0.0) -> Chunk:
    changes = [change(index) for index in range(start, end)]
    return Chunk(1, changes, [], [], Mark(end, end * 3), written_at=written_at)


def entries(*indexes: int) -> list[Entry]:
    return [Entry(change(index), 2) for index in indexes]


class Story:
    """A source of two chunks, and what happens to its changes."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.time.run(self._begin)

    async def _begin(self) -> bool:
        self.lag = Lag(BOUNDS)
        return True

    def at(self, seconds: float, what: str, of: Chunk | Sequence[int] = ()) -> Delays:
        """Something happens then; what is told afterwards."""

        async def main() -> Delays:
            await anyio.sleep(seconds - self.time.now)
            now = T0 + seconds
            if isinstance(of, Chunk):
                self.lag.note_read("labels/app.jsonl", of, now)
            elif what == "sent":
                self.lag.note_sent([change(index) for index in of], now)
            elif what:
                settlement = Settlement()
                getattr(settlement, what).extend(entries(*of))
                self.lag.note_settled(settlement, now)
            return self.lag.delays("labels")

        found = self.time.run(main)
        assert found is not None
        return found


def within(delays: Delays, stage: Stage | None = None) -> list[int]:
    """The counts up to each bound, of the whole way or of a stage."""
    durations = delays.stages[stage] if stage else delays.whole
    assert durations is not None
    return [count for _, count in durations.buckets()]


def test_a_change_is_timed_from_where_it_was_written_by_stages_and_as_a_whole() -> None:
    story = Story()
    story.at(20, "read", chunk(0, 2, written_at=T0 + 15))
    story.at(20.5, "sent", [0, 1])
    delays = story.at(42, "applied", [0, 1])
    assert within(delays) == [0, 0, 2, 2]
    assert [within(delays, stage) for stage in STAGES] == [
        [0, 2, 2, 2],
        [2, 2, 2, 2],
        [0, 0, 2, 2],
    ]
    assert delays.whole is not None
    assert delays.whole.sum_seconds == pytest.approx(54)


def test_the_oldest_change_that_is_not_over_is_known_by_when_it_was_written() -> None:
    story = Story()
    story.at(1, "read", chunk(0, 2, written_at=T0 + 0.5))
    delays = story.at(2, "read", chunk(2, 3, written_at=T0 + 1.5))
    assert (delays.oldest_unsent_at, delays.oldest_unapplied_at) == (T0 + 0.5, T0 + 0.5)
    delays = story.at(3, "sent", [0])
    assert (delays.oldest_unsent_at, delays.oldest_unapplied_at) == (T0 + 1.5, T0 + 0.5)
    story.at(4, "applied", [0])
    assert story.at(5, "queued", [1]).oldest_unapplied_at == T0 + 0.5
    assert story.at(6, "dead", [1]).oldest_unapplied_at == T0 + 1.5
    delays = story.at(7, "applied", [2])
    assert (delays.oldest_unsent_at, delays.oldest_unapplied_at) == (None, None)


def test_what_was_written_at_an_unknown_time_counts_from_when_it_was_read() -> None:
    story = Story()
    assert story.at(30, "read", chunk(0, 1)).oldest_unapplied_at == pytest.approx(T0 + 30)
    assert within(story.at(30.5, "applied", [0])) == [1, 1, 1, 1]


def test_a_time_in_the_future_is_none() -> None:
    story = Story()
    story.at(1, "read", chunk(0, 1, written_at=T0 + 1e6))
    assert within(story.at(1.5, "applied", [0])) == [1, 1, 1, 1]


def test_changes_that_an_earlier_run_read_are_passed_over() -> None:
    story = Story()
    story.at(1, "read", chunk(5, 6))
    assert within(story.at(2, "applied", [3, 7])) == [0, 0, 0, 0]


def test_what_is_read_again_by_another_push_waits_once() -> None:
    story = Story()
    story.at(1, "read", chunk(0, 2))
    story.lag.begin()
    story.at(2, "read", chunk(0, 2))
    assert story.at(3, "applied", [0, 1]).oldest_unapplied_at is None


def test_a_thousand_changes_that_fail_hold_up_the_books_of_no_other() -> None:
    story = Story()
    for index in range(200):
        story.at(index, "read", chunk(index, index + 1))
        if index:
            story.at(index, "applied", [index])
    assert len(story.lag._logs[1].portions) == 1


def test_a_log_whose_changes_are_over_leaves_nothing_in_the_books() -> None:
    """There are ever more logs: each rotation brings another one."""
    story = Story()
    story.at(1, "read", chunk(0, 2))
    story.at(2, "applied", [0])
    story.at(3, "dead", [1])
    story.at(4, "read", chunk(2, 2))
    assert not story.lag._logs


def test_the_buckets_hold_what_a_change_may_take_and_three_times_that() -> None:
    """0.2 s of linger, a tenth of a round trip, a fifteenth of the rate, 20 ms."""
    assert {0.387, 1.16} <= set(bounds_of(0.2, 15))
    assert {0.32, 0.96} <= set(bounds_of(0.2, "auto"))
