"""What a state holds, as a value that commands and pages render."""

from __future__ import annotations

from pathlib import Path

from syncer.core.facts import Destination, Settled
from syncer.core.ledger import Ledger
from syncer.jobs.status import PushStatus, pause_of
from tests.core.test_retry import waiting
from tests.journal.made import HERE, opened

PAUSED = Destination("paused", 160.0, "the remote asked for it", 60.0)


def of(ledger: Ledger) -> PushStatus:
    """What users see of a ledger at 100 seconds."""
    return PushStatus.of(
        Path("state"), HERE, ledger, locked_by=None, give_up_seconds=600.0, now=100.0
    )


def test_counts_are_totals_of_all_logs() -> None:
    ledger = Ledger()
    for log in (1, 2):
        ledger.apply(opened(log))
        ledger.apply(Settled(log, 0, 3, 0, "applied"))
        ledger.apply(Settled(log, 3, 1, 0, "ignored"))
    record = of(ledger).record()
    assert (record["applied"], record["ignored"], record["pending"]) == (6, 2, 0)


def test_what_waits_longest_is_told_by_its_first_failure() -> None:
    ledger = Ledger()
    assert of(ledger).oldest_pending_seconds is None
    for number in (1, 2):
        ledger.apply(waiting(number, number))
    assert of(ledger).oldest_pending_seconds == 99.0


def test_a_pause_is_told_until_it_is_over_by_the_time_that_it_was_asked_for() -> None:
    for now, until in ((100.0, "1970-01-01T00:02:40.000Z"), (10.0, "1970-01-01T00:01:10.000Z")):
        pause = pause_of(PAUSED, 600.0, now)
        assert pause is not None
        assert (pause.until, pause.reason) == (until, PAUSED.reason)
    assert pause_of(PAUSED, 600.0, 160.0) is None
