"""dead.jsonl: the dead letters, and what superseded them, a JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from syncer.core.facts import DeadFact, DeadLetter, Superseded
from syncer.errors import StateError

FILE = "dead.jsonl"
_decoder = msgspec.json.Decoder(DeadFact)


def lines(path: Path, size: int | None = None) -> Iterator[DeadFact]:
    """The facts of the file, of its first `size` bytes where given. Raises StateError for a line that is none."""
    if not path.exists():
        return
    read = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            read += len(line)
            if size is not None and read > size:
                return
            try:
                yield _decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise StateError(f"{path}:{number}: damaged ({error}). Put the file back from a backup") from None


def read_dead(folder: Path, size: int | None = None) -> Iterator[tuple[DeadLetter, bool]]:
    """The letters, oldest first, each with whether a later change superseded it."""
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
