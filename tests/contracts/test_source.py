"""What every source promises: the same changes in the same order from any of its marks,
each with its place, and then the end, or what comes later.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from syncer.core.change import BadLine, Change, Chunk, IgnoredLine, Mark
from syncer.core.ports.push import Source
from syncer.core.watermark import Run, Watermark
from syncer.errors import BadLineFound, SyncerError
from syncer.sources.followed import FollowedLogs
from tests.support.lines import post
from tests.support.sources import KINDS, LINES, LOG, UNREAD, FolderKind, SourceKind, Watermarks
from tests.support.virtual import VirtualTime

T = TypeVar("T")
Row = tuple[int, int, str, object]
VERBS = ["post", "post", "bad", "ignored", "overwrite", "delete_input"] * 3


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> SourceKind:
    made = request.param(tmp_path / "source")
    assert isinstance(made, SourceKind)
    return made


growing = pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if kind.grows],
    ids=lambda kind: kind.__name__,
    indirect=True,
)


can_be_strict = pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if not kind.parks],
    ids=lambda kind: kind.__name__,
    indirect=True,
)


def rows(chunks: Sequence[Chunk]) -> list[Row]:
    """(log, index, kind, what it says) of every line, in order of their places."""
    found: list[Row] = []
    for chunk in chunks:
        found += [
            (chunk.log, change.index, change.verb, (change.key, change.body, change.raw))
            for change in chunk.changes
        ]
        found += [(chunk.log, line.index, "bad", line.reason) for line in chunk.bad]
        found += [(chunk.log, line.index, "ignored", line.raw) for line in chunk.ignored]
    return sorted(found, key=lambda row: row[:2])


async def all_of(source: Source) -> list[Chunk]:
    """What there is now. Each mark is acknowledged, and may be once more."""
    chunks = []
    while (chunk := await source.read()) is not None:
        chunks.append(chunk)
        await source.ack(chunk.log, chunk.end)
        await source.ack(chunk.log, chunk.end)
    assert await source.read() is None
    return chunks


def read(kind: SourceKind, log: int = LOG, watermark: Watermark | None = None) -> list[Chunk]:
    """What a process reads that takes it up there."""

    async def main() -> list[Chunk]:
        source = kind.open({} if watermark is None else {log: watermark})
        chunks = await all_of(source)
        assert source.ended is not kind.grows
        await source.close()
        await source.close()
        return chunks

    return anyio.run(main)


def unacknowledged(kind: SourceKind, watermarks: Watermarks = UNREAD) -> list[Chunk]:
    """The same, but nothing of it is settled, so that it can be read again."""

    async def main() -> list[Chunk]:
        source = kind.open(watermarks)
        chunks = []
        while (chunk := await source.read()) is not None:
            chunks.append(chunk)
        await source.close()
        return chunks

    return anyio.run(main)


def test_every_line_comes_once_in_order_with_its_place(kind: SourceKind) -> None:
    chunks = read(kind)
    found = rows(chunks)
    assert [row[2] for row in found] == VERBS
    for log in {row[0] for row in found}:
        of_log = [chunk for chunk in chunks if chunk.log == log]
        indexes = [row[1] for row in found if row[0] == log]
        assert indexes == list(range(len(indexes)))
        ends = [chunk.end.index for chunk in of_log]
        assert ends == sorted(ends)
        assert ends[-1] == len(indexes)
        for chunk in of_log:
            lines: list[Change | BadLine | IgnoredLine] = [
                *chunk.changes,
                *chunk.bad,
                *chunk.ignored,
            ]
            assert {line.log for line in lines} <= {log}
            assert all(line.index < chunk.end.index for line in lines)


def test_it_says_that_it_has_ended_once_its_end_was_read_and_never_where_it_grows(
    kind: SourceKind,
) -> None:
    async def main() -> list[bool]:
        source = kind.open()
        ended = [source.ended]
        while await source.read() is not None:
            pass
        ended.append(source.ended)
        await source.close()
        return ended

    assert anyio.run(main) == [False, not kind.grows]


def test_the_same_lines_get_the_same_ids_each_time(kind: SourceKind) -> None:
    assert rows(unacknowledged(kind)) == rows(unacknowledged(kind))


def test_reading_is_taken_up_at_every_mark(kind: SourceKind) -> None:
    whole = unacknowledged(kind)
    for log, mark in [(LOG, Mark()), *((chunk.log, chunk.end) for chunk in whole)]:
        left = [row for row in rows(whole) if row[0] != log or row[1] >= mark.index]
        assert rows(unacknowledged(kind, {log: Watermark(mark)})) == left, mark


def test_what_is_settled_ahead_of_the_mark_does_not_come_again(kind: SourceKind) -> None:
    whole = unacknowledged(kind)
    first = whole[0].end
    watermark = Watermark(first)
    ahead = first.index + 1
    watermark.settle(Run(ahead, 3, 0))
    assert rows(read(kind, LOG, watermark)) == [
        row
        for row in rows(whole)
        if row[0] != LOG or (row[1] >= first.index and not ahead <= row[1] < ahead + 3)
    ]


@can_be_strict
def test_strict_stops_at_the_first_bad_line_and_says_where_each_time(kind: SourceKind) -> None:
    async def main() -> tuple[list[Chunk], str]:
        source = kind.open(strict=True)
        chunks: list[Chunk] = []

        async def to_the_error() -> str:
            try:
                while (chunk := await source.read()) is not None:
                    chunks.append(chunk)
            except BadLineFound as stopped:
                return str(stopped)
            return "it did not stop"

        message = await to_the_error()
        assert await to_the_error() == message
        assert not source.ended
        label = "a.jsonl" if isinstance(kind, FolderKind) else source.label
        await source.close()
        return chunks, message.removeprefix(label)

    chunks, message = anyio.run(main)
    assert message.startswith(":3: not JSON")
    assert message.endswith("stopped here because of --strict")
    assert [row[1:3] for row in rows(chunks)] == [(0, "post"), (1, "post")]
    assert chunks[-1].end.index <= 2


def test_after_a_failure_the_next_read_goes_on_after_the_last_chunk(
    kind: SourceKind, tmp_path: Path
) -> None:
    # more than a file's buffer holds
    many = type(kind)(tmp_path / "many", LINES * 15)
    whole = rows(unacknowledged(many))

    async def main() -> list[Chunk]:
        source, chunks, failures = many.open(), [], 0
        for _ in range(5):
            chunk = await source.read()
            assert chunk is not None
            chunks.append(chunk)
        many.fail_once()
        while True:
            try:
                chunk = await source.read()
            except SyncerError:
                failures += 1
                continue
            if chunk is not None:
                chunks.append(chunk)
            elif isinstance(source, FollowedLogs) and source.faults:
                failures += 1
                await source.wait()
            else:
                break
        assert failures == 1
        assert source.ended is not many.grows
        await source.close()
        return chunks

    found = anyio.run(main)
    assert rows(found) == whole
    assert sum(chunk.count for chunk in found) == len(whole)


@growing
def test_what_comes_late_ends_the_wait_and_is_read(kind: SourceKind) -> None:
    late: list[str] = []

    async def main() -> None:
        source = kind.open()
        await all_of(source)

        async def follow() -> None:
            while len(late) < 3:
                await source.wait()
                late.extend(change.id for chunk in await all_of(source) for change in chunk.changes)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            await anyio.sleep(10)
            assert late == []
            await kind.add(post("late"))
            await anyio.sleep(10)
            assert late == ["late"]
            await kind.add(post("later"), post("last"))
        await source.close()

    VirtualTime().run(main)
    assert late == ["late", "later", "last"]


@growing
def test_what_was_added_before_the_wait_ends_it(kind: SourceKind) -> None:
    async def main() -> bool:
        source = kind.open()
        await all_of(source)
        await kind.add(post("late"))
        with anyio.move_on_after(60) as waiting:
            await source.wait()
        found = await all_of(source)
        await source.close()
        return not waiting.cancelled_caught and len(rows(found)) == 1

    assert VirtualTime().run(main)
