"""A state folder looked through from end to end: what is damaged in it, and what can be
known all the same. Reads only; needs no lock.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from syncer.core.facts import LetterHead
from syncer.core.ledger import Ledger
from syncer.core.letters import LetterStates
from syncer.errors import StateError
from syncer.journal import dead
from syncer.journal.damage import Damage
from syncer.journal.disk import REAL, Disk
from syncer.journal.replay import JOURNAL_FILE, Replayed, survey

POSTED = "posted.bits"
BESIDE = (dead.DEAD_FILE, POSTED)
"""What a push makes only once its journal is there."""


@dataclass(slots=True)
class StateCheck:
    """The content of a push's state folder, as far as it can be read."""

    journal: Replayed
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is not as a run leaves it, but is put right by the next start."""

    @property
    def ledger(self) -> Ledger:
        """The facts known for certain: all before the first damage of the journal."""
        return self.journal.ledger


def check(folder: Path, *, disk: Disk = REAL) -> StateCheck:
    """Read everything.

    Raises StateError for a format that this version does not know, and if there is no
    state; OSError.
    """
    path = folder / JOURNAL_FILE
    if not disk.size(path):
        if (lost := missing(folder, disk)) is None:
            raise no_journal(folder)
        return StateCheck(Replayed(), [lost])
    found = StateCheck(survey(path, disk=disk))
    found.damages += found.journal.damages
    if found.journal.torn:
        found.notes.append(
            f"{path}: the last write was torn ({found.journal.torn} bytes, never synced); the next"
            " start cuts it off"
        )
    if found.journal.end:
        found.damages += _letters(folder / dead.DEAD_FILE, found, disk)
    return found


def no_journal(folder: Path) -> StateError:
    """Return the error about a folder that holds nothing of a push."""
    return StateError(f"no state at {folder}: there is no {folder / JOURNAL_FILE}")


def missing(folder: Path, disk: Disk) -> Damage | None:
    """Return what it means that a folder has no journal; None if it never had one."""
    beside = [name for name in BESIDE if disk.size(folder / name)]
    if not beside:
        return None
    means = "what was applied is no longer known"
    return Damage(
        str(folder / JOURNAL_FILE),
        0,
        f"missing or empty, though there is {' and '.join(beside)}",
        means,
    )


def cut(path: Path, size: int, wanted: int) -> Damage:
    """The dead letters' file is shorter than the journal says."""
    return Damage(
        str(path),
        size,
        f"{size} bytes, but {wanted} were written and synced: dead letters are missing",
        "they cannot be shown",
    )


def _letters(path: Path, found: StateCheck, disk: Disk) -> list[Damage]:
    """Return the faults of the letters that count: all letters, after damage of the
    journal.
    """
    ledger = found.ledger
    size, wanted = disk.size(path) or 0, ledger.dead_size
    readable = size if found.journal.damages else min(size, wanted)
    states = LetterStates()
    damages: list[Damage] = []
    for at, _, fact in dead.pieces(path, readable, disk=disk) if size else ():
        try:
            if isinstance(fact, Damage):
                damages.append(fact)
            else:
                states.note(fact)
        except ValueError as error:
            damages.append(
                Damage(str(path), at, str(error), "what became of a letter is not known")
            )
    if size < wanted:
        damages.append(cut(path, size, wanted))
    if damages or found.journal.damages:
        return damages
    counted = open_counts(path, wanted, states, disk)
    for number, log in ledger.logs.items():
        if counted[number] != log.counts.dead:
            what = (
                f"{counted[number]} open letters of {log.identity.label}, but the journal counts"
                f" {log.counts.dead}"
            )
            damages.append(Damage(str(path), None, what, "letters are missing, or too many"))
    return damages


def open_counts(path: Path, size: int, states: LetterStates, disk: Disk) -> Counter[int]:
    """By log, how many letters of a file without damage are open."""
    number, counted = 0, Counter[int]()
    for fact in dead.heads(path, size, disk=disk) if size else ():
        if isinstance(fact, LetterHead):
            counted[fact.log] += states.is_open(number, fact.log)
            number += 1
    return counted
