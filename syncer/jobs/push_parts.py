"""The parts of a push: an app of Clarifai's, journal and bitmap of the state folder,
clock and chance. The only place that knows them all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncer.config import Config, Loaded
from syncer.core.ports.push import Created
from syncer.engine.clock import Clock
from syncer.jobs.clarifai import App, app
from syncer.jobs.limiters import Limiters
from syncer.journal.journal import DestinationId, Journal
from syncer.journal.posted import Posted
from syncer.sources.log_disk import REAL_LOGS, LogDisk


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
