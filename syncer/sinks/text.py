"""JSON Lines and CSV, plain or with a gzip member a page."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from syncer.core.pull import Layout, Row
from syncer.sinks import disk
from syncer.sinks.file import Form, mark

GZIP_LEVEL = 4
"""Half the time of the usual 6, and labels come out some percent larger."""


class _Text:
    """A part that is the file once it is whole."""

    def finish(self, part: Path, path: Path, position: str) -> None:
        """Name it."""
        disk.replace(part, path)

    def finished(self, path: Path, position: str) -> bool:
        """Does `path` hold just what stood before this position?"""
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return mark(file, os.fstat(file).st_size) == position
        finally:
            os.close(file)


class JsonLines(_Text):
    """A line a row, as it came. Implements `syncer.sinks.file.Form`."""

    head = b""

    def page(self, rows: Sequence[Row]) -> bytes:
        """The lines. In JSON a line break only stands between tokens, where a space means the same."""
        return b"".join([row.line.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for row in rows])


class Csv(_Text):
    """A header with the layout's columns, then a record a row (RFC 4180, UTF-8). Implements `syncer.sinks.file.Form`.

    Null and empty text are both empty, lists are JSON, booleans `true` and `false`, times RFC 3339 in UTC.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.head = _records([[column.name for column in layout.columns]])

    def page(self, rows: Sequence[Row]) -> bytes:
        """The records."""
        return _records([[_cell(value) for value in self._layout.values(row)] for row in rows])


class Gzipped:
    """Another form, each of its pages a gzip member, so that a file can be cut between them. Implements `syncer.sinks.file.Form`."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.head = _member(form.head)
        self.finish = form.finish
        self.finished = form.finished

    def page(self, rows: Sequence[Row]) -> bytes:
        """A member."""
        return _member(self._form.page(rows))


def _member(data: bytes) -> bytes:
    return gzip.compress(data, GZIP_LEVEL, mtime=0)


def _records(records: list[list[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(records)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    written = _CELLS.get(type(value))
    return value if written is None else written(value)


_CELLS: Mapping[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    datetime: lambda value: value.isoformat().replace("+00:00", "Z"),
    list: lambda value: orjson.dumps(value).decode(),
}
