"""Rows turned on their side, as tables are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from syncer.core.ports.pull import Layout, Row


def columns(layout: Layout, rows: Sequence[Row]) -> Iterable[Sequence[Any]]:
    """The values of each column of the layout, of no rows empty ones."""
    return zip(*map(layout.values, rows), strict=True) if rows else [()] * len(layout.columns)
