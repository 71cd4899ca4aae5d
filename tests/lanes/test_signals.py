"""What is left of a lane's signal handling when the lane is done."""

from __future__ import annotations

import signal

import anyio.lowlevel
import pytest

from syncer.lanes.signals import until_signal


@pytest.mark.anyio
async def test_whoever_handled_signals_before_handles_them_again_afterwards() -> None:
    """A SIGTERM while the summary is printed is not the system's: it ends a process without a word."""

    async def done() -> None:
        await anyio.lowlevel.checkpoint()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    mine = {number: lambda *_: None for number in before}
    try:
        for number, handler in mine.items():
            signal.signal(number, handler)
        await until_signal(done, lambda: None, [])
        assert {number: signal.getsignal(number) for number in mine} == mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
