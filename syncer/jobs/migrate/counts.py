"""The counts of a conversion: read = converted + left out + skipped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Conversion:
    """All that a conversion counts."""

    read: int = 0
    """Labels in the source."""
    converted: int = 0
    written: int = 0
    """Posts: a label of several parts has several."""
    left_out: Counter[str] = field(default_factory=Counter)
    """By rule."""
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason."""
    clamped: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    """By kind."""
    faults: int = 0
    """Labels or files that could not be read or placed."""
    inputs: int = 0
    concepts: int = 0
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as the report has them."""
        return {
            "read": self.read,
            "converted": self.converted,
            "written": self.written,
            "left_out": dict(sorted(self.left_out.items())),
            "skipped": dict(sorted(self.skipped.items())),
            "clamped": dict(sorted(self.clamped.items())),
            "lost": dict(sorted(self.lost.items())),
            "faults": self.faults,
            "inputs": self.inputs,
            "concepts": self.concepts,
            "notes": self.notes,
        }
