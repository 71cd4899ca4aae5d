"""Sources that are read at once: turns, failures, and what they are told."""

from __future__ import annotations

import random
from collections.abc import Sequence

import anyio
import pytest

from syncer.core.backoff import Backoff
from syncer.core.change import Chunk, Mark
from syncer.core.events import Event, SourceFailed, SourceRecovered
from syncer.engine.intake import Intake
from syncer.errors import SyncerError
from tests.support.virtual import VirtualTime

AGAIN = (1.0, 8.0)
BROKEN = SyncerError("it cannot be read")


class Counting:
    """A source of numbered chunks that fails, waits, and is acknowledged as it is told.

    `ends_after`: that many chunks; `fails_before`: the chunks before which it fails
    once each; `late`: before it has this chunk, there is nothing for ten seconds.
    """

    def __init__(
        self,
        log: int,
        ends_after: int = 3,
        fails_before: Sequence[int] = (),
        late: int | None = None,
    ) -> None:
        self.label = f"source {log}"
        self.log = log
        self.acked: list[int] = []
        self.ack_fails = 0
        self.ack_hangs: anyio.Event | None = None
        self._ends_after = ends_after
        self._failures = list(fails_before)
        self._late = late
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at == self._ends_after

    async def read(self) -> Chunk | None:
        await anyio.lowlevel.checkpoint()
        if self._failures and self._failures[0] == self._at:
            self._failures.pop(0)
            raise BROKEN
        if self.ended or self._late == self._at:
            return None
        self._at += 1
        return Chunk(self.log, [], [], [], Mark(self._at, self._at, self._at))

    async def wait(self) -> None:
        await anyio.sleep(10)
        self._late = None

    async def ack(self, log: int, mark: Mark) -> None:
        if self.ack_hangs is not None:
            await self.ack_hangs.wait()
        if self.ack_fails:
            self.ack_fails -= 1
            raise BROKEN
        self.acked.append(mark.index)

    async def close(self) -> None:
        pass


class Reading:
    """Sources that are read to their ends; what came of it."""

    def __init__(self, *sources: Counting, again: tuple[float, float] | None = AGAIN) -> None:
        self.events: list[Event] = []
        self.came: list[int] = []
        """The logs of the chunks, in order."""
        self.errors: list[SyncerError] = []
        self.room = True
        self.all_ended = False
        backoff = None if again is None else Backoff(*again, random.Random(1))
        self.intake = Intake(sources, self.events.append, backoff)

    async def run(self) -> Reading:
        """Read."""
        self.all_ended = await self.intake.read_all(self.has_room, self.take, self.errors.append)
        return self

    async def has_room(self) -> bool:
        await anyio.lowlevel.checkpoint()
        return self.room

    def take(self, chunk: Chunk) -> None:
        self.came.append(chunk.log)


def read(*sources: Counting, again: tuple[float, float] | None = AGAIN) -> Reading:
    """What comes of these, in virtual time."""

    async def main() -> Reading:
        return await Reading(*sources, again=again).run()

    result = VirtualTime().run(main)
    assert result is not None
    return result


def test_sources_take_turns() -> None:
    assert read(Counting(1, 3), Counting(2, 3)).came == [1, 2, 1, 2, 1, 2]


def test_all_of_a_source_is_read_though_another_one_has_nothing_for_a_while() -> None:
    result = read(Counting(1, 2, late=1), Counting(2, 3))
    assert result.came == [1, 2, 2, 2, 1]
    assert result.all_ended


def test_one_source_fails_and_five_go_on() -> None:
    result = read(
        Counting(1, 1, fails_before=[0, 0, 0]), *(Counting(log, 2) for log in range(2, 7))
    )
    assert result.came == [2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 1]
    assert (result.errors, result.all_ended) == ([], True)


def test_each_failure_is_an_event_with_the_time_until_the_next_try_and_so_is_the_recovery() -> None:
    *failures, recovery = read(Counting(1, 2, fails_before=[1, 1])).events
    assert [
        (type(event), event.source) for event in failures if isinstance(event, SourceFailed)
    ] == [(SourceFailed, "source 1")] * 2
    assert all(
        0 <= event.again_seconds <= 2 for event in failures if isinstance(event, SourceFailed)
    )
    assert recovery == SourceRecovered("source 1")


