"""Memory that is free goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import weakref

import anyio
import pytest

from syncer.daemon.memory import CYCLES_MAX, TRIM_SECONDS, find_trim, giving_back
from tests.support.virtual import VirtualTime


def test_it_is_given_back_from_time_to_time_until_the_end() -> None:
    given: list[int] = []

    async def live() -> None:
        async with giving_back(lambda left: given.append(left) or 1):  # type: ignore[func-returns-value]
            await anyio.sleep(3.5 * TRIM_SECONDS)
        await anyio.sleep(3 * TRIM_SECONDS)

    VirtualTime().run(live)
    assert given == [0, 0, 0]


def test_what_refers_to_itself_is_let_go_while_the_daemon_lives() -> None:
    """Requests leave such things, and the collector would wait for 100,000 of them."""

    class Knot:
        def __init__(self) -> None:
            self.itself = self

    async def live() -> bool:
        knot = weakref.ref(Knot())
        async with giving_back(None):
            await anyio.sleep(1.5 * TRIM_SECONDS)
        return knot() is None

    gc.disable()
    try:
        assert VirtualTime().run(live)
    finally:
        gc.enable()


def test_no_more_than_some_thousands_of_such_things_wait_to_be_let_go() -> None:
    """A hundred thousand were megabytes, in ever other places."""

    class Knot:
        def __init__(self) -> None:
            self.itself = self

    async def live() -> int:
        async with giving_back(None):
            knots = [weakref.ref(Knot()) for _ in range(4 * CYCLES_MAX)]
            return sum(knot() is not None for knot in knots)

    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        assert VirtualTime().run(live) <= 2 * CYCLES_MAX
        assert gc.get_threshold() == (100_000, 50, 50)
    finally:
        gc.set_threshold(*before)


def test_where_the_system_has_no_such_call_nothing_is_done() -> None:
    async def live() -> None:
        async with giving_back(None):
            await anyio.sleep(TRIM_SECONDS)

    VirtualTime().run(live)


def test_the_call_of_this_system_can_be_called() -> None:
    trim = find_trim()
    assert trim is None or trim(0) in (0, 1)


HEAPS = """
import ctypes, threading
from syncer.daemon.memory import keep_one_heap
keep_one_heap()
kept, ready = [], threading.Barrier(8)

def work():
    ready.wait()
    kept.append([bytes(2000) for _ in range(100)])
    ready.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library")
def test_all_threads_share_one_heap() -> None:
    told = subprocess.run(
        [sys.executable, "-c", HEAPS], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.count("<heap nr=") == 1
