"""The phase `read`: the labels of the source into the job's folder."""

from __future__ import annotations

from collections.abc import Callable

from syncer.config.migration import FromClarifai, FromFiles
from syncer.jobs.folders import pull_in
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.phases import Interruption, PhaseDone
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.opening import open_in_thread
from syncer.jobs.origins import annotell_origin, clarifai_origin, open_pull
from syncer.jobs.pull import PullLane
from syncer.jobs.signals import Listen
from syncer.jobs.wiring import Origin
from syncer.remotes.annotell import DocumentSelection
from syncer.remotes.clarifai.selection import Selection


async def read_source(
    sides: Sides, files: PassFiles, watch: Callable[[PullLane], None], signals: Listen
) -> PhaseDone:
    """Pull what the source holds; files stay where they are. What is read already is
    not read again.

    Raises SyncerError, Interruption.
    """
    source = sides.section.source
    if isinstance(source, FromFiles):
        return PhaseDone(len(source.paths))
    before = pull_in(files.reading) if files.reading.is_dir() else None
    if before is not None and before.done and files.source.exists():
        return PhaseDone(before.written, facts={"unreadable": before.unreadable})
    pull = open_pull(
        sides.source, _find_origin(sides), str(files.source), "jsonl", state=files.reading
    )
    async with open_in_thread(pull) as lane:
        watch(lane)
        pulled = await lane.run(signals=signals)
    if pulled.error is not None:
        raise pulled.error
    if pulled.interrupted is not None:
        raise Interruption(pulled.interrupted)
    report = pulled.report
    problems = [f"{one.what}: {one.reason}" for one in pulled.problems]
    facts = {"unreadable": report.unreadable, "problems": problems}
    return PhaseDone(report.written, report.requests, facts=facts)


def _find_origin(sides: Sides) -> Origin:
    source = sides.section.source
    if isinstance(source, FromClarifai):
        selection = Selection(
            input_ids=source.input_ids,
            dataset_id=source.dataset,
            all_makers=True,
            with_inputs=sides.section.create_inputs,
        )
        return clarifai_origin(sides.source, sides.limiters, selection)
    assert not isinstance(source, FromFiles)
    documents = DocumentSelection(
        project="" if source.input_ids else source.project,
        batch="" if source.input_ids else source.batch,
        annotation_types=(source.annotation_type,) if source.annotation_type else (),
        input_uuids=source.input_ids,
    )
    return annotell_origin(sides.source, sides.limiters, documents)
