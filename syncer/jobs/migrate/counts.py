"""The counts of a migration's conversion."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from syncer.jobs.importing.report import Conversion

TABLES = ("left_out", "skipped", "clamped", "lost")


@dataclass(slots=True)
class MigrationCounts(Conversion):
    """The same as of an import, and how many inputs the labels are on."""

    inputs: int = 0

    @classmethod
    def of(cls, counted: Conversion, inputs: int) -> MigrationCounts:
        """Return these counts, with the number of inputs."""
        counts = {each.name: getattr(counted, each.name) for each in fields(Conversion)}
        return cls(**counts, inputs=inputs)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as the report has them."""
        counts = {each.name: getattr(self, each.name) for each in fields(self)}
        return counts | {name: dict(sorted(counts[name].items())) for name in TABLES}
