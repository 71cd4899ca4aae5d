"""Memory that is free is given back to the system.

Lines and blocks of all sizes come and go, in threads that come and go. The C library of
Linux lets each thread fill a heap of its own, and keeps what they leave, in ever more
pieces: a daemon would hold more of it from day to day. So there is one heap, large
blocks are not in it, and what is free of it goes back from time to time. Before that
what refers to itself is let go: a short command leaves that to its end.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

TRIM_SECONDS = 10.0
LARGE_BYTES = 128 << 10
"""Such a block goes back to the system at once: else the C library takes ever larger
ones out of the heap.
"""
CYCLES_MAX = 5000
"""Objects that come between two looks for those that only refer to each other: what
waits for a look takes memory that is then never given back as a whole.
"""
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""As its malloc.h numbers them."""


def keep_one_heap() -> None:
    """Let threads that come from now on share one heap, where the C library can."""
    try:
        option: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    option(_ARENA_MAX, 1)
    option(_MMAP_THRESHOLD, LARGE_BYTES)
    option(_TRIM_THRESHOLD, LARGE_BYTES)


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
    before = gc.get_threshold()
    gc.set_threshold(CYCLES_MAX, 20, 20)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_give_back, trim)
            yield
            tasks.cancel_scope.cancel()
    finally:
        gc.set_threshold(*before)


async def _give_back(trim: Callable[[int], int] | None) -> None:
    while True:
        await anyio.sleep(TRIM_SECONDS)
        gc.collect()  # in this thread: what is let go may belong to the loop
        if trim is not None:
            await anyio.to_thread.run_sync(trim, 0)
