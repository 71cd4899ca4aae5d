"""The parts of a push: an app of Clarifai's, journal and bitmap of the state folder,
clock and chance; and the engine made of them. The only place that knows them all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncer.config import Config, Loaded
from syncer.core.backlog import Backlog
from syncer.core.backoff import Backoff
from syncer.core.deletions import Deletions
from syncer.core.events import Event
from syncer.core.limits import Limits
from syncer.core.pace import Concurrency
from syncer.core.ports.push import Created, Source
from syncer.engine.advice import Advice
from syncer.engine.clock import Clock
from syncer.engine.intake import Intake
from syncer.engine.push import Push
from syncer.engine.trail import NOBODY, Trail
from syncer.engine.turns import Turns
from syncer.jobs.clarifai import App, app
from syncer.jobs.destinations import LeftDestination, restore_destination
from syncer.jobs.folders import resuming
from syncer.jobs.limiters import Limiters
from syncer.journal.disk import REAL, Disk
from syncer.journal.journal import DestinationId, Journal
from syncer.journal.posted import Posted
from syncer.sources.log_disk import REAL_LOGS, LogDisk

SOURCE_CAP_SECONDS = 10.0
"""The longest wait before a source that failed is tried again: it is local, so a look
costs little, and what comes back is wanted soon.
"""


@dataclass(frozen=True, slots=True)
class PushParts:
    """The parts that a push works with; the one that opened them closes them."""

    config: Config
    app: App
    journal: Journal
    created: Created
    rng: random.Random
    """For jitter."""
    clock: Callable[[], Clock] = Clock
    """Makes the clock of a run, within its event loop."""
    logs: LogDisk = REAL_LOGS
    """The disk of the change logs."""
    disk: Disk = REAL
    """The disk of the state."""


@contextmanager
def push_parts(loaded: Loaded, limiters: Limiters) -> Iterator[PushParts]:
    """The parts that the configuration asks for, open while the block lasts, and with
    them the state's lock.

    `limiters`: of the process. Raises UsageError, StateError.
    """
    config, remote = loaded.config, app(loaded, limiters)
    clarifai, state = config.clarifai, Path(config.state.dir)
    destination = DestinationId(clarifai.base_url, clarifai.user_id, clarifai.app_id)
    with (
        closing(Journal.open(state, destination)) as journal,
        closing(Posted(state / "posted.bits")) as created,
    ):
        rng = random.Random()  # noqa: S311 - jitter, not a secret
        yield PushParts(config, remote, journal, created, rng)


def wire_push(
    parts: PushParts,
    sources: Sequence[Source],
    observe: Callable[[Event], None],
    *,
    max_delete: int | None = None,
    forever: bool = False,
    trail: Trail = NOBODY,
    left: LeftDestination | None = None,
) -> Push:
    """The engine of a run. Within its event loop.

    `forever`: a source that fails is tried again, with backoff, as long as the run
    goes on; else it is given up. `trail` follows the changes.
    `left`: the destination, by the last run of this process.
    """
    app, rng, ledger = parts.app, parts.rng, parts.journal.ledger
    push, retry, now = parts.config.push, parts.config.retry, parts.clock()
    concurrency = Concurrency(push.concurrency, app.pace)
    written = ledger.destination
    destination = written if left is None else left.restore(written)
    restored = restore_destination(retry, destination, now())
    state = Path(parts.config.state.dir)
    advice = Advice(app.credentials, resuming(state), app.address, app.settings)
    turns = Turns(app.transport, app.pace, concurrency, restored, now, rng, observe, advice)
    turns.whereabouts.probe = app.probe
    if destination != written:
        turns.to_keep.set()  # the last run could not write it down; this one may
    limits = Limits(
        batch_size=push.batch_size,
        linger_seconds=push.linger_seconds,
        max_attempts=retry.max_attempts,
    )
    backoff = Backoff(retry.base_seconds, retry.cap_seconds, rng)
    again = Backoff(retry.base_seconds, min(retry.cap_seconds, SOURCE_CAP_SECONDS), rng)
    engine = Push(
        intake=Intake(sources, observe, again if forever else None),
        remote=app.codec,
        journal=parts.journal,
        created=parts.created,
        backlog=Backlog(limits, ledger.next_number),
        turns=turns,
        deletions=Deletions(ledger.deleted, max_delete),
        backoff=backoff,
    )
    engine.follow(trail)
    return engine
