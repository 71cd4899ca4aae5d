"""What a state folder holds, kept in plain dicts and lists: facts go in one at a time,
and everything that can be asked is looked up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from syncer.core.change import LogIdentity, Mark
from syncer.core.facts import (
    Closed,
    DeadLetter,
    Deleted,
    Destination,
    Fact,
    Forgotten,
    LettersForgotten,
    Opened,
    Queued,
    Read,
    Requeued,
    Retried,
    Settled,
    Superseded,
    Unburied,
    Unqueued,
)
from syncer.core.ledger import Ledger


@dataclass
class Log:
    """One log: where each of its changes went, and the places its reader passed."""

    identity: LogIdentity
    places: dict[int, str] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=lambda: [Mark()])

    @property
    def index(self) -> int:
        """Changes from the first that have all left the window."""
        return next(index for index in range(len(self.places) + 1) if index not in self.places)

    @property
    def resume(self) -> Mark:
        """The last place with nothing unsettled before it."""
        index = self.index
        return [mark for mark in self.marks if mark.index <= index][-1]


@dataclass
class Letter:
    """A dead letter."""

    fact: DeadLetter
    open: bool = True


@dataclass
class Book:
    """Everything. A copy is a state to compare with."""

    logs: dict[int, Log] = field(default_factory=dict)
    queue: dict[int, Queued] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    deleted: int = 0
    destination: Destination = field(default_factory=lambda: Destination("open", 0.0, ""))

    def copy(self) -> Book:
        """Another one that goes its own way."""
        logs = {
            number: Log(log.identity, dict(log.places), list(log.marks))
            for number, log in self.logs.items()
        }
        letters = [Letter(letter.fact, letter.open) for letter in self.letters]
        return Book(logs, dict(self.queue), letters, self.deleted, self.destination)

    @property
    def next_number(self) -> int:
        """Of the queue."""
        return max(self.queue, default=0) + 1

    def place(self, log: int, index: int, place: str) -> None:
        """A change is somewhere else now."""
        self.logs[log].places[index] = place

    def write(self, fact: Fact) -> None:
        """This came true."""
        match fact:
            case Opened():
                self.logs[fact.log] = Log(fact.identity)
            case Read():
                self.logs[fact.log].marks.append(fact.mark)
            case Settled():
                for index in range(fact.start, fact.start + fact.count):
                    self.place(fact.log, index, fact.place)
            case Queued():
                self.queue[fact.number] = fact
                self.place(fact.log, fact.index, "queued")
            case Retried():
                fields = {
                    name: getattr(fact, name) for name in fact.__struct_fields__ if name != "number"
                }
                self.queue[fact.number] = msgspec.structs.replace(self.queue[fact.number], **fields)
            case Unqueued():
                gone = self.queue.pop(fact.number)
                self.place(gone.log, gone.index, fact.ending)
            case Requeued():
                self.queue[fact.new] = msgspec.structs.replace(
                    self.queue.pop(fact.old), number=fact.new
                )
            case DeadLetter():
                self.letters.append(Letter(fact))
            case Closed():
                letter = self.letters[fact.letter]
                letter.open = False
                self.place(
                    letter.fact.log,
                    letter.fact.index,
                    "ignored" if fact.how == "dropped" else "queued",
                )
            case Forgotten():
                del self.logs[fact.log]
                self.queue = {
                    number: queued
                    for number, queued in self.queue.items()
                    if queued.log != fact.log
                }
            case LettersForgotten():
                for letter in self.letters:
                    letter.open = letter.open and letter.fact.log != fact.log
            case Deleted():
                self.deleted += fact.count
            case Destination():
                self.destination = fact
            case _:
                assert isinstance(fact, Superseded | Unburied)  # told by other facts

    def same(self, ledger: Ledger) -> bool:
        """Does the ledger hold this, and nothing else?"""
        if (set(self.logs), self.deleted, self.destination) != (
            set(ledger.logs),
            ledger.deleted,
            ledger.destination,
        ):
            return False
        bare = [
            msgspec.structs.replace(self.queue[number], raw="", written=None)
            for number in sorted(self.queue)
        ]
        return bare == list(ledger.queue.values()) and all(
            self._same_log(number, ledger) for number in self.logs
        )

    def _same_log(self, number: int, ledger: Ledger) -> bool:
        log, held = self.logs[number], ledger.logs[number]
        resume, counts = log.resume, Counter(log.places.values())
        settled = {index for run in held.watermark.runs() for index in range(run.start, run.end)}
        return (
            held.identity == log.identity
            and {place: getattr(held.counts, place) for place in counts} == counts
            and held.counts.read == len(log.places)
            and (held.watermark.index, held.watermark.resume) == (log.index, resume)
            and held.watermark.marks()
            == [mark for mark in log.marks if mark.offset > resume.offset]
            and {index for index in settled if index >= resume.index}
            == {index for index in log.places if index >= resume.index}
        )
