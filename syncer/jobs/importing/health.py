"""Findings about labels before anything is written: each kind with a code, how often,
and the first few places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from syncer.errors import LEFT
from syncer.formats.annotations import UNKNOWN_SIZE
from syncer.formats.faults import UNDEFINED_CATEGORY, UNDEFINED_IMAGE
from syncer.formats.images import PlacedPicture
from syncer.formats.labels import Box, Label
from syncer.formats.near import NearDoubles
from syncer.formats.regions import (
    FEW_POINTS,
    NO_AREA,
    NO_CHARACTERS,
    NO_POINT,
    OUTSIDE,
    WRONG_ORDER,
)
from syncer.jobs.importing.output import Discard
from syncer.jobs.importing.report import Remark
from syncer.jobs.importing.run import NO_PLACE, Import
from syncer.printable import counted

EXAMPLES_MAX = 3
EVENTS = {
    "clamped": "out-of-bounds",
    "repeated": "duplicate-id",
    "unreadable": "unreadable-file",
    "lost": "no-place",
}
REASONS = {
    NO_AREA: "no-area",
    FEW_POINTS: "no-area",
    NO_POINT: "no-area",
    NO_CHARACTERS: "no-area",
    OUTSIDE: "outside-image",
    WRONG_ORDER: "wrong-order",
    NO_PLACE: "no-place",
    UNKNOWN_SIZE: "unknown-size",
    UNDEFINED_IMAGE: "undefined-image",
    UNDEFINED_CATEGORY: "undefined-category",
}
"""Of labels that are skipped; any other reason is that one cannot be read."""
UNREADABLE = "unreadable-label"
ALL_LABELS = ("near-double", "one-based", "concept-collision")
"""What only several labels together show."""
ONE_BASED_BOXES_MIN = 20


@dataclass(slots=True)
class HealthCode:
    """A kind of finding."""

    code: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Health:
    """All findings. Implements `Observer`."""

    format: str
    codes: dict[str, HealthCode] = field(default_factory=dict)
    labels: int = 0
    _near: NearDoubles = field(default_factory=NearDoubles)
    _corners: CornerHint = field(default_factory=lambda: CornerHint())

    @property
    def exit_code(self) -> int:
        """0, or 3 where something was found."""
        return LEFT if self.codes else 0

    def remark(self, remark: Remark) -> None:
        """Count what is not as it was."""
        if remark.event == "left_out":
            return
        if remark.event == "skipped":
            code = REASONS.get(remark.reason, UNREADABLE)
        else:
            code = EVENTS.get(remark.event) or remark.kind
        where = " ".join(filter(None, (remark.file, remark.place)))
        self.add(code, f"{where}: {remark.reason}" if where else remark.reason)

    def label(self, label: Label, placed: PlacedPicture, format_name: str) -> None:
        """Look at a label that can be converted."""
        self.labels += 1
        for shape in label.shapes:
            if isinstance(shape, Box):
                concept = label.concepts[0].name if label.concepts else ""
                other = self._near.find(placed.input_id, concept, shape, label.place)
                if other is not None:
                    self.add(
                        "near-double", f"{label.place} and {other} on {placed.input_id}: {concept}"
                    )
                self._corners.look(shape, placed)

    def finish(self) -> None:
        """Judge what only all labels together show."""
        self._near.close()
        if self.format == "voc" and self._corners.is_one_based:
            self.add(
                "one-based",
                f"none of {counted(self._corners.boxes, 'box', 'boxes')} begins before pixel 1, and"
                " some end at the last one: their corners may count from 1 (--voc-origin 1)",
            )

    def lines(self) -> list[str]:
        """Return the findings for people."""
        if not self.codes:
            return [f"{counted(self.labels, 'label')}: nothing was found"]
        found: list[str] = []
        for each in sorted(self.codes.values(), key=lambda each: each.code):
            found.append(f"{each.code}: {each.count:,}")
            found += [f"  {example}" for example in each.examples]
        return found

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "format": self.format,
            "labels": self.labels,
            "findings": [
                {"code": each.code, "count": each.count, "examples": each.examples}
                for each in sorted(self.codes.values(), key=lambda each: each.code)
            ],
        }

    def add(self, code: str, example: str) -> None:
        """Count a finding."""
        found = self.codes.setdefault(code, HealthCode(code))
        found.count += 1
        if len(found.examples) < EXAMPLES_MAX:
            found.examples.append(example)


@dataclass(slots=True)
class CornerHint:
    """Whether corners seem to count from 1."""

    boxes: int = 0
    lowest: float = 1.0
    ends_at_edge: bool = False

    def look(self, box: Box, placed: PlacedPicture) -> None:
        """Look at one more box, in pixels."""
        self.boxes += 1
        self.lowest = min(self.lowest, box.left, box.top)
        if box.right == placed.width or box.bottom == placed.height:
            self.ends_at_edge = True

    @property
    def is_one_based(self) -> bool:
        """Whether enough boxes were seen, none before 1 and one at the far edge."""
        return self.boxes >= ONE_BASED_BOXES_MIN and self.lowest >= 1 and self.ends_at_edge


def look_for_faults(job: Import, step: Callable[[], None] = lambda: None) -> Health:
    """Read everything, write nothing, and return what was found."""
    health = Health(job.report.format)
    job.observe(health)
    report = job.read(Discard(), step, lambda refusal: health.add(refusal.code, str(refusal)))
    for collision in job.concepts.collisions:
        health.add("concept-collision", collision)
    health.finish()
    health.labels = report.read
    return health
