"""A push lane: its parts, change logs or sources of users, and the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio

from syncer.config import Loaded
from syncer.core.events import Event
from syncer.core.ledger import Ledger
from syncer.core.moves import Moved
from syncer.engine.push import Push
from syncer.errors import SyncerError, exit_code
from syncer.finish import finish
from syncer.jobs.dead import (
    DropResult,
    LettersToDrop,
    LettersToRetry,
    Refuse,
    RetryResult,
    Selector,
)
from syncer.jobs.inputs import ReadingOptions, open_inputs
from syncer.jobs.limiters import Limiters
from syncer.jobs.lines import line_options
from syncer.jobs.plan.side_file import check_plans
from syncer.jobs.progress import Estimate, Progress, Sending, Share, sending, unread
from syncer.jobs.push_parts import PushParts, push_parts, wire_push
from syncer.jobs.report import Before, PushReport, totals
from syncer.jobs.signals import Listen, ignore, until_signal
from syncer.jobs.streams import standard_input
from syncer.sources.feed import ChangeSource

OPENED_MAX = 1000
"""Logs that one commit names."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a push: its summary, the error that stopped it (None: it came to its
    end), the signal that interrupted it.
    """

    summary: PushReport
    error: SyncerError | None
    interrupted: int | None

    @property
    def exit_code(self) -> int:
        """The exit code of the command line."""
        return exit_code(self.error, self.interrupted, self.summary.dead)


@contextmanager
def open_push(
    loaded: Loaded,
    limiters: Limiters,
    sources: Sequence[str | ChangeSource],
    *,
    strict: bool = False,
    max_delete: int | None = None,
    moved: Moved | None = None,
    edited: bool = False,
) -> Iterator[PushLane]:
    """A lane with the parts that the configuration asks for, open while the block
    lasts.

    Raises as `push_parts` and `PushLane` do.
    """
    with push_parts(loaded, limiters) as parts:
        yield PushLane(
            parts, sources, strict=strict, max_delete=max_delete, moved=moved, edited=edited
        )


class PushLane:
    """One push from the first log to the last."""

    def __init__(
        self,
        parts: PushParts,
        sources: Sequence[str | ChangeSource],
        *,
        strict: bool = False,
        max_delete: int | None = None,
        moved: Moved | None = None,
        edited: bool = False,
    ) -> None:
        """`sources`: change logs as named on the command line, and sources of users;
        none: every log that the state knows.

        `moved`: the decision about files that may be known logs under new names.
        `edited`: plans that were edited since they were made are pushed, too. Raises
        UsageError, StateError, LogChanged.
        """
        self._parts = parts
        self._max_delete = max_delete
        self._state = Path(parts.config.state.dir)
        shared = Path(parts.config.state.shared_dir)
        inspect = partial(check_plans, config=parts.config, edited=edited)
        reading = ReadingOptions(
            line_options(parts.config), strict, moved, parts.logs, shared, inspect
        )
        self._inputs, facts = open_inputs(
            sources, self.ledger, self._state, reading, standard_input()
        )
        for start in range(0, len(facts), OPENED_MAX):
            parts.journal.commit(facts[start : start + OPENED_MAX])
        self._before = Before.of(self.ledger, self._inputs.numbers)
        self._estimate = Estimate(parts.app.pace)
        self._start_bytes = (self._inputs.progress() or (0, 0))[0]
        self._engine: Push | None = None
        self._observe: Callable[[Event], None] = lambda _: None
        self._share: Share | None = None
        self._started = time.monotonic()

    @property
    def notes(self) -> list[str]:
        """The notes that users are to know before the run: what recovery had to do, and
        which logs are not, or not as they were, read.
        """
        return [*self._parts.journal.notes, *self._inputs.notes]

    @property
    def ledger(self) -> Ledger:
        """The content of the state folder."""
        return self._parts.journal.ledger

    async def run(
        self, observe: Callable[[Event], None] = lambda _: None, *, signals: Listen = ignore
    ) -> Finished:
        """Push to the end. Errors that stop a run are in what it returns; they lose
        nothing. `signals`: how those that drain are heard.

        `observe` is called with every event from within the event loop: it must be
        quick, and an exception of its own ends the run.
        """
        self._started = time.monotonic()
        self._observe = observe
        error: SyncerError | None = None
        interrupted: list[int] = []
        app = self._parts.app
        async with app.in_use():
            engine = self._get_engine()
            self._share = Share(app.pace, anyio.current_time())
            try:
                await until_signal(engine.run, engine.drain, interrupted, signals)
            except SyncerError as stopped:
                error = stopped
            finally:
                await finish(self._inputs.close)
        # A drain that came too late has stopped nothing.
        early = interrupted[0] if interrupted and not engine.complete else None
        if error is None and early is None and (unfinished := self._inputs.describe_unfinished()):
            error = SyncerError(unfinished)
        elapsed_seconds = time.monotonic() - self._started
        return Finished(self.summary(elapsed_seconds), error, early)

    async def retry(
        self, selector: Selector, refuse: Refuse = lambda _: None, *, force: bool = False
    ) -> RetryResult:
        """Queue dead letters of the state again; the run that is on, or else the next
        one, sends them, each before later changes that have not been applied.
        Superseded ones only with `force`.

        Raises UsageError, StateError.
        """
        options = line_options(self._parts.config)
        letters = LettersToRetry(self._state, selector, options, refuse, force=force)
        await self._get_engine().carry_out(letters.portions)
        return letters.result

    async def drop(self, selector: Selector) -> DropResult:
        """Close dead letters of the state for good: they count as ignored from then on.

        Raises UsageError, StateError.
        """
        letters = LettersToDrop(self._state, selector)
        await self._get_engine().carry_out(letters.portions)
        return letters.result

    def _get_engine(self) -> Push:
        """The engine of the run, within its event loop; commands that come before the
        run are its first work.
        """
        if self._engine is None:
            self._engine = wire_push(
                self._parts,
                [self._inputs],
                lambda event: self._observe(event),
                max_delete=self._max_delete,
            )
        return self._engine

    def summary(self, elapsed_seconds: float | None = None) -> PushReport:
        """Return where the run stands, also while it is under way."""
        engine, hidden_retries = self._engine, self._parts.app.transport.hidden_retries
        elapsed = time.monotonic() - self._started if elapsed_seconds is None else elapsed_seconds
        read_in_run = engine.intake.read if engine else {}
        read, applied, skipped, ignored, dead, pending = totals(
            self._before, self.ledger, read_in_run
        )
        return PushReport(
            read=read,
            applied=applied,
            skipped=skipped,
            ignored=ignored,
            dead=dead,
            pending=pending,
            retries=engine.sender.retries if engine else 0,
            requests=(engine.turns.requests if engine else 0) + hidden_retries,
            throttled=engine.turns.throttled if engine else 0,
            reconciled=engine.sender.reconciled if engine else 0,
            elapsed_seconds=round(elapsed, 3),
            annotations_per_second=round(applied / elapsed, 1) if elapsed > 0 else 0.0,
            state=str(self._state),
        )

    def progress(self) -> Progress:
        """Return how far the run is.

        Ask a few times a second: the estimate of the time left lives on that.
        """
        report, engine = self.summary(), self._engine
        now = sending(engine.turns, self._share) if engine and self._share else Sending()
        read_bytes = self._inputs.progress()
        self._estimate.note(report.elapsed_seconds, paused=now.pause_seconds > 0)
        read = sum(engine.intake.read.values()) if engine else 0
        to_read = (
            0.0 if engine and engine.at_the_end else unread(read, read_bytes, self._start_bytes)
        )
        return Progress(
            report=report,
            share_read=read_bytes[0] / max(1, read_bytes[1]) if read_bytes else None,
            sending=now,
            left_seconds=self._estimate.seconds(
                report.applied,
                report.requests,
                None if to_read is None else report.pending + to_read,
                now.pause_seconds,
            ),
        )
