"""A prediction of the whole by a sample. Pure.

What goes wrong comes by chance: of things that happened `count` times in the sample, a
range is known in which their number would be in 95 of 100 samples like it. What has to
be asked when nothing goes wrong is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

LISTED_INPUTS, LISTED_LABELS = 100, 900
"""Most inputs, and labels, of a group that is compared."""
LOOKED_UP_INPUTS, MADE_AT_ONCE = 100, 128


@dataclass(frozen=True, slots=True)
class Predicted:
    """A number, and between which others it is likely to be."""

    low: float
    likely: float
    high: float

    def times(self, factor: float) -> Predicted:
        """Return it for so many times as much."""
        return Predicted(self.low * factor, self.likely * factor, self.high * factor)

    def plus(self, other: Predicted) -> Predicted:
        """Return both together."""
        return Predicted(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def add_known(self, count: float) -> Predicted:
        """Return it with so many that are known."""
        return Predicted(self.low + count, self.likely + count, self.high + count)

    def at_most(self, bound: float) -> Predicted:
        """Return it where there cannot be more."""
        return Predicted(min(self.low, bound), min(self.likely, bound), min(self.high, bound))

    def as_json(self) -> dict[str, int]:
        """Return it in whole numbers, the range rounded outwards."""
        return {
            "low": math.floor(self.low + 1e-6),
            "likely": round(self.likely),
            "high": math.ceil(self.high - 1e-6),
        }


@dataclass(frozen=True, slots=True)
class Amount:
    """Labels, and the inputs that they are on."""

    labels: int
    inputs: int


@dataclass(frozen=True, slots=True)
class TriedPhase:
    """The cost of a phase of the sample, and its cost when nothing goes wrong."""

    requests: int
    seconds: float
    least: int
    """Requests for the sample."""
    least_whole: int
    """Requests for the whole."""


def spread(count: int) -> Predicted:
    """Return how often it may happen in such a sample, after it happened `count`
    times.
    """
    low = max(0.0, math.sqrt(count) - 1) ** 2
    return Predicted(low, count, (math.sqrt(count + 1) + 1) ** 2)


def predict_share(count: int, sample: Amount, rest: Amount) -> Predicted:
    """Return of how many other labels it will be true."""
    if not sample.labels:
        return Predicted(0, 0, rest.labels)
    return spread(count).times(rest.labels / sample.labels).at_most(rest.labels)


def predict_requests(phase: TriedPhase) -> Predicted:
    """Return how many requests a phase takes for the whole."""
    least = Predicted(*[float(phase.least_whole)] * 3)
    if not phase.least:
        return least
    more = spread(max(0, phase.requests - phase.least))
    return least.plus(more.times(phase.least_whole / phase.least))


def predict_seconds(phases: Iterable[TriedPhase], rate: float | None) -> Predicted:
    """Return how long these phases take. `rate`: requests a second at most; None: as in
    the sample.

    At best the limit alone costs time. What the sample took beyond is likely to come
    once; at worst with each request.
    """
    total = Predicted(0, 0, 0)
    for phase in phases:
        requests = predict_requests(phase)
        as_tried = phase.seconds / phase.requests if phase.requests else 0.0
        each = as_tried if rate is None else 1 / rate
        beyond = max(0.0, phase.seconds - phase.requests * each)
        total = total.plus(
            Predicted(
                requests.low * each,
                requests.likely * each + beyond,
                max(requests.high * max(each, as_tried), requests.likely * each + beyond),
            )
        )
    return total


def count_preparing(amount: Amount, *, makes: bool) -> int:
    """Return the requests of looking up inputs, and of making all of them."""
    looks = math.ceil(amount.inputs / LOOKED_UP_INPUTS)
    return looks + (math.ceil(amount.inputs / MADE_AT_ONCE) if makes else 0)


def count_pushing(amount: Amount, batch_size: int) -> int:
    """Return the requests of posting labels."""
    return math.ceil(amount.labels / batch_size)


def count_comparing(amount: Amount) -> int:
    """Return the requests of listing labels: a page for each group, and an empty one
    after it.
    """
    groups = max(amount.inputs / LISTED_INPUTS, amount.labels / LISTED_LABELS)
    return 2 * math.ceil(groups)
