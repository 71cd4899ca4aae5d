"""Work that must come to its end once it has begun, such as a write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def finish(work: Callable[[], Awaitable[T]]) -> T:
    """Return what the work comes to. A caller that is cancelled meanwhile goes on with
    its cancellation only when the work is over.

    That holds for a task that asyncio itself cancels, too (`asyncio.wait_for`,
    `Task.cancel`), which a shielded scope alone does not hold off: so the work is done
    in a task of its own, for which its group waits. Raises what the work raises.
    """
    results: list[T] = []

    async def carry_out() -> None:
        with anyio.CancelScope(shield=True):
            results.append(await work())

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(carry_out)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return results[0]
