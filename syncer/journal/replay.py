"""From a journal's bytes back to a ledger, one frame in memory at a time.

Reads only; needs no lock.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from syncer.core.facts import (
    DeadFile,
    Deleted,
    Destination,
    Forgotten,
    JournalFact,
    Opened,
    Queued,
    Read,
    Requeued,
    Unqueued,
)
from syncer.core.ledger import Ledger
from syncer.errors import StateError, of_another_version
from syncer.journal import frames
from syncer.journal.damage import Damage
from syncer.journal.disk import REAL, Disk

JOURNAL_FILE = "journal"
FORMAT = "syncer-journal"
VERSION = 1

ByteSpan = tuple[int, int]
"""(offset, length) of bytes in the journal."""

_facts = msgspec.json.Decoder(list[JournalFact])


@dataclass(frozen=True, slots=True)
class DestinationId:
    """The destination that a state is for."""

    base_url: str
    user_id: str
    app_id: str

    def __str__(self) -> str:
        return f"{self.base_url} user {self.user_id} app {self.app_id}"


class _HeaderFormat(msgspec.Struct, frozen=True):
    format: str
    version: int


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first frame."""

    format: str
    version: int
    destination: DestinationId
    compacted: bool = False
    """What follows first is what earlier facts added up to, `DeadFile` last: without
    that the file was cut.
    """


@dataclass(slots=True)
class Later:
    """The facts of the frames after damage.

    They are true but not complete: only what makes a run more careful is taken from
    them.
    """

    destination: Destination | None = None
    deleted: int = 0
    lines: dict[int, int] = field(default_factory=dict)
    """By log: how far it was read."""
    logs: list[Opened | Forgotten] = field(default_factory=list)
    """Which logs were named there, or given up."""
    queued: dict[int, ByteSpan] = field(default_factory=dict)
    """Where the `Queued` facts are of what may be waiting."""


@dataclass(slots=True)
class Replayed:
    """The sum of a journal, up to its end or to the first damage."""

    destination: DestinationId | None = None
    """None where there is not even a header."""
    ledger: Ledger = field(default_factory=Ledger)
    bodies: dict[int, ByteSpan] = field(default_factory=dict)
    """Where the `Queued` fact of each waiting change is, by its number."""
    end: int = 0
    """Bytes of the header and all whole frames, up to there."""
    torn: int = 0
    """Bytes after them: a write that was never synced."""
    damages: list[Damage] = field(default_factory=list)
    later: Later = field(default_factory=Later)


def replay(path: Path, *, disk: Disk = REAL) -> Replayed:
    """Fold the journal at this path, all of it.

    Raises StateError for damage, and for what this version does not understand;
    OSError.
    """
    found = survey(path, disk=disk)
    if found.damages:
        raise found.damages[0].error()
    return found


def survey(path: Path, *, disk: Disk = REAL, end: int | None = None) -> Replayed:
    """Fold the journal up to the first damage, and look at what comes after it. `end`:
    not further than there.

    Raises StateError for another format or version; OSError.
    """
    with disk.reader(path) as file:
        size = file.seek(0, io.SEEK_END) if end is None else end
        file.seek(0)
        reading = _Replay(path)
        for piece in frames.pieces(frames.lines(file, size)):
            reading.take(piece)
    found = reading.finish(size)
    if found.damages and reading.half_folded and end is None:
        before = survey(path, disk=disk, end=found.end)
        found.ledger, found.bodies = before.ledger, before.bodies
    return found


