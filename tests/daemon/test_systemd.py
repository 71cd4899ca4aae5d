"""What the daemon tells systemd."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from syncer.daemon.systemd import Notifier


class Manager:
    """The socket of a service manager."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0"))
        self._socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": address}

    def heard(self) -> list[str]:
        """What has come since the last time."""
        came = []
        while True:
            try:
                came.append(self._socket.recv(1000).decode())
            except BlockingIOError:
                return came

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    name = f"@syncer-{os.getpid()}"
    found = Manager(str(tmp_path / "notify") if request.param == "path" else name)
    yield found
    found.close()


@pytest.mark.anyio
async def test_it_is_ready_and_then_alive_as_long_as_the_loop_turns(manager: Manager) -> None:
    notifier = Notifier(manager.environment | {"WATCHDOG_USEC": "30000"})
    async with notifier.telling(anyio.Event()):
        await anyio.sleep(0.1)
    heard = manager.heard()
    assert heard[0] == "READY=1"
    assert set(heard[1:]) == {"WATCHDOG=1"}
    assert len(heard) >= 3
    await anyio.sleep(0.05)
    assert manager.heard() == []


@pytest.mark.anyio
async def test_without_a_watchdog_it_says_only_that_it_is_ready(manager: Manager) -> None:
    for environment in ({}, {"WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}):
        async with Notifier(manager.environment | environment).telling(anyio.Event()):
            await anyio.sleep(0.05)
        assert manager.heard() == ["READY=1"]


@pytest.mark.anyio
async def test_it_is_stopping_once_it_drains(manager: Manager) -> None:
    draining = anyio.Event()
    async with Notifier(manager.environment).telling(draining):
        draining.set()
        await anyio.sleep(0.05)
        assert manager.heard() == ["READY=1", "STOPPING=1"]


@pytest.mark.anyio
async def test_it_is_reloading_until_the_last_of_several_reloads_is_over(manager: Manager) -> None:
    """By the clock that systemd compares it with; not ready any more once it stops."""
    notifier, draining = Notifier(manager.environment), anyio.Event()
    async with notifier.telling(draining):
        manager.heard()
        with notifier.reloading():
            (told,) = manager.heard()
            with notifier.reloading():
                assert len(manager.heard()) == 1
            assert manager.heard() == []
        assert manager.heard() == ["READY=1"]
        with notifier.reloading():
            manager.heard()
            draining.set()
            await anyio.sleep(0.05)
        assert manager.heard() == ["STOPPING=1"]
    reloading, at = told.split("\n")
    assert reloading == "RELOADING=1"
    microseconds = int(at.removeprefix("MONOTONIC_USEC="))
    assert 0 <= time.monotonic() - microseconds / 1e6 < 10


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@nobody"])
def test_a_manager_that_is_not_there_is_no_error(address: str) -> None:
    Notifier({"NOTIFY_SOCKET": address} if address else {}).tell("READY=1")


@pytest.mark.parametrize("text", ["", "0", "soon", "-5"])
def test_a_watchdog_that_makes_no_sense_is_none(text: str) -> None:
    assert Notifier({"WATCHDOG_USEC": text}).watchdog_seconds is None
