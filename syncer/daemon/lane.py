"""A lane of the daemon: one destination, and a push to it that never comes to an end.

    open its parts ──► push ──error──► paused, with a reason ──┐
          ▲                                                    │
          └──────────── after a while, longer each time ◄──────┘

An error never leaves a state on disk that is not whole: the lane opens it again and
goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    nullcontext,
)
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from syncer.config import Loaded
from syncer.config.fields import INGEST
from syncer.core.backoff import Backoff
from syncer.core.events import ChangesSettled, Event, SourceFailed, SourceRecovered
from syncer.core.ledger import Ledger
from syncer.core.ports.push import Source
from syncer.core.settle import rfc3339
from syncer.daemon.drift import DriftCheck
from syncer.daemon.errands import RETRY_SECONDS, Errands, NotPushing
from syncer.daemon.followed import Followed, MakeSources, Watched, looking_for_unread
from syncer.daemon.lag import Lag, bounds_of
from syncer.daemon.status import (
    Faults,
    LanePause,
    LaneStatus,
    Load,
    RecentRequests,
    SourceStatus,
    SourceTotals,
    StateTotals,
    Traffic,
    Trouble,
    sum_up_sources,
)
from syncer.daemon.story import AppliedChanges, list_retries, tell_live_story
from syncer.engine.push import Push
from syncer.engine.trail import Trail, Trails
from syncer.errors import CredentialsRefused, SyncerError, describe
from syncer.finish import finish
from syncer.jobs.dead import (
    DropResult,
    LettersToDrop,
    LettersToRetry,
    Refuse,
    RetryResult,
    Selector,
)
from syncer.jobs.destinations import LeftDestination
from syncer.jobs.lines import line_options
from syncer.jobs.opening import open_in_thread
from syncer.jobs.push_parts import PushParts, wire_push
from syncer.jobs.story import AskedAnnotation, Step, tell_story
from syncer.journal.held import is_held, set_held
from syncer.journal.journal import Journal
from syncer.sources.inbox import Inbox

BY_HAND = "paused by hand: POST /api/lanes/NAME/resume lets it go on"
PROVEN_SECONDS = 10.0
"""A push that goes on for so long after a failed one does better, if nothing came to be
settled before.
"""
LOOK_SECONDS = 1.0
"""How often a lane whose token was refused looks whether there is another one."""

T = TypeVar("T")

OpenParts = Callable[[Loaded], AbstractContextManager[PushParts]]
"""Opens the parts of a push, and with them the state's lock."""
Control = Callable[["Lane"], AbstractAsyncContextManager[None]]


def no_control(_: Lane) -> AbstractAsyncContextManager[None]:
    """Let nobody control a lane from outside."""
    return nullcontext()


