"""A turn for tests that have no pace."""

from __future__ import annotations


class Unpaced:
    """There is always another turn."""

    async def another(self, *, gone: bool) -> None:
        """Go on at once."""


UNPACED = Unpaced()
