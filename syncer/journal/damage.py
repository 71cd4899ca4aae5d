"""Damage of a state folder, as values: which file, at which byte, and what follows from
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from syncer.errors import StateError
from syncer.printable import as_argument


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that no crash explains."""

    file: str
    """Its path."""
    byte: int | None
    """Where it begins; None where it is about the file as a whole."""
    what: str
    means: str
    """The consequence for the owner of this state."""

    def __str__(self) -> str:
        """One line for people."""
        at = "" if self.byte is None else f" at byte {self.byte}"
        return f"{self.file}: damaged{at} ({self.what})"

    def error(self) -> StateError:
        """Return the error that a start ends with."""
        return StateError(f"{self}; nothing was guessed. {way_out(Path(self.file).parent)}")


def way_out(folder: Path) -> str:
    """Return what to do about damage."""
    return (
        "Put the folder back from a backup, or set what is damaged aside: `syncer state repair"
        f" --state {as_argument(folder)}`"
    )
