"""Dead letters as a whole: superseded exactly where a later change was applied, and
sent again in their turn.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from zlib import crc32

import pytest

from syncer.core.backlog import Backlog
from syncer.core.bits import KeyBits
from syncer.core.change import BadLine, Change, LogIdentity, Verb
from syncer.core.facts import (
    Closed,
    DeadFact,
    DeadLetter,
    Fact,
    LettersForgotten,
    Opened,
    Superseded,
)
from syncer.core.ledger import Ledger
from syncer.core.letters import SAID_MAX, LetterKeys, LetterStates, OpenLetter, letter_keys
from syncer.core.limits import Limits
from syncer.core.retry import RetryQueue, drop_letter
from syncer.core.settle import facts_of, forgotten, letter_of_entry, letter_of_line, runs

INPUTS, IDS = ("i", "j"), ("a", "b", "")


def change_of(log: int, index: int, input_id: str, id: str) -> Change:
    """A post, or a delete of the whole input where there is no id."""
    verb: Verb = "post" if id else "delete_input"
    return Change(log, index, index + 1, verb, input_id, id, b'{"n":%d}' % index)


@dataclass
class Line:
    """A line of one of the logs.

    Where it stands in the one sequence that all logs form is its place in
    `World.lines`.
    """

    change: Change
    bad: bool


@dataclass
class World:
    """A backlog, a ledger and dead.jsonl, driven by dice; beside them what is true."""

    rng: random.Random
    logs: tuple[int, ...] = (1, 1, 2)
    bad: float = 0.15
    """How many lines are bad."""
    ledger: Ledger = field(default_factory=Ledger)
    file: list[DeadFact] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    applied: set[int] = field(default_factory=set)
    read: int = 0

    def __post_init__(self) -> None:
        self.backlog = Backlog(Limits(batch_size=4, linger_seconds=0))
        self.pending: list[Fact] = []
        self.settled: set[int] = set()
        self.at: dict[tuple[int, int], int] = {}
        for log in (1, 2):
            self.commit([Opened(log, LogIdentity(f"/{log}", f"{log}", "", 0, 0, 0, 0))])

    def grow(self, log: int) -> None:
        """A line more."""
        index = sum(line.change.log == log for line in self.lines)
        input_id = self.rng.choice(INPUTS)
        id = self.rng.choice(IDS if self.rng.random() < 0.3 else IDS[:2])
        self.at[log, index] = len(self.lines)
        self.lines.append(
            Line(change_of(log, index, input_id, id), bad=bool(id) and self.rng.random() < self.bad)
        )

    def offer(self) -> None:
        """The next line is read."""
        line = self.lines[self.read]
        self.read += 1
        change = line.change
        if line.bad:
            bad = BadLine(
                change.log,
                change.index,
                change.line,
                change.raw,
                "bad",
                "post",
                change.input_id,
                change.id,
            )
            self.pending += [letter_of_line(bad, "log", 1.0), *runs([bad], "dead")]
        else:
            self.backlog.offer([change], 1.0)

    def answer(self) -> None:
        """A request goes out and comes back."""
        self.backlog.source_ended = True
        self.backlog.ripen(1.0, 1.0)
        batch = self.backlog.take(1.0)
        for entry in batch.entries if batch else ():
            if batch is not None and batch.look_up != "no":
                self.backlog.looked_up(entry, 1.0)
                continue
            roll = self.rng.random()
            if roll < 0.5:
                self.backlog.applied([entry])
            elif roll < 0.75:
                self.backlog.rejected(entry, "no", 1, 1.0)
            else:
                self.backlog.retriable(entry, "later", 2, 1.0, 1.0)

    def settle(self) -> None:
        """The committer."""
        settlement = self.backlog.collect()
        facts, self.pending = self.pending, []
        letters = [letter_of_entry(entry, b"{}", "log") for entry in settlement.dead]
        facts += facts_of(settlement, letters, self.ledger, facts)
        self.applied.update(
            self.at[entry.change.log, entry.change.index] for entry in settlement.applied
        )
        self.commit(facts)
        self.backlog.committed(settlement, 1.0)

    def commit(self, facts: list[Fact]) -> None:
        """As the journal folds them: dead letters first."""
        dead = [fact for fact in facts if isinstance(fact, DeadFact)]
        self.file += dead
        for fact in [*dead, *(fact for fact in facts if not isinstance(fact, DeadFact))]:
            self.ledger.apply(fact)

    def restart(self) -> None:
        """What was in memory only is gone, and read again."""
        self.pending = []
        self.backlog = Backlog(Limits(batch_size=4, linger_seconds=0), self.ledger.next_number)
        self.backlog.restore(self.ledger.queue.values(), 1.0)
        settled = {
            (log, index)
            for log, state in self.ledger.logs.items()
            for run in state.watermark.runs()
            for index in range(run.start, run.end)
        }
        read, self.read = self.read, 0
        unread = [
            line
            for line in self.lines[:read]
            if (line.change.log, line.change.index) not in settled
        ]
        after = self.lines[read:]
        lines, self.lines = self.lines, unread
        for _ in unread:
            self.offer()
        self.lines, self.read = lines, read
        assert after == self.lines[self.read :]

    def open(self) -> list[OpenLetter]:
        """The open letters."""
        states = LetterStates()
        for fact in self.file:
            states.note(fact)
        letters = [fact for fact in self.file if isinstance(fact, DeadLetter)]
        return [
            OpenLetter(number, letter, states.superseded(number, letter))
            for number, letter in enumerate(letters)
            if states.is_open(number, letter.log)
        ]

    def retry(self, choose: Callable[[OpenLetter], bool]) -> None:
        """Between two runs: some letters go back."""
        letters = []
        chosen = sorted(
            filter(choose, self.open()), key=lambda found: (found.letter.log, found.letter.index)
        )
        for found in chosen:
            line = self.lines[self.at[found.letter.log, found.letter.index]]
            if (
                line.bad
                and not found.letter.attempts
                and self.ledger.logs[found.letter.log].watermark.index < found.letter.index
            ):
                continue
            letters.append((found, line.change))
        queue = RetryQueue(self.ledger.queue.values(), count(self.ledger.next_number))
        self.commit(queue.put_back(letters))

    def later_applied(self, found: OpenLetter) -> bool:
        """Was a change of its annotation applied that comes later than this one?"""
        at = self.at[found.letter.log, found.letter.index]
        mine = self.lines[at].change
        return any(after > at and related(mine, self.lines[after].change) for after in self.applied)


def related(one: Change, other: Change) -> bool:
    """Is their order bound?"""
    return one.input_id == other.input_id and (one.id == other.id or not one.id or not other.id)


def step(world: World) -> None:
    """One of the things that happen."""
    roll = world.rng.random()
    if roll < 0.35:
        world.grow(world.rng.choice(world.logs))
    elif roll < 0.55 and world.read < len(world.lines):
        world.offer()
    elif roll < 0.75:
        world.answer()
    elif roll < 0.9:
        world.settle()
    elif roll < 0.95:
        world.restart()
    else:
        world.restart()
        world.retry(lambda found: not found.superseded and world.rng.random() < 0.5)
        world.restart()


def worlds(seed: int) -> World:
    """Bad lines in one log, or several logs without: the turn of a bad line among the
    changes of another log is not known.
    """
    rng = random.Random(seed)
    return World(rng, logs=(1,)) if seed % 2 else World(rng, bad=0)


@pytest.mark.parametrize("seed", range(200))
def test_a_letter_is_superseded_exactly_where_a_later_change_of_its_annotation_was_applied(
    seed: int,
) -> None:
    world = worlds(seed)
    for _ in range(120):
        step(world)
    for found in world.open():
        assert found.superseded == world.later_applied(found), found


@pytest.mark.parametrize("seed", range(200))
def test_what_waits_is_in_the_order_of_the_logs_however_letters_came_back(seed: int) -> None:
    world = worlds(seed + 1000)
    for _ in range(120):
        step(world)
        waiting = [
            (world.at[queued.log, queued.index], queued) for queued in world.ledger.queue.values()
        ]
        assert [queued.number for _, queued in waiting] == sorted(
            queued.number for _, queued in waiting
        )
        for n, (at, queued) in enumerate(waiting):
            for later, other in waiting[n + 1 :]:
                assert at < later or not related(queued.change(), other.change()), (queued, other)


@pytest.mark.parametrize("seed", range(100))
def test_the_open_letters_are_as_many_as_the_counts_say(seed: int) -> None:
    world = World(random.Random(seed))
    for _ in range(120):
        step(world)
        assert world.ledger.dead == len(world.open())
    for log, state in world.ledger.logs.items():
        ended = sum(1 for line in world.lines if line.change.log == log)
        assert state.counts.read <= ended
        assert state.counts.queued == sum(
            queued.log == log for queued in world.ledger.queue.values()
        )


def test_the_dice_of_these_tests_reach_everything() -> None:
    kinds = {"superseded": 0, "open": 0, "closed": 0, "applied after all": 0, "dead again": 0}
    for seed in range(150):
        world = worlds(seed)
        for _ in range(120):
            step(world)
        kinds["superseded"] += sum(found.superseded for found in world.open())
        kinds["open"] += sum(not found.superseded for found in world.open())
        kinds["closed"] += sum(isinstance(fact, Closed) for fact in world.file)
        kinds["applied after all"] += sum(
            isinstance(fact, Superseded) and fact.rank is not None for fact in world.file
        )
        kinds["dead again"] += sum(
            isinstance(fact, DeadLetter) and fact.rank is not None for fact in world.file
        )
    assert all(kinds.values()), kinds


def letter(
    number: int, index: int, *, log: int = 1, id: str = "a", rank: int | None = None
) -> OpenLetter:
    """A letter of the input i."""
    text = DeadLetter(
        "x", index + 1, "post", "i", id, "no", 7, 3, "t", "t", "{}", log, index, rank=rank
    )
    return OpenLetter(number, text, superseded=False)


def test_a_key_that_is_changed_on_and_on_has_its_letter_superseded_once() -> None:
    world = World(random.Random(0))
    for index in range(50):
        world.at[1, index] = index
        world.lines.append(Line(change_of(1, index, "i", "a"), bad=index == 0))
    for _ in range(50):
        world.offer()
        world.settle()
        world.backlog.source_ended = True
        while batch := world.backlog.take(1.0):
            world.backlog.applied(batch.entries)
            world.settle()
    assert [found.superseded for found in world.open()] == [True]
    assert sum(isinstance(fact, Superseded) for fact in world.file) == 1


def test_an_earlier_change_that_is_applied_after_a_bad_line_was_read_supersedes_nothing() -> None:
    world = World(random.Random(0))
    for index in range(2):
        world.at[1, index] = index
        world.lines.append(Line(change_of(1, index, "i", "a"), bad=index == 1))
    world.offer()
    world.offer()
    world.settle()
    world.backlog.source_ended = True
    batch = world.backlog.take(1.0)
    assert batch is not None
    world.backlog.applied(batch.entries)
    world.settle()
    assert [(found.letter.index, found.superseded) for found in world.open()] == [(1, False)]


def test_a_bad_line_and_the_later_change_that_supersedes_it_may_share_a_commit() -> None:
    world = World(random.Random(0))
    for index in range(2):
        world.at[1, index] = index
        world.lines.append(Line(change_of(1, index, "i", "a"), bad=index == 0))
    world.offer()
    world.offer()
    world.backlog.source_ended = True
    batch = world.backlog.take(1.0)
    assert batch is not None
    world.backlog.applied(batch.entries)
    world.settle()
    assert [found.superseded for found in world.open()] == [True]


def test_dropped_letters_and_those_of_forgotten_logs_are_closed_and_counted() -> None:
    world = World(random.Random(0))
    for index in range(4):
        log = 1 + index % 2
        world.at[log, index // 2] = index
        world.lines.append(Line(change_of(log, index // 2, "i", "a"), bad=True))
        world.offer()
    world.settle()
    first = world.open()[0]
    world.commit(drop_letter(first.number, first.letter))
    assert (world.ledger.logs[1].counts.dead, world.ledger.logs[1].counts.ignored) == (1, 1)
    world.commit(forgotten(2))
    assert [(found.letter.log, found.letter.index) for found in world.open()] == [(1, 1)]
    assert world.ledger.dead == 1


def test_a_letter_of_a_line_without_an_input_is_nobodys() -> None:
    """It cannot be superseded, and does not make other keys seem to have letters."""
    nobodys = DeadLetter("x", 1, None, None, None, "not JSON", None, 0, "t", "t", "{", 1, 0)
    keys = LetterKeys()
    keys.bury(nobodys)
    assert not keys.concerned(change_of(1, 1, "i", "a"), frozenset(letter_keys(nobodys)))
    states = LetterStates()
    for fact in (nobodys, Superseded("i", "a", 1, 5)):
        states.note(fact)
    assert not states.superseded(0, nobodys)


def test_what_was_said_is_forgotten_when_it_is_too_much_and_then_said_again() -> None:
    keys = LetterKeys()
    keys.bury(DeadLetter("x", 1, "post", "i", "a", "no", None, 1, "t", "t", "{}", 1, 0))
    keys.said(Superseded("i", "a", 1, 1))
    assert not keys.concerned(change_of(1, 2, "i", "a"), frozenset())
    for number in range(SAID_MAX):
        keys.said(Superseded("j", f"other-{number}", 1, 2 + number))
    assert keys.concerned(change_of(1, 3, "i", "a"), frozenset())


def test_closing_a_letter_that_is_not_there_is_damage() -> None:
    states = LetterStates()
    with pytest.raises(ValueError, match="closes the letter 0, but only 0 precede it"):
        states.note(Closed(0, "dropped"))


def test_key_bits_know_everything_that_was_added_and_few_strangers() -> None:
    bits = KeyBits(bytearray(1 << 12))
    keys = [(f"input-{n}", f"id-{n}") for n in range(1000)]
    bits.add(keys)
    assert all(key in bits for key in keys)
    assert sum((f"input-{n}", "other") in bits for n in range(10_000)) < 600


def test_the_bit_of_a_key_is_where_every_version_looks_for_it() -> None:
    held = bytearray(1 << 12)
    KeyBits(held).add([("i", "\u00e4")])
    bit = crc32("\u00e4".encode(), crc32(b"i")) % (len(held) * 8)
    assert int.from_bytes(held, "little") == 1 << bit
    assert ("i", "\u00e4") in KeyBits(held)


def test_what_a_forgotten_log_applied_supersedes_no_letter_of_a_later_log_of_its_number() -> None:
    states = LetterStates()
    for fact in (
        letter(0, 0).letter,
        Superseded("i", "a", 1, 5),
        Superseded("i", "", 1, 6),
        LettersForgotten(1),
        letter(1, 2).letter,
    ):
        states.note(fact)
    assert (states.is_open(0, 1), states.is_open(1, 1)) == (False, True)
    assert not states.superseded(1, letter(1, 2).letter)
    states.note(Superseded("i", "a", 1, 1))
    assert not states.superseded(1, letter(1, 2).letter)
    states.note(Superseded("i", "a", 1, 3))
    assert states.superseded(1, letter(1, 2).letter)
    states.note(LettersForgotten(1))
    states.note(letter(2, 2).letter)
    assert not states.superseded(2, letter(2, 2).letter)


def test_what_a_forgotten_log_applied_still_supersedes_what_was_dead_in_others_before() -> None:
    states = LetterStates()
    for fact in (
        letter(0, 9, log=2).letter,
        Superseded("i", "a", 1, 0),
        LettersForgotten(1),
        letter(1, 9, log=2).letter,
    ):
        states.note(fact)
    assert [states.superseded(number, letter(number, 9, log=2).letter) for number in (0, 1)] == [
        True,
        False,
    ]
