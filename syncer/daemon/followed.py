"""A source of a lane as the daemon sees it: followed, and watched for what is wrong."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import anyio

from syncer.core.ports.push import Source
from syncer.core.settle import rfc3339
from syncer.daemon.lag import Delays
from syncer.daemon.status import Faults, SourceState, SourceStatus, SourceTotals, Trouble
from syncer.engine.push import Push
from syncer.errors import SyncerError
from syncer.jobs.push_parts import PushParts
from syncer.sources.inbox import Inbox
from syncer.sources.outbox import Outbox, Restored
from syncer.sources.watching import Silence

LATE = "changes"
"""The check that changes come."""
WATCH = "watch"
"""The check that events hasten the looks."""
UNREAD_SECONDS = 10.0
"""Between looks at rows that nobody reads."""
FILE = "file:"
"""What the check of a file begins with, before the file's label."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A source of a lane. Its label is its name in the config."""

    kind: str
    source: Source
    file_faults: Callable[[], Mapping[str, str]] = dict
    """Why single files of it are not read, by their labels."""
    inbox: Callable[[], Inbox | None] = lambda: None
    """The way into it over HTTP, once it is open."""
    expected_every_seconds: float = 0.0
    """After so long without a change it is late; 0: never."""
    let_go: Callable[[int], str | None] | None = None
    """Lets exactly so many deletions pass; returns why not. None: it holds none up."""
    silence: Callable[[], Silence | None] = lambda: None
    """Why no events hasten the looks at it."""
    take_back: Callable[[Restored], Awaitable[None]] | None = None
    """Goes on with a table that was restored. None: it has no table."""
    outbox: Callable[[], Outbox | None] | None = None
    """Its rows, once it is open. None: it has no table."""


MakeSources = Callable[[PushParts, Callable[[], Push]], Sequence[Followed]]
"""Makes the sources of one push from its parts; its engine can be asked for once it
runs.
"""


@dataclass(slots=True)
class Watched:
    """A source, and what is wrong with it."""

    followed: Followed
    reason: str = ""
    """Why it cannot be read."""
    faults: Faults = field(default_factory=Faults)

    def status(
        self, lane: str, totals: SourceTotals, delays: Delays, *, following: bool
    ) -> SourceStatus:
        """Return it as it is now. `following`: its lane reads it."""
        troubles = self._find_troubles(delays) if following else {}
        self.faults.set(troubles)
        state: SourceState = (
            "parked" if self.reason else "late" if LATE in troubles else "following"
        )
        outbox = self.followed.outbox() if self.followed.outbox is not None else None
        if outbox is not None:
            delays = replace(delays, oldest_unread_at=outbox.unread_at)
        oldest_at = min(
            delays.oldest_unread_at or math.inf,
            delays.oldest_unapplied_at or math.inf,
            totals.failed_at,
        )
        waits = max(0.0, time.time() - oldest_at) if oldest_at < math.inf else 0.0
        is_known = delays.last_read_at is not None or oldest_at < math.inf
        return SourceStatus(
            self.followed.source.label,
            self.followed.kind,
            lane,
            state if following else "stopped",
            self.reason,
            round(waits, 3) if is_known else None,
            totals.read,
            self.faults.checks(),
            delays,
            totals.pending,
        )

    def _find_troubles(self, delays: Delays) -> dict[str, Trouble]:
        found = {"source": Trouble(self.reason)} if self.reason else {}
        expected, quiet = self.followed.expected_every_seconds, delays.quiet_seconds
        if expected and quiet > expected:
            since = "the start" if delays.last_read_at is None else rfc3339(delays.last_read_at)
            found[LATE] = Trouble(
                f"no change came since {since}, and one is expected every {expected:g} seconds: see"
                " whether what writes them still does",
                "late" if quiet <= 2 * expected else "error",
            )
        if (silence := self.followed.silence()) is not None:
            found[WATCH] = Trouble(str(silence), "warning", silence.since)
        files = self.followed.file_faults()
        return found | {f"{FILE}{label}": Trouble(why) for label, why in files.items()}


@asynccontextmanager
async def looking_for_unread(sources: Sequence[Followed]) -> AsyncIterator[None]:
    """See how long rows of tables wait for being read while the block lasts: also those
    of a source that is parked, or of a lane that is paused and takes no more.
    """
    async with anyio.create_task_group() as tasks:
        for one in sources:
            if one.outbox is not None:
                tasks.start_soon(_look_on, one.outbox)
        yield
        tasks.cancel_scope.cancel()


async def _look_on(find_outbox: Callable[[], Outbox | None]) -> None:
    while True:
        if (outbox := find_outbox()) is not None:
            with suppress(SyncerError):  # what was seen last holds; reading says what is wrong
                await outbox.look_for_unread()
        await anyio.sleep(UNREAD_SECONDS)
