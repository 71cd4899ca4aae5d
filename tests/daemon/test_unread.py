"""Rows that wait in their table unread count as a lag, whatever keeps them from being
read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from syncer.config.models import SqliteSource
from syncer.daemon.followed import UNREAD_SECONDS, Followed
from syncer.daemon.lane import Lane
from syncer.daemon.metrics import Metrics
from syncer.daemon.sources import make_sources
from syncer.daemon.status import SourceStatus
from syncer.engine.push import Push
from syncer.errors import SyncerError
from syncer.jobs.push_parts import PushParts
from syncer.sources.folder_events import explain_silence, watch_folders
from syncer.sources.outbox_table import OutboxRow
from syncer.sources.sqlite import SqliteTable
from syncer.sources.watching import Watcher
from tests.daemon.following import Following
from tests.support.lanes import App
from tests.support.lines import post
from tests.support.outbox import TABLE, make_outbox, writing


class OfTable(Following):
    """A lane that follows a table."""

    def __init__(self, folder: Path) -> None:
        super().__init__(App(folder / "state"))
        self.path = folder / "labels.db"
        make_outbox(self.path)

    def sources(self, parts: PushParts, engine: Callable[[], Push]) -> Sequence[Followed]:
        table = SqliteSource(
            name="labels", kind="sqlite", lane="prod", path=str(self.path), table=TABLE
        )
        watcher = Watcher(watch_folders, explain_silence)
        return make_sources([table], lambda _: None, watcher, parts, engine)

    def insert(self, line: bytes, seconds_ago: float) -> None:
        at = datetime.fromtimestamp(time.time() - seconds_ago, UTC).isoformat()
        with writing(self.path) as connection:
            sql = f"insert into {TABLE} (change, created_at) values (?, ?)"
            connection.execute(sql, (line.decode(), at))


async def look(lane: Lane) -> SourceStatus:
    await lane.status()
    (source,) = (one for one in lane.sources() if one.name == "labels")
    return source


@pytest.fixture
def table(tmp_path: Path) -> OfTable:
    return OfTable(tmp_path)


def test_rows_of_a_source_that_is_parked_wait_and_are_read_once_it_goes_on(
    table: OfTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[SourceStatus]()

    async def fail(*_: object) -> list[OutboxRow]:
        raise SyncerError("the disk is gone")

    async def then(lane: Lane) -> None:
        await anyio.sleep(5)
        monkeypatch.setattr(SqliteTable, "list_to_do", fail)
        table.insert(post("a"), seconds_ago=100)
        table.insert(post("b"), seconds_ago=50)
        await anyio.sleep(2 * UNREAD_SECONDS)
        seen.append(await look(lane))
        monkeypatch.undo()
        await anyio.sleep(60)
        seen.append(await look(lane))

    table.run(then)
    parked, after = seen
    assert (parked.state, parked.reason) == ("parked", "the disk is gone")
    assert parked.lag_seconds == pytest.approx(100 + 2 * UNREAD_SECONDS, abs=1)
    assert "oldest_unread_timestamp_seconds{" in Metrics().render([], [parked]).decode()
    assert (after.state, after.lag_seconds, after.delays.oldest_unread_at) == ("following", 0, None)
    assert len(table.app.held) == 2


def test_rows_that_are_read_at_once_are_not_shown_as_waiting(table: OfTable) -> None:
    seen = list[float | None]()

    async def then(lane: Lane) -> None:
        await anyio.sleep(UNREAD_SECONDS)
        for n in range(50):
            table.insert(post(f"a{n}"), seconds_ago=0)
            await anyio.sleep(1.1)
            seen.append((await look(lane)).delays.oldest_unread_at)

    table.run(then)
    assert len(table.app.held) == 50
    assert set(seen) == {None}


def test_what_was_seen_last_holds_while_the_lane_pushes_nothing(table: OfTable) -> None:
    seen = list[SourceStatus]()

    async def fail(*_: object) -> list[OutboxRow]:
        raise SyncerError("the disk is gone")

    async def then(lane: Lane) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SqliteTable, "list_to_do", fail)
            table.insert(post("a"), seconds_ago=100)
            await anyio.sleep(2 * UNREAD_SECONDS)
            lane.drain()
            await anyio.sleep(100)
        seen.append(await look(lane))

    table.run(then)
    assert seen[0].state == "stopped"
    assert seen[0].lag_seconds == pytest.approx(200 + 2 * UNREAD_SECONDS, abs=1)
