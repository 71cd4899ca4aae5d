"""Tells systemd how the daemon is: ready, alive, reloading, stopping. Does nothing
where systemd does not ask for it.

The protocol is sd_notify(3): datagrams of NAME=VALUE lines to the socket that
NOTIFY_SOCKET names; a name that begins with @ is of the abstract kind.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress

import anyio


class Notifier:
    """The way to the service manager."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_seconds = _watchdog_seconds(environment)
        """The time after which systemd takes a silent process for dead; None: it does
        not watch.
        """
        self._reloads = 0
        self._is_stopping = False

    def tell(self, state: str) -> None:
        """Send a state, `READY=1` say. A manager that is gone is no error."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(state.encode(), self._address)

    @asynccontextmanager
    async def telling(self, draining: anyio.Event) -> AsyncIterator[None]:
        """Ready at the beginning of the block, stopping once the daemon drains, and
        alive as long as the event loop turns.
        """
        self.tell("READY=1")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tell_stopping, draining)
            if self.watchdog_seconds is not None:
                tasks.start_soon(self._feed, self.watchdog_seconds / 3)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Reloading while the block lasts, then ready again; blocks may overlap."""
        self._reloads += 1
        if not self._is_stopping:
            self.tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._reloads -= 1
            if not self._reloads and not self._is_stopping:
                self.tell("READY=1")

    async def _tell_stopping(self, draining: anyio.Event) -> None:
        await draining.wait()
        self._is_stopping = True
        self.tell("STOPPING=1")

    async def _feed(self, every_seconds: float) -> None:
        while True:
            self.tell("WATCHDOG=1")
            await anyio.sleep(every_seconds)


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Return what WATCHDOG_USEC says, where it is meant for this process."""
    text, of = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        return None
    return None if of and of != str(os.getpid()) else int(text) / 1e6
