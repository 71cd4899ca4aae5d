"""What is opened beside the event loop is closed again, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest

from syncer.errors import StateError
from syncer.jobs.opening import open_in_thread

pytestmark = pytest.mark.anyio


class Door:
    """It notes who opens and closes it; opening lasts until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.notes: list[str] = []

    @contextmanager
    def open(self) -> Iterator[str]:
        assert self.let.wait(10)
        assert threading.current_thread() is not threading.main_thread()
        self.notes.append("opened")
        try:
            yield "a lane"
        finally:
            self.notes.append("closed")


async def test_the_event_loop_goes_on_while_it_is_opened() -> None:
    door = Door()

    async def enter() -> None:
        async with open_in_thread(door.open()) as opened:
            door.notes.append(opened)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(enter)
        await anyio.lowlevel.checkpoint()
        door.notes.append("meanwhile")
        door.let.set()
    assert door.notes == ["meanwhile", "opened", "a lane", "closed"]


async def test_what_is_opened_for_a_task_that_was_cancelled_is_closed_at_once() -> None:
    door = Door()

    async def enter() -> None:
        async with open_in_thread(door.open()):
            door.notes.append("used")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(enter)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
        door.let.set()
    assert door.notes == ["opened", "closed"]


async def test_it_is_closed_after_an_error_and_can_be_opened_again() -> None:
    door = Door()
    door.let.set()
    for _ in range(2):
        with pytest.raises(StateError):
            async with open_in_thread(door.open()):
                raise StateError("the disk is full")
    assert door.notes == ["opened", "closed"] * 2


async def test_an_error_of_opening_is_raised_as_it_is() -> None:
    @contextmanager
    def locked() -> Iterator[None]:
        raise StateError("the state is locked")
        yield

    with pytest.raises(StateError, match="the state is locked"):
        async with open_in_thread(locked()):
            pass
