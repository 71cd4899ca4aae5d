"""SIGINT and SIGTERM while a lane runs: the first drains it, the second stops at once.

Both leave a state that carries on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

import anyio

from syncer import signals

Take = Callable[[int], None]
"""Called with the number of each signal."""
Listen = Callable[[Take], AbstractContextManager[None]]
"""Lets signals be heard while a block lasts."""


def listen(take: Take) -> AbstractContextManager[None]:
    """Hear the signals of this process, two at most; then the system's way holds."""
    return signals.listening(take, patience=2)


async def until_signal(
    run: Callable[[], Awaitable[None]],
    drain: Callable[[], None],
    interrupted: list[int],
    listening: Listen = listen,
) -> None:
    """Run to the end, or to a signal, whose number is then in `interrupted`. How the
    run ended stands from then on.

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
            try:
                await run()
            finally:
                signals.hold()
