"""How long to wait before trying again."""

from __future__ import annotations

import random

DOUBLINGS_MAX = 40


def delay(attempt: int, rng: random.Random, base_seconds: float, cap_seconds: float) -> float:
    """Full jitter: anything up to `base_seconds`, doubled with each attempt after the first, at most `cap_seconds`."""
    doubled: float = base_seconds * 2.0 ** min(max(attempt - 1, 0), DOUBLINGS_MAX)
    return rng.uniform(0.0, min(cap_seconds, doubled))
