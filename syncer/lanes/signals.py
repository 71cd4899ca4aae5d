"""SIGINT and SIGTERM while a lane runs: the first drains it, the second stops at once. Both leave a state that carries on."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from syncer.errors import SyncerError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def until_signal(run: Callable[[], Awaitable[None]], drain: Callable[[], None], interrupted: list[int]) -> None:
    """Run to the end, or to a signal, whose number is then in `interrupted`. Raises what `run` raises."""
    stopped: list[SyncerError] = []
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            with _handed_back(), anyio.open_signal_receiver(*SIGNALS) as received:
                async for number in received:
                    if interrupted:
                        tasks.cancel_scope.cancel()
                        return
                    interrupted.append(int(number))
                    drain()

        tasks.start_soon(listen)
        try:
            await run()
        except SyncerError as error:
            stopped.append(error)
        tasks.cancel_scope.cancel()
    if stopped:
        raise stopped[0]


@contextmanager
def _handed_back() -> Iterator[None]:
    """Whoever handled the signals before handles them again afterwards: an event loop leaves them to the system, which says nothing."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
