"""The news of the daemon, for those who watch: the last outcomes, and how all lanes
and sources are, each with a number that grows.

    lanes ──events──► outcomes, the last hundred ──┐
    lanes ──a look a second──► status ─────────────┴──► watchers, each at its own pace

A watcher holds nothing but its place: one that is slow, or comes back after a while,
gets what it missed, or all of it again where that is not there any more.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import anyio
import msgspec

from syncer.core.events import (
    ChangeDied,
    ChangesSettled,
    DestinationChanged,
    Event,
    SourceFailed,
    SourceRecovered,
)
from syncer.core.settle import rfc3339
from syncer.errors import describe_unexpected

OUTCOMES_MAX = 100
APPLIED = "applied"
"""An outcome that comes all the time: of it there is one for each lane, the last."""
HISTORY_SECONDS = 900
STEP_SECONDS = 5
"""Between two points of the history."""
LOOK_SECONDS = 1.0
ALIVE_SECONDS = 15.0
"""After so long without news a watcher is told that there are none."""

_ID = re.compile(r"([0-9a-f]+)-([0-9]{1,18})", re.ASCII)
NewsRecord = dict[str, object]
Kind = Literal["reset", "status", "outcome", "alive", "end"]


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a watcher is told."""

    id: str
    kind: Kind
    data: NewsRecord


