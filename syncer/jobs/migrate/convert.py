"""The phase `convert`: what was read as posts to the target, all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

import anyio.from_thread
import anyio.to_thread

from syncer.config.migration import FromClarifai
from syncer.formats.maps import read_map
from syncer.jobs.importing.run import Import
from syncer.jobs.migrate.convert_app import AppConversion
from syncer.jobs.migrate.convert_files import convert_files
from syncer.jobs.migrate.counts import MigrationCounts
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.ids import TargetIds
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.phases import PhaseDone
from syncer.jobs.migrate.pictures import FetchedPictures
from syncer.jobs.migrate.settings import Sides


async def convert_source(
    sides: Sides,
    files: PassFiles,
    earlier: PassFiles | None,
    watch: Callable[[Import | PhaseMeter], None],
) -> PhaseDone:
    """Convert, beside the event loop. `earlier`: of the pass before. Raises
    SyncerError.
    """
    counts = await anyio.to_thread.run_sync(_convert, sides, files, earlier, watch)
    return PhaseDone(counts.written, facts=counts.as_json())


def _convert(
    sides: Sides,
    files: PassFiles,
    earlier: PassFiles | None,
    watch: Callable[[Import | PhaseMeter], None],
) -> MigrationCounts:
    section, step = sides.section, anyio.from_thread.check_cancelled
    if not isinstance(section.source, FromClarifai):
        return convert_files(sides, files, watch, step)
    with (
        closing(TargetIds(sides.source_name, keep=section.ids == "keep")) as ids,
        closing(FetchedPictures(files.pictures)) as pictures,
    ):
        input_map = _read_input_map(sides)
        meter = PhaseMeter.for_file(files.source, times=AppConversion.READINGS)
        watch(meter)
        conversion = AppConversion(
            files, ids, pictures, input_map, meter, create_inputs=section.create_inputs
        )
        return conversion.run(earlier, step)


def _read_input_map(sides: Sides) -> Mapping[str, str]:
    path = sides.input_map
    return {} if path is None else read_map(path, "[migrate] input_map", str)
