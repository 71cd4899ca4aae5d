"""Dead letters that come back while a push goes on: where they stand among what is
live.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from syncer.core.batch import Batch
from syncer.core.change import Change
from syncer.core.facts import Fact, Queued, Requeued
from syncer.core.letters import OpenLetter
from syncer.core.limits import Limits
from syncer.core.retry import RetryQueue
from syncer.core.settle import letter_of_entry
from tests.core.test_backlog import change, ended


class Run:
    """A backlog, what waits in its ledger, and letters as they are born."""

    def __init__(self, *changes: Change) -> None:
        self.backlog = ended(list(changes), Limits(linger_seconds=0))
        self.waiting: dict[int, Queued] = {}
        self.letters: list[tuple[OpenLetter, Change]] = []
        self.now = 0.0

    def take(self) -> Batch:
        """The next batch."""
        self.backlog.ripen(self.now, self.now)
        batch = self.backlog.take(self.now)
        assert batch is not None
        self.backlog.over(batch)
        return batch

    def commit(self) -> None:
        """All that is known becomes durable."""
        settlement = self.backlog.collect()
        for entry in settlement.queued:
            self.waiting[entry.number] = entry.to_queued()
        for entry in settlement.dead:
            letter = letter_of_entry(entry, b"{}", "log")
            self.letters.append((OpenLetter(len(self.letters), letter, False), entry.change))
        for entry in (*settlement.applied, *settlement.dead):
            self.waiting.pop(entry.number, None)
        self.backlog.committed(settlement, self.now)

    def reject(self) -> None:
        """All of the next batch dies."""
        for entry in self.take().entries:
            self.backlog.rejected(entry, "no", 1, self.now)
        self.commit()

    def fail(self, due: float = 100.0) -> None:
        """The next batch fails for now."""
        for entry in self.take().entries:
            self.backlog.retriable(entry, "busy", None, self.now, due)
        self.commit()

    def put_back(self, *which: int) -> list[Fact]:
        """These letters come back."""
        self.backlog.resting = True
        letters = [self.letters[number] for number in which]
        facts = RetryQueue(self.waiting.values(), self.backlog.numbers).put_back(letters)
        for fact in facts:
            if isinstance(fact, Queued):
                self.waiting[fact.number] = fact
            if isinstance(fact, Requeued):
                self.waiting[fact.new] = replace(self.waiting.pop(fact.old), number=fact.new)
        inputs = {change.input_id for _, change in letters}
        self.backlog.put_back(inputs, self.waiting.values(), self.now)
        self.backlog.resting = False
        self.commit()
        return facts

    def rest(self) -> list[int]:
        """The indexes of all that goes from here on, in order; all of it is applied."""
        gone = []
        while self.backlog.count:
            self.now += 200
            batch = self.take()
            gone += [entry.change.index for entry in batch.entries]
            self.backlog.applied(batch.entries)
            self.commit()
        return gone


def merge(index: int, id: str = "a", input_id: str = "i") -> Change:
    """A patch of an annotation."""
    return change(index, id, "merge", input_id)


def delete_input(index: int) -> Change:
    """A delete of the whole input i."""
    return change(index, "", "delete_input")


def test_a_letter_goes_before_later_changes_of_its_annotation_that_have_not_been_sent() -> None:
    run = Run(merge(0), merge(1), merge(2))
    run.reject()
    run.put_back(0)
    assert run.rest() == [0, 1, 2]


def test_a_letter_goes_before_a_later_change_that_failed_and_waits() -> None:
    run = Run(merge(0), merge(1), merge(2))
    run.reject()
    run.fail()
    run.put_back(0)
    assert run.rest() == [0, 1, 2]


def test_what_was_read_since_stays_behind_a_letter() -> None:
    run = Run(merge(0))
    run.reject()
    run.put_back(0)
    run.backlog.offer([merge(1)], run.now)
    assert run.rest() == [0, 1]


def test_letters_that_come_back_go_in_the_order_of_their_log_whichever_is_asked_for_first() -> None:
    run = Run(merge(0), merge(1), merge(2))
    run.reject()
    run.reject()
    run.put_back(1)
    run.put_back(0)
    assert run.rest() == [0, 1, 2]


def test_other_annotations_of_the_input_do_not_wait_for_a_letter() -> None:
    run = Run(merge(0), merge(1), merge(2, "b"))
    first = run.take()
    run.backlog.rejected(first.entries[0], "no", 1, 0)
    run.backlog.again(Batch(first.verb, first.entries[1:]))
    run.commit()
    run.put_back(0)
    run.backlog.ripen(0, 0)
    batch = run.backlog.take(0)
    assert batch is not None
    assert {entry.change.index for entry in batch.entries} == {0, 2}


def test_a_delete_of_the_input_that_has_not_been_sent_waits_for_a_letter_and_holds_the_rest() -> (
    None
):
    run = Run(merge(0), delete_input(1), merge(2), merge(3, "b"))
    run.reject()
    run.put_back(0)
    assert run.rest()[:2] == [0, 1]


def test_a_delete_of_the_input_that_comes_back_holds_all_that_has_not_been_sent() -> None:
    run = Run(delete_input(0), merge(1), merge(2, "b"))
    run.reject()
    run.put_back(0)
    assert run.rest()[0] == 0


def test_what_waits_behind_a_letter_is_queued_behind_it_so_that_the_log_goes_on() -> None:
    run = Run(merge(0), merge(1), merge(2))
    run.reject()
    run.put_back(0)
    assert [queued.index for _, queued in sorted(run.waiting.items())] == [0, 1, 2]
    assert (run.backlog.window_count, run.backlog.queue_count) == (0, 3)


def test_what_a_letter_goes_before_still_waits_for_its_time() -> None:
    run = Run(merge(0), merge(1), merge(2, "b"))
    first = run.take()
    run.backlog.rejected(first.entries[0], "no", 1, 0)
    run.backlog.retriable(first.entries[1], "busy", None, 0, 100)
    run.commit()
    run.put_back(0)
    run.backlog.ripen(0, 0)
    batch = run.backlog.take(0)
    assert batch is not None
    assert [entry.change.index for entry in batch.entries] == [0]


def test_nothing_is_taken_while_letters_are_put_back() -> None:
    run = Run(merge(0))
    run.backlog.resting = True
    assert not run.backlog.has_batch(0)
    assert run.backlog.take(0) is None
    assert run.backlog.wake_at(0) is None
    run.backlog.resting = False
    assert run.rest() == [0]


def test_a_letter_cannot_come_back_while_one_of_its_input_is_on_its_way() -> None:
    run = Run(merge(0), merge(1))
    run.reject()
    run.take()
    with pytest.raises(AssertionError, match="on its way"):
        run.put_back(0)
