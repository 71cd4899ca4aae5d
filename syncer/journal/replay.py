"""From a journal's bytes back to a ledger, one frame in memory at a time. Reads only; needs no lock."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from syncer.core.facts import Forgotten, JournalFact, Queued, Requeued, Unqueued
from syncer.core.ledger import Ledger
from syncer.errors import StateError
from syncer.journal import frames
from syncer.journal.disk import REAL, Disk

FILE = "journal"
FORMAT = "syncer-journal"
VERSION = 1

Span = tuple[int, int]
"""(offset, length) of bytes in the journal."""

_facts = msgspec.json.Decoder(list[JournalFact])


@dataclass(frozen=True, slots=True)
class DestinationId:
    """What a state is for."""

    base_url: str
    user_id: str
    app_id: str

    def __str__(self) -> str:
        return f"{self.base_url} user {self.user_id} app {self.app_id}"


class _Format(msgspec.Struct, frozen=True):
    format: str
    version: int


class Header(msgspec.Struct, frozen=True):
    """The first frame."""

    format: str
    version: int
    destination: DestinationId


@dataclass(slots=True)
class Replayed:
    """What a journal adds up to."""

    destination: DestinationId
    ledger: Ledger = field(default_factory=Ledger)
    bodies: dict[int, Span] = field(default_factory=dict)
    """Where the `Queued` fact of each waiting change is, by its number."""
    end: int = 0
    """Bytes of the header and all whole frames."""
    torn: int = 0
    """Bytes behind them: a write that was never synced."""


def replay(path: Path, *, disk: Disk = REAL) -> Replayed:
    """Fold the journal at this path. Raises StateError for damage, and for what this version does not understand; OSError."""
    with disk.reader(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        scanned = frames.scan(frames.lines(file, size))
        try:
            start, payload = next(scanned, (0, b""))
            if not start:
                raise StateError(
                    f"{path}: damaged at byte 0; not a journal, or one whose header was cut. "
                    "Put it back from a backup, or use another --state"
                )
            found = Replayed(_header(path, payload).destination)
            found.end = start + len(payload) + 1
            for start, payload in scanned:
                _fold(path, found, start, payload)
                found.end = start + len(payload) + 1
        except frames.Damaged as damage:
            raise StateError(f"{path}: damaged at byte {damage.offset}; nothing was guessed. Put the file back from a backup") from None
    found.torn = size - found.end
    return found


def note_body(bodies: dict[int, Span], fact: JournalFact, span: Span) -> None:
    """Keep account of where the bodies of what waits are. `span` is where the fact itself is."""
    if isinstance(fact, Queued):
        bodies[fact.number] = span
    elif isinstance(fact, Unqueued):
        bodies.pop(fact.number, None)
    elif isinstance(fact, Requeued):
        bodies[fact.new] = bodies.pop(fact.old)


def _header(path: Path, payload: bytes) -> Header:
    try:
        form = msgspec.json.decode(payload, type=list[_Format])[0]
        if (form.format, form.version) != (FORMAT, VERSION):
            raise StateError(f"{path}: {form.format} version {form.version}, but this syncer reads {FORMAT} version {VERSION}")
        return msgspec.json.decode(payload, type=list[Header])[0]
    except (msgspec.DecodeError, ValueError, LookupError) as error:
        raise _not_understood(path, 0, error) from None


def _fold(path: Path, found: Replayed, start: int, payload: bytes) -> None:
    """Fold the facts of one frame."""
    try:
        facts = _facts.decode(payload)
        spans = _spans(payload) if any(isinstance(fact, Queued) for fact in facts) else None
        for position, fact in enumerate(facts):
            found.ledger.apply(fact)
            at, length = spans[position] if spans else (0, 0)
            note_body(found.bodies, fact, (start + at, length))
        if any(isinstance(fact, Forgotten) for fact in facts):
            found.bodies = {number: span for number, span in found.bodies.items() if number in found.ledger.queue}
    except (msgspec.DecodeError, ValueError, LookupError, AssertionError) as error:
        raise _not_understood(path, found.end, error) from None


def _not_understood(path: Path, offset: int, error: Exception) -> StateError:
    why = str(error) or type(error).__name__
    return StateError(f"{path}: the frame at byte {offset} holds what this syncer cannot understand ({why}). It may come from a newer one")


def _spans(payload: bytes) -> list[Span]:
    """Where each value of a JSON array is. Raises ValueError where it is not written as the journal writes it."""
    spans: list[Span] = []
    at = 1
    for raw in msgspec.json.decode(payload, type=list[msgspec.Raw]):
        spans.append((at, len(raw)))
        at += len(raw) + 1
    if at != len(payload):
        raise ValueError("white space between facts")
    return spans
