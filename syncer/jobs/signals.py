"""SIGINT and SIGTERM while a lane runs: the first drains it, the second stops at once.

Both leave a state that carries on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from syncer import signals


async def until_signal(
    run: Callable[[], Awaitable[None]], drain: Callable[[], None], interrupted: list[int]
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

        with signals.listening(take, patience=2):
            try:
                await run()
            finally:
                signals.hold()
