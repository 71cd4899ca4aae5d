"""How long to wait before trying again."""

from __future__ import annotations

import random

DOUBLINGS_MAX = 40


def doubled(attempt: int, base_seconds: float, cap_seconds: float) -> float:
    """`base_seconds`, doubled by each attempt after the first, up to `cap_seconds`."""
    return min(cap_seconds, base_seconds * 2.0 ** min(max(attempt - 1, 0), DOUBLINGS_MAX))


def delay(attempt: int, rng: random.Random, base_seconds: float, cap_seconds: float) -> float:
    """Full jitter: anything up to what is doubled with each attempt."""
    return rng.uniform(0.0, doubled(attempt, base_seconds, cap_seconds))
