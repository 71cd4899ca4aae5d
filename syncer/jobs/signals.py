"""SIGINT and SIGTERM while a lane runs: the first drains it, the second stops at once.

Both leave a state that carries on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import anyio

from syncer import signals

Take = Callable[[int], None]
"""Called with the number of each signal."""
Listen = Callable[[Take], AbstractContextManager[None]]
"""Lets signals be heard while a block lasts."""


@contextmanager
def listen(take: Take, hang_up: Callable[[], None] | None = None) -> Iterator[None]:
    """Hear the signals of this process, two at most; then the system's way holds. At
    the end of the block the outcome stands. `hang_up` is called at SIGHUP.
    """
    with signals.listening(take, patience=2, hang_up=hang_up):
        try:
            yield
        finally:
            signals.hold()


def ignore(take: Take) -> AbstractContextManager[None]:
    """Hear none: they are the host's."""
    return nullcontext()


async def until_signal(
    run: Callable[[], Awaitable[None]],
    drain: Callable[[], None],
    interrupted: list[int],
    listening: Listen,
) -> None:
    """Run to the end, or to a signal, whose number is then in `interrupted`.

    Raises what `run` raises.
    """
    with anyio.CancelScope() as scope:

        def take(number: int) -> None:
            if interrupted:
                scope.cancel()
                return
            interrupted.append(number)
            drain()

        with listening(take):
            await run()
