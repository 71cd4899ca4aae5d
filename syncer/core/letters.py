"""Dead letters as a whole, in memory that hardly grows with them: whose they are, which
are open, which came to be superseded.

A letter is superseded where a later change of its annotation, or a delete of its whole
input, was applied; the letter of a whole-input delete, where any later change of the
input was. Later means: further down the same log; of other logs, not dead before it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from syncer.core.bits import BYTES, KeyBits, NumberBits
from syncer.core.change import Change, Key
from syncer.core.facts import Closed, DeadFact, DeadLetter, LetterHead, LettersForgotten, Superseded

ANY = "\0"
"""Stands for an id: the key (input_id, ANY) is that of an input which has letters."""

SAID_MAX = 4096


def letter_keys(letter: DeadLetter | LetterHead) -> Iterator[Key]:
    """Yield the keys by which a letter is found: its own, and that of its input."""
    if letter.input_id:
        yield letter.input_id, letter.id or ""
        yield letter.input_id, ANY


def _deletes_input(letter: DeadLetter | LetterHead) -> bool:
    return letter.op == "delete" and not letter.id


class LetterKeys:
    """The annotations and inputs that have letters.

    A false yes costs a `Superseded` line without a letter; a false no never happens.
    """

    def __init__(self) -> None:
        self._bits: KeyBits | None = None
        self._whole_inputs = False
        self._furthest: dict[int, int] = {}
        self._said: set[Key] = set()
        """Whose letters are superseded already, as far as is remembered: one line is
        enough for a key that is changed a million times.
        """

    def bury(self, letter: DeadLetter | LetterHead) -> None:
        """There is a letter more."""
        if not letter.input_id:
            return
        if self._bits is None:
            self._bits = KeyBits(bytearray(BYTES))
        keys = ((letter.input_id, letter.id or ""), (letter.input_id, ANY))
        self._bits.add(keys)
        if self._said:
            self._said.difference_update(keys)
        self._whole_inputs = self._whole_inputs or _deletes_input(letter)
        if letter.index > self._furthest.get(letter.log, -1):
            self._furthest[letter.log] = letter.index

    def said(self, fact: Superseded) -> None:
        """Remember that this fact was written: until there are more letters, the same
        one is not written again.
        """
        if fact.rank is not None or fact.index < self._furthest.get(fact.log, -1):
            return  # some letters of the log may be later changes
        if len(self._said) >= SAID_MAX:
            self._said.clear()
        self._said.update(((fact.input_id, fact.id), (fact.input_id, "")))
        if not fact.id:
            self._said.add((fact.input_id, ANY))

    def concerned(self, change: Change, fresh: Set[Key]) -> bool:
        """Whether letters may be superseded, now that this change was applied.

        `fresh`: keys of letters of the same commit.
        """
        input_id = change.input_id
        if change.verb == "delete_input":
            return (input_id, ANY) in fresh or self._open((input_id, ANY))
        whole = (input_id, "")
        if change.key in fresh or whole in fresh:
            return True
        if (input_id, ANY) in self._said:
            return False
        return self._open(change.key) or (self._whole_inputs and self._open(whole))

    def _open(self, key: Key) -> bool:
        return self._bits is not None and key not in self._said and key in self._bits


RECORDED = (
    "source",
    "line",
    "op",
    "input_id",
    "id",
    "reason",
    "code",
    "attempts",
    "first_failed_at",
    "last_failed_at",
)
"""What users are shown of a letter, besides its change."""


@dataclass(frozen=True, slots=True)
class OpenLetter:
    """A letter that is neither dropped nor waiting to be sent again."""

    number: int
    letter: DeadLetter
    superseded: bool
    offset: int = 0
    """Where in dead.jsonl its line is."""

    @property
    def rank(self) -> int:
        """The number of the first letter of its change."""
        return self.number if self.letter.rank is None else self.letter.rank

    def record(self) -> dict[str, object]:
        """Return the letter as users get it in JSON."""
        shown = {name: getattr(self.letter, name) for name in RECORDED}
        return {**shown, "superseded": self.superseded, "change": self.letter.change}


class LetterStates:
    """The fates of the letters: fold all facts of dead.jsonl in (`note`), then ask
    about each letter.

    Memory: a bit per letter, and 32 bytes for each `Superseded`.
    """

    def __init__(self) -> None:
        self.count = 0
        """Letters noted."""
        self._closed = NumberBits()
        self._forgotten: dict[int, int] = {}
        self._names: dict[int, int] = {}
        """By the number of a log that was forgotten: what stands for the log that has
        the number now. Older versions used numbers again.
        """
        self._whole_inputs = KeyBits(bytearray(BYTES))
        self._hashes, self._logs = array("q"), array("q")
        self._indexes, self._before = array("q"), array("q")
        self._sorted = 0
        self._forgotten_logs = 0

    def note(self, fact: DeadFact | LetterHead) -> None:
        """Fold the next fact in.

        Raises ValueError for one that is about no letter before it.
        """
        match fact:
            case DeadLetter() | LetterHead():
                if fact.input_id and _deletes_input(fact):
                    self._whole_inputs.add(((fact.input_id, ""),))
                self.count += 1
            case Superseded():
                self._add(hash((fact.input_id, fact.id)), fact)
                if (fact.input_id, "") in self._whole_inputs:
                    self._add(hash((fact.input_id, ANY)), fact)
            case Closed():
                if not 0 <= fact.letter < self.count:
                    raise ValueError(
                        f"closes the letter {fact.letter}, but only {self.count} precede it"
                    )
                self._closed.add(fact.letter)
            case LettersForgotten():
                self._forgotten[fact.log] = self.count
                self._names[fact.log] = -1 - self._forgotten_logs
                self._forgotten_logs += 1

    def _add(self, hashed: int, fact: Superseded) -> None:
        self._hashes.append(hashed)
        self._logs.append(self._names.get(fact.log, fact.log))
        self._indexes.append(fact.index)
        self._before.append(self.count if fact.rank is None else fact.rank)

    def is_open(self, number: int, log: int) -> bool:
        """Whether the letter of this number, which is one of this log's, is open."""
        return number >= self._forgotten.get(log, 0) and number not in self._closed

    def superseded(self, number: int, letter: DeadLetter) -> bool:
        """Whether a later change was applied that makes this one out of date."""
        if not letter.input_id or not self._hashes:
            return False
        if _deletes_input(letter):
            keys: Iterable[Key] = ((letter.input_id, ANY),)
        elif letter.id:
            keys = ((letter.input_id, letter.id), (letter.input_id, ""))
        else:
            keys = ((letter.input_id, ""),)
        rank = number if letter.rank is None else letter.rank
        return any(self._by(hash(key), letter.log, letter.index, rank) for key in keys)

    def _by(self, hashed: int, log: int, index: int, rank: int) -> bool:
        """Whether one of the changes noted under this hash is later."""
        log = self._names.get(log, log)
        if self._sorted != len(self._hashes):
            self._sort()
        at = bisect_left(self._hashes, hashed)
        while at < len(self._hashes) and self._hashes[at] == hashed:
            if self._indexes[at] > index if self._logs[at] == log else self._before[at] > rank:
                return True
            at += 1
        return False

    def _sort(self) -> None:
        order = sorted(range(len(self._hashes)), key=self._hashes.__getitem__)
        for column in (self._logs, self._indexes, self._before, self._hashes):
            column[:] = array("q", [column[at] for at in order])
        self._sorted = len(order)
