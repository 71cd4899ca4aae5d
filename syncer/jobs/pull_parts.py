"""The parts of a pull: where it reads from, where rows go, and what the state folder
knows of earlier runs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from syncer.core.ports.pull import Sink
from syncer.engine.clock import Clock
from syncer.jobs.wiring import Origin
from syncer.journal.checkpoint import Checkpoints
from syncer.journal.disk import REAL, Disk
from syncer.journal.parts import DoneParts
from syncer.journal.seen import Seen


@dataclass(frozen=True, slots=True)
class PullParts:
    """The parts that a pull works with; the one that opened them closes them."""

    origin: Origin
    sink: Sink
    state: Path
    """Its folder."""
    checkpoints: Checkpoints
    done: DoneParts
    """The parts of the list that are done."""
    seen: Seen | None
    """None where the list does not repeat itself."""
    rng: random.Random
    """For jitter."""
    path: Path | None = None
    """The path of the output, None if it has none."""
    clock: Callable[[], Clock] = Clock
    """Makes the clock of a run, within its event loop."""

    @property
    def place(self) -> str:
        """The path of the output, now or later."""
        return _place(self.path)


@contextmanager
def pull_parts(
    origin: Origin,
    sink: Sink,
    *,
    job: str,
    state: Path,
    path: Path | None = None,
    disk: Disk = REAL,
) -> Iterator[PullParts]:
    """The parts of a pull, open while the block lasts, and with them the state's lock.

    `job`: all that makes this pull the one it is; `disk`: of the checkpoint and of the
    parts that are done. Raises StateError.
    """
    with closing(Checkpoints(state, job, out=_place(path), disk=disk)) as checkpoints:
        last = checkpoints.last
        with (
            closing(DoneParts(state, last.parts, disk=disk)) as done,
            closing(Seen(state, last.pages)) if origin.listing.repeats else nullcontext() as seen,
        ):
            rng = random.Random()  # noqa: S311 - jitter, not a secret
            yield PullParts(origin, sink, state, checkpoints, done, seen, rng, path)


def _place(path: Path | None) -> str:
    return "" if path is None else os.path.realpath(path)
