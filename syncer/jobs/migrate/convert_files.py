"""Label files and documents as posts: an import, and what a migration needs beside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import orjson

from syncer.config.migration import FromFiles
from syncer.core.id_set import IdSet
from syncer.jobs.importing.job import ImportOutputs, run_import
from syncer.jobs.importing.output import write_whole
from syncer.jobs.importing.run import Import, open_import
from syncer.jobs.migrate.counts import MigrationCounts
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.id_map import HEAD, join_cells
from syncer.jobs.migrate.settings import Sides


def convert_files(
    sides: Sides,
    files: PassFiles,
    watch: Callable[[Import], None],
    step: Callable[[], None],
) -> MigrationCounts:
    """Convert what the source names, or what was read of it. Raises UsageError,
    OutputError.
    """
    source = sides.section.source
    if isinstance(source, FromFiles):
        name, paths, called = source.format, tuple(map(Path, source.paths)), {}
    else:
        name, paths, called = "openlabel", (files.source,), orjson.loads(files.names.read_bytes())
    job = open_import(name, paths, sides.import_options(called))
    watch(job)
    outputs = ImportOutputs(out=str(files.labels), report=files.losses, concepts=files.concepts)
    report = run_import(job, outputs, None, step)
    return MigrationCounts.of(report, _index_labels(files))


def _index_labels(files: PassFiles) -> int:
    """Write the id map, and each input once; return how many there are."""
    seen = IdSet()
    with ExitStack() as stack:
        labels = stack.enter_context(files.labels.open("rb"))
        inputs, id_map = (
            stack.enter_context(write_whole(path)) for path in (files.inputs, files.id_map)
        )
        id_map.write(join_cells(*HEAD))
        for line in labels:
            annotation = orjson.loads(line)["annotation"]
            input_id, info = annotation["input_id"], annotation.get("annotation_info", {})
            id_map.write(join_cells(input_id, str(info.get("own_id", "")), annotation["id"]))
            if seen.add(input_id):
                inputs.write(orjson.dumps({"id": input_id}, option=orjson.OPT_APPEND_NEWLINE))
    return len(seen)
