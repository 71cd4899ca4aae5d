"""The event loop of a command that runs for long."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple, Unpack

import anyio

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


def run(function: Callable[[Unpack[Arguments]], Awaitable[T]], *arguments: *Arguments) -> T:
    """What the function comes to, on uvloop where that is installed."""
    gc.freeze()  # what is imported stays for good: no collection needs to look at it
    gc.set_threshold(100_000, 50, 50)
    return anyio.run(function, *arguments, backend_options={"use_uvloop": importlib.util.find_spec("uvloop") is not None})
