"""A pull into the job's folder, which is carried on where it was left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from syncer.jobs.migrate.phases import Interruption
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.opening import open_in_thread
from syncer.jobs.origins import open_pull
from syncer.jobs.pull import Pulled, PullLane
from syncer.jobs.signals import Listen
from syncer.jobs.wiring import Origin


async def pull_into(
    out: Path,
    origin: Origin,
    sides: Sides,
    state: Path,
    watch: Callable[[PullLane], None],
    signals: Listen,
) -> Pulled:
    """Pull all of an origin of the source. Raises SyncerError, Interruption."""
    pull = open_pull(sides.source, origin, str(out), "jsonl", state=state)
    async with open_in_thread(pull) as lane:
        watch(lane)
        pulled = await lane.run(signals=signals)
    if pulled.error is not None:
        raise pulled.error
    if pulled.interrupted is not None:
        raise Interruption(pulled.interrupted)
    return pulled
