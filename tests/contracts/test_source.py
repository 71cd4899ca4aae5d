"""What every source promises: the same changes in the same order from any of its marks,
each with its place, and then the end.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from syncer.core.change import BadLine, Change, Chunk, IgnoredLine, Mark
from syncer.core.ports.push import Source
from syncer.core.watermark import Run, Watermark
from syncer.jobs.inputs import PushInputs
from syncer.sources.changelog import ChangeLog
from syncer.sources.feed import Feed, SourceChunk
from syncer.sources.lines import LineOptions
from tests.support.fakes import Script

LOG = 7
LINES = [
    b'{"op":"post","annotation":{"id":"a","input_id":"i","data":{"x":1.50}}}',
    b'{"op":"post","annotation":{"input_id":"i"}}',
    b"no JSON",
    b'{"id":"c","input_id":"i","input_level":true}',
    b'{"op":"patch","action":"overwrite","annotation":{"id":"a","input_id":"i"}}',
    b'{"op":"delete","annotation":{"input_id":"i"}}',
] * 3


class Listed:
    """A source of a user: chunks of two lines behind a cursor."""

    name = "listed"

    def __init__(self) -> None:
        self.acked: list[str] = []

    async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
        for at in range(int(after or 0), len(LINES), 2):
            yield SourceChunk(LINES[at : at + 2], cursor=str(at + 2))

    async def ack(self, cursor: str) -> None:
        self.acked.append(cursor)


def plain(folder: Path, watermark: Watermark | None) -> Source:
    """A log as a file."""
    path = folder / "log.jsonl"
    path.write_bytes(b"\n".join(LINES) + b"\n")
    return PushInputs(
        [ChangeLog(path, "log", LOG, LineOptions(), watermark=watermark, block_bytes=100)]
    )


def compressed(folder: Path, watermark: Watermark | None) -> Source:
    """The same, compressed."""
    path = folder / "log.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(LINES) + b"\n", mtime=0))
    return PushInputs(
        [ChangeLog(path, "log", LOG, LineOptions(), watermark=watermark, block_bytes=100)]
    )


def users(folder: Path, watermark: Watermark | None) -> Source:
    """A source that a user wrote."""
    return PushInputs([Feed(Listed(), LOG, LineOptions(), watermark=watermark)])


def scripted(folder: Path, watermark: Watermark | None) -> Source:
    """The fake of the engine's tests."""
    return Script(LOG, LINES, chunk_lines=2, watermark=watermark)


Opened = Callable[[Path, Watermark | None], Source]
from_every_source: Any = pytest.mark.parametrize("opened", [plain, compressed, users, scripted])


def read(source: Source) -> list[Chunk]:
    """All of it; its end comes again and again, and so may a mark, and so may closing
    it.
    """

    async def all_chunks() -> list[Chunk]:
        chunks = []
        while (chunk := await source.read()) is not None:
            chunks.append(chunk)
            await source.ack(LOG, chunk.end)
            await source.ack(LOG, chunk.end)
        assert await source.read() is None
        assert source.ended
        await source.close()
        await source.close()
        return chunks

    return anyio.run(all_chunks)


Row = tuple[int, str, object]


def rows(chunks: Sequence[Chunk]) -> list[Row]:
    """(index, kind, what it says) of every line, in order of their places."""
    found: list[Row] = []
    for chunk in chunks:
        found += [
            (change.index, change.verb, (change.key, change.body, change.raw))
            for change in chunk.changes
        ]
        found += [(line.index, "bad", line.reason) for line in chunk.bad]
        found += [(line.index, "ignored", line.raw) for line in chunk.ignored]
    return sorted(found, key=lambda row: row[0])


@from_every_source
def test_every_line_comes_once_in_order_with_its_place(opened: Opened, tmp_path: Path) -> None:
    chunks = read(opened(tmp_path, None))
    assert [row[0] for row in rows(chunks)] == list(range(len(LINES)))
    assert [row[1] for row in rows(chunks)] == [
        "post",
        "post",
        "bad",
        "ignored",
        "overwrite",
        "delete_input",
    ] * 3
    ends = [chunk.end.index for chunk in chunks]
    assert ends == sorted(ends)
    assert ends[-1] == len(LINES)
    for chunk in chunks:
        lines: list[Change | BadLine | IgnoredLine] = [*chunk.changes, *chunk.bad, *chunk.ignored]
        assert {line.log for line in lines} <= {chunk.log} == {LOG}
        assert all(line.index < chunk.end.index for line in lines)


@from_every_source
def test_a_source_has_ended_once_its_end_was_read(opened: Opened, tmp_path: Path) -> None:
    source = opened(tmp_path, None)

    async def run() -> list[bool]:
        ended = [source.ended]
        while await source.read() is not None:
            await source.ack(LOG, Mark())
        return [*ended, source.ended]

    assert anyio.run(run) == [False, True]


@from_every_source
def test_the_same_lines_get_the_same_ids_each_time(opened: Opened, tmp_path: Path) -> None:
    assert rows(read(opened(tmp_path, None))) == rows(read(opened(tmp_path, None)))


@from_every_source
def test_reading_is_taken_up_at_every_mark(opened: Opened, tmp_path: Path) -> None:
    whole = read(opened(tmp_path, None))
    marks = [Mark(), *(chunk.end for chunk in whole)]
    for mark in marks:
        assert rows(read(opened(tmp_path, Watermark(mark)))) == [
            row for row in rows(whole) if row[0] >= mark.index
        ]


@from_every_source
def test_what_is_settled_ahead_of_the_mark_does_not_come_again(
    opened: Opened, tmp_path: Path
) -> None:
    whole = read(opened(tmp_path, None))
    watermark = Watermark(whole[0].end)
    ahead = whole[0].end.index + 1
    watermark.settle(Run(ahead, 3, 0))
    left = rows(read(opened(tmp_path, watermark)))
    assert left == [
        row
        for row in rows(whole)
        if row[0] >= whole[0].end.index and not ahead <= row[0] < ahead + 3
    ]
