"""A wake-up for one waiting task."""

from __future__ import annotations

import anyio


class Signal:
    """Set by anyone, waited for by one task.

    Being set while nobody waits is remembered.
    """

    def __init__(self) -> None:
        self._event = anyio.Event()

    @property
    def is_set(self) -> bool:
        """Whether the next wait returns at once."""
        return self._event.is_set()

    def set(self) -> None:
        """Wake the waiting task, or let its next wait return at once."""
        self._event.set()

    async def wait(self, timeout_seconds: float | None = None) -> None:
        """Wait until set, or until the time is up."""
        with anyio.move_on_after(timeout_seconds):
            await self._event.wait()
        self._event = anyio.Event()
