"""Signals while a lane runs."""

from __future__ import annotations

import signal

import anyio
import anyio.lowlevel
import pytest

from syncer import signals
from syncer.jobs.signals import listen, until_signal

pytestmark = pytest.mark.anyio


async def test_the_first_signal_drains_and_the_second_stops_at_once(owner: signals.Owner) -> None:
    """Which one came first is kept: it decides the exit code."""
    interrupted: list[int] = []
    drained = anyio.Event()
    seen: list[str] = []

    async def run() -> None:
        signal.raise_signal(signal.SIGINT)
        await drained.wait()
        seen.append("drained")
        signal.raise_signal(signal.SIGTERM)
        await anyio.sleep_forever()

    with owner.deferring(), anyio.fail_after(10):
        await until_signal(run, drained.set, interrupted, listen)
    assert (seen, interrupted) == (["drained"], [signal.SIGINT])
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL


async def test_a_signal_after_the_lane_has_ended_is_not_taken_for_one_that_interrupted_it(
    owner: signals.Owner,
) -> None:
    """There is no moment in which it would end the process, or be raised."""
    interrupted: list[int] = []

    async def run() -> None:
        await anyio.lowlevel.checkpoint()

    with owner.deferring():
        await until_signal(
            run, lambda: pytest.fail("there is nothing to drain"), interrupted, listen
        )
        signal.raise_signal(signal.SIGTERM)
    assert interrupted == []


async def test_what_ends_a_lane_is_raised_after_a_signal_too(owner: signals.Owner) -> None:
    """Also an error while it drains."""
    interrupted: list[int] = []
    drained = anyio.Event()

    async def run() -> None:
        signal.raise_signal(signal.SIGTERM)
        await drained.wait()
        raise KeyError("while it drained")

    with owner.deferring(), pytest.raises(KeyError):
        await until_signal(run, drained.set, interrupted, listen)
    assert interrupted == [signal.SIGTERM]
