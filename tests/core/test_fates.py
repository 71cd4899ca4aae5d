"""What became of the changes of a log, told from facts to a source that has to know."""

from __future__ import annotations

import msgspec

from syncer.core.facts import Unqueued
from syncer.core.fates import Fates
from syncer.core.ledger import Ledger
from tests.journal.made import letter, opened, queued


def followed() -> tuple[Ledger, Fates]:
    """A ledger of two logs, and the fates of the first."""
    ledger = Ledger()
    for number in (1, 2):
        ledger.apply(opened(number))
    return ledger, ledger.follow(1)


def test_a_change_that_died_has_the_reason_of_its_letter() -> None:
    ledger, fates = followed()
    ledger.apply(letter(3))
    ledger.apply(letter(4, log=2))
    assert (fates.reason(3), fates.reason(4)) == ("refused", None)


def test_a_change_in_the_retry_queue_is_waited_for_until_it_leaves_it() -> None:
    ledger, fates = followed()
    ledger.apply(queued(1, 0))
    ledger.apply(queued(2, 1, log=2))
    assert (fates.is_waiting(0), fates.is_waiting(1)) == (True, False)
    ledger.apply(Unqueued(2, "applied"))
    assert fates.is_waiting(0)
    ledger.apply(Unqueued(1, "applied"))
    assert not fates.is_waiting(0)
    assert fates.reason(0) is None


def test_what_waited_before_somebody_asked_is_waited_for_too() -> None:
    ledger, _ = followed()
    ledger.apply(queued(1, 5, log=2))
    assert ledger.follow(2).is_waiting(5)


def test_a_letter_that_is_tried_again_waits_and_is_known_to_have_come_back() -> None:
    """Until that was taken note of."""
    _, fates = followed()
    fates.died(7, "refused")
    fates.queued(queued(1, 7))
    assert (fates.is_waiting(7), fates.reason(7), fates.revived) == (True, None, {})
    revived = queued(2, 8)
    fates.queued(msgspec.structs.replace(revived, rank=0))
    assert fates.revived == {8: revived.line}
    fates.take_revived([8])
    assert fates.revived == {}


def test_a_reason_is_forgotten_once_it_was_told() -> None:
    _, fates = followed()
    fates.died(7, "refused")
    fates.forget([7, 8])
    assert fates.reason(7) is None
