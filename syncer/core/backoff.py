"""The wait before another try."""

from __future__ import annotations

import random
from dataclasses import dataclass

DOUBLINGS_MAX = 40


def double(attempt: int, base_seconds: float, cap_seconds: float) -> float:
    """`base_seconds`, doubled by each attempt after the first, up to `cap_seconds`."""
    return min(cap_seconds, base_seconds * 2.0 ** min(max(attempt - 1, 0), DOUBLINGS_MAX))


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: anything up to what is doubled with each attempt."""

    base_seconds: float
    cap_seconds: float
    rng: random.Random

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after this number of failures; each call draws
        again.
        """
        return self.rng.uniform(0.0, double(attempt, self.base_seconds, self.cap_seconds))
