"""The phase `read`: the labels of the source into the job's folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import anyio.to_thread
import orjson
from msgspec import structs

from syncer.config.migration import FromClarifai, FromFiles, FromProject
from syncer.core.ports.pull import Found, Unit
from syncer.jobs.folders import pull_in
from syncer.jobs.migrate.folder import PassFiles, write_file
from syncer.jobs.migrate.phases import PhaseDone
from syncer.jobs.migrate.pictures import fetch_pictures
from syncer.jobs.migrate.pulling import pull_into
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.origins import annotell_origin, clarifai_origin
from syncer.jobs.pull import PullLane
from syncer.jobs.signals import Listen
from syncer.jobs.wiring import Origin, wire
from syncer.remotes.annotell import DocumentSelection, InputNames
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
        return PhaseDone()
    done = await _read_labels(sides, files, watch, signals)
    if isinstance(source, FromClarifai):
        await fetch_pictures(sides, files, watch, signals)
    if isinstance(source, FromProject) and not files.names.exists():
        requests = await _read_names(sides, source, files)
        return structs.replace(done, requests=done.requests + requests)
    return done


async def _read_labels(
    sides: Sides, files: PassFiles, watch: Callable[[PullLane], None], signals: Listen
) -> PhaseDone:
    before = pull_in(files.reading) if files.reading.is_dir() else None
    if before is not None and before.done and files.source.exists():
        return PhaseDone(before.written, facts={"unreadable": before.unreadable})
    origin = _find_origin(sides)
    pulled = await pull_into(files.source, origin, sides, files.reading, watch, signals)
    report = pulled.report
    problems = [f"{one.what}: {one.reason}" for one in pulled.problems]
    facts = {"unreadable": report.unreadable, "problems": problems}
    return PhaseDone(report.written, report.requests, facts=facts)


async def _read_names(sides: Sides, source: FromProject, files: PassFiles) -> int:
    """Keep the names of the project's inputs; return how many requests that took.
    Raises SyncerError.
    """
    origin, named = _find_origin(sides), list[tuple[str, str]]()

    async def deliver(unit: Unit, found: Found) -> None:
        named.extend((row.key[0], row.key[1]) for row in found.rows)

    listing = InputNames(
        origin.address, source.project, source.batch, paged=source.kind == "kognic"
    )
    async with wire(origin, lambda _: None, listing=listing) as engine:
        await engine.run("", deliver)
        requests = engine.ways["api"].turns.requests
    often = Counter(name for _, name in named)
    # One that two inputs have would put the labels of both on one.
    called = {uuid: name for uuid, name in named if often[name] == 1}
    await anyio.to_thread.run_sync(write_file, files.names, orjson.dumps(called))
    return requests


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
