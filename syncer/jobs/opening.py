"""Lanes are opened beside the event loop: locks, disks and many logs may take their
time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from syncer.finish import finish

T = TypeVar("T")


@asynccontextmanager
async def open_in_thread(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a context manager in threads, while the event loop goes on.

    A task that is cancelled in the meantime leaves it again before it ends. Raises what
    the manager raises.
    """
    opened: list[T] = []

    def enter() -> None:
        opened.append(manager.__enter__())

    try:
        await finish(partial(anyio.to_thread.run_sync, enter))
        await anyio.lowlevel.checkpoint_if_cancelled()
        yield opened[0]
    finally:
        if opened:
            await finish(partial(anyio.to_thread.run_sync, manager.__exit__, None, None, None))
