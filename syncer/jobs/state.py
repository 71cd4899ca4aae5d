"""A state folder as a whole, of a push or of a pull: looked through, and repaired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import msgspec

from syncer.core.facts import OPEN, Destination
from syncer.errors import StateError
from syncer.jobs.folders import no_state
from syncer.jobs.ours import SPOOL
from syncer.journal import aside, checkpoint, parts, seen
from syncer.journal import check as push_state
from syncer.journal.check import StateCheck
from syncer.journal.checkpoint import Checkpoint
from syncer.journal.damage import Damage, way_out
from syncer.journal.dead import DEAD_FILE
from syncer.journal.disk import REAL, Disk
from syncer.journal.journal import Journal
from syncer.journal.lock import LOCK, holder
from syncer.journal.repair import Repaired, repair_held
from syncer.journal.replay import JOURNAL_FILE
from syncer.printable import as_argument, counted

BLOCK_BYTES = 1 << 20


@dataclass(slots=True)
class StateSurvey:
    """The findings in a folder."""

    folder: Path
    locked_by: int | None
    push: StateCheck | None = None
    """The check of a push's state."""
    pull: Checkpoint | None = None
    """The checkpoint of a pull; None also if it is damaged."""
    damages: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def damaged_sentence(self) -> str:
        """Say that it is damaged, and what to do."""
        places = counted(len(self.damages), "place")
        return f"the state {self.folder} is damaged in {places}. {way_out(self.folder)}"


def resume(folder: Path, *, disk: Disk = REAL) -> Destination:
    """Lift the pause that this folder keeps, of a push or of a pull; how the
    destination was until then.

    Raises UsageError where there is no state, StateError where it is in use, damaged or
    cannot be written.
    """
    if Journal.is_in(folder, disk=disk):
        journal = Journal.open(folder, None, disk=disk)
        try:
            before = journal.ledger.destination
            if before.state == "paused":
                journal.commit([OPEN])
            return before
        finally:
            journal.close()
    if disk.size(folder / checkpoint.CHECKPOINT_FILE) is not None:
        return _resume_pull(folder, disk)
    raise no_state(folder)


def _resume_pull(folder: Path, disk: Disk) -> Destination:
    try:
        lock = disk.lock(folder / LOCK)
        try:
            found = checkpoint.read(folder, disk=disk)
            if isinstance(found, Damage):
                raise found.error()
            if found is None:
                return OPEN
            before = found.pause
            if before.state == "paused":
                checkpoint.write(
                    folder,
                    msgspec.structs.replace(found, destination=OPEN, storage=OPEN),
                    disk=disk,
                )
            return before
        finally:
            lock.release()
    except OSError as error:
        raise StateError(
            f"the state {folder} cannot be written: {error.strerror or error}"
        ) from None


def look(folder: Path) -> StateSurvey:
    """Read everything, change nothing; needs no lock.

    Raises UsageError where there is no state, StateError for that of a newer version.
    """
    found = StateSurvey(folder, holder(folder / LOCK))
    try:
        if not any(of(folder) for of in (_is_push, _is_pull)):
            raise no_state(folder)
        if _is_push(folder):
            found.push = push_state.check(folder)
            found.damages += found.push.damages
            found.notes += found.push.notes
        if _is_pull(folder):
            _look_at_pull(folder, found)
        found.damages += _check_spool(folder / SPOOL)
    except OSError as error:
        raise StateError(
            f"the state folder {folder} cannot be read: {error.strerror or error}"
        ) from None
    return found


def _is_push(folder: Path) -> bool:
    return any((folder / name).exists() for name in (JOURNAL_FILE, DEAD_FILE, push_state.POSTED))


def _is_pull(folder: Path) -> bool:
    return any(
        (folder / name).exists()
        for name in (checkpoint.CHECKPOINT_FILE, parts.PARTS_FILE, seen.SEEN_FILE)
    )


def _look_at_pull(folder: Path, found: StateSurvey) -> None:
    read = checkpoint.read(folder)
    if isinstance(read, Damage):
        found.damages.append(read)
        return
    found.pull = read
    if (
        read is not None
        and not read.done
        and isinstance(noted := parts.read(folder, read.parts), Damage)
    ):
        found.damages.append(noted)
    written, first = seen.files(folder)
    if first.exists():
        found.notes.append(
            f"{written}: not looked at: a write is under way, or was interrupted and is taken back"
            " by the next start"
        )
    elif (
        read is not None and not read.done and (lost := seen.check(folder, read.pages)) is not None
    ):
        found.damages.append(lost)


def _check_spool(folder: Path) -> Iterator[Damage]:
    """Yield the damage of spooled files: their names are hashes of their content."""
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        digest = blake2b(digest_size=16)
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
        if digest.hexdigest() != path.stem:
            yield Damage(
                str(path),
                0,
                "its content does not match its name",
                "the input from stdin cannot be carried on from here",
            )


def repair(folder: Path) -> Repaired:
    """Set aside what is damaged and leave a state that starts.

    Raises UsageError where there is no state, StateError where it is in use.
    """
    look_first = look(folder)  # a folder without a state gets no lock
    try:
        lock = REAL.lock(folder / LOCK)
        try:
            when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            repaired = repair_held(folder, when) if look_first.push is not None else Repaired()
            if any(_of_pull(damage) for damage in look_first.damages):
                _repair_pull(folder, when, repaired)
            _repair_spool(folder, when, repaired)
            return repaired
        finally:
            lock.release()
    except OSError as error:
        raise StateError(
            f"the state {folder} cannot be repaired: {error.strerror or error}. Fix that, then"
            " repair again"
        ) from None


def _of_pull(damage: Damage) -> bool:
    return Path(damage.file).name in (checkpoint.CHECKPOINT_FILE, parts.PARTS_FILE, seen.SEEN_FILE)


def _repair_pull(folder: Path, when: str, repaired: Repaired) -> None:
    found = StateSurvey(folder, None)
    _look_at_pull(folder, found)
    repaired.damages += found.damages
    repaired.quarantine = repaired.quarantine or aside.make_folder(folder, when, REAL)
    repaired.set_aside += aside.move_files(
        [folder / checkpoint.CHECKPOINT_FILE, folder / parts.PARTS_FILE, *seen.files(folder)],
        repaired.quarantine,
        REAL,
    )
    repaired.unknown.append(
        "how far the pull was is no longer known: the next one starts from the beginning and writes"
        " its output again"
    )


def _repair_spool(folder: Path, when: str, repaired: Repaired) -> None:
    for damage in list(_check_spool(folder / SPOOL)):
        repaired.damages.append(damage)
        repaired.quarantine = repaired.quarantine or aside.make_folder(folder, when, REAL)
        repaired.set_aside += aside.move_files([Path(damage.file)], repaired.quarantine, REAL)
        repaired.unknown.append(
            f"{damage.file}: pipe the same input in again, and it resumes where it stopped; "
            f"else `syncer state forget {as_argument(damage.file)}`"
        )