def test_a_source_that_is_not_tried_again_is_given_up_and_the_others_are_read_to_their_ends() -> (
    None
):
    result = read(Counting(1, 2, fails_before=[1]), Counting(2, 3), again=None)
    assert sorted(result.came) == [1, 2, 2, 2]
    assert (result.errors, result.all_ended, result.events) == ([BROKEN], False, [])


def test_where_nothing_more_may_come_reading_ends_before_the_source_does() -> None:
    async def main() -> Reading:
        reading = Reading(Counting(1))
        reading.room = False
        return await reading.run()

    result = VirtualTime().run(main)
    assert result is not None
    assert (result.came, result.all_ended) == ([], False)


def test_what_was_taken_is_counted_by_log() -> None:
    assert read(Counting(1, 2), Counting(2, 1)).intake.read == {1: 0, 2: 0}


# --- acknowledgements -----------------------------------------------------------------


async def acknowledged(
    reading: Reading, marks: Sequence[tuple[int, int]], *, seconds_between: float = 1.0
) -> None:
    """All is read; then these marks are acknowledged, one after the other."""
    await reading.run()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reading.intake.acknowledge_all, reading.errors.append)
        for log, index in marks:
            reading.intake.acknowledge(log, Mark(index, index, index))
            await anyio.sleep(seconds_between)
        reading.intake.close()


def test_an_acknowledgement_that_hangs_holds_up_no_other_source() -> None:
    slow, quick = Counting(1), Counting(2)

    async def main() -> None:
        slow.ack_hangs = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(acknowledged, Reading(slow, quick), [(1, 1), (2, 1), (1, 2), (2, 2)])
            await anyio.sleep(10)
            assert (slow.acked, quick.acked) == ([], [1, 2])
            slow.ack_hangs.set()

    VirtualTime().run(main)
    assert slow.acked == [1, 2]


def test_of_marks_that_came_while_a_source_hung_it_is_told_the_newest() -> None:
    source = Counting(1)

    async def main() -> None:
        source.ack_hangs = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(acknowledged, Reading(source), [(1, 1), (1, 2), (1, 3)])
            await anyio.sleep(10)
            source.ack_hangs.set()

    VirtualTime().run(main)
    assert source.acked == [1, 3]


def test_a_mark_that_could_not_be_told_is_told_again_later() -> None:
    source = Counting(1)
    source.ack_fails = 2

    async def main() -> Reading:
        reading = Reading(source)
        await acknowledged(reading, [(1, 1)], seconds_between=60)
        return reading

    reading = VirtualTime().run(main)
    assert reading is not None
    assert (source.acked, reading.errors) == ([1], [])
    assert [type(event) for event in reading.events] == [SourceFailed] * 2 + [SourceRecovered]


@pytest.mark.parametrize(("again", "errors"), [(AGAIN, []), (None, [BROKEN])])
def test_at_the_end_of_a_run_a_mark_is_told_once_more_and_left_to_the_next_run(
    again: tuple[float, float] | None, errors: list[SyncerError]
) -> None:
    source = Counting(1)
    source.ack_fails = 9

    async def main() -> Reading:
        reading = Reading(source, again=again)
        await acknowledged(reading, [(1, 1)], seconds_between=0)
        return reading

    reading = VirtualTime().run(main)
    assert reading is not None
    assert source.acked == []
    assert reading.errors == errors


def test_a_log_that_is_over_is_acknowledged_though_another_of_its_source_goes_on() -> None:
    source = Counting(1)
    told: list[int] = []

    async def ack(log: int, mark: Mark) -> None:
        await anyio.sleep(1)
        told.append(log)

    source.ack = ack  # type: ignore[method-assign]

    async def main() -> None:
        reading = Reading(source)
        await reading.run()
        reading.intake._by_log[2] = reading.intake._by_log[1]
        marks = [(2, 1), (1, 9), *((2, number) for number in range(2, 20))]
        await acknowledged_again(reading, marks)

    async def acknowledged_again(reading: Reading, marks: Sequence[tuple[int, int]]) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading.intake.acknowledge_all, reading.errors.append)
            for log, index in marks:
                reading.intake.acknowledge(log, Mark(index, index, index))
                await anyio.sleep(0.5)
            reading.intake.close()

    VirtualTime().run(main)
    assert told[:2] == [2, 1]
