"""Memory that is free is given back to the system.

Lines and blocks of all sizes come and go. The C library of Linux keeps what they leave,
in ever more pieces: a daemon would hold more of it from day to day.
"""

from __future__ import annotations

import ctypes
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

TRIM_SECONDS = 30.0


def find_trim() -> Callable[[int], int] | None:
    """Return the call of the C library that gives free memory back; None where it has
    none.
    """
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return trim


@asynccontextmanager
async def giving_back(trim: Callable[[int], int] | None) -> AsyncIterator[None]:
    """Give it back from time to time while the block lasts."""
    async with anyio.create_task_group() as tasks:
        if trim is not None:
            tasks.start_soon(_give_back, trim)
        yield
        tasks.cancel_scope.cancel()


async def _give_back(trim: Callable[[int], int]) -> None:
    while True:
        await anyio.sleep(TRIM_SECONDS)
        await anyio.to_thread.run_sync(trim, 0)
