"""Rows in memory, as a table: for programs that work on them at once. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from syncer.core.ports.pull import Layout, Row
from syncer.errors import OutputError
from syncer.extras import needs
from syncer.sinks import arrow
from syncer.sinks.position import FROM_THE_START

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class FrameSink:
    """Pages collected.

    Implements `syncer.core.ports.pull.Sink`; memory grows with what is pulled.
    """

    def __init__(self, layout: Layout) -> None:
        self.notes: list[str] = []
        self._layout = layout
        self._batches: list[pa.RecordBatch] = []

    def open(self, position: str) -> None:
        """Begin with nothing.

        Raises OutputError: what an earlier process held is gone.
        """
        if position:
            raise OutputError(
                "a pull into memory cannot be carried on: what an earlier run held is gone."
                f" {FROM_THE_START}"
            )
        self._batches = []

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Keep a page, in the place of its number."""
        self._batches[page:] = [arrow.batch(self._layout, rows)]
        return str(page + 1)

    def close(self) -> None:
        """All is here."""

    def abandon(self) -> None:
        """Leave what is here."""

    def table(self) -> pa.Table:
        """All rows so far, in the layout's columns; timestamps in microseconds, UTC."""
        return pa.Table.from_batches(self._batches, arrow.schema(self._layout))

    def pandas(self) -> pd.DataFrame:
        """The table as a pandas frame. Raises UsageError: pandas is not installed."""
        with needs("pandas"):
            import pandas as pd
        frame = self.table().to_pandas()
        assert isinstance(frame, pd.DataFrame)
        return frame

    def polars(self) -> pl.DataFrame:
        """The table as a polars frame. Raises UsageError: polars is not installed."""
        with needs("polars"):
            import polars as pl
        frame = pl.from_arrow(self.table())
        assert isinstance(frame, pl.DataFrame)
        return frame
