"""How a push is shown while it runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio

from syncer.cli.output import say
from syncer.engine.push import Batched
from syncer.lanes.report import Summary

LINE_EVERY_SECONDS = 10.0
BAR_EVERY_SECONDS = 0.2


@asynccontextmanager
async def shown(summary: Callable[[], Summary], rate: float | str, *, progress: bool) -> AsyncIterator[Callable[[Batched], None]]:
    """Shows the run while the block lasts; gives the observer that counts what it is told."""
    if not progress:
        yield lambda _: None
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_bar if sys.stderr.isatty() else _lines, summary, rate)
        yield lambda _: None
        tasks.cancel_scope.cancel()


async def _lines(summary: Callable[[], Summary], rate: float | str) -> None:
    while True:
        await anyio.sleep(LINE_EVERY_SECONDS)
        say(_line(summary(), rate))


def _line(now: Summary, rate: float | str) -> str:
    share = (
        f", {now.requests / now.elapsed_seconds / rate:.0%} of the limit" if isinstance(rate, int | float) and now.elapsed_seconds else ""
    )
    return (
        f"applied {now.applied:,} of {now.read - now.skipped:,} read, {now.annotations_per_second:,.0f}/s{share}; "
        f"sent again {now.retries:,}, dead {now.dead:,}, throttled {now.throttled:,}"
    )


async def _bar(summary: Callable[[], Summary], rate: float | str) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(Text(), console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        while True:
            live.update(Text(_line(summary(), rate)), refresh=True)
            await anyio.sleep(BAR_EVERY_SECONDS)
