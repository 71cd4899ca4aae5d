"""Files that may be logs of a run, and the order in which they are read once it is
decided which log each is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from syncer.core.change import Stamp
from syncer.core.moves import CarriedOn, Decision, MovedHere, New
from syncer.sources.logs import LogPath


@dataclass(slots=True)
class Candidate:
    """A file that may be read."""

    log: LogPath
    path: str
    """As the state knows it."""
    stamp: Stamp
    at: int
    known: int | None = None
    named: bool = True
    awaited: bool = False
    """Whether nothing was applied of the known log."""
    difference: str | None = None
    """How it differs from the known log, where it does."""
    holds: tuple[int, ...] = ()
    continues: int | None = None
    """The known log that broke off within a line, and goes on here."""
    was_read: bool = False
    """Whether it was found out what it holds."""
    was: str = ""
    """The path that it had before it was rotated, where that is all that is known."""
    twin: Stamp | None = None
    """The compressed, or unpacked, file beside it that holds nothing more."""

    @property
    def place(self) -> tuple[int, int]:
        """Device and inode: the same under any name."""
        return self.stamp.device, self.stamp.inode


Decided = Sequence[tuple[Candidate, Decision | None]]


def in_order(
    decided: Decided, path_of: Callable[[int], str]
) -> list[tuple[int, Candidate, Decision]]:
    """Return (which of the named files it belongs to, file, decision) of what is read,
    in order.

    What is left of a log that moved comes before a new one that has its old name;
    `path_of` gives the old path of a log.
    """
    new = {file.path: file.at for file, decision in decided if isinstance(decision, New)}
    placed: list[tuple[int, int, int, Candidate, Decision]] = []
    for order, (file, decision) in enumerate(decided):
        if decision is None:
            continue
        at, first = file.at, not file.named
        if (
            isinstance(decision, MovedHere)
            and (before := new.get(path_of(decision.log))) is not None
        ):
            at, first = min(at, before), True
        age = decision.log if first and isinstance(decision, MovedHere | CarriedOn) else order
        placed.append((at, not first, age, file, decision))
    return [
        (at, file, decision) for at, _, _, file, decision in sorted(placed, key=lambda one: one[:3])
    ]
