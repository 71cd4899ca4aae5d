"""The way of changes through a push, for those who follow it: what was read, what was
sent, and what came of it.

It is told by chunks, requests and commits, never by single changes: a push that nobody
follows pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from syncer.core.batch import Settlement
from syncer.core.change import Change, Chunk


class Trail(Protocol):
    """Follows the changes of one push. What it is told comes from within the event
    loop: it must be quick, and keep no entry, since those change.
    """

    def note_read(self, source: str, chunk: Chunk, now: float) -> None:
        """A chunk came into the window. `source`: the label of its log. `now`: seconds
        since 1970.
        """
        ...

    def note_sent(self, changes: Sequence[Change], now: float) -> None:
        """A request with these changes is about to go, for the first time or again."""
        ...

    def note_settled(self, settlement: Settlement, now: float) -> None:
        """All of the settlement is durable. Bodies of changes that waited in the
        retry queue are gone.
        """
        ...


class Nobody:
    """A trail that nobody follows."""

    def note_read(self, source: str, chunk: Chunk, now: float) -> None:
        """Do nothing."""

    def note_sent(self, changes: Sequence[Change], now: float) -> None:
        """Do nothing."""

    def note_settled(self, settlement: Settlement, now: float) -> None:
        """Do nothing."""


NOBODY = Nobody()


class Trails:
    """Several that follow one push."""

    def __init__(self, trails: Sequence[Trail]) -> None:
        self._trails = trails

    def note_read(self, source: str, chunk: Chunk, now: float) -> None:
        """Tell each of them."""
        for trail in self._trails:
            trail.note_read(source, chunk, now)

    def note_sent(self, changes: Sequence[Change], now: float) -> None:
        """Tell each of them."""
        for trail in self._trails:
            trail.note_sent(changes, now)

    def note_settled(self, settlement: Settlement, now: float) -> None:
        """Tell each of them."""
        for trail in self._trails:
            trail.note_settled(settlement, now)
