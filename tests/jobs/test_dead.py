"""Dead letters sent again: what can never be sent stands in nobody's way, whatever the
number of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.core.facts import DeadLetter, Settled
from syncer.core.limits import Limits
from syncer.jobs.dead import LettersToRetry, RefusedLetter, Selector
from syncer.journal.journal import Journal
from syncer.sources.lines import LineOptions
from tests.journal.made import HERE, opened

GOOD = '{"op":"delete","annotation":{"id":"a","input_id":"i"}}'


def letter(index: int, change: str) -> DeadLetter:
    at = "2026-11-26T00:00:00.000Z"
    return DeadLetter(
        "log.jsonl", index + 1, None, None, None, "a reason", None, 1, at, at, change, 1, index
    )


def test_more_bad_lines_than_the_retry_queue_holds_do_not_keep_a_letter_from_being_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 50
    monkeypatch.setattr("syncer.jobs.dead.Limits", lambda: Limits(queue_max=count - 1))
    journal = Journal.open(tmp_path, HERE)
    journal.commit([opened()])
    journal.commit(
        [*(letter(index, "bad") for index in range(count)), Settled(1, 0, count, 1, "dead")]
    )
    journal.commit([letter(count, GOOD), Settled(1, count, 1, 1, "dead")])
    journal.close()
    refused: list[RefusedLetter] = []
    result = LettersToRetry(tmp_path, Selector(every=True), LineOptions(), refused.append).write()
    assert (result.queued, result.refused, result.left) == (1, count, 0)
    assert [(one.line, one.reason.partition(":")[0]) for one in refused[:2]] == [
        (1, "still not a valid change"),
        (2, "still not a valid change"),
    ]
    assert len(refused) == count
