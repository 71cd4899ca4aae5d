"""The outcome of a verification, and what it says of each annotation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from syncer.errors import SyncerError, exit_code
from syncer.printable import counted
from syncer.remotes.clarifai.expected import DiffMark
from syncer.sources.chosen import tell_uncompared

SIGNS: dict[DiffMark, Literal["=", "-", "*", "+"]] = {
    "same": "=",
    "missing": "+",
    "differs": "*",
    "doubled": "-",
    "extra": "-",
}


@dataclass(slots=True)
class Verified:
    """The outcome of a verification."""

    compared: int = 0
    same: int = 0
    missing: int = 0
    differs: int = 0
    doubled: int = 0
    extra: int = 0
    unreadable: int = 0
    """Inputs that could not be read."""
    bad_lines: int = 0
    """Bad lines of the logs: not changes, so nothing is expected of them."""
    requests: int = 0
    differences: int = 0
    """The number of differences reported."""
    error: SyncerError | None = None
    interrupted: int | None = None
    notes: list[str] = field(default_factory=list)
    """What users are to know of the logs."""
    gone: list[str] = field(default_factory=list)
    """Logs that the state knows, and whose file does not exist any more: what they
    should have left is not known.
    """

    @property
    def exit_code(self) -> int:
        """4 where something differs; else as for all lanes, 3 where something could not
        be read.
        """
        left = self.unreadable + len(self.gone)
        return exit_code(self.error, self.interrupted, left, self.differences)

    @property
    def gone_sentence(self) -> str | None:
        """One line for people on logs that are gone; None where none is."""
        return tell_uncompared(self.gone) if self.gone else None

    def sentence(self) -> str:
        """One line for people, with the legend of the marks."""
        return (
            f"compared {self.compared:,}: = same {self.same:,}, + missing {self.missing:,}, *"
            f" differs {self.differs:,}; - doubled {self.doubled:,}, - other extra {self.extra:,},"
            f" ! unreadable inputs {self.unreadable:,}; "
            + (f"{counted(self.bad_lines, 'bad line')} left out; " if self.bad_lines else "")
            + (f"logs that are gone {len(self.gone):,}; " if self.gone else "")
            + f"{counted(self.requests, 'request')}"
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: an annotation, or an input that could not be read."""

    mark: Literal["=", "-", "*", "+", "!"]
    input_id: str
    id: str = ""
    fields: tuple[str, ...] = ()
    """Where it differs."""
    reason: str = ""
    """Why it could not be read."""

    @property
    def differs(self) -> bool:
        """Whether this is a difference."""
        return self.mark in "-*+"

    def sentence(self) -> str:
        """One line for people."""
        if self.mark == "!":
            return f"! {self.input_id}: {self.reason}"
        return f"{self.mark} {self.input_id}/{self.id}" + (
            f": {', '.join(self.fields)}" if self.fields else ""
        )


Tell = Callable[[Finding], None]
"""Called with everything that was looked at, as it is: a verification keeps none of
it.
"""
