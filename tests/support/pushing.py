"""A push of the engine's, wired with the fakes: processes one after the other, over one
journal, to one service, in virtual time.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from syncer.core.backlog import Backlog
from syncer.core.backoff import Backoff
from syncer.core.change import Key, LogIdentity
from syncer.core.deletions import Deletions
from syncer.core.destination import DestinationState
from syncer.core.events import Event
from syncer.core.facts import DeadLetter, Opened
from syncer.core.limits import Limits
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.push import Source
from syncer.engine.clock import Clock
from syncer.engine.intake import Intake
from syncer.engine.push import Push
from syncer.engine.trail import NOBODY, Trail
from syncer.engine.turns import Turns
from syncer.errors import SyncerError
from tests.support.fakes import MemoryJournal, Script, Service
from tests.support.virtual import VirtualTime

LOG = 1


@dataclass(frozen=True)
class Settings:
    """Of one process: what a user can set, and the bounds of its memory."""

    limits: Limits = Limits(batch_size=4, linger_seconds=0.2, max_attempts=4)
    requests_per_second: float = 1000.0
    concurrency: int = 8
    max_delete: int | None = None
    backoff: tuple[float, float] = (0.5, 60.0)
    throttle_seconds: float = 15.0
    give_up_seconds: float = 600.0


@dataclass
class Process:
    """One process, as it is or was."""

    engine: Push
    source: Script
    error: SyncerError | None = None
    events: list[Event] = field(default_factory=list)
    came_to_its_end: bool = False


class Created:
    """Exact, where the bitmap is nearly so. Implements `Created`."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()
        self.told: Callable[[list[Key]], None] = lambda _: None
        """Called with what is added, where that is anything."""

    def add(self, keys: Iterable[Key]) -> None:
        """Remember these."""
        if added := list(keys):
            self.told(added)
            self.keys.update(added)

    def __contains__(self, key: Key) -> bool:
        return key in self.keys


class Pushing:
    """What outlives a process: the service, the journal, what was posted, the time.

    `push` runs one process.
    """

    def __init__(self, service: Service | None = None) -> None:
        self.time = VirtualTime()
        self.service = service or Service()
        self.journal = MemoryJournal()
        self.created = Created()
        self.trail: Trail = NOBODY
        self.order: list[tuple[str, Any]] = []
        """What was told to the journal ("commit"), to the bitmap ("creating") and to
        the source ("ack"), in this order.
        """
        self.created.told = lambda keys: self.order.append(("creating", keys))
        self.journal.told = lambda facts: self.order.append(("commit", list(facts)))

    def push(
        self,
        lines: Sequence[bytes],
        settings: Settings = Settings(),
        *,
        killed_at: float | None = None,
        meanwhile: Callable[[Process], Awaitable[None]] | None = None,
        **of_source: Any,
    ) -> Process:
        """Push these lines, from where the journal says.

        `meanwhile` runs beside it; `killed_at`: the process is gone then.
        """
        if LOG not in self.journal.ledger.logs:
            self.journal.commit(
                [
                    Opened(
                        LOG,
                        LogIdentity("/log.jsonl", "log.jsonl", "head", 1, len(lines) * 10, 0, 0),
                    )
                ]
            )
        source = Script(LOG, lines, watermark=self.journal.ledger.logs[LOG].watermark, **of_source)
        source.told = lambda mark: self.order.append(("ack", mark.index))
        made: list[Process] = []

        async def main() -> None:
            process = Process(
                self._engine(source, settings, lambda event: made[0].events.append(event)), source
            )
            made.append(process)
            async with anyio.create_task_group() as tasks:
                if meanwhile is not None:
                    tasks.start_soon(meanwhile, process)
                try:
                    await process.engine.run()
                except SyncerError as error:
                    process.error = error
                tasks.cancel_scope.cancel()
            process.came_to_its_end = True

        self.time.run(main, killed_at=killed_at)
        return made[0]

    def _engine(
        self,
        source: Source,
        settings: Settings,
        observe: Callable[[Event], None],
        again: Backoff | None = None,
    ) -> Push:
        """Wired as the lane does it."""
        ledger, rng, now = self.journal.ledger, random.Random(1), Clock()
        destination = DestinationState(
            *settings.backoff, settings.throttle_seconds, settings.give_up_seconds
        )
        destination.restore(ledger.destination, now())
        pace = Pace(settings.requests_per_second)
        turns = Turns(
            self.service,
            pace,
            Concurrency(settings.concurrency, pace),
            destination,
            now,
            rng,
            observe,
        )
        engine = Push(
            intake=Intake([source], observe, again),
            remote=self.service,
            journal=self.journal,
            created=self.created,
            backlog=Backlog(settings.limits, ledger.next_number),
            turns=turns,
            deletions=Deletions(ledger.deleted, settings.max_delete),
            backoff=Backoff(*settings.backoff, rng),
        )
        engine.follow(self.trail)
        return engine

    # --- how it stands ----------------------------------------------------------------

    @property
    def letters(self) -> list[DeadLetter]:
        """All dead letters that were ever written."""
        return [
            fact for facts in self.journal.commits for fact in facts if isinstance(fact, DeadLetter)
        ]

    def counts(self) -> tuple[int, int, int, int]:
        """(applied, ignored, dead, queued) of the log."""
        counts = self.journal.ledger.logs[LOG].counts
        return counts.applied, counts.ignored, counts.dead, counts.queued
