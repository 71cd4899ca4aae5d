"""Annotations of an app as posts to another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from syncer.core.id_set import IdSet
from syncer.formats.annotations import LINE_BYTES_MAX
from syncer.jobs.importing.output import LineOutput, write_whole
from syncer.jobs.migrate.counts import MigrationCounts
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.id_map import HEAD, join_cells, list_kept
from syncer.jobs.migrate.ids import TargetIds
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.pictures import FetchedPictures
from syncer.remotes.clarifai.carrying import carry_annotation, carry_input, holds_labels
from syncer.remotes.clarifai.overlay import Unsendable
from syncer.remotes.clarifai.planning import is_users

STEP = 256
"""Rows between two looks at how far it is."""
INPUT_LEVEL = "came with its input"
BY_MODEL = "made by a model"
UNSHOWN = "a mask that the source shows only as an address, which gives no picture"
TOO_LONG = "longer than 16 MiB"
INPUT_DATA = "input-level data"
NEWLINE = orjson.OPT_APPEND_NEWLINE
SourceRow = Mapping[str, Any]


@dataclass(slots=True)
class AppConversion:
    """One conversion; `run` it once."""

    files: PassFiles
    """What was read is here, and what it becomes goes here."""
    ids: TargetIds
    pictures: FetchedPictures
    input_map: Mapping[str, str]
    meter: PhaseMeter
    create_inputs: bool = field(kw_only=True)
    READINGS: ClassVar[int] = 2
    """So often is read what was read of the source."""
    counts: MigrationCounts = field(default_factory=MigrationCounts)
    _concepts: dict[str, str] = field(default_factory=dict)
    _inputs: IdSet = field(default_factory=IdSet)

    def run(self, earlier: PassFiles | None, step: Callable[[], None]) -> MigrationCounts:
        """Convert all that was read. `earlier`: of the pass before. Raises
        OutputError.
        """
        files = self.files
        if earlier is not None:
            self.ids.note_earlier(list_kept(earlier.id_map))
        for annotation, _ in self._list_rows(step):
            if annotation is not None and is_users(annotation):
                self.ids.note(annotation["input_id"], annotation["id"])
        with ExitStack() as stack:
            labels, inputs, losses, id_map = (
                stack.enter_context(write_whole(path))
                for path in (files.labels, files.inputs, files.losses, files.id_map)
            )
            id_map.write(join_cells(*HEAD))
            for annotation, held in self._list_rows(step):
                if held is not None:
                    self._take_input(held["id"], held, inputs)
                if annotation is not None:
                    self._take(annotation, labels, inputs, losses, id_map)
        self.counts.concepts = len(self._concepts)
        with write_whole(files.concepts) as out:
            for id, name in sorted(self._concepts.items()):
                out.write(orjson.dumps({"id": id, "name": name}, option=NEWLINE))
        return self.counts

    def _list_rows(
        self, step: Callable[[], None]
    ) -> Iterator[tuple[SourceRow | None, SourceRow | None]]:
        """Yield each annotation, and the input that stands beside it."""
        with self.files.source.open("rb") as rows:
            for count, line in enumerate(self.meter.count_lines(rows)):
                if not count % STEP:
                    step()
                row = orjson.loads(line)
                if self.create_inputs:
                    yield row["annotation"], row["input"]
                else:
                    yield row, None

    def _take_input(self, id: str, held: SourceRow | None, out: LineOutput) -> None:
        """Note an input, once."""
        target = self.input_map.get(id, id)
        if not self._inputs.add(target):
            return
        self.counts.inputs += 1
        data = None if held is None else carry_input(held)
        line = {"id": target} | ({} if data is None else {"data": data})
        out.write(orjson.dumps(line, option=NEWLINE))

    def _take(
        self,
        held: SourceRow,
        labels: LineOutput,
        inputs: LineOutput,
        losses: LineOutput,
        id_map: LineOutput,
    ) -> None:
        counts = self.counts
        counts.read += 1
        if not is_users(held):
            rule = INPUT_LEVEL if held.get("input_level") else BY_MODEL
            counts.left_out[rule] += 1
            if rule == BY_MODEL:
                _tell(losses, "left_out", held, rule)
            elif holds_labels(held) and not self.create_inputs:
                counts.lost[INPUT_DATA] += 1
                _tell(losses, "lost", held, INPUT_DATA)
            return
        input_id = self.input_map.get(held["input_id"], held["input_id"])
        try:
            carried = carry_annotation(held, self.pictures.find)
        except Unsendable:
            self._skip(held, UNSHOWN, losses)
            return
        id = self.ids.find(held["input_id"], held["id"])
        post = {"op": "post", "annotation": {"id": id, "input_id": input_id, **carried.body}}
        line = orjson.dumps(post, option=NEWLINE)
        if len(line) > LINE_BYTES_MAX:
            self._skip(held, TOO_LONG, losses)
            return
        labels.write(line)
        counts.converted += 1
        counts.written += 1
        if carried.lost:
            counts.lost.update(carried.lost)
            _tell(losses, "lost", held, ", ".join(carried.lost))
        self._concepts.update(carried.concepts)
        self._take_input(held["input_id"], None, inputs)
        id_map.write(join_cells(held["input_id"], held["id"], id))

    def _skip(self, held: SourceRow, reason: str, losses: LineOutput) -> None:
        self.counts.skipped[reason] += 1
        self.counts.faults += 1
        _tell(losses, "skipped", held, reason)


def _tell(losses: LineOutput, event: str, held: SourceRow, reason: str) -> None:
    line = {"event": event, "input_id": held["input_id"], "id": held["id"], "reason": reason}
    losses.write(orjson.dumps(line, option=NEWLINE))
