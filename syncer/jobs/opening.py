"""Lanes are opened beside the event loop: locks, disks and many logs may take their
time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")


@asynccontextmanager
async def open_in_thread(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a context manager in threads, while the event loop goes on.

    A task that is cancelled in the meantime leaves it again before it ends. Raises what
    the manager raises.
    """
    # Shielded: what was opened must be known here, to be closed.
    with anyio.CancelScope(shield=True):
        opened = await anyio.to_thread.run_sync(manager.__enter__)
    try:
        await anyio.lowlevel.checkpoint_if_cancelled()
        yield opened
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(manager.__exit__, None, None, None)
