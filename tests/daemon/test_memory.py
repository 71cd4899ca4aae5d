"""Memory that is free goes back to the system."""

from __future__ import annotations

import anyio

from syncer.daemon.memory import TRIM_SECONDS, find_trim, giving_back
from tests.support.virtual import VirtualTime


def test_it_is_given_back_from_time_to_time_until_the_end() -> None:
    given: list[int] = []

    async def live() -> None:
        async with giving_back(lambda left: given.append(left) or 1):  # type: ignore[func-returns-value]
            await anyio.sleep(3.5 * TRIM_SECONDS)
        await anyio.sleep(3 * TRIM_SECONDS)

    VirtualTime().run(live)
    assert given == [0, 0, 0]


def test_where_the_system_has_no_such_call_nothing_is_done() -> None:
    async def live() -> None:
        async with giving_back(None):
            await anyio.sleep(TRIM_SECONDS)

    VirtualTime().run(live)


def test_the_call_of_this_system_can_be_called() -> None:
    trim = find_trim()
    assert trim is None or trim(0) in (0, 1)
