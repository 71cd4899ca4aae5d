"""Changes in folders hasten looks: who hears of which, what is said where no events
come, and how often is looked in a storm; in virtual time.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import pytest

from syncer.sources.folder_events import explain_silence, parse_mount, watch_folders
from syncer.sources.hints import REST_PER_LOOK, REST_SECONDS, Inode, NextLook
from syncer.sources.watching import AGAIN_SECONDS, FolderHint, NoEvents, Receive, Watcher
from tests.support.virtual import VirtualTime

X, Y = {"/x": (1, 1)}, {"/y": (1, 2)}
LIMIT = "OS file watch limit reached"


class System:
    """Tells of changes in folders, as long as it has not reached its limit."""

    def __init__(self) -> None:
        self.watched: list[Sequence[str]] = []
        """The folders of each watch that was begun."""
        self.is_at_its_limit = False
        self.silent: dict[str, str] = {}
        self.told: list[str] = []
        self.watcher = Watcher(self.watch, lambda folders: {**self.silent})
        self._changed: anyio.abc.ObjectSendStream[Collection[str]]

    @asynccontextmanager
    async def watch(self, folders: Sequence[str]) -> AsyncIterator[Receive]:
        if self.is_at_its_limit:
            raise NoEvents(LIMIT)
        self.watched.append(folders)
        self._changed, changes = anyio.create_memory_object_stream[Collection[str]](9)
        with self._changed, changes:
            yield changes.receive

    def change(self, *paths: str) -> None:
        self._changed.send_nowait(paths)

    def hint(self, folders: Mapping[str, Inode], begins: str = "") -> FolderHint:
        hint = FolderHint(self.watcher, self.told.append)
        hint.watch(folders, begins)
        return hint

    def run(self, then: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            async with self.watcher.watching():
                await then()

        VirtualTime().run(main)


@pytest.fixture
def system() -> System:
    return System()


async def is_hastened(hint: FolderHint, seconds: float = 1.0) -> bool:
    with anyio.move_on_after(seconds) as waited:
        await hint.wait()
    return not waited.cancelled_caught


async def begun(*hints: FolderHint) -> None:
    """The looks that follow when the watch has begun are over."""
    for hint in hints:
        assert await is_hastened(hint)


def test_a_change_hastens_those_who_follow_its_folder(system: System) -> None:
    async def then() -> None:
        x, y = system.hint(X), system.hint(Y)
        await begun(x, y)
        assert system.watched == [["/x", "/y"]]
        system.change("/x/a.jsonl")
        assert (await is_hastened(x), await is_hastened(y)) == (True, False)
        assert not await is_hastened(x)

    system.run(then)


@pytest.mark.parametrize(
    ("path", "hastens"),
    [("/x/a.jsonl", True), ("/x/a.jsonl.1", True), ("/x/b.jsonl", False), ("/x/.part", False)],
)
def test_who_follows_one_file_hears_of_nothing_else(
    system: System, path: str, hastens: bool
) -> None:
    async def then() -> None:
        hint = system.hint(X, "a.jsonl")
        await begun(hint)
        system.change(path)
        assert await is_hastened(hint) is hastens

    system.run(then)


def test_a_change_without_a_name_is_a_change(system: System) -> None:
    async def then() -> None:
        hint = system.hint(X)
        await begun(hint)
        system.change("/x/")
        assert await is_hastened(hint)

    system.run(then)


def test_folders_that_come_later_are_watched_too_and_those_of_a_source_that_ended_no_more(
    system: System,
) -> None:
    async def then() -> None:
        x = system.hint(X)
        await begun(x)
        y = system.hint(Y)
        await begun(x, y)
        y.close()
        await begun(x)
        assert system.watched == [["/x"], ["/x", "/y"], ["/x"]]

    system.run(then)


@pytest.mark.parametrize("is_heard_of", [True, False])
def test_a_folder_that_was_made_again_is_watched_again(system: System, is_heard_of: bool) -> None:
    """It may have the number of the one that is gone."""

    async def then() -> None:
        hint = system.hint(X)
        await begun(hint)
        if is_heard_of:
            system.change("/x")
            assert await is_hastened(hint)
        hint.watch(X if is_heard_of else {"/x": (1, 9)})
        await begun(hint)
        assert system.watched == [["/x"], ["/x"]]

    system.run(then)


def test_where_no_events_come_that_is_said_once_and_tried_again(system: System) -> None:
    system.is_at_its_limit = True

    async def then() -> None:
        hint = system.hint(X)
        assert not await is_hastened(hint, 3.5 * AGAIN_SECONDS)
        assert hint.silence is not None
        assert str(hint.silence).startswith("polling since 2025-")
        assert str(hint.silence).endswith(f": no events come: {LIMIT}")
        assert system.told == [str(hint.silence)]
        system.is_at_its_limit = False
        assert await is_hastened(hint, AGAIN_SECONDS)
        assert hint.silence is None

    system.run(then)
    assert system.told[1:] == ["events come again"]


def test_a_folder_from_which_none_come_is_not_watched_and_the_others_are(system: System) -> None:
    system.silent = {"/x": "/x is on nfs4"}

    async def then() -> None:
        x, y = system.hint(X), system.hint(Y)
        await begun(y)
        assert system.watched == [["/y"]]
        assert "no events come: /x is on nfs4" in str(x.silence)
        assert y.silence is None

    system.run(then)


def test_a_source_without_a_folder_is_polled_until_there_is_one(system: System) -> None:
    async def then() -> None:
        hint = system.hint({})
        assert "there is no folder to watch" in str(hint.silence)
        hint.watch(X)
        await begun(hint)
        assert hint.silence is None

    system.run(then)


# --- when is looked -------------------------------------------------------------------


class Storm:
    """A hint that always comes."""

    async def wait(self) -> None:
        await anyio.sleep(0.0001)

    def watch(self, folders: Mapping[str, Inode], begins: str = "") -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize("look_seconds", [0.0001, 0.2])
def test_in_a_storm_there_is_rest_between_looks(look_seconds: float) -> None:
    time, looks = VirtualTime(), 0
    next_look = NextLook(60.0, Storm())

    async def main() -> None:
        nonlocal looks
        with anyio.move_on_after(10):
            while True:
                with next_look.looking():
                    await anyio.sleep(look_seconds)
                looks += 1
                await next_look.wait()

    time.run(main)
    between = look_seconds + max(REST_SECONDS, REST_PER_LOOK * look_seconds)
    assert looks == pytest.approx(10 / between, rel=0.05)


def test_without_a_hint_there_is_a_look_at_each_interval() -> None:
    time = VirtualTime()
    next_look = NextLook(60.0)

    async def main() -> float:
        assert next_look.is_due
        with next_look.looking():
            pass
        assert not next_look.is_due
        await next_look.wait()
        assert next_look.is_due
        return anyio.current_time()

    assert time.run(main) == pytest.approx(60.0)


# --- the file system ------------------------------------------------------------------


def test_a_mount_is_read_with_its_device_and_its_kind() -> None:
    line = "36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 - nfs4 server:/x rw"
    assert parse_mount(line) == ("98:0", "nfs4")


def test_folders_on_a_file_system_that_others_write_to_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr("syncer.sources.folder_events.MOUNTS", mounts)
    mounts.write_text("1 0 0:7 / /far rw - nfs4 server:/x rw\n2 0 0:8 / / rw - ext4 /dev/a rw\n")
    folders = {"/far/logs": (7, 1), "/logs": (8, 1)}
    assert explain_silence(folders) == {"/far/logs": "/far/logs is on nfs4, where others may write"}
    mounts.unlink()
    assert explain_silence(folders) == {}


# --- the system, in real time ---------------------------------------------------------


def test_what_is_written_is_told_and_the_threads_end_with_the_watch(tmp_path: Path) -> None:
    async def main() -> None:
        async with watch_folders([str(tmp_path)]) as receive:
            (tmp_path / "x.jsonl").write_text("x")
            assert await receive() == {str(tmp_path / "x.jsonl")}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(receive)
                await anyio.sleep(0.02)
                tasks.cancel_scope.cancel()
        with anyio.fail_after(20):
            while is_watching():  # noqa: ASYNC110 - threads set nothing
                await anyio.sleep(0.01)

    anyio.run(main)


def is_watching() -> bool:
    """Whether a thread of this process waits for events."""
    names = (path.read_text() for path in Path("/proc/self/task").glob("*/comm"))
    return any("notify" in name for name in names)


def test_a_folder_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    async def main() -> None:
        async with watch_folders([str(tmp_path / "none")]):
            raise AssertionError

    with pytest.raises(NoEvents, match="No such file"):
        anyio.run(main)


def test_a_name_that_is_no_text_ends_the_watch(tmp_path: Path) -> None:
    """watchfiles tells of nothing more then."""
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))

    async def main() -> None:
        async with watch_folders([str(tmp_path)]) as receive:
            odd.touch()  # noqa: ASYNC240 - it takes no time
            await receive()

    with pytest.raises(NoEvents, match="decode"):
        anyio.run(main)
