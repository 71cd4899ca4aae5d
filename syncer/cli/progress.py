"""How a push is shown while it runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from syncer.cli.output import say
from syncer.lanes.progress import Progress

LINE_EVERY_SECONDS = 10.0
SAMPLE_EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Shown:
    """A run at a moment: in one line, and how much of it is done, where that is known."""

    line: str
    share: float | None = None


@asynccontextmanager
async def shown(now: Callable[[], Shown], *, show: bool) -> AsyncIterator[None]:
    """Shows a run while the block lasts; `now` is asked a few times a second how it is."""
    if not show:
        yield
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_bar if sys.stderr.isatty() else _lines, now)
        yield
        tasks.cancel_scope.cancel()


async def _lines(now: Callable[[], Shown]) -> None:
    samples = round(LINE_EVERY_SECONDS / SAMPLE_EVERY_SECONDS)
    while True:
        for _ in range(samples):
            await anyio.sleep(SAMPLE_EVERY_SECONDS)
            shown = now()
        say(shown.line)


async def _bar(now: Callable[[], Shown]) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        while True:
            shown = now()
            rows = Table.grid(expand=True)
            rows.add_row(ProgressBar(total=1.0, completed=shown.share or 0.0, pulse=shown.share is None))
            rows.add_row(Text(shown.line, overflow="ellipsis", no_wrap=True))
            live.update(rows, refresh=True)
            await anyio.sleep(SAMPLE_EVERY_SECONDS)


def of_push(now: Progress) -> Shown:
    """A push as it is shown."""
    return Shown(line(now), share_done(now))


def share_done(now: Progress) -> float | None:
    """Of all that is to be done, as far as the sources' size tells: what is read but pending is not done."""
    if now.share_read is None:
        return None
    read = now.report.read
    return now.share_read * (1 - now.report.pending / read) if read else now.share_read


def line(now: Progress) -> str:
    """A run in one line."""
    report = now.report
    parts = [
        f"applied {report.applied:,} of {report.read - report.skipped:,} read",
        f"{report.annotations_per_second:,.0f}/s",
        f"{now.share_of_limit:.0%} of the limit",
    ]
    if now.pause_seconds:
        parts.append(f"paused for {now.pause_seconds:.0f} s: {now.pause_reason}")
    if now.left_seconds is not None:
        parts.append(f"about {span(now.left_seconds)} left")
    counts = f"sent again {report.retries:,}, dead {report.dead:,}, throttled {report.throttled:,}"
    return f"{', '.join(parts)}; {counts}"


def span(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"
