"""One watcher for all that is followed in a process: it hears of changes in folders,
and hastens the looks of those that follow them.

    sources ──the folders that they saw──► watcher ──all of them──► the system
       ▲                                      │
       └────── something may have changed ◄───┘

Looks find all there is to find. So events may be missed, where it is said that they
are; the source is looked at every `poll_seconds` as ever.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.to_thread

from syncer.core.settle import rfc3339
from syncer.sources.hints import Inode

AGAIN_SECONDS = 60.0
"""Between the tries to hear of changes, where that fails."""
SETTLE_SECONDS = 0.05
"""How long it waits for other folders to be named before it begins to watch some."""

Receive = Callable[[], Awaitable[Collection[str]]]
"""Returns the paths of what changed next. Raises NoEvents."""
WatchFolders = Callable[[Sequence[str]], AbstractAsyncContextManager[Receive]]
"""Watches folders, not those below them, while the block lasts. Raises NoEvents."""
ExplainSilence = Callable[[Mapping[str, Inode]], Mapping[str, str]]
"""Returns, by folder, why no events come from it, of those that give none. Blocking."""


class NoEvents(Exception):
    """The system does not tell of changes, and the reason."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The reason why no events come."""

    why: str
    since: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        return f"polling since {rfc3339(self.since)}: no events come: {self.why}"


class FolderHint:
    """The folders of which one source wants to hear, and why it does not hear of them,
    where that is so. Implements `Hint`.
    """

    def __init__(self, watcher: Watcher, tell: Callable[[str], None]) -> None:
        """`tell` gets to know that no events come, and that they come again."""
        self.silence: Silence | None = None
        self.folders: dict[str, Inode] = {}
        self._watcher = watcher
        self._tell = tell
        self._begins = ""
        self._changed = anyio.Event()

    async def wait(self) -> None:
        """Return once something may have changed."""
        await self._changed.wait()
        self._changed = anyio.Event()

    def watch(self, folders: Mapping[str, Inode], begins: str = "") -> None:
        """Look out for changes in these folders."""
        self._begins = begins
        if not folders:
            self.set_silence("there is no folder to watch")
        if self.folders != folders:
            self.folders = dict(folders)
            self._watcher.take_note(self)

    def close(self) -> None:
        """Look out no more."""
        self.folders.clear()
        self._watcher.let_go(self)

    def note(self, path: str) -> None:
        """Hear of a change."""
        folder, name = os.path.split(path)
        if path in self.folders:  # it is gone, or another one: it has to be watched again
            del self.folders[path]
            self.wake()
        elif folder in self.folders and name.startswith(self._begins) and not name.startswith("."):
            self.wake()

    def wake(self) -> None:
        """Hasten the next look."""
        self._changed.set()

    def set_silence(self, why: str) -> None:
        """`why` no events come; empty: they come."""
        before = "" if self.silence is None else self.silence.why
        if why == before:
            return
        self.silence = Silence(why, time.time()) if why else None
        self._tell("events come again" if self.silence is None else str(self.silence))


class Watcher:
    """The one that hears of changes, for all sources of a process."""

    def __init__(self, watch_folders: WatchFolders, explain_silence: ExplainSilence) -> None:
        self._watch_folders = watch_folders
        self._explain_silence = explain_silence
        self._hints: dict[FolderHint, None] = {}
        self._renew = anyio.Event()

    def take_note(self, hint: FolderHint) -> None:
        """Watch what this one wants now."""
        self._hints[hint] = None
        self._renew.set()

    def let_go(self, hint: FolderHint) -> None:
        """Know nothing of a hint any more."""
        self._hints.pop(hint, None)
        self._renew.set()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch while the block lasts."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch)
            yield
            tasks.cancel_scope.cancel()

    async def _watch(self) -> None:
        while True:
            self._renew = anyio.Event()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen)
                await self._renew.wait()
                await anyio.sleep(SETTLE_SECONDS)
                tasks.cancel_scope.cancel()

    async def _listen(self) -> None:
        wanted = {path: inode for hint in self._hints for path, inode in hint.folders.items()}
        silent = await anyio.to_thread.run_sync(self._explain_silence, wanted)
        watched = sorted(wanted.keys() - silent.keys())
        try:
            if watched:
                async with self._watch_folders(watched) as receive:
                    self._note_silence(silent)
                    for hint in self._hints:  # what happened until now was not heard of
                        hint.wake()
                    while True:
                        self._announce(await receive())
            self._note_silence(silent)
        except NoEvents as error:
            self._note_silence({**dict.fromkeys(watched, str(error)), **silent})
            await anyio.sleep(AGAIN_SECONDS)
            self._renew.set()

    def _announce(self, paths: Collection[str]) -> None:
        for hint in list(self._hints):
            for path in paths:
                hint.note(path)

    def _note_silence(self, silent: Mapping[str, str]) -> None:
        for hint in self._hints:
            if hint.folders:
                found = (silent[path] for path in hint.folders if path in silent)
                hint.set_silence(next(found, ""))
