"""Requests a second: which are one too many, by each rule that a service may have."""

from __future__ import annotations

from collections import deque

import anyio
from aiolimiter import AsyncLimiter

WINDOW_SECONDS = 0.95
"""A little under a second: requests that left in step may arrive closer together."""


class Window:
    """A number of requests in any second, or in each of the clock's."""

    def __init__(self, rps: float, rule: str) -> None:
        self._most = max(1.0, rps)
        self._rule = rule
        self._arrivals: deque[float] = deque()
        self._second = -1

    def take(self, now: float) -> bool:
        """Let a request go at this time, or not. Those that may not do not count."""
        second = int(now / WINDOW_SECONDS)
        if self._rule == "sliding":
            while self._arrivals and self._arrivals[0] <= now - WINDOW_SECONDS:
                self._arrivals.popleft()
        elif second != self._second:
            self._second = second
            self._arrivals.clear()
        if len(self._arrivals) + 1 > self._most:
            return False
        self._arrivals.append(now)
        return True


class Bucket:
    """As many requests as a bucket holds, which is full again after a second.

    It follows the clock of the event loop.
    """

    def __init__(self, rps: float) -> None:
        self._limiter = AsyncLimiter(max(1.0, rps), WINDOW_SECONDS)

    async def take(self) -> bool:
        """Let a request go now, or not. Those that may not do not count."""
        if not self._limiter.has_capacity():
            return False
        await self._limiter.acquire()
        return True


class Limit:
    """One limit of `rps` requests a second.

    `rule`: `sliding` (in any second), `second` (in each of its own), `bucket`
    (refilled).
    """

    def __init__(self, rps: float, rule: str) -> None:
        self._counts = Bucket(rps) if rule == "bucket" else Window(rps, rule)

    async def take(self) -> bool:
        """Let a request go now, or not."""
        if isinstance(self._counts, Bucket):
            return await self._counts.take()
        return self._counts.take(anyio.current_time())
