"""Logs that are followed, by processes one after the other over one journal; each takes
what it reads as settled at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import TypeVar

from syncer.core.change import Chunk
from syncer.core.facts import Fact
from syncer.core.ledger import Ledger
from syncer.core.settle import facts_of_chunk, runs
from syncer.sources.followed import FollowedLogs
from syncer.sources.lines import LineOptions
from syncer.sources.log_disk import REAL_LOGS, LogDisk
from syncer.sources.registry import LogRegistry
from tests.support.fakes import MemoryJournal
from tests.support.virtual import VirtualTime

T = TypeVar("T")
POLL_SECONDS = 1.0


class NothingOurs:
    """No file is syncer's own."""

    def is_state(self, folder: Path, names: Set[str]) -> bool:
        """Never."""
        return False

    def is_pulled(self, path: Path, status: os.stat_result) -> bool:
        """Never."""
        return False


class MemoryCommitter:
    """Writes to a journal in memory at once."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal

    async def look(self, see: Callable[[Ledger], T]) -> T:
        """As it is."""
        return see(self._journal.ledger)

    async def note(self, facts: Sequence[Fact]) -> None:
        """At once."""
        self._journal.commit(facts)


def registry(journal: MemoryJournal, folder: Path, disk: LogDisk = REAL_LOGS) -> LogRegistry:
    """That of one process."""
    return LogRegistry(lambda: MemoryCommitter(journal), folder / ".spool", disk)


class FollowedProcess:
    """A process that follows a path as a source of this name."""

    def __init__(
        self,
        time: VirtualTime,
        journal: MemoryJournal,
        path: Path,
        name: str = "in",
        logs: LogRegistry | None = None,
    ) -> None:
        """`logs`: of a process that follows another path, too."""
        self.time = time
        self.journal = journal
        self.told: list[str] = []
        self.chunks: list[Chunk] = []
        """Those that were read."""
        self.registry = logs or registry(journal, path.parent)
        self.source = FollowedLogs(
            name,
            str(path),
            self.registry,
            LineOptions(),
            ours=NothingOurs(),
            poll_seconds=POLL_SECONDS,
            tell=self.told.append,
        )

    def look(self, times: int = 1) -> list[str]:
        """Return the ids that come now, and at later looks if there are several."""

        async def main() -> list[str]:
            found: list[str] = []
            for at in range(times):
                if at:
                    await self.source.wait()
                found += await self._read()
            await self.source.wait()
            return found

        found = self.time.run(main)
        assert found is not None
        return found

    async def _read(self) -> list[str]:
        found = []
        while (chunk := await self.source.read()) is not None:
            self.chunks.append(chunk)
            self.settle(chunk)
            found += [change.id for change in chunk.changes]
        return found

    def settle(self, chunk: Chunk) -> None:
        """Take note of a chunk, and of its changes as applied."""
        label = self.journal.ledger.logs[chunk.log].identity.label
        facts = facts_of_chunk(chunk, label, 0.0)
        self.journal.commit([*runs(chunk.changes, "applied"), *facts])

    def close(self) -> None:
        """End it."""
        self.time.run(self.source.close)

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong, by label."""
        return dict(self.source.faults)
