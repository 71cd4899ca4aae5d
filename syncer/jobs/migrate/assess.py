"""The phase `assess`: what will go, in part or not at all, and what the target lacks.
Nothing is sent that changes anything.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable

import anyio.to_thread

from syncer.jobs.importing.run import Import
from syncer.jobs.migrate.convert import convert_source
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.phases import PhaseDone
from syncer.jobs.migrate.prepare import prepare_target
from syncer.jobs.migrate.read import read_source
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.pull import PullLane
from syncer.jobs.signals import Listen


async def assess(
    sides: Sides,
    files: PassFiles,
    earlier: PassFiles | None,
    watch: Callable[[PullLane | Import | PhaseMeter], None],
    signals: Listen,
) -> PhaseDone:
    """Read the source, which the next phase need not do again, convert it on trial, and
    look at the target. Raises SyncerError, Interruption.
    """
    read = await read_source(sides, files, watch, signals)
    trial = PassFiles(files.folder / "trial").make()
    trial.source, trial.names, trial.pictures = files.source, files.names, files.pictures
    converted = await convert_source(sides, trial, earlier, watch)
    looked = await prepare_target(sides, trial, watch, signals, make=False)
    await anyio.to_thread.run_sync(shutil.rmtree, trial.folder)
    facts = {**converted.facts, "unreadable": read.facts.get("unreadable", 0), **looked.facts}
    facts |= {"needed_concepts": converted.facts["concepts"]}
    facts |= {"needed_inputs": converted.facts["inputs"]}
    return PhaseDone(converted.facts["read"], read.requests + looked.requests, facts=facts)