class _Replay:
    """A journal, piece by piece."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = Replayed()
        # where pieces began that are not frames: a torn tail, if nothing follows
        self._bad: int | None = None
        self._header_end = 0
        self._compacted = False  # inside of what a compaction wrote
        self.half_folded = False  # the ledger is one that never was

    def take(self, piece: frames.Piece) -> None:
        """The next piece."""
        found = self._found
        if not piece.start:
            self._bad = piece.offset if self._bad is None else self._bad
            if piece.hides or not found.end:
                self._bad_is_damage()
            return
        self._bad_is_damage()
        if piece.moved:
            self._damage(piece.offset, "a frame that was written for another place in the file")
        if found.damages:
            if found.destination is not None or piece.offset:
                _look(found.later, piece)
        elif not found.end:
            header = _header(self._path, piece.payload)
            found.destination, self._compacted = header.destination, header.compacted
            found.end = self._header_end = len(piece.line)
        else:
            self._fold(piece)

    def _fold(self, piece: frames.Piece) -> None:
        try:
            facts = fold(self._found, piece)
        except (msgspec.DecodeError, ValueError, LookupError, AssertionError) as error:
            self.half_folded = True
            why = str(error) or type(error).__name__
            self._damage(
                piece.offset,
                f"this syncer cannot understand the frame there: {why}; a newer one may",
            )
        else:
            self._found.end = piece.offset + len(piece.line)
            self._compacted = self._compacted and not any(
                isinstance(fact, DeadFile) for fact in facts
            )

    def _bad_is_damage(self) -> None:
        if self._bad is not None:
            what = (
                "a frame fails its checksum"
                if self._found.end
                else "not a journal, or one whose header was cut"
            )
            self._damage(self._bad, what)
            self._bad = None

    def _damage(self, offset: int, what: str) -> None:
        means = (
            "what became true after that is not known"
            if not self._found.damages
            else "the same holds for it"
        )
        self._found.damages.append(Damage(str(self._path), offset, what, means))

    def finish(self, size: int) -> Replayed:
        """Return the sum of all frames."""
        found = self._found
        if not found.end and not found.damages:
            self._damage(0, "not a journal, or one whose header was cut")
        if self._compacted:
            self._drop_compaction()
        found.torn = size - found.end if not found.damages else 0
        return found

    def _drop_compaction(self) -> None:
        """Drop a compaction that is known in part only: its frames may count what was
        lost, so they are not taken for a state.
        """
        found = self._found
        if not found.damages:
            self._damage(found.end, "cut: a part of what was written and synced is missing")
        ledger, later = found.ledger, found.later
        later.logs[:0] = [Opened(number, log.identity) for number, log in ledger.logs.items()]
        later.deleted += ledger.deleted
        later.destination = later.destination or ledger.destination
        found.end, self.half_folded = self._header_end, True


def _look(later: Later, piece: frames.Piece) -> None:
    """Take in a frame after damage: what can be known of it without all that was
    before.
    """
    try:
        facts = _facts.decode(piece.payload)
        spans = _spans(piece.payload)
    except (msgspec.DecodeError, ValueError):
        return
    for fact, (at, length) in zip(facts, spans, strict=True):
        match fact:
            case Destination():
                later.destination = fact
            case Deleted():
                later.deleted += fact.count
            case Read():
                later.lines[fact.log] = max(later.lines.get(fact.log, 0), fact.mark.line)
            case Opened() | Forgotten():
                later.logs.append(fact)
            case _:
                pass  # it makes no run more careful
        note_body(later.queued, fact, (piece.offset + piece.start + at, length))


def note_body(bodies: dict[int, ByteSpan], fact: JournalFact, span: ByteSpan) -> None:
    """Keep account of where the bodies of what waits are.

    `span` is where the fact itself is.
    """
    if isinstance(fact, Queued):
        bodies[fact.number] = span
    elif isinstance(fact, Unqueued):
        bodies.pop(fact.number, None)
    elif isinstance(fact, Requeued):
        if (there := bodies.pop(fact.old, None)) is not None:
            bodies[fact.new] = there


def _header(path: Path, payload: bytes) -> Header:
    try:
        form = msgspec.json.decode(payload, type=list[_HeaderFormat])[0]
        if (form.format, form.version) != (FORMAT, VERSION):
            raise of_another_version(
                path, f"{form.format} version {form.version}", f"{FORMAT} version {VERSION}"
            )
        return msgspec.json.decode(payload, type=list[Header])[0]
    except (msgspec.DecodeError, ValueError, LookupError) as error:
        raise StateError(
            f"{path}: this syncer cannot understand the header ({error}). A newer one may have"
            " written it"
        ) from None


def fold(found: Replayed, piece: frames.Piece) -> list[JournalFact]:
    """Fold the facts of one frame; these facts.

    Raises DecodeError, ValueError, LookupError, AssertionError, perhaps half-way.
    """
    payload = piece.payload
    start = piece.offset + piece.start
    facts = _facts.decode(payload)
    spans = _spans(payload) if any(isinstance(fact, Queued) for fact in facts) else None
    for position, fact in enumerate(facts):
        found.ledger.apply(fact)
        at, length = spans[position] if spans else (0, 0)
        note_body(found.bodies, fact, (start + at, length))
    if any(isinstance(fact, Forgotten) for fact in facts):
        found.bodies = {
            number: span for number, span in found.bodies.items() if number in found.ledger.queue
        }
    return facts


def _spans(payload: bytes) -> list[ByteSpan]:
    """Return where each value of a JSON array is.

    Raises ValueError if it is not written as the journal writes it.
    """
    spans: list[ByteSpan] = []
    at = 1
    for raw in msgspec.json.decode(payload, type=list[msgspec.Raw]):
        spans.append((at, len(raw)))
        at += len(raw) + 1
    if at != len(payload):
        raise ValueError("white space between facts")
    return spans
