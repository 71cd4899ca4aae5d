"""The event loop of a command that runs for long."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple, Unpack

import anyio

from syncer import signals

T = TypeVar("T")
ArgumentTypes = TypeVarTuple("ArgumentTypes")


def run(function: Callable[[Unpack[ArgumentTypes]], Awaitable[T]], *arguments: *ArgumentTypes) -> T:
    """Return what the function comes to, on uvloop where that is installed.

    A signal that nobody within listens to cancels the function; then this raises
    KeyboardInterrupt or Terminated.
    """
    gc.freeze()  # what is imported stays for good: no collection needs to look at it
    returned: list[T] = []
    stopped: list[int] = []

    async def main() -> None:
        with anyio.CancelScope() as scope:

            def stop(number: int) -> None:
                stopped.append(number)
                scope.cancel()

            with signals.listening(stop):
                returned.append(await function(*arguments))

    with signals.deferring():
        anyio.run(
            main, backend_options={"use_uvloop": importlib.util.find_spec("uvloop") is not None}
        )
    if not returned:
        raise signals.stop_by(stopped[0])
    return returned[0]
