"""The phase `repair`: what is missing is posted, what this job posted is patched where
it differs, and all is compared once more. Nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Callable

from syncer.jobs.migrate.folder import JobFolder
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.own import OwnLabels, plan_own
from syncer.jobs.migrate.phases import PhaseDone
from syncer.jobs.migrate.push import push_logs
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.migrate.verify import verify_labels
from syncer.jobs.push import PushLane
from syncer.jobs.signals import Listen


async def repair_target(
    sides: Sides, job: JobFolder, watch: Callable[[PushLane | PhaseMeter], None], signals: Listen
) -> PhaseDone:
    """Repair where the comparison found differences. The facts are those of the last
    comparison. Raises SyncerError, Interruption.
    """
    verified = job.record.done["verify"]
    if not (verified.facts["missing"] or verified.facts["differs"]):
        return PhaseDone(facts=verified.facts)
    files = job.files
    with OwnLabels(job, passes=job.record.number) as own:
        planned = await plan_own(sides, files.labels, files.repair, own, signals)
    pushed = await push_logs(sides, [files.repair], watch, signals)
    total = job.record.done["convert"].items
    again = await verify_labels(sides, files, job.state, total, watch, signals)
    requests = planned.requests + pushed.requests + again.requests
    facts = {**again.facts, "repaired": pushed.items, "dead": pushed.facts["dead"]}
    return PhaseDone(pushed.items, requests, facts=facts)
