"""A damaged state folder of a push made one that starts. What is damaged is set aside;
nothing is claimed that may not be.

of the journal, all before the first damage    stands
after it, pauses, deletions, logs              are taken over: they only make the next
                                               run more careful
after it, what died                            is dead, as dead.jsonl says
after it, everything else                      is sent again, in order, as after a
                                               lost state: ids are stable, the last
                                               change of all wins
dead letters that are lost                     become letters that say so: they stay
                                               counted, and to be seen
what closed letters after damage               is left out: of which letters it was is
                                               unknown by then, so they are open again
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from syncer.core.facts import Deleted, Opened
from syncer.journal import aside, dead
from syncer.journal.check import POSTED, StateCheck, check
from syncer.journal.compact import Bodies, write_journal
from syncer.journal.damage import Damage
from syncer.journal.disk import REAL, Disk
from syncer.journal.letters import FILE_NEW, LettersAnew
from syncer.journal.lock import LOCK
from syncer.journal.replay import JOURNAL_FILE, Replayed
from syncer.printable import counted


@dataclass(slots=True)
class Repaired:
    """The outcome of a repair."""

    damages: list[Damage] = field(default_factory=list)
    """What was found; without any, nothing was done."""
    quarantine: Path | None = None
    set_aside: list[str] = field(default_factory=list)
    """Files whose original is in the quarantine, or which are only there now."""
    unknown: list[str] = field(default_factory=list)
    """What is not known any more, or is to be looked at: sentences."""


def repair(folder: Path, when: str, *, disk: Disk = REAL) -> Repaired:
    """Repair a push's state.

    `when`: the time, for names. Raises StateError (in use, or made by a newer version),
    OSError.
    """
    lock = disk.lock(folder / LOCK)
    try:
        return repair_held(folder, when, disk=disk)
    finally:
        lock.release()


def repair_held(folder: Path, when: str, *, disk: Disk = REAL) -> Repaired:
    """Do the same for a caller that holds the lock."""
    found = check(folder, disk=disk)
    repaired = Repaired(found.damages)
    if found.damages:
        repaired.quarantine = aside.make_folder(folder, when, disk)
        if found.journal.destination is None:
            _start_again(folder, repaired, disk)
        else:
            _rebuild(folder, found, when, repaired, disk)
    return repaired


def _start_again(folder: Path, repaired: Repaired, disk: Disk) -> None:
    """Not even whose state it was is known: the next push makes a new one."""
    assert repaired.quarantine is not None
    files = [
        folder / name for name in (dead.DEAD_FILE, POSTED, JOURNAL_FILE)
    ]  # the journal last: until then the folder is refused
    repaired.set_aside = aside.move_files(files, repaired.quarantine, disk)
    repaired.unknown = [
        (
            "it is not known what was applied: the next push makes a new state, and sends all"
            " changes of its logs again, in order"
        ),
        "--max-delete counts from 0 again",
        "what was a dead letter is sent again, too, and may be applied this time",
        _AGAIN,
    ]


_AGAIN = (
    "sending again doubles nothing; but a post whose annotation was changed since becomes a"
    " dead letter (`id taken`), and so does a patch of what was deleted since: these can be"
    " dropped"
)


def _rebuild(folder: Path, found: StateCheck, when: str, repaired: Repaired, disk: Disk) -> None:
    """A new journal of what is known, and new letters where those are damaged."""
    assert repaired.quarantine is not None
    journal, ledger = found.journal, found.ledger
    assert journal.destination is not None
    repaired.set_aside = aside.copy_files(
        [folder / JOURNAL_FILE, folder / dead.DEAD_FILE], repaired.quarantine, disk
    )
    for leftover in (folder / FILE_NEW, (folder / JOURNAL_FILE).with_suffix(".new")):
        disk.unlink(leftover)
    if journal.damages:
        repaired.unknown += _describe_asked_again(journal)
        _take_over(journal)
    repaired.unknown += LettersAnew(folder, ledger, when, disk).write_new(
        beyond=bool(journal.damages)
    )
    old = disk.open(folder / JOURNAL_FILE)
    try:
        bodies = Bodies(disk, old, journal.bodies)
        new, _, _ = write_journal(
            disk, (folder / JOURNAL_FILE).with_suffix(".new"), journal.destination, ledger, bodies
        )
        disk.close(new)
    finally:
        disk.close(old)
    # First: beside the old letters it is refused, never taken for whole.
    disk.replace((folder / JOURNAL_FILE).with_suffix(".new"), folder / JOURNAL_FILE)
    disk.replace(folder / FILE_NEW, folder / dead.DEAD_FILE)


def _take_over(journal: Replayed) -> None:
    """Take over what comes after the damage and makes the next run more careful: a
    pause, deletions, the logs, and those given up.
    """
    ledger, later = journal.ledger, journal.later
    ledger.apply(Deleted(later.deleted))
    ledger.apply(later.destination or ledger.destination)
    for fact in later.logs:
        if isinstance(fact, Opened) or fact.log in ledger.logs:
            ledger.apply(fact)


def _describe_asked_again(journal: Replayed) -> Iterator[str]:
    """By log, what is not known any more."""
    for number, log in journal.ledger.logs.items():
        first = log.watermark.resume.line + 1
        last = max(
            [journal.later.lines.get(number, 0), *(mark.line for mark in log.watermark.marks())]
        )
        what = f"lines {first:,} to {last:,}" if last >= first else f"lines from {first:,} on"
        yield (
            f"{log.identity.label}: what became of {what} is not certain: those not known to be"
            " done are sent again, in order"
        )
    if journal.ledger.queue:
        yield (
            f"{counted(len(journal.ledger.queue), 'change')} waited to be sent again at that point,"
            " and will be"
        )
    yield _AGAIN
