"""All kinds of sources, read at once by the intake: none holds up another one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from syncer.core.backoff import Backoff
from syncer.core.change import Chunk, Mark
from syncer.core.events import Event, SourceFailed
from syncer.core.ports.push import Source
from syncer.engine.intake import Intake
from tests.support.cases import first_quick
from tests.support.lines import post
from tests.support.sources import EACH_ONCE, LINES, SourceKind
from tests.support.virtual import VirtualTime

MANY = LINES * 15
"""More than a file's buffer holds."""


class Together:
    """One source of each kind, and what came of them."""

    def __init__(self, folder: Path) -> None:
        self.kinds = [
            kind(folder / kind.__name__, MANY, 10 * at)
            for at, kind in enumerate(EACH_ONCE, start=1)
        ]
        self.sources: list[Source] = [kind.open() for kind in self.kinds]
        self.events: list[Event] = []
        self.came: Counter[SourceKind] = Counter()
        """Lines, by kind."""
        self.ids: list[str] = []
        self.on_chunk: Callable[[SourceKind], None] = lambda _: None
        again = Backoff(100.0, 100.0, random.Random(1))
        self.intake = Intake(self.sources, self.events.append, again)

    async def run(self, beside: Callable[[], Awaitable[None]]) -> None:
        """Read until this has ended: some of them never do."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read)
            tasks.start_soon(self.intake.acknowledge_all, self._fail)
            await beside()
            tasks.cancel_scope.cancel()
        for source in self.sources:
            await source.close()

    def is_read(self) -> bool:
        return all(self.came[kind] >= len(MANY) for kind in self.kinds)

    async def _read(self) -> None:
        await self.intake.read_all(self._has_room, self._take, self._fail)

    async def _has_room(self) -> bool:
        await anyio.lowlevel.checkpoint()
        return True

    def _take(self, chunk: Chunk) -> None:
        kind = self.kinds[chunk.log // 10 - 1]
        self.came[kind] += chunk.count
        self.ids += [change.id for change in chunk.changes]
        self.intake.acknowledge(chunk.log, chunk.end)
        self.on_chunk(kind)

    def _fail(self, error: Exception) -> None:
        raise AssertionError from error


@pytest.fixture
def together(tmp_path: Path) -> Together:
    return Together(tmp_path)


@pytest.mark.parametrize(
    "number",
    first_quick(range(len(EACH_ONCE)), 2),
    ids=[kind.__name__ for kind in EACH_ONCE],
)
def test_one_fails_and_the_others_go_on_and_in_the_end_all_of_it_is_read_once(
    together: Together, number: int
) -> None:
    one = together.kinds[number]

    def fail(kind: SourceKind) -> None:
        if kind is one and together.came[one] < 20:
            one.fail_once()

    together.on_chunk = fail

    async def beside() -> None:
        await anyio.sleep(0.5)
        assert all(together.came[kind] == len(MANY) for kind in together.kinds if kind is not one)
        assert together.came[one] < len(MANY)
        await anyio.sleep(5000)

    VirtualTime().run(lambda: together.run(beside))
    failed = {event.source for event in together.events if isinstance(event, SourceFailed)}
    assert failed == (set() if one.parks else {together.sources[number].label})
    assert together.came == {kind: len(MANY) for kind in together.kinds}


@pytest.mark.parametrize(
    "number",
    first_quick(range(len(EACH_ONCE)), 2),
    ids=[kind.__name__ for kind in EACH_ONCE],
)
def test_an_acknowledgement_hangs_and_all_is_read_and_the_others_are_told(
    together: Together, number: int
) -> None:
    told: set[int] = set()

    for at, source in enumerate(together.sources):

        async def ack(log: int, mark: Mark, at: int = at) -> None:
            if at == number:
                await anyio.sleep_forever()
            told.add(at)

        source.ack = ack  # type: ignore[method-assign]

    async def beside() -> None:
        await anyio.sleep(60)
        assert together.is_read()

    VirtualTime().run(lambda: together.run(beside))
    assert told == set(range(len(EACH_ONCE))) - {number}


def test_a_line_that_comes_late_is_read_wherever_lines_can_come(together: Together) -> None:
    async def beside() -> None:
        await anyio.sleep(60)
        assert together.is_read()
        for at, kind in enumerate(together.kinds):
            if kind.grows:
                await kind.add(post(f"late-{at}"))
        await anyio.sleep(60)

    VirtualTime().run(lambda: together.run(beside))
    late = [id for id in together.ids if id.startswith("late")]
    assert sorted(late) == [f"late-{at}" for at, kind in enumerate(together.kinds) if kind.grows]
