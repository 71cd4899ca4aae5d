"""The journal: facts to disk, and back to a ledger.

commit: dead letters ─► fsync ─► one frame ─► fsync ─► folded into the ledger
open:   lock ─► frames folded ─► torn tail cut off, and said ─► dead.jsonl cut to what the journal knows of
grown:  the fewest facts that fold to the same ledger ─► a new file ─► fsync ─► renamed over the old ─► fsync of the folder
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from syncer.core.change import Change
from syncer.core.facts import DeadFile, DeadLetter, Fact, JournalFact, Queued, Superseded, Unqueued
from syncer.core.ledger import Ledger
from syncer.errors import StateError
from syncer.journal import dead, frames
from syncer.journal.disk import Disk
from syncer.journal.lock import Lock, holder

FILE = "journal"
FORMAT = "syncer-journal"
VERSION = 1
FRAME_BYTES_MAX = 1 << 20
COMPACT_BYTES_MIN = 4 << 20
COMPACT_RATIO = 4

_facts = msgspec.json.Decoder(list[JournalFact])
_queued = msgspec.json.Decoder(Queued)


@dataclass(frozen=True, slots=True)
class DestinationId:
    """What a state is for."""

    base_url: str
    user_id: str
    app_id: str

    def __str__(self) -> str:
        return f"{self.base_url} user {self.user_id} app {self.app_id}"


class _Header(msgspec.Struct, frozen=True):
    format: str
    version: int
    destination: DestinationId


class Journal:
    """An open state folder. `commit` may run in a thread; everything else is for the owner alone."""

    def __init__(self, folder: Path, lock: Lock, disk: Disk, destination: DestinationId) -> None:
        self.ledger = Ledger()
        self.notes: list[str] = []
        """What recovery had to do, for the user."""
        self._folder = folder
        self._lock = lock
        self._disk = disk
        self._destination = destination
        self._failed: str | None = None
        self._bodies: dict[int, tuple[int, int]] = {}
        self._size = 0
        self._compact_at = COMPACT_BYTES_MIN
        self._file = -1
        self._dead_file = -1

    @classmethod
    def open(cls, folder: Path, destination: DestinationId, *, disk: Disk | None = None) -> Journal:
        """Open or make a state folder, and take its lock. Raises StateError."""
        disk = disk or Disk()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = Lock(folder / "lock")
        except OSError as error:
            raise StateError(f"the state folder {folder} cannot be used: {error.strerror}") from None
        journal = cls(folder, lock, disk, destination)
        try:
            journal._recover()
        except OSError as error:
            journal.close()
            raise StateError(f"the state folder {folder} cannot be used: {error.strerror}") from None
        except BaseException:
            journal.close()
            raise
        return journal

    @staticmethod
    def read_only(folder: Path) -> tuple[Ledger, DestinationId, int | None]:
        """(ledger, destination, pid of the process that holds the lock) of a folder that another process may be using."""
        try:
            data = (folder / FILE).read_bytes()
        except OSError as error:
            raise StateError(f"the state folder {folder} cannot be read: {error.strerror}") from None
        ledger = Ledger()
        header = _header(folder / FILE, data)
        for _, _, fact in _folded(folder / FILE, data):
            ledger.apply(fact)
        return ledger, header.destination, holder(folder / "lock")

    # --- recovery -----------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        path = self._folder / FILE
        for leftover in self._folder.glob("*.new"):
            leftover.unlink()
        if not path.exists() or not path.stat().st_size:
            self._write_new(iter(()))
        else:
            self._file = self._disk.open(path)
            self._fold(path)
        self._recover_dead()

    def _fold(self, path: Path) -> None:
        data = path.read_bytes()
        found = _header(path, data).destination
        if found != self._destination:
            raise StateError(
                f"the state {self._folder} belongs to another destination: {found}; this run is for {self._destination}. "
                "Use another --state"
            )
        end = 0
        for start, length, fact in _folded(path, data):
            self._remember(fact, start, length)
            self.ledger.apply(fact)
        for start, payload in frames.scan(data):
            end = start + len(payload) + 1
        if end < len(data):
            self.notes.append(f"{path}: the last write was torn ({len(data) - end} bytes, never synced); it was cut off")
            self._disk.truncate(self._file, end)
            self._disk.sync(self._file)
        self._size = end

    def _recover_dead(self) -> None:
        path = self._folder / dead.FILE
        self._dead_file = self._disk.open(path)
        size = path.stat().st_size
        wanted = self.ledger.dead_size
        if size < wanted:
            raise StateError(
                f"{path}: {size} bytes, but {wanted} were written and synced: dead letters are missing. Put the file back from a backup"
            )
        if size > wanted:
            self._disk.truncate(self._dead_file, wanted)
            self._disk.sync(self._dead_file)
        for fact in dead.lines(path):
            self.ledger.apply(fact)

    # --- commits ------------------------------------------------------------------------------------------------

    def commit(self, facts: Sequence[Fact]) -> None:
        """Write the facts as one unit; they are durable, and folded into the ledger, when this returns. Raises StateError."""
        if self._failed is not None:
            raise StateError(self._failed)
        letters = [fact for fact in facts if isinstance(fact, DeadLetter | Superseded)]
        plain: list[JournalFact] = [fact for fact in facts if not isinstance(fact, DeadLetter | Superseded)]
        try:
            if letters:
                text = b"".join(msgspec.json.encode(letter) + b"\n" for letter in letters)
                self._disk.write(self._dead_file, text)
                self._disk.sync(self._dead_file)
                plain.append(DeadFile(self.ledger.dead_size + len(text)))
            self._append(plain)
        except OSError as error:
            self._fail(error)
        for letter in letters:
            self.ledger.apply(letter)
        for fact in plain:
            self.ledger.apply(fact)
        if self._size > self._compact_at:
            self._compact()

    def _append(self, facts: Sequence[JournalFact]) -> None:
        payload, places = _payload(msgspec.json.encode(fact) for fact in facts)
        frame = frames.encode(payload)
        self._disk.write(self._file, frame)
        self._disk.sync(self._file)
        start = self._size + frames.head_length(payload)
        for fact, (at, length) in zip(facts, places, strict=True):
            self._remember(fact, start + at, length)
        self._size += len(frame)

    def _remember(self, fact: JournalFact, offset: int, length: int) -> None:
        """Where the body of a queued change is."""
        if isinstance(fact, Queued):
            self._bodies[fact.number] = (offset, length)
        elif isinstance(fact, Unqueued):
            self._bodies.pop(fact.number, None)

    def _fail(self, error: OSError) -> None:
        """A write failed: leave the file as it was after the last good one, and write no more."""
        for descriptor, size in ((self._file, self._size), (self._dead_file, self.ledger.dead_size)):
            with suppress(OSError):  # else the next start cuts the torn tail off
                self._disk.truncate(descriptor, size)
        self._failed = (
            f"the state {self._folder} cannot be written: {error.strerror}. It is intact: mend that and run the same command again"
        )
        raise StateError(self._failed) from None

    def stored(self, number: int) -> Change:
        """The change queued under this number, with its body. Raises StateError."""
        offset, length = self._bodies[number]
        try:
            return _queued.decode(self._disk.read(self._file, length, offset)).change()
        except (OSError, msgspec.DecodeError) as error:
            raise StateError(f"{self._folder / FILE}: the queued change at byte {offset} cannot be read back: {error}") from None

    # --- compaction ---------------------------------------------------------------------------------------------

    def _compact(self) -> None:
        try:
            self._write_new(self.ledger.facts())
        except OSError as error:
            self._fail(error)

    def _write_new(self, facts: Iterator[JournalFact]) -> None:
        """Write a journal of these facts beside the old one, and put it in its place."""
        path = self._folder / FILE
        new = path.with_suffix(".new")
        old_file, old_bodies = self._file, self._bodies
        header = msgspec.json.encode([_Header(FORMAT, VERSION, self._destination)])
        file = self._disk.open(new)
        size, bodies = 0, dict[int, tuple[int, int]]()
        frame = frames.encode(header)
        self._disk.write(file, frame)
        size += len(frame)
        for group in _grouped(facts):
            encoded = [self._with_body(fact, old_file, old_bodies) for fact in group]
            payload, places = _payload(encoded)
            frame = frames.encode(payload)
            start = size + frames.head_length(payload)
            for fact, (at, length) in zip(group, places, strict=True):
                if isinstance(fact, Queued):
                    bodies[fact.number] = (start + at, length)
            self._disk.write(file, frame)
            size += len(frame)
        self._disk.sync(file)
        self._disk.replace(new, path)
        self._file, self._bodies, self._size = file, bodies, size
        self._compact_at = max(COMPACT_BYTES_MIN, size * COMPACT_RATIO)
        if old_file >= 0:
            self._disk.close(old_file)

    def _with_body(self, fact: JournalFact, file: int, bodies: dict[int, tuple[int, int]]) -> bytes:
        if not isinstance(fact, Queued):
            return msgspec.json.encode(fact)
        offset, length = bodies[fact.number]
        stored = _queued.decode(self._disk.read(file, length, offset))
        return msgspec.json.encode(msgspec.structs.replace(fact, raw=stored.raw, written=stored.written))

    def close(self) -> None:
        """Give the folder back."""
        for descriptor in (self._file, self._dead_file):
            if descriptor >= 0:
                self._disk.close(descriptor)
        self._file = self._dead_file = -1
        self._lock.release()


def _payload(encoded: Iterable[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """A JSON array of these values, and where in it each is."""
    parts: list[bytes] = []
    places: list[tuple[int, int]] = []
    at = 1
    for part in encoded:
        parts.append(part)
        places.append((at, len(part)))
        at += len(part) + 1
    return b"[" + b",".join(parts) + b"]", places


def _grouped(facts: Iterator[JournalFact]) -> Iterator[list[JournalFact]]:
    """Facts for frames of bounded size."""
    group: list[JournalFact] = []
    size = 0
    for fact in facts:
        group.append(fact)
        size += fact.size * 2 if isinstance(fact, Queued) else 100
        if size > FRAME_BYTES_MAX:
            yield group
            group, size = [], 0
    if group:
        yield group


def _header(path: Path, data: bytes) -> _Header:
    try:
        _, payload = next(frames.scan(data))
        header = msgspec.json.decode(payload, type=list[_Header])[0]
    except (StopIteration, frames.Damaged, msgspec.DecodeError, IndexError):
        raise StateError(f"{path}: not a journal, or damaged at its start. Put it back from a backup, or use another --state") from None
    if header.format != FORMAT or header.version != VERSION:
        raise StateError(f"{path}: {header.format} version {header.version}; this syncer reads {FORMAT} version {VERSION}")
    return header


def _folded(path: Path, data: bytes) -> Iterator[tuple[int, int, JournalFact]]:
    """(offset, length, fact) of every fact after the header. The place is that of queued changes only; others have none."""
    try:
        for number, (start, payload) in enumerate(frames.scan(data)):
            if not number:
                continue
            facts = _facts.decode(payload)
            at = 1
            spans = _spans(payload) if any(isinstance(fact, Queued) for fact in facts) else None
            for position, fact in enumerate(facts):
                at, length = spans[position] if spans else (0, 0)
                yield start + at, length, fact
    except frames.Damaged as damage:
        raise StateError(f"{path}: damaged at byte {damage.offset}; nothing was guessed. Put the file back from a backup") from None
    except (msgspec.DecodeError, KeyError, AssertionError) as error:
        raise StateError(f"{path}: holds a fact that cannot be understood ({error}). It may come from a newer syncer") from None


def _spans(payload: bytes) -> list[tuple[int, int]]:
    """Where each value of a JSON array is."""
    spans: list[tuple[int, int]] = []
    at = 1
    for raw in msgspec.json.decode(payload, type=list[msgspec.Raw]):
        spans.append((at, len(raw)))
        at += len(raw) + 1
    return spans
