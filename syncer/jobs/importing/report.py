"""The outcome of an import: counts that add up, and a line for each thing that is not
as it was in the source.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from syncer.printable import counted

RemarkKind = Literal["skipped", "left_out", "clamped", "lost", "repeated", "noticed", "unreadable"]
BEYOND = "beyond the image"
OTHERS = "others"
KEYS_MAX = 1000
KEY_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Remark:
    """A thing that is not as it was in the source, or that people should know."""

    event: RemarkKind
    file: str
    place: str
    id: str
    reason: str
    kind: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the line of `--report`, as an object."""
        line = {"event": self.event, "file": self.file, "place": self.place, "id": self.id}
        line["reason"] = self.reason
        return line | ({"kind": self.kind} if self.kind else {})


@dataclass(slots=True)
class Conversion:
    """The counts of labels that become posts: read = converted + left out + skipped."""

    read: int = 0
    """Labels in the source."""
    converted: int = 0
    written: int = 0
    """Lines: a label of several parts has several."""
    left_out: Counter[str] = field(default_factory=Counter)
    """By rule."""
    skipped: Counter[str] = field(default_factory=Counter)
    """By reason."""
    clamped: Counter[str] = field(default_factory=Counter)
    """Shapes that were partly beyond their image."""
    lost: Counter[str] = field(default_factory=Counter)
    """What has no place, by kind."""
    faults: int = 0
    """Labels and files that could not be read or placed: exit code 3."""
    concepts: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ImportReport(Conversion):
    """The counts of an import."""

    format: str = ""
    files: int = 0
    images: int = 0
    repeated: int = 0
    """Labels with an own id that another label of the same input has, too."""
    unreadable: int = 0
    """Files that could not be read, or not to their end."""
    out: str = ""

    def count(self, table: Counter[str], what: str, by: int = 1) -> None:
        """Count under what users call it; not under each of the names that a hostile
        file may make up without end.
        """
        known = what[:KEY_LENGTH_MAX]
        table[known if known in table or len(table) < KEYS_MAX else OTHERS] += by

    @property
    def exit_code(self) -> int:
        """0, or 3 where something could not be read or placed."""
        return 3 if self.faults else 0

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "format": self.format,
            "files": self.files,
            "images": self.images,
            "read": self.read,
            "converted": self.converted,
            "written": self.written,
            "left_out": dict(self.left_out),
            "skipped": dict(self.skipped),
            "clamped": dict(self.clamped),
            "lost": dict(self.lost),
            "repeated": self.repeated,
            "unreadable": self.unreadable,
            "concepts": self.concepts,
            "out": self.out or None,
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """Return the summary for people."""
        first = (
            f"{self.format}: {counted(self.images, 'image')}, read {counted(self.read, 'label')}:"
            f" {self.converted:,} converted, {self.left_out.total():,} left out,"
            f" {self.skipped.total():,} skipped; wrote {counted(self.written, 'line')},"
            f" {counted(self.concepts, 'concept')}" + (f", to {self.out}" if self.out else "")
        )
        tables = {
            "left out": self.left_out,
            "skipped": self.skipped,
            "clamped": self.clamped,
            "lost": self.lost,
        }
        return [
            first,
            *(
                f"{name}: "
                + ", ".join(f"{count:,} {what}" for what, count in sorted(table.items()))
                for name, table in tables.items()
                if table
            ),
        ]
