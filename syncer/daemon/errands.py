"""The errands that people have with the state of a lane, which is theirs meanwhile:
between two of its pushes.

    asked for ──► the push comes to its end ──► done ──► answered ──► the next push
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from syncer.errors import StateError, SyncerError
from syncer.finish import finish
from syncer.journal.journal import Journal

RETRY_SECONDS = 1.0
"""After this long at the earliest somebody who was sent away may find a push."""

T = TypeVar("T")


class NotPushing(SyncerError):
    """A lane has no push that could carry out what it is asked for. A later try may
    find one.
    """

    def __init__(self, message: str, retry_seconds: float = RETRY_SECONDS) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class _Errand:
    def __init__(self, work: Callable[[Journal], Any]) -> None:
        self.work = work
        self.over = anyio.Event()
        self.result: Any = None
        self.error: SyncerError | None = None

    def carry_out(self, journal: Journal) -> None:
        try:
            self.result = self.work(journal)
        except SyncerError as error:
            self.error = error


class Errands:
    """Those of one lane."""

    def __init__(self) -> None:
        self._waiting: deque[_Errand] = deque()

    async def ask(self, work: Callable[[Journal], T], let_end: Callable[[], None]) -> T:
        """Return what the work comes to. `let_end`: the push that is on.

        Raises what the work raises, and StateError where that push failed.
        """
        errand = _Errand(work)
        self._waiting.append(errand)
        let_end()
        await errand.over.wait()
        if errand.error is not None:
            raise errand.error
        result: T = errand.result
        return result

    @asynccontextmanager
    async def after(self, journal: Journal) -> AsyncIterator[None]:
        """Do what was asked for once the block has ended well, in which a push is
        on.
        """
        try:
            yield
            while self._waiting:
                errand = self._waiting[0]
                await finish(partial(anyio.to_thread.run_sync, errand.carry_out, journal))
                errand.over.set()
                self._waiting.popleft()
        finally:
            for errand in self._waiting:
                errand.error = StateError(
                    "the lane failed meanwhile, and nothing was done: run the same command again"
                )
                errand.over.set()
            self._waiting.clear()
