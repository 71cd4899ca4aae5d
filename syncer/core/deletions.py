"""Bounds on deletions: of the annotations that all runs of a state delete together
(`--max-delete`), and of those that one look at the wanted state asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from syncer.core.entry import Entry

_BOUND = re.compile(r"(\d{1,18})|(\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)
_SHARE_BINDS_FROM = 10


@dataclass(frozen=True, slots=True)
class MaxDelete:
    """The most annotations that may go at once: a number, or a share of those that are
    there.

    A number binds at once. A share binds from 10 deletions on: of five annotations one
    is already 20%, and a small folder must not stop at each change.
    """

    text: str
    """As it was written: "12" or "50%"."""
    number: int | None
    share: Fraction
    """Of 1; 0 where `number` is given."""

    @classmethod
    def parse(cls, text: str) -> MaxDelete:
        """Return the bound written here. Raises ValueError, without the text."""
        written = _BOUND.fullmatch(text)
        if written is None:
            raise ValueError("is neither a whole number nor a share")
        if written[1] is not None:
            return cls(text, int(text), Fraction(0))
        share = Fraction(written[2]) / 100
        if share > 1:
            raise ValueError("is more than 100%")
        return cls(text, None, share)

    def allows(self, deletions: int, *, of: int) -> bool:
        """Whether this many annotations may be deleted `of` those that are there."""
        if self.number is not None:
            return deletions <= self.number
        return deletions < _SHARE_BINDS_FROM or deletions <= self.share * of

    def __str__(self) -> str:
        return self.text


class Deletions:
    """A count of the annotations deleted so far and about to be.

    An entry's share is counted once, however often it is sent.
    """

    def __init__(self, done: int, limit: int | None = None) -> None:
        """`done`: deletions of earlier runs; `limit`: the most in all, None for no
        bound.
        """
        self.limit = limit
        self.count = done

    def admit(self, entries: Sequence[Entry], counts: Sequence[int]) -> int:
        """Return how many of the first entries may be sent, and count their shares.
        `counts`: how many annotations each entry deletes.
        """
        for position, (entry, deletes) in enumerate(zip(entries, counts, strict=True)):
            more = max(0, deletes - entry.deletions)
            if self.limit is not None and self.count + more > self.limit:
                return position
            self.count += more
            entry.deletions += more
        return len(entries)

    def dead(self, entries: Iterable[Entry]) -> None:
        """These deleted nothing after all."""
        self.count -= sum(entry.deletions for entry in entries)

    def __repr__(self) -> str:
        return f"Deletions(count={self.count}, limit={self.limit})"
