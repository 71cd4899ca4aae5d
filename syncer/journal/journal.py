"""The journal: facts to disk, and back to a ledger.

commit: dead letters ─► fsync ─► one frame ─► fsync ─► folded into the ledger
open:   lock ─► frames folded ─► torn tail cut off, and noted ─► all of it fsynced
        ─► dead.jsonl cut to what the journal knows of
grown:  the fewest facts that fold to the same ledger ─► a new file ─► fsync
        ─► renamed over the old ─► fsync of the folder
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from syncer.core.change import Change
from syncer.core.facts import DeadFact, DeadFile, Fact, Forgotten
from syncer.core.ledger import Ledger
from syncer.errors import StateError
from syncer.journal import dead, frames
from syncer.journal.check import cut, missing, no_journal
from syncer.journal.checkpoint import CHECKPOINT_FILE
from syncer.journal.compact import Bodies, join, write_journal
from syncer.journal.disk import REAL, Disk, HeldLock
from syncer.journal.lock import LOCK, holder
from syncer.journal.replay import JOURNAL_FILE, ByteSpan, DestinationId, note_body, replay

__all__ = ["DestinationId", "Journal"]

COMPACT_BYTES_MIN = 4 << 20
COMPACT_RATIO = 4


class Journal:
    """An open state folder.

    `commit` may run in a thread; everything else is for the owner alone.
    """

    def __init__(
        self,
        folder: Path,
        lock: HeldLock,
        disk: Disk,
        destination: DestinationId | None,
        compact_bytes_min: int,
    ) -> None:
        self.ledger = Ledger()
        self.notes: list[str] = []
        """The work of recovery, in words for the user."""
        self.folder = folder
        self._lock = lock
        self._disk = disk
        self._destination = destination
        self._failed: str | None = None
        self._bodies: dict[int, ByteSpan] = {}
        self._size = 0
        self._compact_bytes_min = compact_bytes_min
        self._compact_at = compact_bytes_min
        self._file = -1
        self._dead_file = -1

    @classmethod
    def open(
        cls,
        folder: Path,
        destination: DestinationId | None,
        *,
        disk: Disk = REAL,
        compact_bytes_min: int | None = None,
    ) -> Journal:
        """Open or make a state folder, and take its lock.

        No destination: that of the folder, which must be there. `compact_bytes_min`:
        the size from which on the journal is compacted
        (COMPACT_BYTES_MIN). Raises StateError.
        """
        try:
            if destination is not None:
                disk.make_folder(folder)
            lock = disk.lock(folder / LOCK)
        except OSError as error:
            raise StateError(f"the state folder {folder} cannot be used: {_why(error)}") from None
        journal = cls(folder, lock, disk, destination, compact_bytes_min or COMPACT_BYTES_MIN)
        try:
            journal._recover()
        except OSError as error:
            journal.close()
            raise StateError(f"the state folder {folder} cannot be used: {_why(error)}") from None
        except BaseException:
            journal.close()
            raise
        return journal

    @staticmethod
    def is_in(folder: Path, *, disk: Disk = REAL) -> bool:
        """Whether this folder is the state of a push.

        Raises StateError where that cannot be seen.
        """
        try:
            return disk.size(folder / JOURNAL_FILE) is not None
        except NotADirectoryError:
            return False
        except OSError as error:
            raise StateError(f"the state folder {folder} cannot be read: {_why(error)}") from None

    @staticmethod
    def read_only(folder: Path) -> tuple[Ledger, DestinationId, int | None]:
        """(ledger, destination, pid of the process that holds the lock) of a folder
        that another process may be using.
        """
        try:
            found = replay(folder / JOURNAL_FILE)
        except OSError as error:
            raise StateError(f"the state folder {folder} cannot be read: {_why(error)}") from None
        assert found.destination is not None  # or it would be damaged
        return found.ledger, found.destination, holder(folder / LOCK)

    # --- recovery ---------------------------------------------------------------------

    def _recover(self) -> None:
        path = self.folder / JOURNAL_FILE
        self._disk.unlink(path.with_suffix(".new"))
        there = (self._disk.size(path) or 0) > 0
        if not there and self._destination is None:
            raise no_journal(self.folder)
        self._dead_file = self._disk.open(self.folder / dead.DEAD_FILE)
        if there:
            self._file = self._disk.open(path)
            self._fold(path)
            # A rename that the process before did not get to sync.
            self._disk.sync_folder(self.folder)
        else:
            if self._disk.size(self.folder / CHECKPOINT_FILE) is not None:
                raise StateError(
                    f"{self.folder} holds the state of a pull: choose another --state folder for"
                    " this push"
                )
            if (lost := missing(self.folder, self._disk)) is not None:
                raise lost.error()
            self._disk.try_folder(self.folder)
            self._write_new(None)
        self._recover_dead()

    def _fold(self, path: Path) -> None:
        found = replay(path, disk=self._disk)
        self._destination = self._destination or found.destination
        check_destination(self.folder, found.destination, self._destination)
        self.ledger, self._bodies, self._size = found.ledger, found.bodies, found.end
        if found.torn:
            self.notes.append(
                f"{path}: the last write was torn ({found.torn} bytes, never synced); it was"
                " cut off"
            )
            self._disk.truncate(self._file, found.end)
        # What a killed process wrote but did not get to sync: this one builds on it.
        self._disk.sync(self._file)

    def _recover_dead(self) -> None:
        path = self.folder / dead.DEAD_FILE
        size = self._disk.size(path) or 0
        wanted = self.ledger.dead_size
        if size < wanted:
            raise cut(path, size, wanted).error()
        for fact in dead.heads(path, wanted, disk=self._disk):
            self.ledger.apply(fact)
        if size > wanted:
            self._disk.truncate(self._dead_file, wanted)
            self._disk.sync(self._dead_file)

    # --- commits ----------------------------------------------------------------------

    def commit(self, facts: Sequence[Fact]) -> None:
        """Write the facts as one unit; they are durable, and folded into the ledger,
        when this returns. Raises StateError.
        """
        if self._failed is not None:
            raise StateError(self._failed)
        if not facts:
            return
        letters = [fact for fact in facts if isinstance(fact, DeadFact)]
        plain = [fact for fact in facts if not isinstance(fact, DeadFact)]
        text = dead.encode_letters(letters, self.ledger.dead_size)
        if letters:
            plain.append(DeadFile(self.ledger.dead_size + len(text)))
        payload, places = join(msgspec.json.encode(fact) for fact in plain)
        frame = frames.encode(payload, self._size)
        if len(frame) > frames.LINE_BYTES_MAX:
            raise StateError(
                f"the state {self.folder}: {len(frame):,} bytes in one commit, more than"
                f" {frames.LINE_BYTES_MAX:,}"
            )
        try:
            if letters:
                self._disk.write(self._dead_file, text)
                self._disk.sync(self._dead_file)
            self._disk.write(self._file, frame)
            self._disk.sync(self._file)
        except OSError as error:
            self._fail(error)
        start = self._size + frames.head_length(payload, self._size)
        self._size += len(frame)
        for letter in letters:
            self.ledger.apply(letter)
        for fact, (at, length) in zip(plain, places, strict=True):
            self.ledger.apply(fact)
            note_body(self._bodies, fact, (start + at, length))
        if any(isinstance(fact, Forgotten) for fact in plain):
            self._bodies = {
                number: span for number, span in self._bodies.items() if number in self.ledger.queue
            }
        if self._size > self._compact_at:
            self._compact()

    def _fail(self, error: OSError) -> None:
        """A write failed: leave the files as they were after the last good one, and
        write no more.
        """
        with suppress(OSError):  # else the next start cuts the torn tail off
            self._disk.truncate(self._file, self._size)
            # a frame that counts letters must not outlive them
            self._disk.sync(self._file)
            self._disk.truncate(self._dead_file, self.ledger.dead_size)
        self._failed = (
            f"the state {self.folder} cannot be written: {_why(error)}. Nothing was lost: fix"
            " that, then run it again"
        )
        raise StateError(self._failed) from None

    def read_queued(self, number: int) -> Change:
        """The change queued under this number, with its body. Raises StateError."""
        if number not in self._bodies:
            raise StateError(f"{self.folder / JOURNAL_FILE}: no change {number} waits")
        try:
            return Bodies(self._disk, self._file, self._bodies).read_queued(number).change()
        except (OSError, msgspec.DecodeError) as error:
            offset, _ = self._bodies[number]
            raise StateError(
                f"{self.folder / JOURNAL_FILE}: the queued change at byte {offset} cannot be read"
                f" back: {error}"
            ) from None

    # --- compaction -------------------------------------------------------------------

    def _compact(self) -> None:
        try:
            self._write_new(self.ledger)
        except OSError as error:
            self._fail(error)

    def _write_new(self, ledger: Ledger | None) -> None:
        """Write a journal that adds up to this, and put it in the place of the old."""
        path = self.folder / JOURNAL_FILE
        old_file, old_bodies = self._file, self._bodies
        assert self._destination is not None
        written = write_journal(
            self._disk,
            path.with_suffix(".new"),
            self._destination,
            ledger,
            Bodies(self._disk, old_file, old_bodies),
        )
        try:
            self._disk.replace(path.with_suffix(".new"), path)
        except BaseException:
            self._disk.close(written[0])
            raise
        self._file, self._bodies, self._size = written
        self._compact_at = max(self._compact_bytes_min, self._size * COMPACT_RATIO)
        if old_file >= 0:
            self._disk.close(old_file)

    def close(self) -> None:
        """Give the folder back."""
        for descriptor in (self._file, self._dead_file):
            if descriptor >= 0:
                self._disk.close(descriptor)
        self._file = self._dead_file = -1
        self._lock.release()


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def check_destination(
    folder: Path, held: DestinationId | None, wanted: DestinationId | None
) -> None:
    """A state folder is one destination's. Raises StateError."""
    if held != wanted:
        raise StateError(
            f"the state {folder} belongs to another destination: {held}; this is for {wanted}."
            " Choose another --state folder"
        )
