"""Spans of time, and how one of them that holds too much is divided: at whole seconds,
for nobody knows how exactly a service compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import floor

from syncer.core.moments import moment


@dataclass(frozen=True, slots=True)
class Span:
    """From a time to another one, both included; empty: from the beginning, or without
    an end. RFC 3339, as it is sent.
    """

    since: str
    until: str

    def divide(self, seconds: Sequence[int], most: int) -> list[Span]:
        """Neighbours that share their ends and are this span together; none where it
        cannot be divided.

        `seconds`: since 1970, when something happened in it, as far as that is known; a
        part is to hold `most` of these.
        """
        low, high = _seconds(self.since), _seconds(self.until)

        def within(cut: int) -> bool:
            return (low is None or low < cut) and (high is None or cut < high)

        known = sorted(seconds)
        cuts = sorted({cut for cut in known[most::most] if within(cut)})
        if not cuts:  # all at about the same time: it is set apart, second by second
            cuts = [
                cut for second in known for cut in (second, second + 1, second - 1) if within(cut)
            ][:1]
        ends = [self.since, *map(_text, cuts), self.until]
        return [Span(since, until) for since, until in pairwise(ends)] if cuts else []

    def holds(self, second: int) -> bool:
        """Whether the span holds something of this second."""
        low, high = _seconds(self.since), _seconds(self.until)
        return (low is None or low < second + 1) and (high is None or second <= high)


def second_of(text: str | None) -> int | None:
    """The second since 1970 that a time lies in; None where it is not a time."""
    at = moment(text)
    return None if at is None else floor(at.timestamp())


def _seconds(text: str) -> float | None:
    at = moment(text) if text else None
    return None if at is None else at.timestamp()


def _text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
