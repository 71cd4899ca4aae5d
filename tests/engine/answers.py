"""Answers that tests of the sender play, and what they look at afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncer.core.change import Change
from syncer.core.limits import Limits
from syncer.core.outcome import (
    AllApplied,
    Answered,
    Applied,
    Failed,
    Outcome,
    Refused,
    Retriable,
)
from tests.support.lines import post
from tests.support.pushing import Pushing, Settings

BROKEN = Failed("HTTP 500", in_doubt=False)
IN_DOUBT = Failed("HTTP 502", in_doubt=True)
ONE = Settings(Limits(batch_size=1, linger_seconds=0.0, max_attempts=4))


def each(outcome: Outcome) -> Callable[[Sequence[Change]], Answered]:
    """An answer that says this of every change."""
    return lambda changes: Answered([outcome] * len(changes))


def only(id: str, outcome: Outcome) -> Callable[[Sequence[Change]], Answered]:
    """An answer that says this of one change, and that the rest was applied."""
    return lambda changes: Answered(
        [outcome if change.id == id else Applied() for change in changes]
    )


def while_with(
    id: str, part: Refused | Failed
) -> Callable[[Sequence[Change]], Refused | Failed | AllApplied]:
    """A request with this annotation fares so, every other one well."""
    return lambda changes: part if id in [change.id for change in changes] else AllApplied()


def posts(count: int) -> list[bytes]:
    return [post(f"a{number}") for number in range(count)]


def reasons(pushing: Pushing) -> list[tuple[str | None, str, int]]:
    """(id, reason, attempts) of every dead letter."""
    return [(letter.id, letter.reason, letter.attempts) for letter in pushing.letters]


def not_now(changes: Sequence[Change]) -> Answered:
    """Each item is named as failed for now; the service is well."""
    return Answered([Retriable("not now") for _ in changes])


def posts_of_inputs(count: int) -> list[bytes]:
    """Posts of three annotations an input."""
    return [post(f"a{number}", f"i{number // 3}") for number in range(count)]
