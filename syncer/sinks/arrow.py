"""Rows as Arrow: the schema of a layout, a page as a record batch, pages as a stream on
disk. Needs pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from syncer.core.ports.pull import ColumnType, Layout, Row
from syncer.errors import OutputError
from syncer.sinks.columns import columns
from syncer.sinks.position import FROM_THE_START

TYPES: Mapping[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "binary": pa.binary(),
    "bool": pa.bool_(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "list<string>": pa.list_(
        pa.field("element", pa.string())
    ),  # the item's name that Parquet and Delta use
    "list<double>": pa.list_(pa.field("element", pa.float64())),
}


def schema(layout: Layout) -> pa.Schema:
    """A field a column, each may be null."""
    return pa.schema([pa.field(column.name, TYPES[column.type]) for column in layout.columns])


def batch(layout: Layout, rows: Sequence[Row]) -> pa.RecordBatch:
    """A page of rows, or of none."""
    fields = schema(layout)
    arrays = [
        pa.array(values, field.type)
        for values, field in zip(columns(layout, rows), fields, strict=True)
    ]
    return pa.record_batch(arrays, schema=fields)


def stream(page: pa.RecordBatch) -> bytes:
    """A page as an Arrow IPC stream of its own, so that one after another can be cut
    between them.

    Without threads: handing out some fifty small buffers costs thrice what compressing
    them does.
    """
    buffer = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        buffer, page.schema, options=pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    ) as writer:
        writer.write_batch(page)
    return buffer.getvalue().to_pybytes()  # type: ignore[no-any-return]


class ArrowPart:
    """A part of Arrow streams: the first one has no rows and sets the part apart from
    all others, then comes one per page.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.head = stream(batch(layout, ()).replace_schema_metadata({"syncer.part": uuid4().hex}))

    def page(self, rows: Sequence[Row]) -> bytes:
        """The page as an Arrow stream."""
        return stream(batch(self._layout, rows))


def read_streams(path: Path) -> Iterator[pa.RecordBatch]:
    """The pages of a file of streams, one at a time.

    Raises OSError, and OutputError where it is damaged.
    """
    with pa.OSFile(str(path)) as file:
        size = file.size()
        while (at := file.tell()) < size:
            try:
                with pa.ipc.open_stream(
                    file, options=pa.ipc.IpcReadOptions(use_threads=False)
                ) as reader:
                    yield from reader
            except pa.ArrowInvalid as error:
                raise OutputError(
                    f"{path} is damaged after byte {at:,} ({error}). {FROM_THE_START}"
                ) from error
