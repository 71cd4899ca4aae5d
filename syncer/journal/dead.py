"""dead.jsonl: the dead letters, and what superseded them, a JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from syncer.core.facts import DeadFact, DeadLetter, Superseded
from syncer.errors import StateError
from syncer.journal import frames
from syncer.journal.replay import FILE as JOURNAL
from syncer.journal.replay import replay

FILE = "dead.jsonl"
_decoder = msgspec.json.Decoder(DeadFact)


def lines(path: Path, size: int) -> Iterator[DeadFact]:
    """The facts in the first `size` bytes of the file. Raises StateError for a line that is none."""
    at = 0
    with path.open("rb") as file:
        for line in frames.lines(file, size):
            try:
                yield _decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise StateError(f"{path}: damaged at byte {at} ({error}). Put the file back from a backup") from None
            at += len(line)


def read_dead(folder: Path) -> Iterator[tuple[DeadLetter, bool]]:
    """The letters that the journal knows of, oldest first, each with whether a later change superseded it. Raises StateError."""
    try:
        size = replay(folder / JOURNAL).ledger.dead_size
    except OSError as error:
        raise StateError(f"the state folder {folder} cannot be read: {error.strerror}") from None
    keys: dict[tuple[str, str], int] = {}
    inputs: dict[str, int] = {}
    for at, fact in enumerate(lines(folder / FILE, size)):
        if isinstance(fact, Superseded):
            if fact.id:
                keys[fact.input_id, fact.id] = at
            else:
                inputs[fact.input_id] = at
    for at, fact in enumerate(lines(folder / FILE, size)):
        if isinstance(fact, DeadLetter):
            after = max(keys.get((fact.input_id or "", fact.id or ""), -1), inputs.get(fact.input_id or "", -1))
            yield fact, after > at
