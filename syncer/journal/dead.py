"""dead.jsonl: the dead letters, what superseded them, and which are closed; a JSON
object a line, with the line's own checksum in it.

    {"crc":"90a70275","at":1290,"event":"closed","letter":3,"how":"dropped"}

The checksum is the crc32 of all after its comma, without the line feed; `at` is the
line's own place in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from syncer.core.bits import NumberBits
from syncer.core.facts import Closed, DeadFact, DeadLetter, LetterHead, LettersForgotten, Superseded
from syncer.core.ledger import Ledger
from syncer.core.letters import LetterStates, OpenLetter
from syncer.errors import StateError
from syncer.journal import frames
from syncer.journal.damage import Damage, way_out
from syncer.journal.disk import REAL, Disk
from syncer.journal.sealed import seal, unseal

DEAD_FILE = "dead.jsonl"
T = TypeVar("T")

_whole = msgspec.json.Decoder(DeadFact)
_heads = msgspec.json.Decoder(LetterHead | Superseded | Closed | LettersForgotten)


def encode(fact: DeadFact, offset: int) -> bytes:
    """The line of a fact, at this place in the file."""
    return seal(b'"at":%d,%s' % (offset, msgspec.json.encode(fact)[1:]))


def encode_letters(facts: Iterable[DeadFact], offset: int) -> bytes:
    """The lines of these facts, the first one at this place in the file."""
    lines: list[bytes] = []
    for fact in facts:
        lines.append(encode(fact, offset))
        offset += len(lines[-1])
    return b"".join(lines)


def facts(path: Path, size: int, *, disk: Disk = REAL) -> Iterator[DeadFact]:
    """The facts in the first `size` bytes of the file.

    Raises StateError for a line that is not one.
    """
    for _, fact in _decode(path, size, _whole, disk):
        yield fact


def heads(
    path: Path, size: int, *, disk: Disk = REAL
) -> Iterator[LetterHead | Superseded | Closed | LettersForgotten]:
    """The same, with no more of a letter than its head: several times as fast."""
    for _, fact in _decode(path, size, _heads, disk):
        yield fact


def pieces(
    path: Path, size: int, *, disk: Disk = REAL
) -> Iterator[tuple[int, bytes, DeadFact | Damage]]:
    """(offset, line, its fact or what is wrong with it) of each line, even of a bad
    one. Raises OSError.
    """
    with disk.reader(path) as file:
        at = 0
        for line in frames.lines(file, size):
            try:
                _check(line, at)
                yield at, line, _whole.decode(line)
            except (msgspec.DecodeError, ValueError) as error:
                yield at, line, _damage(path, at, error)
            at += len(line)


def _check(line: bytes, at: int) -> None:
    """Raises ValueError where it is not as it was written, or not where."""
    if not unseal(line).startswith(b'"at":%d,' % at):
        raise ValueError("it was written for another place")


def _damage(path: Path, at: int, error: Exception) -> Damage:
    return Damage(
        str(path),
        at,
        f"a dead letter, or what became of one: {error}",
        "the letter cannot be shown, retried or dropped",
    )


def _decode(
    path: Path, size: int, decoder: msgspec.json.Decoder[T], disk: Disk
) -> Iterator[tuple[int, T]]:
    """(offset, fact) of each line. Raises StateError for damage."""
    at = 0
    decode = decoder.decode
    with disk.reader(path) as file:
        for line in frames.lines(file, size):
            try:
                _check(line, at)
                yield at, decode(line)
            except (msgspec.DecodeError, ValueError) as error:
                raise _damage(path, at, error).error() from None
            at += len(line)


def open_letters(path: Path, size: int, *, disk: Disk = REAL) -> Iterator[OpenLetter]:
    """The letters in the first `size` bytes that are open, oldest first; memory does
    not grow with them. Raises StateError, OSError.
    """
    states = LetterStates()
    for at, fact in _decode(path, size, _heads, disk):
        try:
            states.note(fact)
        except ValueError as error:
            raise _damage(path, at, error).error() from None
    number = 0
    for offset, letter in _decode(path, size, _whole, disk):
        if isinstance(letter, DeadLetter):
            if states.is_open(number, letter.log):
                yield OpenLetter(number, letter, states.superseded(number, letter), offset)
            number += 1


def letter_at(path: Path, offset: int, *, disk: Disk = REAL) -> DeadLetter:
    """The letter whose line is at this offset, as `open_letters` gave it.

    Raises StateError, OSError.
    """
    with disk.reader(path) as file:
        file.seek(offset)
        fact = _whole.decode(file.readline())
    if not isinstance(fact, DeadLetter):
        raise StateError(f"{path}: no dead letter at byte {offset}")
    return fact


def by_present_names(letters: Iterable[OpenLetter], ledger: Ledger) -> Iterator[OpenLetter]:
    """Yield the letters with the names that their logs have by now: another log may
    have the name that was theirs.
    """
    for found in letters:
        log = ledger.logs.get(found.letter.log)
        if log is not None and log.identity.label != found.letter.source:
            found = replace(
                found, letter=msgspec.structs.replace(found.letter, source=log.identity.label)
            )
        yield found


def list_unapplied(path: Path, size: int, *, disk: Disk = REAL) -> dict[int, NumberBits]:
    """Return, by log, the indexes of changes that are dead letters, open or dropped:
    the remote did not take them.

    Of letters that were lost in a damage it is not known which changes they are of:
    their index is negative. Memory: a bit per letter, and a bit per line of each log
    that has letters. Raises StateError, OSError.
    """
    count, sent_again, forgotten = 0, NumberBits(), dict[int, int]()
    for fact in heads(path, size, disk=disk):
        match fact:
            case LetterHead():
                count += 1
            case Closed(how="retried"):
                if not 0 <= fact.letter < count:
                    raise StateError(
                        f"{path}: closes letter {fact.letter}, but only {count} precede it."
                        f" {way_out(path.parent)}"
                    )
                sent_again.add(fact.letter)
            case LettersForgotten():
                forgotten[fact.log] = count
            case _:
                pass  # it is still over
    left: dict[int, NumberBits] = {}
    letters = (fact for fact in heads(path, size, disk=disk) if isinstance(fact, LetterHead))
    for number, letter in enumerate(letters):
        if (
            letter.index >= 0
            and number >= forgotten.get(letter.log, 0)
            and number not in sent_again
        ):
            left.setdefault(letter.log, NumberBits()).add(letter.index)
    return left