class NewsFeed:
    """The news of one process."""

    def __init__(self) -> None:
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._outcomes = deque[tuple[int, NewsRecord]](maxlen=OUTCOMES_MAX)
        self._seen: NewsRecord = {}
        self._status: tuple[int, NewsRecord] = (0, {})
        """What was seen at the last look that differed, and when."""
        self._history = deque[bytes](maxlen=HISTORY_SECONDS // STEP_SECONDS)
        """Points as JSON: little memory. (What orjson writes keeps room behind it.)"""
        self._lost = 0
        """The number of the last outcome that is not known any more."""
        self._last_applied: dict[str, tuple[int, NewsRecord]] = {}
        self._applied: dict[str, int] = {}
        """By lane, since the last look."""
        self._parked: dict[tuple[str, str], str] = {}
        """By lane and source, the reason that was told."""
        self._more = anyio.Event()
        self._watchers = 0
        self._is_over = False

    # --- what happens -----------------------------------------------------------------

    def note(self, lane: str, event: Event) -> None:
        """Tell of an event of a lane, if it means anything to people."""
        match event:
            case ChangesSettled(applied=applied) if applied:
                self._applied[lane] = self._applied.get(lane, 0) + applied
            case ChangeDied(letter=letter):
                what = {
                    "source": letter.source,
                    "line": letter.line,
                    "input_id": letter.input_id,
                    "id": letter.id,
                }
                self.tell("dead", lane, letter.reason, **what)
            case DestinationChanged(state=state, reason=reason):
                self.tell(state, lane, reason)
            case SourceFailed(source=source, reason=reason):
                if self._parked.get((lane, source)) != reason:  # else it is tried again
                    self._parked[lane, source] = reason
                    self.tell("source parked", lane, reason, source=source)
            case SourceRecovered(source=source):
                self._parked.pop((lane, source), None)
                self.tell("source follows", lane, "", source=source)
            case _:
                pass

    def tell(self, what: str, lane: str, reason: str, **more: object) -> None:
        """Add an outcome."""
        record = {"at": rfc3339(time.time()), "what": what, "lane": lane, "reason": reason, **more}
        if what == APPLIED:
            self._last_applied[lane] = (self._count(), record)
        else:
            if len(self._outcomes) == OUTCOMES_MAX:
                self._lost = self._outcomes[0][0]
            self._outcomes.append((self._count(), record))
        self._wake()

    @asynccontextmanager
    async def looking(
        self, look: Callable[[], Awaitable[NewsRecord]], say: Callable[[str], None]
    ) -> AsyncIterator[None]:
        """Look at the lanes and sources while the block lasts; all watchers end with
        it. `say` gets why a look failed that should not, "" after one that did not.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._look_on, look, say)
            try:
                yield
            finally:
                self.close()
                tasks.cancel_scope.cancel()

    async def _look_on(
        self, look: Callable[[], Awaitable[NewsRecord]], say: Callable[[str], None]
    ) -> None:
        looks = 0
        while True:
            is_due = looks % (STEP_SECONDS / LOOK_SECONDS) == 0
            if is_due or self._watchers:  # else nobody sees it, and a look costs time
                try:
                    self._take_in(await look(), is_due=is_due)
                    say("")
                except Exception as error:
                    say(describe_unexpected(error))
            looks += 1
            await anyio.sleep(LOOK_SECONDS)

    def _take_in(self, record: NewsRecord, *, is_due: bool) -> None:
        for lane, count in self._applied.items():
            self.tell(APPLIED, lane, "", count=count)
        self._applied.clear()
        at = int(time.time())
        if is_due:
            self._history.append(msgspec.json.encode(_point(record, at)))
        if record != self._seen:
            self._seen = record
            self._status = (self._count(), {**record, "at": at})
            self._wake()

    def close(self) -> None:
        """Let all watchers end."""
        self._is_over = True
        self._wake()

    def _count(self) -> int:
        self._number += 1
        return self._number

    def _wake(self) -> None:
        self._more.set()
        self._more = anyio.Event()

    # --- watchers ---------------------------------------------------------------------

    @property
    def watchers(self) -> int:
        """Those who watch now."""
        return self._watchers

    async def watch(self, last_id: str = "") -> AsyncGenerator[News, None]:
        """Yield the news after the one with this id; all that is known where that is
        another process's, or too long ago.
        """
        self._watchers += 1
        try:
            seen = self._find(last_id)
            while not self._is_over:
                more = self._more
                if seen is None or seen < self._lost:  # it came too late, or was too slow
                    seen = self._number
                    yield self._news(seen, "reset", self._sum_up())
                    continue  # much may have happened until it was taken
                news = self._after(seen)
                for one in news:
                    yield one
                if news:
                    seen = max(int(one.id.partition("-")[2]) for one in news)
                    continue
                with anyio.move_on_after(ALIVE_SECONDS) as waited:
                    await more.wait()
                if waited.cancelled_caught:
                    yield self._news(seen, "alive", {})
            yield self._news(self._number, "end", {})
        finally:
            self._watchers -= 1

    def _find(self, last_id: str) -> int | None:
        if (known := _ID.fullmatch(last_id)) is None or known[1] != self._boot:
            return None
        return int(known[2]) if int(known[2]) <= self._number else None

    def _list_outcomes(self) -> list[tuple[int, NewsRecord]]:
        return sorted((*self._outcomes, *self._last_applied.values()), key=lambda one: one[0])

    def _after(self, seen: int) -> list[News]:
        news = [self._news(n, "outcome", data) for n, data in self._list_outcomes() if n > seen]
        number, record = self._status
        if number > seen:
            news.append(self._news(number, "status", record))
        return sorted(news, key=lambda one: int(one.id.partition("-")[2]))

    def _sum_up(self) -> NewsRecord:
        return {
            "now": int(time.time()),
            "status": self._status[1],
            "outcomes": [data for _, data in self._list_outcomes()],
            "history": [msgspec.json.decode(point) for point in self._history],
        }

    def _news(self, number: int, kind: Kind, data: NewsRecord) -> News:
        return News(f"{self._boot}-{number}", kind, data)


def _point(record: NewsRecord, at: int) -> NewsRecord:
    """A point of the history: what a plot needs."""
    lanes = record.get("lanes", [])
    assert isinstance(lanes, list)
    names = ("rate", "rate_limit", "pending", "in_window")
    return {
        "at": at,
        "lanes": {lane["name"]: {name: lane.get(name) for name in names} for lane in lanes},
    }
