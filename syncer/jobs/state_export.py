"""All that a state folder knows, as records for people and scripts; of a damaged one,
as much as can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import msgspec

from syncer.core.facts import DeadLetter, Destination, Queued
from syncer.core.letters import LetterStates, OpenLetter
from syncer.core.settle import rfc3339
from syncer.jobs.state import StateSurvey
from syncer.journal.check import StateCheck
from syncer.journal.dead import DEAD_FILE, by_present_names, open_letters, pieces
from syncer.journal.replay import JOURNAL_FILE, ByteSpan

Record = dict[str, object]

_queued = msgspec.json.Decoder(Queued)


def export(found: StateSurvey) -> Iterator[Record]:
    """The records, each of a kind: `state`, `log`, `waiting`, `dead`, `pull`, `damage`.

    `certain`: no damage touches it. OSError.
    """
    if found.push is not None:
        yield _state(found)
        yield from _logs(found.push)
        yield from _waiting(found.folder / JOURNAL_FILE, found.push)
        yield from _dead(found.folder / DEAD_FILE, found.push)
    if found.pull is not None:
        yield {"record": "pull", **msgspec.to_builtins(found.pull), "certain": True} | {
            "destination": _pause(found.pull.destination),
            "storage": _pause(found.pull.storage),
        }
    for damage in found.damages:
        yield {"record": "damage", **asdict(damage)}


def _state(found: StateSurvey) -> Record:
    assert found.push is not None
    journal = found.push.journal
    later, ledger = journal.later, journal.ledger
    return {
        "record": "state",
        "state": str(found.folder),
        "destination": None if journal.destination is None else asdict(journal.destination),
        "deleted": ledger.deleted + later.deleted,
        "pause": _pause(later.destination or ledger.destination),
        "certain": not journal.damages,
    }


def _pause(destination: Destination) -> Record | None:
    if destination.state != "paused":
        return None
    return {
        "until": rfc3339(destination.until),
        "asked_seconds": destination.asked_seconds,
        "reason": destination.reason,
    }


def _logs(push: StateCheck) -> Iterator[Record]:
    for number, log in push.ledger.logs.items():
        counts, resume = log.counts, log.watermark.resume
        yield {
            "record": "log",
            "log": number,
            "path": log.identity.path,
            "label": log.identity.label,
            "read": counts.read,
            "applied": counts.applied,
            "ignored": counts.ignored,
            "dead": counts.dead,
            "pending": counts.queued,
            "resume": {"line": resume.line, "offset": resume.offset, "cursor": resume.cursor},
            "settled": log.watermark.index,
            "certain": not push.journal.damages,
        }


def _waiting(path: Path, push: StateCheck) -> Iterator[Record]:
    """Yield what waits in the retry queue, with its line; after damage, what was
    waiting at some time, and may be done.
    """
    if push.journal.destination is None and not push.journal.later.queued:
        return
    labels = {number: log.identity.label for number, log in push.ledger.logs.items()}
    with path.open("rb") as file:
        for number, known in push.ledger.queue.items():
            stored = _read_stored(file, push.journal.bodies[number])
            yield _waits(
                msgspec.structs.replace(known, raw=stored.raw),
                labels,
                certain=not push.journal.damages,
            )
        for number, span in push.journal.later.queued.items():
            if number not in push.ledger.queue:
                yield _waits(_read_stored(file, span), labels, certain=False)


def _read_stored(file: BinaryIO, span: ByteSpan) -> Queued:
    offset, length = span
    file.seek(offset)
    return _queued.decode(file.read(length))


def _waits(queued: Queued, labels: Mapping[int, str], *, certain: bool) -> Record:
    change = queued.change()
    return {
        "record": "waiting",
        "source": labels.get(queued.log),
        "line": queued.line,
        "op": change.op,
        "input_id": queued.input_id,
        "id": queued.id or None,
        "reason": queued.reason,
        "code": queued.code,
        "attempts": queued.attempts,
        "in_doubt": queued.doubt,
        "first_failed_at": rfc3339(queued.first_failed_at) if queued.first_failed_at else None,
        "last_failed_at": rfc3339(queued.last_failed_at) if queued.last_failed_at else None,
        "change": queued.raw,
        "certain": certain,
    }


def _dead(path: Path, push: StateCheck) -> Iterator[Record]:
    """The open letters; of a damaged file all that can be read, open or not."""
    if not path.exists():
        return
    if not push.damages:
        for found in by_present_names(open_letters(path, push.ledger.dead_size), push.ledger):
            yield _letter(found, certain=True)
        return
    states = LetterStates()
    for at, _, fact in pieces(path, path.stat().st_size):
        if isinstance(fact, DeadLetter):
            yield _letter(OpenLetter(states.count, fact, False, at), certain=False)
            states.note(fact)


def _letter(found: OpenLetter, *, certain: bool) -> Record:
    return {"record": "dead", **found.record(), "certain": certain}
