"""Letters back in the retry queue: what becomes of them, and where they stand in it."""

from __future__ import annotations

from itertools import count

from syncer.core.change import LogIdentity
from syncer.core.facts import Fact, Opened, Queued
from syncer.core.ledger import Ledger
from syncer.core.letters import OpenLetter
from syncer.core.retry import RetryQueue, queue_again
from tests.core.test_letters import change_of, letter


def waiting(
    number: int, index: int, *, log: int = 1, id: str = "a", rank: int | None = None
) -> Queued:
    """A change of the input i that waits."""
    return Queued(
        number,
        log,
        index,
        index + 1,
        "post",
        "i",
        id,
        2,
        1,
        False,
        1.0,
        1.0,
        "HTTP 500",
        None,
        "{}",
        0,
        0,
        None,
        rank,
    )


def order(queue: list[Queued], facts: list[Fact]) -> list[tuple[int, str]]:
    """(index, id) of what waits after these facts."""
    ledger = Ledger()
    ledger.apply(Opened(1, LogIdentity("/1", "1", "", 0, 0, 0, 0)))
    ledger.apply(Opened(2, LogIdentity("/2", "2", "", 0, 0, 0, 0)))
    ledger.logs[1].counts.dead = ledger.logs[2].counts.dead = 9
    for fact in [*queue, *facts]:
        ledger.apply(fact)
    return [(queued.index, queued.id) for queued in ledger.queue.values()]


def put(queue: list[Queued], found: OpenLetter) -> list[tuple[int, str]]:
    """The order after this letter came back."""
    change = change_of(found.letter.log, found.letter.index, "i", found.letter.id or "")
    return order(queue, RetryQueue(queue, count(1 + len(queue))).put_back([(found, change)]))


def test_a_letter_queued_again_has_all_attempts_before_it_and_says_why_it_was_dead() -> None:
    queued = queue_again(1, letter(0, 5), change_of(1, 5, "i", "a"))
    assert (queued.attempts, queued.reason, queued.code) == (0, "no", 7)


def test_only_a_post_that_is_queued_again_may_have_been_applied_after_all() -> None:
    assert [
        queue_again(1, letter(0, 5, id=id), change_of(1, 5, "i", id)).doubt for id in ("a", "")
    ] == [True, False]


def test_a_letter_goes_before_waiting_changes_of_its_annotation_and_leaves_others_alone() -> None:
    assert put([waiting(1, 9, id="b"), waiting(2, 8)], letter(0, 5)) == [
        (9, "b"),
        (5, "a"),
        (8, "a"),
    ]
    assert put([waiting(1, 9, id="b")], letter(0, 5)) == [(9, "b"), (5, "a")]


def test_a_letter_goes_behind_what_waits_from_before_it() -> None:
    assert put([waiting(1, 3), waiting(2, 8)], letter(0, 5)) == [(3, "a"), (5, "a"), (8, "a")]


def test_a_delete_of_the_input_goes_before_all_later_changes_of_it() -> None:
    assert put(
        [waiting(1, 3, id="b"), waiting(2, 8), waiting(3, 7, id="c")], letter(0, 5, id="")
    ) == [
        (3, "b"),
        (5, ""),
        (8, "a"),
        (7, "c"),
    ]


def test_of_another_log_the_letter_that_died_first_goes_first() -> None:
    assert put([waiting(1, 50, log=2, rank=3)], letter(4, 5)) == [(50, "a"), (5, "a")]
    assert put([waiting(1, 50, log=2, rank=3)], letter(2, 5)) == [(5, "a"), (50, "a")]
    assert put([waiting(1, 50, log=2)], letter(2, 5)) == [(5, "a"), (50, "a")]
