"""A folder of files that hold what is wanted, one input each, as a source: what changes
is the difference to what was last asked.

    look at the folder ──► the outbox in its memory ──► the rows, as of any outbox
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import partial

import anyio
import anyio.to_thread

from syncer.core.change import Chunk, Mark
from syncer.errors import SyncerError
from syncer.finish import finish
from syncer.sources.asked import AskedWishes
from syncer.sources.hints import Hint, NextLook
from syncer.sources.outbox import Outbox
from syncer.sources.wish_scan import TooManyDeletions, WishScan


class WantedFolder:
    """The folder, and the outbox of the changes that follow from it, as one source."""

    ended = False

    def __init__(
        self,
        scan: WishScan,
        asked: AskedWishes,
        outbox: Outbox,
        *,
        poll_seconds: float,
        hint: Hint | None = None,
    ) -> None:
        """`outbox`: of the table in `asked`. `poll_seconds`: how often to look."""
        self._scan = scan
        self._asked = asked
        self._outbox = outbox
        self._next_look = NextLook(poll_seconds, hint)
        self._too_many: TooManyDeletions | None = None

    @property
    def label(self) -> str:
        """The name of the source."""
        return self._outbox.label

    @property
    def faults(self) -> Mapping[str, str]:
        """The reasons why single files are parked, by path."""
        return self._scan.faults

    async def read(self) -> Chunk | None:
        """Return the next chunk; None where nothing is to do.

        Raises TooManyDeletions; SyncerError where the folder cannot be followed.
        """
        if self._next_look.is_due:
            # First, so that a folder that is parked holds up no change that is known.
            if (chunk := await self._outbox.read()) is not None:
                return chunk
            with self._next_look.looking():
                await finish(partial(anyio.to_thread.run_sync, self._look, anyio.current_time()))
                self._next_look.watch(self._scan.folders)
        return await self._outbox.read()

    def _look(self, now: float) -> None:
        try:
            self._scan.look(now)
            self._too_many = None
        except TooManyDeletions as error:
            self._too_many = error
            raise
        except sqlite3.Error as error:
            raise SyncerError(f"{self._asked.path}: {error}") from None

    async def wait(self) -> None:
        """Return when it is time for another look."""
        await self._next_look.wait()

    async def ack(self, log: int, mark: Mark) -> None:
        """Note what became of the changes before this mark."""
        await self._outbox.ack(log, mark)

    async def close(self) -> None:
        """Let go of the files."""
        self._next_look.close()
        await self._outbox.close()
        self._asked.close()

    def let_go(self, deletions: int) -> str | None:
        """Let exactly so many deletions pass; return why not, None if they may."""
        waiting = self._too_many
        if waiting is None:
            return "no deletions wait to be let go"
        if waiting.count != deletions:
            return f"{waiting.count} deletions wait, and not {deletions}"
        self._scan.allowed = deletions
        self._next_look.hasten()
        return None
