"""Requests a second: which are one too many, by each rule that a service may have."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 0.95
"""A little under a second: requests that left in step may arrive closer together."""


class Limit:
    """One limit of `rps` requests a second.

    `rule`: `sliding` (in any second), `second` (in each of its own), `bucket`
    (refilled).
    """

    def __init__(self, rps: float, rule: str) -> None:
        self._most = max(1.0, rps)
        self._rule = rule
        self._arrivals: deque[float] = deque()
        self._second = -1
        self._left = self._most
        self._last = 0.0

    def take(self, now: float) -> bool:
        """May a request go at this time? Those that may not do not count."""
        if self._rule == "sliding":
            while self._arrivals and self._arrivals[0] <= now - WINDOW_SECONDS:
                self._arrivals.popleft()
            if len(self._arrivals) + 1 > self._most:
                return False
            self._arrivals.append(now)
            return True
        if self._rule == "second":
            second = int(now / WINDOW_SECONDS)
            if second != self._second:
                self._second, self._left = second, self._most
        else:
            self._left = min(
                self._most, self._left + (now - self._last) * self._most / WINDOW_SECONDS
            )
            self._last = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
