"""A journal written from scratch: the fewest facts that fold to a ledger, in frames of
bounded size, with the bodies of what waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from syncer.core.facts import JournalFact, Queued
from syncer.core.ledger import Ledger
from syncer.journal import frames
from syncer.journal.disk import Disk
from syncer.journal.replay import FORMAT, VERSION, ByteSpan, DestinationId, Header

FRAME_BYTES = 1 << 20
"""A frame ends with the fact that fills it: memory for it is bounded."""

_queued = msgspec.json.Decoder(Queued)


@dataclass(frozen=True, slots=True)
class Bodies:
    """The `Queued` facts of what waits, with bodies, where an open journal has them."""

    disk: Disk
    file: int
    places: Mapping[int, ByteSpan]

    def read_queued(self, number: int) -> Queued:
        """The fact as it was written first. Raises OSError, DecodeError."""
        offset, length = self.places[number]
        return _queued.decode(self.disk.read(self.file, length, offset))


def write_journal(
    disk: Disk, path: Path, destination: DestinationId, ledger: Ledger | None, bodies: Bodies
) -> tuple[int, dict[int, ByteSpan], int]:
    """Write and sync it, without a ledger a new one; its descriptor, where the bodies
    are in it, and its size. Raises OSError.
    """
    file = disk.open(path)
    try:
        places, size = _write_facts(disk, file, destination, ledger, bodies)
        disk.sync(file)
    except BaseException:
        disk.close(file)
        raise
    return file, places, size


def _write_facts(
    disk: Disk, file: int, destination: DestinationId, ledger: Ledger | None, bodies: Bodies
) -> tuple[dict[int, ByteSpan], int]:
    places: dict[int, ByteSpan] = {}
    frame = frames.encode(
        msgspec.json.encode([Header(FORMAT, VERSION, destination, ledger is not None)]), 0
    )
    disk.write(file, frame)
    size = len(frame)
    facts = ledger.facts() if ledger is not None else ()
    for group in _group((fact, _with_body(fact, bodies)) for fact in facts):
        payload, spans = join(encoded for _, encoded in group)
        frame = frames.encode(payload, size)
        start = size + frames.head_length(payload, size)
        for (fact, _), (at, length) in zip(group, spans, strict=True):
            if isinstance(fact, Queued):
                places[fact.number] = (start + at, length)
        disk.write(file, frame)
        size += len(frame)
    return places, size


def _with_body(fact: JournalFact, bodies: Bodies) -> bytes:
    if isinstance(fact, Queued):
        stored = bodies.read_queued(fact.number)
        fact = msgspec.structs.replace(fact, raw=stored.raw, written=stored.written)
    return msgspec.json.encode(fact)


def join(encoded: Iterable[bytes]) -> tuple[bytes, list[ByteSpan]]:
    """A JSON array of these values, and where in it each is."""
    parts: list[bytes] = []
    places: list[ByteSpan] = []
    at = 1
    for part in encoded:
        parts.append(part)
        places.append((at, len(part)))
        at += len(part) + 1
    return b"[" + b",".join(parts) + b"]", places


def _group(
    facts: Iterable[tuple[JournalFact, bytes]],
) -> Iterator[list[tuple[JournalFact, bytes]]]:
    """Facts, with what is written of them, a frame at a time."""
    group: list[tuple[JournalFact, bytes]] = []
    size = 0
    for fact, encoded in facts:
        group.append((fact, encoded))
        size += len(encoded)
        if size >= FRAME_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
