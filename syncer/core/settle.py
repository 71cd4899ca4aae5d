"""From what became true to the facts that say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from zlib import crc32

from syncer.core.batch import Settlement
from syncer.core.change import BadLine, Change, Chunk, IgnoredLine
from syncer.core.columns import Stretch
from syncer.core.entry import Entry
from syncer.core.facts import (
    DeadLetter,
    Deleted,
    Fact,
    Fate,
    Forgotten,
    LettersForgotten,
    Opened,
    Read,
    Retried,
    Settled,
    Superseded,
    Unqueued,
)
from syncer.core.ledger import Ledger
from syncer.core.letters import letter_keys

LAST_SECOND = 253_402_300_799.0
"""The end of the year 9999."""
LETTER_BYTES_MAX = 64 << 10
"""How much of a bad line its dead letter keeps."""

Line = Change | BadLine | IgnoredLine

_place_in_log = itemgetter(0, 1)


def runs(lines: Iterable[Line], place: Fate, posts: Iterable[Stretch] = ()) -> Iterator[Settled]:
    """The fewest runs of neighbours that cover these lines, each with its checksum."""
    pieces = [(line.log, line.index, 1, line.raw) for line in lines]
    pieces += [(part.log, part.index, len(part), part.raw()) for part in posts]
    pieces.sort(key=_place_in_log)
    start, count = 0, 0
    for end, (log, index, length, _) in enumerate(pieces, 1):
        count += length
        if end < len(pieces) and pieces[end][:2] == (log, index + length):
            continue
        crc = crc32(b"".join([raw for _, _, _, raw in pieces[start:end]]))
        yield Settled(log, index + length - count, count, crc, place)
        start, count = end, 0


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as users read them, UTC.

    Where a mad clock put them beyond the years that there are: the last second of all.
    """
    return (
        datetime.fromtimestamp(min(max(seconds, 0.0), LAST_SECOND), UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def letter_of_line(line: BadLine, source: str, now: float) -> DeadLetter:
    """The dead letter of a line that could not even be read as a change."""
    at = rfc3339(now)
    kept = line.raw[:LETTER_BYTES_MAX]
    text = kept.decode("utf-8", "backslashreplace")
    whole = len(kept) == len(line.raw) and text.encode() == kept
    return DeadLetter(
        source,
        line.line,
        line.op,
        line.input_id,
        line.id,
        line.reason,
        None,
        0,
        at,
        at,
        text,
        line.log,
        line.index,
        whole,
    )


def facts_of_chunk(chunk: Chunk, source: str, now: float) -> list[Fact]:
    """Return what reading a chunk makes true, its changes aside."""
    facts: list[Fact] = []
    if chunk.identity is not None:
        facts.append(Opened(chunk.log, chunk.identity))
    facts += [letter_of_line(line, source, now) for line in chunk.bad]
    facts += runs(chunk.bad, "dead")
    facts += runs(chunk.ignored, "ignored")
    facts.append(Read(chunk.log, chunk.end))
    return facts


def letter_of_entry(entry: Entry, raw: bytes, source: str) -> DeadLetter:
    """The dead letter of a change that the remote would not take.

    `raw`: its line (the entry's own may be on disk).
    """
    change = entry.change
    return DeadLetter(
        source=source,
        line=change.line,
        op=change.op,
        input_id=change.input_id,
        id=change.id or None,
        reason=entry.reason,
        code=entry.code,
        attempts=entry.attempts,
        first_failed_at=rfc3339(entry.first_failed_at),
        last_failed_at=rfc3339(entry.last_failed_at),
        change=raw.decode("utf-8", "backslashreplace"),
        log=change.log,
        index=change.index,
        rank=entry.rank,
    )


def facts_of(
    settlement: Settlement,
    letters: Sequence[DeadLetter],
    ledger: Ledger,
    before: Sequence[Fact] = (),
) -> list[Fact]:
    """Everything that a settlement makes true, in an order in which it can be folded.

    `before`: facts of the same commit.
    """
    facts: list[Fact] = [*letters]
    facts += runs([entry.change for entry in settlement.queued], "queued")
    facts += [entry.to_queued() for entry in settlement.queued]
    facts += [_to_retried(entry) for entry in settlement.retried]
    fresh = [entry.change for entry in settlement.applied if not entry.number]
    facts += runs(fresh, "applied", settlement.posts)
    facts += runs([entry.change for entry in settlement.dead if not entry.number], "dead")
    facts += [Unqueued(entry.number, "applied") for entry in settlement.applied if entry.number]
    facts += [Unqueued(entry.number, "dead") for entry in settlement.dead if entry.number]
    died = [fact for fact in (*before, *letters) if isinstance(fact, DeadLetter)]
    facts += _find_superseded(settlement, ledger, died)
    deleted = sum(entry.deletions for entry in settlement.applied)
    if deleted:
        facts.append(Deleted(deleted))
    return facts


def _to_retried(entry: Entry) -> Retried:
    return Retried(
        entry.number,
        entry.attempts,
        entry.doubt,
        entry.first_failed_at,
        entry.last_failed_at,
        entry.reason,
        entry.code,
    )


def _find_superseded(
    settlement: Settlement, ledger: Ledger, fresh: Sequence[DeadLetter]
) -> Iterator[Superseded]:
    """Yield those of these that may have made dead letters out of date."""
    if not fresh and not ledger.dead:
        return
    keys = {key for letter in fresh for key in letter_keys(letter)}
    for change, rank in settlement.list_applied():
        if ledger.letters.concerned(change, keys):
            yield Superseded(change.input_id, change.id, change.log, change.index, rank)


def forgotten(log: int) -> list[Fact]:
    """The facts that make a state know nothing of a log any more."""
    return [Forgotten(log), LettersForgotten(log)]
