"""Full jitter, doubling, capped."""

from __future__ import annotations

import random
from statistics import mean

import pytest

from syncer.core.backoff import Backoff


@pytest.mark.parametrize(
    ("attempt", "most_seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (50, 60.0)]
)
def test_a_delay_is_spread_evenly_from_nothing_to_the_doubled_base_and_never_beyond_the_cap(
    attempt: int, most_seconds: float
) -> None:
    backoff = Backoff(0.5, 60.0, random.Random(1))
    delays = [backoff.delay(attempt) for _ in range(5000)]
    assert 0.0 <= min(delays) < 0.05 * most_seconds
    assert 0.95 * most_seconds < max(delays) <= most_seconds
    assert mean(delays) == pytest.approx(most_seconds / 2, rel=0.05)


def test_no_number_of_attempts_is_too_large() -> None:
    assert 0.0 <= Backoff(0.5, 60.0, random.Random(1)).delay(10**9) <= 60.0


def test_the_same_seed_gives_the_same_delays() -> None:
    first, second = (Backoff(0.5, 60.0, random.Random(7)) for _ in range(2))
    assert [first.delay(n) for n in range(1, 20)] == [second.delay(n) for n in range(1, 20)]
