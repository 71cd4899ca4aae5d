"""The phase `push`: the labels to the target; of a later pass only what differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import anyio

from syncer.jobs.migrate.folder import JobFolder
from syncer.jobs.migrate.own import OwnLabels, plan_own
from syncer.jobs.migrate.phases import Interruption, PhaseDone
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.migrate.throughput import Throughput
from syncer.jobs.opening import open_in_thread
from syncer.jobs.push import PushLane, open_push
from syncer.jobs.signals import Listen


async def push_labels(
    sides: Sides, job: JobFolder, watch: Callable[[PushLane], None], signals: Listen
) -> PhaseDone:
    """Push the labels of this pass. Raises SyncerError, Interruption."""
    files = job.files
    if job.record.number == 1:
        return await push_logs(sides, files.logs, watch, signals)
    with OwnLabels(job, passes=job.record.number - 1) as own:
        planned = await plan_own(sides, files.labels, files.plan, own, signals)
    pushed = await push_logs(sides, [files.plan], watch, signals)
    return PhaseDone(
        pushed.items, planned.requests + pushed.requests, facts={**pushed.facts, **planned.facts}
    )


async def push_logs(
    sides: Sides, logs: Sequence[Path], watch: Callable[[PushLane], None], signals: Listen
) -> PhaseDone:
    """Push logs of the job to their end. Raises SyncerError, Interruption."""
    lane_of = open_push(sides.to, sides.limiters, [str(log) for log in logs])
    async with open_in_thread(lane_of) as lane:
        watch(lane)
        throughput = Throughput()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(throughput.follow, lane)
            finished = await lane.run(signals=signals)
            tasks.cancel_scope.cancel()
        throughput.note(finished.summary.applied)
    if finished.error is not None:
        raise finished.error
    if finished.interrupted is not None:
        raise Interruption(finished.interrupted)
    summary = finished.summary
    applied = summary.applied + summary.skipped
    facts = {
        "applied": applied,
        "skipped": summary.skipped,
        "dead": summary.dead,
        "ignored": summary.ignored,
        "samples": throughput.samples,
    }
    return PhaseDone(applied, summary.requests, facts=facts)
