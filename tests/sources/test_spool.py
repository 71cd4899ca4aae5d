"""The spool as a source: what is appended is read, what is settled goes."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import anyio
import pytest

from syncer.core.change import Mark
from syncer.core.watermark import Watermark
from syncer.errors import StateError
from syncer.journal.disk import REAL, Disk
from syncer.sources.chunks import CHUNK_LINES_MAX
from syncer.sources.lines import LineOptions
from syncer.sources.segments import Segments, SpoolFull
from syncer.sources.spool import Spool
from tests.support.lines import delete, post
from tests.support.virtual import VirtualTime

WITHOUT_ID = b'{"op":"post","annotation":{"input_id":"i"}}'


def spool(folder: Path, mark: Mark = Mark(), **bounds: int) -> Spool:
    segments = Segments(folder / "inbox", REAL, mark, **bounds)
    return Spool(segments, "http", 7, LineOptions(), watermark=Watermark(mark))


async def ids(source: Spool) -> list[str]:
    """Of all changes that are there now."""
    found = []
    while (chunk := await source.read()) is not None:
        found += [change.id for change in chunk.changes]
    return found


def test_an_append_ends_the_wait_and_is_read(tmp_path: Path) -> None:
    source = spool(tmp_path)
    found: list[str] = []

    async def follow() -> None:
        while len(found) < 3:
            await source.wait()
            found.extend(await ids(source))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            for n in range(3):
                await anyio.sleep(10)
                await source.append([post(f"a{n}")])
        await source.close()

    VirtualTime().run(main)
    assert found == ["a0", "a1", "a2"]


def test_an_append_before_the_wait_ends_it_at_once(tmp_path: Path) -> None:
    source = spool(tmp_path)

    async def main() -> None:
        assert await source.read() is None
        await source.append([post("a")])
        await source.wait()

    VirtualTime().run(main)
    assert not source.ended


def test_appends_at_the_same_time_are_each_whole(tmp_path: Path) -> None:
    source = spool(tmp_path)

    async def main() -> list[str]:
        async with anyio.create_task_group() as tasks:
            for n in range(5):
                tasks.start_soon(source.append, [post(f"{n}-{m}") for m in range(3)])
        return await ids(source)

    found = anyio.run(main)
    assert sorted(found) == [f"{n}-{m}" for n in range(5) for m in range(3)]
    assert all(found[at][0] == found[at + 2][0] for at in range(0, 15, 3))


def test_ids_that_are_made_stay_the_same_over_restarts_and_cuts(tmp_path: Path) -> None:
    async def main() -> tuple[list[str], list[str]]:
        source = spool(tmp_path, segment_bytes=200)
        marks = [(await source.append([WITHOUT_ID])).end for _ in range(9)]
        made = await ids(source)
        await source.ack(7, marks[5])
        await source.close()
        again = spool(tmp_path, marks[5], segment_bytes=200)
        return made, await ids(again)

    made, again = anyio.run(main)
    assert len(set(made)) == 9
    assert again == made[6:]


def test_two_spools_make_different_ids(tmp_path: Path) -> None:
    async def main(folder: Path) -> list[str]:
        source = spool(folder)
        await source.append([WITHOUT_ID])
        return await ids(source)

    assert anyio.run(main, tmp_path / "a") != anyio.run(main, tmp_path / "b")


def test_its_places_and_names_go_on_over_its_files(tmp_path: Path) -> None:
    async def main() -> list[tuple[int, int]]:
        source = spool(tmp_path, segment_bytes=200)
        found = []
        for n in range(5):
            await source.append([post(f"a{n}"), delete("b")])
            chunk = await source.read()
            assert chunk is not None
            found += [(change.index, change.line) for change in chunk.changes]
        await source.close()
        return found

    assert anyio.run(main) == [(n, n + 1) for n in range(10)]
    assert spool(tmp_path).identity.is_file is False
    assert (spool(tmp_path).label, spool(tmp_path).identity.path) == ("http", "inbox:http")


def test_a_full_spool_takes_more_once_something_is_settled(tmp_path: Path) -> None:
    async def main() -> None:
        source = spool(tmp_path, waiting_bytes_max=150)
        added = await source.append([post("a")])
        with pytest.raises(SpoolFull, match=r"is full: \d+ bytes .* takes 150"):
            await source.append([post("b")])
        await source.ack(7, added.end)
        await source.append([post("b")])
        assert await ids(source) == ["a", "b"]

    anyio.run(main)


def test_a_damaged_file_is_an_error_until_it_is_put_back(tmp_path: Path) -> None:
    async def main() -> None:
        source = spool(tmp_path)
        await source.append([post("a"), post("b")])
        await source.append([post("c")])
        (path,) = await anyio.to_thread.run_sync(lambda: list((tmp_path / "inbox").iterdir()))
        whole = await anyio.Path(path).read_bytes()
        await anyio.Path(path).write_bytes(whole.replace(b'"c"', b'"C"'))
        first = await source.read()
        assert first is not None
        for _ in range(2):
            with pytest.raises(StateError, match=r"0\.log: damaged at byte \d+: .*Put back"):
                await source.read()
        await anyio.Path(path).write_bytes(whole)
        assert await ids(source) == ["c"]
        await source.close()

    anyio.run(main)


def test_a_spool_that_was_closed_is_read_on_after_the_last_chunk(tmp_path: Path) -> None:
    lines = [b"short" * (1 + n % 3) for n in range(3 * CHUNK_LINES_MAX)]

    async def main() -> list[bytes]:
        source = spool(tmp_path)
        await source.append(lines)
        found: list[bytes] = []
        while (chunk := await source.read()) is not None:
            if not found:
                await source.close()
            found += [line.raw for line in chunk.bad]
        return found

    assert anyio.run(main) == lines


class _SlowDisk(Disk):
    """A disk whose next sync lasts until it is let."""

    def __init__(self) -> None:
        self.begun, self.let = threading.Event(), threading.Event()

    def sync(self, descriptor: int) -> None:
        self.begun.set()
        assert self.let.wait(10)
        super().sync(descriptor)


def test_an_append_whose_caller_is_cancelled_by_asyncio_still_ends_the_wait(
    tmp_path: Path,
) -> None:
    disk = _SlowDisk()
    disk.let.set()
    source = Spool(Segments(tmp_path / "inbox", disk), "http", 7, LineOptions())
    disk.begun.clear()
    disk.let.clear()
    found: list[str] = []

    async def follow() -> None:
        while not found:
            await source.wait()
            found.extend(await ids(source))

    async def main() -> None:
        following = asyncio.create_task(follow())
        caller = asyncio.create_task(source.append([post("a")]))
        assert await asyncio.to_thread(disk.begun.wait, 10)
        caller.cancel()
        await asyncio.sleep(0.05)
        disk.let.set()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await asyncio.wait_for(following, 2)
        await source.close()

    asyncio.run(main())
    assert found == ["a"]
