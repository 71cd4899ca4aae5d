"""The real journal on a disk that loses what was not synced, beside a `book.Book`:
commits, failures, crashes at any operation.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, cast, get_args

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from syncer.core.change import Mark
from syncer.core.facts import (
    Closed,
    DeadLetter,
    Deleted,
    Destination,
    Ending,
    Fact,
    Fate,
    Forgotten,
    LettersForgotten,
    Queued,
    Read,
    Requeued,
    Retried,
    Settled,
    Superseded,
    Unburied,
    Unqueued,
)
from syncer.errors import StateError
from syncer.journal import dead
from syncer.journal import journal as journal_module
from syncer.journal.journal import Journal
from tests.journal.made import HERE, letter, opened, queued
from tests.models.book import Book
from tests.support.disk import STATE, Fault, Operation, SimulatedDisk, torn

COMPACT_BYTES_MIN, COMPACT_RATIO = 1500, 2
"""Journals of some dozens of facts are compacted."""

Kind = Literal[
    "open",
    "read",
    "settle",
    "retry",
    "end",
    "requeue",
    "drop",
    "revive",
    "supersede",
    "forget",
    "delete",
    "pause",
]
Act = tuple[Kind, int, int]
"""(what a run or a command writes, two numbers to choose with)."""
kinds = st.sampled_from(
    [*get_args(Kind), "read", "read", "settle", "settle", "settle", "settle", "end"]
)
acts: st.SearchStrategy[list[Act]] = st.lists(
    st.tuples(kinds, st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8
)


class Crash(BaseException):
    """The process is no more."""


def pick(some: Sequence[int], number: int) -> int:
    """One of them."""
    return some[number % len(some)]


class Writer:
    """Facts as runs and commands write them, from a book that takes them at once."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.facts: list[Fact] = []

    def write(self, *facts: Fact) -> None:
        """These come true together."""
        for fact in facts:
            self.book.write(fact)
            self.facts.append(fact)

    def act(self, kind: Kind, one: int, two: int) -> None:
        """What this act writes, if the book holds what it is about."""
        book = self.book
        numbers, still_open = (
            sorted(book.queue),
            [number for number, letter in enumerate(book.letters) if letter.open],
        )
        if kind == "open" and len(book.logs) < 3:
            self.write(opened(max(book.logs, default=0) + 1))
        elif kind == "delete":
            self.write(Deleted(one))
        elif kind == "pause":
            self.write(
                Destination("paused", float(two), "throttled")
                if one % 2
                else Destination("open", 0.0, "")
            )
        elif kind in ("read", "settle", "supersede", "forget") and book.logs:
            self._of_log(kind, pick(sorted(book.logs), one), one, two)
        elif kind in ("retry", "end", "requeue") and numbers:
            self._of_queue(kind, pick(numbers, one), two)
        elif kind in ("drop", "revive") and still_open:
            self._of_letter(kind, pick(still_open, one))

    def _of_log(self, kind: Kind, log: int, one: int, two: int) -> None:
        held = self.book.logs[log]
        if kind == "read":
            last = held.marks[-1]
            self.write(Read(log, Mark(last.index + two % 5, last.offset + 50, last.line + 5, two)))
        elif kind == "supersede":
            self.write(Superseded("i", "ab"[two % 2], log, two))
        elif kind == "forget" and two % 4 == 0:
            self.write(Forgotten(log), LettersForgotten(log))
        elif kind == "settle":
            outside = [index for index in range(held.marks[-1].index) if index not in held.places]
            if outside:
                self._settle(
                    log, pick(outside, two), 1 + one % 3, cast(Fate, pick_place(one + two))
                )

    def _settle(self, log: int, start: int, most: int, place: Fate) -> None:
        held = self.book.logs[log]
        end = start + 1
        while end < min(start + most, held.marks[-1].index) and end not in held.places:
            end += 1
        if place == "dead":
            self.write(*(letter(index, log=log, id="ab"[index % 2]) for index in range(start, end)))
        self.write(Settled(log, start, end - start, start * 31 + end, place))
        if place == "queued":
            for index in range(start, end):
                self.write(
                    queued(
                        self.book.next_number,
                        index,
                        log=log,
                        id="ab"[index % 2],
                        written=[None, '{"w":"é"}'][index % 2],
                    )
                )

    def _of_queue(self, kind: Kind, number: int, two: int) -> None:
        waiting = self.book.queue[number]
        if kind == "retry":
            self.write(
                Retried(
                    number,
                    two,
                    two % 2 == 0,
                    1.0,
                    2.0 + two,
                    f"again {two}",
                    None if two % 3 else two,
                )
            )
        elif kind == "requeue":
            self.write(Requeued(number, self.book.next_number))
        elif two % 3:
            self.write(Unqueued(number, "applied"))
        else:
            self.write(
                letter(waiting.index, log=waiting.log, id=waiting.id),
                Unqueued(number, cast(Ending, "dead")),
            )

    def _of_letter(self, kind: Kind, number: int) -> None:
        fact: DeadLetter = self.book.letters[number].fact
        if kind == "drop":
            self.write(Unburied(fact.log, "ignored"), Closed(number, "dropped"))
        else:
            new: Queued = queued(self.book.next_number, fact.index, log=fact.log, id=fact.id or "a")
            self.write(Unburied(fact.log, "queued"), new, Closed(number, "retried"))


def pick_place(number: int) -> str:
    """Where a change goes."""
    return ("applied", "applied", "queued", "dead", "ignored")[number % 5]


