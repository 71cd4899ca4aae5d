"""What facts add up to. Whole histories are in tests/models and tests/journal."""

from __future__ import annotations

import msgspec
import pytest

from syncer.core.backlog import Backlog
from syncer.core.change import Change, Mark
from syncer.core.facts import Deleted, LetterHead, LettersForgotten, Read, Settled, Unburied
from syncer.core.ledger import Ledger
from syncer.core.limits import Limits
from syncer.core.settle import facts_of, forgotten
from syncer.core.watermark import Watermark
from tests.journal.made import opened


def with_logs(*numbers: int) -> Ledger:
    """A ledger that knows these logs."""
    ledger = Ledger()
    for number in numbers:
        ledger.apply(opened(number))
    return ledger


def test_a_new_log_gets_the_next_number() -> None:
    assert Ledger().next_log() == 1
    assert with_logs(1, 4).next_log() == 5


def test_a_number_is_never_used_again_as_long_as_a_log_or_a_letter_had_it() -> None:
    ledger = with_logs(1, 4)
    for fact in forgotten(4):
        ledger.apply(fact)
    assert ledger.next_log() == 5
    letters = Ledger()  # as after a restart: of a forgotten log only dead.jsonl knows
    letters.apply(LetterHead("post", "i", "a", 7, 0))
    assert letters.next_log() == 8
    letters.apply(LettersForgotten(9))
    assert letters.next_log() == 10


def test_a_log_that_grew_keeps_what_is_known_of_it() -> None:
    ledger = with_logs(1)
    before = ledger.logs[1]
    grown = opened(1)
    ledger.apply(
        msgspec.structs.replace(grown, identity=msgspec.structs.replace(grown.identity, size=9))
    )
    assert ledger.logs[1] is before
    assert before.identity.size == 9


def test_no_letter_can_leave_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="log 1 has no dead letter"):
        with_logs(1).apply(Unburied(1, "ignored"))


def test_deletions_that_were_applied_are_written_down_with_their_changes() -> None:
    backlog = Backlog(Limits(linger_seconds=0))
    backlog.offer([Change(1, 0, 1, "delete_input", "i", "", b"{}")], 0)
    batch = backlog.take(0)
    assert batch is not None
    batch.entries[0].deletions = 7
    backlog.applied(batch.entries)
    assert Deleted(7) in facts_of(backlog.collect(), [], with_logs(1))


@pytest.mark.parametrize(
    ("known", "read", "is_read"),
    [
        ({"end": 100}, 100, True),
        ({"end": 100}, 99, False),
        ({"end": -1}, 100, False),
        # a state that does not say it yet
        ({"end": -1, "device": 0, "size": 100}, 100, True),
        ({"end": -1, "device": 0, "size": 101}, 100, False),
        ({"end": -1, "device": 0, "size": 40, "path": "/logs/x.jsonl.gz"}, 100, False),
        ({"end": 0}, 0, True),
    ],
)
def test_a_log_is_read_to_its_end_where_its_end_is_known_and_was_reached(
    known: dict[str, object], read: int, *, is_read: bool
) -> None:
    ledger = with_logs(1)
    log = ledger.logs[1]
    log.identity = msgspec.structs.replace(log.identity, **{"device": 1, "size": 100, **known})
    log.watermark = Watermark(Mark(read // 10, read, read // 10, 0))
    assert log.is_read_to_its_end is is_read


def test_a_copy_of_the_logs_stays_as_it_is_while_facts_are_folded_in() -> None:
    ledger = Ledger()
    for fact in (opened(3), Read(3, Mark(2, 20, 2)), Settled(3, 0, 1, 0, "applied")):
        ledger.apply(fact)
    ledger.apply(Settled(3, 5, 2, 9, "applied"))
    copy = ledger.copy_logs()
    before = copy.logs[3].watermark.resume, copy.logs[3].watermark.runs()
    ledger.apply(Settled(3, 1, 1, 0, "applied"))
    ledger.apply(opened(4))
    assert (list(copy.logs), copy.next_log()) == ([3], 4)
    assert (copy.logs[3].watermark.resume, copy.logs[3].watermark.runs()) == before
    assert [run.start for run in copy.logs[3].watermark.copy_from(Mark(6, 60, 6)).runs()] == [5]


def test_the_facts_of_a_ledger_say_how_many_deletions_there_were() -> None:
    ledger = with_logs(1)
    ledger.apply(Deleted(3))
    again = Ledger()
    for fact in ledger.facts():
        again.apply(fact)
    assert again.deleted == 3