class Lane:
    """One destination. `drain` ends a `run`; after `take_up` it may run again."""

    def __init__(
        self,
        name: str,
        loaded: Loaded,
        open_parts: OpenParts,
        make_sources: MakeSources,
        observe: Callable[[Event], None],
        tell: Callable[[Lane], None],
        control: Control = no_control,
    ) -> None:
        """`loaded`: the configuration as it is for this destination. `open_parts` gets
        it with what the daemon sets. `observe` gets every event; `tell` is called when
        the lane is paused, and when it goes on; `control` is entered while it holds its
        state.
        """
        self.name = name
        self.pause: LanePause | None = None
        """Why no push is on; while one is on, why the last one ended, until this one is
        known to do better.
        """
        self._began_at = 0.0
        self.chance = random.Random()  # noqa: S311 - jitter, not a secret
        self.state = Path(loaded.config.state.dir)
        self._open_parts = open_parts
        self._observe = observe
        self._tell = tell
        self._control = control
        self._running: tuple[Push, PushParts] | None = None
        self._requests = RecentRequests()
        self._remote = Faults()
        self._errands = Errands()
        self.lag = Lag(())
        self._applied = AppliedChanges()
        self._drift = DriftCheck(self.chance)
        self._trails: list[Trail] = [self.lag, self._applied, self._drift]
        self._left: LeftDestination | None = None
        """The destination, by the last push."""
        self._sources: dict[str, Watched] = {}
        """By name."""
        self._totals = StateTotals()
        self._of_sources: dict[str, SourceTotals] = {}
        """By name. Both as they were at the last look."""
        self.take_up(loaded, make_sources)

    def take_up(self, loaded: Loaded, make_sources: MakeSources) -> None:
        """Go by these settings at the next `run`. App and state stay the same."""
        self._loaded = loaded.with_settings(retry={"give_up_seconds": 0.0})
        self._make_sources = make_sources
        self._draining = anyio.Event()
        self._failures = 0
        push = loaded.config.push
        self.lag.count_within(bounds_of(push.linger_seconds, push.requests_per_second))
        self._drift.every_seconds = loaded.config.daemon.verify_sample_every_seconds

    async def run(self) -> None:
        """Push until drained. What stops a push pauses the lane; nothing ends it."""
        while not self._draining.is_set():
            try:
                async with (
                    open_in_thread(self._open_parts(self._loaded)) as parts,
                    self._control(self),
                    self._errands.after(parts.journal),
                ):
                    await self._push(parts)
            except Exception as error:  # an unexpected one, too: other lanes go on
                await self._wait(error)

    async def hold(self, *, held: bool) -> None:
        """Pause by hand, or go on: also after a restart. What is in flight comes to its
        end. Raises StateError.
        """
        write = partial(set_held, self.state, held=held)
        await finish(partial(anyio.to_thread.run_sync, write))
        if self._running is not None:
            self._running[0].turns.hold(BY_HAND if held else "")

    async def retry(
        self, selector: Selector, refuse: Refuse = lambda _: None, *, force: bool = False
    ) -> RetryResult:
        """Send dead letters again, as `PushLane.retry` does.

        Raises NotPushing, UsageError, StateError.
        """
        options = line_options(self._loaded.config)
        letters = LettersToRetry(self.state, selector, options, refuse, force=force)
        await self._engine().carry_out(letters.portions)
        return letters.result

    async def drop(self, selector: Selector) -> DropResult:
        """Close dead letters for good, as `PushLane.drop` does.

        Raises NotPushing, UsageError, StateError.
        """
        letters = LettersToDrop(self.state, selector)
        await self._engine().carry_out(letters.portions)
        return letters.result

    async def alter(self, work: Callable[[Journal], T]) -> T:
        """Let the push come to its end, do this with its state, and push again.

        Raises NotPushing, StateError, and what the work raises.
        """
        return await self._errands.ask(work, self._engine().drain)

    def _engine(self) -> Push:
        if self._running is None:
            raise self._explain_no_push()
        return self._running[0]

    async def tell_story(self, asked: AskedAnnotation) -> list[Step]:
        """Return where the changes of an annotation are. Raises StateError."""
        if self._running is None:
            return await anyio.to_thread.run_sync(tell_story, self.state, asked)
        return await tell_live_story(self._running[0], self._applied, self.state, asked)

    async def list_retries(self, most: int) -> list[Step]:
        """Return the changes that are tried again next."""
        return [] if self._running is None else await list_retries(self._running[0], most)

    @property
    def is_inbox_full(self) -> bool:
        """Whether the inbox has no room for one line more."""
        return any(inbox.is_full for inbox in self._inboxes())

    def inbox(self) -> Inbox:
        """Return what takes changes over HTTP. Raises NotPushing."""
        if self._running is None:
            raise self._explain_no_push()
        for inbox in self._inboxes():
            return inbox
        reasons = [one.reason for one in self._sources.values() if one.followed.kind == INGEST]
        reason = next(filter(None, reasons), "it is being opened")
        raise NotPushing(f"the inbox of the lane {self.name} takes nothing just now: {reason}")

    def _inboxes(self) -> Iterator[Inbox]:
        for watched in self._sources.values():
            if self._running is not None and (inbox := watched.followed.inbox()) is not None:
                yield inbox

    def _explain_no_push(self) -> NotPushing:
        pause = self.pause
        seconds = RETRY_SECONDS if pause is None else max(RETRY_SECONDS, pause.left_seconds())
        reason = self._status_of_pause(pause).reason
        return NotPushing(f"the lane {self.name} does not push just now: {reason}", seconds)

    def drain(self) -> None:
        """Finish what is in flight, write it down, and end."""
        self._draining.set()
        if self._running is not None:
            self._running[0].drain()

    async def _push(self, parts: PushParts) -> None:
        made: list[Push] = []
        followed = self._make_sources(parts, lambda: made[0])
        sources = [one.source for one in followed]
        self._sources = {one.source.label: Watched(one) for one in followed}
        try:
            async with parts.app.in_use():
                self.lag.begin()
                trail = Trails(self._trails)
                engine = wire_push(
                    parts,
                    sources,
                    self._note,
                    forever=True,
                    trail=trail,
                    left=self._left,
                )
                if await anyio.to_thread.run_sync(is_held, self.state):
                    engine.turns.hold(BY_HAND)
                made.append(engine)
                self._running = (engine, parts)
                if self._draining.is_set():
                    return
                self._began_at = anyio.current_time()
                looking = looking_for_unread(followed)
                async with self._drift.checking(engine, parts.app.codec), looking:
                    await engine.run()
        finally:
            self._running = None
            await finish(partial(self._leave, parts, made, sources))

    async def _leave(
        self, parts: PushParts, engines: Sequence[Push], sources: Sequence[Source]
    ) -> None:
        """Keep what a push knew, and close all of its sources."""
        async with AsyncExitStack() as closing:
            for source in sources:
                closing.push_async_callback(source.close)
            for engine in engines:
                await engine.await_commands()  # they write to the journal
                self._left = LeftDestination.of(engine.turns, parts.journal.ledger.destination)
            self._totals, self._of_sources = _sum_up(parts.journal.ledger)

    def _note(self, event: Event) -> None:
        self._requests.note(event, anyio.current_time())
        match event:
            case ChangesSettled(applied=applied):
                self._failures = 0 if applied else self._failures
                self._end_pause()
            case SourceFailed():
                self._sources[event.source].reason = event.reason
            case SourceRecovered():
                self._sources[event.source].reason = ""
            case _:
                pass
        self._observe(event)

    def _end_pause(self) -> None:
        if self.pause is not None:
            self.pause = None
            self._tell(self)

    async def _wait(self, error: Exception) -> None:
        """Until the next try is due, or there is another token than the refused one."""
        self._failures += 1
        retry, refused = self._loaded.config.retry, self._read_token()
        seconds = Backoff(retry.base_seconds, retry.cap_seconds, self.chance).delay(self._failures)
        self.pause = LanePause.now(describe(error), seconds)
        self._tell(self)
        with anyio.move_on_after(seconds):
            while not self._draining.is_set():
                with anyio.move_on_after(LOOK_SECONDS):
                    await self._draining.wait()
                if isinstance(error, CredentialsRefused) and self._read_token() != refused:
                    return

    def _read_token(self) -> str | None:
        try:
            return self._loaded.token()
        except SyncerError:  # the file is being replaced, or is not there yet
            return None

    async def status(self) -> LaneStatus:
        """Return the lane as it is now."""
        if self._running is None:
            return self._status_of_pause(self.pause)
        engine, parts = self._running
        self._totals, self._of_sources = await engine.look(_sum_up)
        turns, now = engine.turns, engine.turns.now()
        destination, left_seconds = turns.destination, turns.pause_seconds()
        state = destination.state(now)
        until = rfc3339(now + turns.now.ahead_seconds() + left_seconds) if left_seconds else None
        reason = "" if state == "open" else destination.reason
        drift = self._drift.found
        troubles = {"remote": Trouble(reason)} if reason else {}
        if drift.drifted:
            troubles["drift"] = Trouble(drift.sentence(), "warning")
        self._remote.set(troubles)
        checks = self._remote.checks()
        if anyio.current_time() - self._began_at >= PROVEN_SECONDS:
            self._end_pause()
        if state == "open" and self.pause is not None:
            state, reason, checks = "probing", self.pause.reason, (self.pause.check(),)
        rate = self._requests.rate(anyio.current_time())
        return LaneStatus(
            name=self.name,
            state=state,
            paused_until=until,
            reason=reason,
            traffic=Traffic.of(turns, parts.app.pace.requests_per_second, rate),
            totals=self._totals,
            checks=checks,
            load=Load.of(engine.backlog),
            last_applied_at=self.lag.last_applied_at,
            drift=drift,
        )

    def sources(self) -> Iterator[SourceStatus]:
        """Yield its sources, as they are now; how much was read of them as of the last
        `status`.
        """
        for watched in self._sources.values():
            name = watched.followed.source.label
            totals = self._of_sources.get(name, SourceTotals())
            delays, following = self.lag.delays(name), self._running is not None
            yield watched.status(self.name, totals, delays, following=following)

    def find_source(self, name: str) -> Followed | None:
        """Return the source of this name; None where it is not followed now."""
        watched = self._sources.get(name)
        return watched.followed if watched is not None and self._running is not None else None

    def _status_of_pause(self, pause: LanePause | None) -> LaneStatus:
        """No push is on: it is being opened, or waits, or the lane was drained."""
        drained = self._draining.is_set()
        waits = "the lane was drained" if drained else "the lane is being opened"
        return LaneStatus(
            name=self.name,
            state="stopped" if drained else "paused",
            paused_until=None if pause is None else rfc3339(pause.until),
            reason=waits if pause is None else pause.reason,
            traffic=Traffic(),
            totals=self._totals,
            checks=() if pause is None else (pause.check(),),
            last_applied_at=self.lag.last_applied_at,
            drift=self._drift.found,
        )


def _sum_up(ledger: Ledger) -> tuple[StateTotals, dict[str, SourceTotals]]:
    return StateTotals.of(ledger), sum_up_sources(ledger)