def at_operation(at: int, fault: Fault) -> Callable[[Operation], Fault | None]:
    """A disk that fails at its at-th write of whatever kind."""
    counted: Iterator[int] = iter(range(1 << 30))
    return lambda operation: fault if operation.kind != "read" and next(counted) == at else None


class JournalMachine(RuleBasedStateMachine):
    """One state folder over any number of processes."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(journal_module, "COMPACT_BYTES_MIN", COMPACT_BYTES_MIN)
        self.patch.setattr(journal_module, "COMPACT_RATIO", COMPACT_RATIO)
        self.disk = SimulatedDisk()
        self.book = Book()
        self.journal: Journal | None = None

    @initialize()
    def begin(self) -> None:
        """A new state with a log."""
        self._open()
        self._commit([("open", 0, 0), ("read", 0, 4)])

    def _open(self) -> None:
        self.journal = Journal.open(STATE, HERE, disk=self.disk)

    def _written(self, acts: Sequence[Act]) -> tuple[Book, list[Fact]]:
        """The book with these acts in it, and the facts that say so."""
        writer = Writer(self.book.copy())
        for act in acts:
            writer.act(*act)
        return writer.book, writer.facts

    def _commit(self, acts: Sequence[Act]) -> None:
        assert self.journal is not None
        book, facts = self._written(acts)
        self.journal.commit(facts)
        self.book = book

    @rule(acts=acts)
    def commit(self, acts: Sequence[Act]) -> None:
        """It is durable when the call returns, compacted or not."""
        self._commit(acts)

    @rule()
    def restart(self) -> None:
        """The process ends in peace, and another one starts."""
        assert self.journal is not None
        self.journal.close()
        self._open()

    @rule(
        acts=acts,
        at=st.integers(0, 12),
        written=st.integers(0, 400),
        dice=st.integers(0, 1 << 16),
        killed=st.booleans(),
    )
    def crash(self, acts: Sequence[Act], at: int, written: int, dice: int, killed: bool) -> None:
        """The process is killed, or the power fails, at an operation of a commit or
        behind it; the next start may be cut off, too.
        """
        assert self.journal is not None
        survives = torn(random.Random(dice))
        book, facts = self._written(acts)
        done = True
        journal, self.journal = self.journal, None
        self.disk.fault = at_operation(at, Fault(Crash(), written))
        try:
            journal.commit(facts)
        except Crash:
            done = False
        self.disk.kill() if killed else self.disk.crash(survives)
        self.disk.fault = at_operation(dice % 9, Fault(Crash(), written))
        try:
            self._open()
        except Crash:
            self.disk.crash(survives)
            self.disk.fault = lambda _: None
            self._open()
        self.disk.fault = lambda _: None
        self._is_one_of([book] if done else [self.book, book])

    @rule(
        acts=acts,
        at=st.integers(0, 6),
        written=st.integers(0, 400),
        number=st.sampled_from([errno.ENOSPC, errno.EIO]),
    )
    def fail(self, acts: Sequence[Act], at: int, written: int, number: int) -> None:
        """A write fails: the run stops with what was committed, and nothing more is
        written by it.
        """
        assert self.journal is not None
        book, facts = self._written(acts)
        self.disk.fault = at_operation(at, Fault(OSError(number, "it failed"), written))
        try:
            self.journal.commit(facts)
            self.book = book
        except StateError:
            self.disk.fault = lambda _: None
            with pytest.raises(StateError, match="Nothing was lost"):
                self.journal.commit([Deleted(1)])
            self.journal.close()
            self._open()
            self._is_one_of([self.book, book])
        self.disk.fault = lambda _: None

    def _is_one_of(self, books: Sequence[Book]) -> None:
        """Before or after a commit, never between."""
        assert self.journal is not None
        same = [
            book
            for book in books
            if book.same(self.journal.ledger)
            and self._has_bodies(book)
            and self._open_letters(book)
        ]
        assert same, "neither before nor after"
        self.book = same[0]

    @invariant()
    def everything_is_as_in_the_book(self) -> None:
        """The ledger, the bodies of what waits, the open letters."""
        if self.journal is None:
            return
        book, ledger = self.book, self.journal.ledger
        assert book.same(ledger)
        assert ledger.next_number >= book.next_number
        assert self._has_bodies(book)
        assert self._open_letters(book)

    def _has_bodies(self, book: Book) -> bool:
        """Are the bodies of what waits those of the book? Where a change ends and comes
        back under its number, they alone tell before from after.
        """
        assert self.journal is not None
        found = {number: self.journal.read_queued(number) for number in book.queue}
        return all(
            (found[number].raw, found[number].written)
            == (waiting.raw.encode(), waiting.written and waiting.written.encode())
            for number, waiting in book.queue.items()
        )

    def _open_letters(self, book: Book) -> bool:
        """Are they those of the book?"""
        assert self.journal is not None
        found = dead.open_letters(
            STATE / dead.DEAD_FILE, self.journal.ledger.dead_size, disk=self.disk
        )
        expected = [
            (number, letter.fact) for number, letter in enumerate(book.letters) if letter.open
        ]
        return [(letter.number, letter.letter) for letter in found] == expected

    def teardown(self) -> None:
        """A last start, and the module as it was."""
        if self.journal is not None:
            self.restart()
            self.everything_is_as_in_the_book()
            self.journal.close()
        self.patch.undo()
