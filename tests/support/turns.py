"""Turns for tests that have no pace."""

from __future__ import annotations


class Unpaced:
    """There is always another turn."""

    async def another(self, *, gone: bool) -> None:
        """Go on at once."""


class CountedTurn:
    """A turn that counts how often it is asked for one more."""

    def __init__(self) -> None:
        self.gone: list[bool] = []

    async def another(self, *, gone: bool) -> None:
        """Go on at once."""
        self.gone.append(gone)


UNPACED = Unpaced()
