"""JSON Lines and CSV, plain or with a gzip member a page."""

from __future__ import annotations

import gzip
import os
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from syncer import files
from syncer.core.ports.pull import ColumnType, Layout, Row
from syncer.sinks import disk
from syncer.sinks.columns import columns
from syncer.sinks.file import Form, mark

GZIP_LEVEL = 4
"""Half the time of the usual 6, and labels come out some percent larger."""


class _TextForm:
    """A part that is the file once it is whole."""

    def part(self, path: Path) -> Path:
        """Beside the file."""
        return disk.beside(path)

    def finish(self, part: Path, path: Path, position: str) -> bool:
        """Name it."""
        return files.place(part, path)

    def finished(self, path: Path, position: str) -> bool:
        """Whether `path` holds just what stood before this position."""
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return mark(file, os.fstat(file).st_size) == position
        finally:
            os.close(file)


class JsonLines(_TextForm):
    """A line per row, as it came. Implements `syncer.sinks.file.Form`."""

    head = b""

    def page(self, rows: Sequence[Row]) -> bytes:
        """The lines.

        In JSON a line break only stands between tokens, where a space means the same.
        """
        return b"".join(
            [row.line.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" for row in rows]
        )


class Csv(_TextForm):
    """A header with the layout's columns, then a record a row (RFC 4180, UTF-8).
    Implements `syncer.sinks.file.Form`.

    Null and empty text are both empty, lists are JSON, bytes base64, booleans `true`
    and `false`, times RFC 3339 in UTC.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._cells = [_CELLS[column.type] for column in layout.columns]
        self.head = _records([_quote(column.name)] for column in layout.columns)

    def page(self, rows: Sequence[Row]) -> bytes:
        """The records.

        Cells are made column by column: most columns are of one kind, and many hold
        nothing but null.
        """
        return _records(
            [
                cells(values)
                for cells, values in zip(self._cells, columns(self._layout, rows), strict=True)
            ]
        )


class Gzipped:
    """Another form, each of its pages a gzip member, so that a file can be cut between
    them. Implements `syncer.sinks.file.Form`.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self.head = _member(form.head)
        self.part = form.part
        self.finish = form.finish
        self.finished = form.finished

    def page(self, rows: Sequence[Row]) -> bytes:
        """A member."""
        return _member(self._form.page(rows))


def _member(data: bytes) -> bytes:
    return gzip.compress(data, GZIP_LEVEL, mtime=0)


def _records(cells: Iterable[Sequence[str]]) -> bytes:
    return "".join([",".join(record) + "\r\n" for record in zip(*cells, strict=True)]).encode()


def _quote(text: str) -> str:
    """A cell of this text, in quotes only where it needs them."""
    return text if _needs_quotes(text) is None else '"' + text.replace('"', '""') + '"'


_needs_quotes = re.compile('[",\r\n]').search


def _cells(write: Callable[[Any], str]) -> Callable[[Sequence[Any]], list[str]]:
    return lambda column: ["" if value is None else write(value) for value in column]


_LISTS = _cells(lambda value: _quote(orjson.dumps(value).decode()))
_CELLS: Mapping[ColumnType, Callable[[Sequence[Any]], list[str]]] = {
    "string": _cells(_quote),
    "binary": _cells(lambda value: b64encode(value).decode()),
    "bool": _cells(lambda value: "true" if value else "false"),
    "int64": _cells(str),
    "double": _cells(repr),
    "timestamp": _cells(lambda value: value.isoformat().replace("+00:00", "Z")),
    "list<string>": _LISTS,
    "list<double>": _LISTS,
}
