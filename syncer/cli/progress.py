"""The display of a run while it lasts: on a terminal one line that is drawn again and
again, elsewhere a line now and then.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from syncer.cli.output import printing, redraw, say, terminal_columns, terminal_shows
from syncer.printable import spell_seconds

if TYPE_CHECKING:  # each takes what it shows: an import needs nothing that sends
    from syncer.jobs.importing.run import Import
    from syncer.jobs.progress import Progress, Sending
    from syncer.jobs.pull import PullReport

LINE_EVERY_SECONDS = 10.0
SAMPLE_EVERY_SECONDS = 0.2
BAR_COLUMNS_MAX = 30
BAR_COLUMNS_MIN = 8
BAR_RANK = 1
"""A bar stands where the pieces up to this rank leave room for it."""
BARS = ("━─", "#-")
"""What is done and what is not: the first of these that the terminal's encoding has."""


@dataclass(frozen=True, slots=True)
class LinePiece:
    """A piece of a line, what parts it from the piece before included.

    The one of two pieces with the lower rank is left out later.
    """

    rank: int
    text: str


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """A run at a moment, in one line, and its share that is done where it is known."""

    parts: tuple[LinePiece, ...]
    share: float | None = None

    def line(self, columns: int | None = None) -> str:
        """Return as much of the line as fits into this number of columns, what matters
        most first; None: all of it.
        """
        lines = [
            self.up_to(rank) for rank in sorted({part.rank for part in self.parts}, reverse=True)
        ]
        return next((line for line in lines if columns is None or len(line) <= columns), lines[-1])

    def up_to(self, rank: int) -> str:
        """The line without the pieces of a higher rank."""
        return "".join(part.text for part in self.parts if part.rank <= rank)


@asynccontextmanager
async def show_progress(now: Callable[[], ProgressLine], *, show: bool) -> AsyncIterator[None]:
    """Show a run while the block lasts; `now` is asked for it a few times a second."""
    if printing.quiet or not show:
        yield
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_lines if terminal_columns() is None else _keep_drawing, now)
        yield
        tasks.cancel_scope.cancel()


async def _lines(now: Callable[[], ProgressLine]) -> None:
    samples = round(LINE_EVERY_SECONDS / SAMPLE_EVERY_SECONDS)
    while True:
        for _ in range(samples):
            await anyio.sleep(SAMPLE_EVERY_SECONDS)
            run = now()
        say(run.line())


async def _keep_drawing(now: Callable[[], ProgressLine]) -> None:
    signs = next(signs for signs in BARS if terminal_shows(signs))
    columns = 0
    try:
        while True:
            columns = terminal_columns() or columns
            redraw(draw(now(), columns - 1, signs), columns)
            await anyio.sleep(SAMPLE_EVERY_SECONDS)
    finally:
        redraw("", columns)


def draw(run: ProgressLine, columns: int, signs: str) -> str:
    """The line of a terminal: a bar before the text, where it is known how much is done
    and a short text leaves room for one.
    """
    line = run.line(columns - BAR_COLUMNS_MIN - 1)
    room = min(BAR_COLUMNS_MAX, columns - len(line) - 1)
    if run.share is None or room < BAR_COLUMNS_MIN or len(line) < len(run.up_to(BAR_RANK)):
        return run.line(columns)
    done = round(max(0.0, min(1.0, run.share)) * room)
    return f"{signs[0] * done}{signs[1] * (room - done)} {line}"


def of_push(now: Progress) -> ProgressLine:
    """A push as it is shown."""
    report = now.report
    left = (
        ()
        if now.left_seconds is None
        else (LinePiece(1, f", about {spell_seconds(now.left_seconds)} left"),)
    )
    parts = (
        LinePiece(0, f"applied {report.applied:,}"),
        LinePiece(4, f" of {report.read - report.skipped:,} read"),
        LinePiece(6, f", {report.annotations_per_second:,.0f}/s"),
        *_of_sending(now.sending),
        *left,
        LinePiece(9, f"; sent again {report.retries:,}"),
        LinePiece(7, f", dead {report.dead:,}"),
        LinePiece(8, f", throttled {report.throttled:,}"),
    )
    return ProgressLine(parts, share_done(now))


def of_pull(report: PullReport, sending: Sending) -> ProgressLine:
    """A pull as it is shown."""
    parts = (
        LinePiece(0, f"written {report.written:,}"),
        *_of_sending(sending),
        LinePiece(7, f"; throttled {report.throttled:,}"),
        LinePiece(6, f", unreadable {report.unreadable:,}"),
    )
    return ProgressLine(parts)


def of_import(job: Import) -> ProgressLine:
    """An import as it is shown."""
    report = job.report
    parts = (
        LinePiece(0, f"read {report.read:,}"),
        LinePiece(2, f", {job.meter.share:.0%} of the files"),
        LinePiece(5, f"; skipped {report.skipped.total():,}"),
    )
    return ProgressLine(parts, job.meter.share)


def of_share(share: float, left_seconds: float | None) -> ProgressLine:
    """Work of which only the share that is done is known."""
    done = LinePiece(0, f"{share:.0%}")
    if left_seconds is None:
        return ProgressLine((done,), share)
    return ProgressLine((done, LinePiece(1, f", about {spell_seconds(left_seconds)} left")), share)


class StepLine:
    """The display of work that does not wait: `step` is called now and then."""

    def __init__(self, now: Callable[[], ProgressLine], *, show: bool) -> None:
        self._now = now
        self._columns = terminal_columns()
        self._every = LINE_EVERY_SECONDS if self._columns is None else SAMPLE_EVERY_SECONDS
        self._shows = show and not printing.quiet
        self._next = time.monotonic() + self._every
        self._drew = False

    def __enter__(self) -> StepLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drew:
            redraw("", self._columns or 0)

    def step(self) -> None:
        """Show how far it is, if it is time."""
        now = time.monotonic()
        if not self._shows or now < self._next:
            return
        self._next = now + self._every
        if self._columns is None:
            say(self._now().line())
            return
        self._columns = terminal_columns() or self._columns
        signs = next(signs for signs in BARS if terminal_shows(signs))
        redraw(draw(self._now(), self._columns - 1, signs), self._columns)
        self._drew = True


def _of_sending(sending: Sending) -> Iterator[LinePiece]:
    yield LinePiece(5, f", {sending.share_of_limit:.0%} of the limit")
    if sending.pause_seconds:
        yield LinePiece(2, f", paused for {spell_seconds(sending.pause_seconds)}")
        yield LinePiece(3, f": {sending.pause_reason}")


def share_done(now: Progress) -> float | None:
    """The share of all that is to be done, as far as the sources' size says: what is
    read but pending is not done.
    """
    if now.share_read is None:
        return None
    read = now.report.read
    return now.share_read * (1 - now.report.pending / read) if read else now.share_read
