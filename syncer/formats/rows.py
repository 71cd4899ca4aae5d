"""The rows of tables: CSV by the standard library, Parquet and Delta by their extras.

CSV       a line at a time; the delimiter is the one that gives the first line the most
          cells
Parquet   some hundreds of rows at a time, of a column group that is read by pieces
Delta     its files as Parquet, with the values of their partitions
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, TypeAlias, cast
from urllib.parse import unquote

from msgspec import Struct

from syncer.extras import needs
from syncer.formats.folders import list_files
from syncer.formats.labels import ReadOptions

__all__ = [
    "BadTable",
    "Cell",
    "LabelTable",
    "TableRow",
    "is_delta",
    "list_parquet",
    "list_tables",
    "open_csv",
    "open_parquet",
]

Cell: TypeAlias = str | int | float | bool
"""A value; an empty one is not in its row."""
CSV_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PARQUET_ENDINGS = (".parquet", ".pq")
DELIMITERS = ",;\t|"
LINE_BYTES_MAX = 32 << 20
BUFFER_BYTES = 1 << 20
DELTA_LOG = "_delta_log"
DAMAGED = (
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    NotImplementedError,
    OSError,
    MemoryError,
)
"""Raised by Arrow, beside errors of its own, for a file that is damaged."""
NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class BadTable(ValueError):
    """A table that cannot be read, or not to its end."""


class TableRow(Struct, frozen=True):
    """A row, by the names of the columns."""

    place: str
    cells: Mapping[str, Cell]
    fault: str = ""
    """Why it cannot be read."""


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A file of a table that is open."""

    columns: tuple[str, ...]
    rows: Iterator[TableRow]
    """Raises BadTable, OSError."""
    unread: tuple[str, ...] = ()
    """Columns whose values are no cells: lists, bytes and the like."""


def is_delta(path: Path) -> bool:
    """Whether the folder is a Delta table."""
    return (path / DELTA_LOG).is_dir()


def list_tables(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files of tables, without those that are not part of one: what begins
    with an underscore is unfinished, or a log.
    """
    for file in list_files(path, endings):
        if not any(part.startswith("_") for part in file.relative_to(path).parts):
            yield file


# --- CSV ------------------------------------------------------------------------------


@contextmanager
def open_csv(path: Path, options: ReadOptions) -> Iterator[LabelTable]:
    """Open a table. Raises BadTable, OSError, while its rows are read, too."""
    csv.field_size_limit(max(csv.field_size_limit(), LINE_BYTES_MAX))
    with options.open_file(path) as file:
        binary = gzip.GzipFile(fileobj=file) if path.suffix.lower() == ".gz" else file
        lines = _CsvLines(cast(BinaryIO, binary))
        try:
            first = next(iter(lines), "")
            delimiter = max(DELIMITERS, key=lambda each: len(_split(first, each)))
            columns = tuple(name.strip() for name in _split(first, delimiter))
            _check_columns(columns)
            yield LabelTable(columns, _read_csv(lines, columns, delimiter))
        except (csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadTable(f"line {lines.count}: {error}") from None


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, strict=True), [])


def _check_columns(columns: tuple[str, ...]) -> None:
    if not any(columns):
        raise BadTable("its first line has no names of columns")
    for name in columns:
        if columns.count(name) > 1:
            raise BadTable(f"its column {name!r} stands twice")


def _read_csv(lines: _CsvLines, columns: tuple[str, ...], delimiter: str) -> Iterator[TableRow]:
    start = lines.count + 1
    for cells in csv.reader(lines, delimiter=delimiter, strict=True):
        place, start = f"line {start}", lines.count + 1
        if len(cells) == len(columns):
            found = {name: cell for name, cell in zip(columns, cells, strict=True) if cell}
            yield TableRow(place, cast(Mapping[str, Cell], found))
        elif cells:  # an empty line has none
            yield TableRow(place, {}, "more or fewer cells than columns")


class _CsvLines:
    """Lines of a file as text, counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LINE_BYTES_MAX):
            self.count += 1
            if len(line) == LINE_BYTES_MAX:
                raise BadTable(f"line {self.count} is longer than {LINE_BYTES_MAX >> 20} MiB")
            try:
                yield line.decode("utf-8-sig" if self.count == 1 else "utf-8")
            except UnicodeDecodeError:
                raise BadTable(f"line {self.count} is not UTF-8") from None


# --- Parquet and Delta ----------------------------------------------------------------


def list_parquet(
    path: Path, options: ReadOptions, rows_at_once: int
) -> Iterator[tuple[Path, AbstractContextManager[LabelTable]]]:
    """Yield the files of a Delta table, a file of Parquet, or those of a folder, to be
    opened one by one; folders named `column=value` are columns.

    Raises BadTable, OSError, UsageError.
    """
    if is_delta(path):
        for file, constants in _list_delta(path):
            yield file, open_parquet(file, options, rows_at_once, constants)
        return
    for file in list_tables(path, PARQUET_ENDINGS):
        folders = file.relative_to(path).parts[:-1]
        pairs = (folder.partition("=") for folder in folders if "=" in folder)
        found = {name: unquote(value) for name, _, value in pairs if value != NO_PARTITION}
        yield file, open_parquet(file, options, rows_at_once, found)


@contextmanager
def open_parquet(
    path: Path,
    options: ReadOptions,
    rows_at_once: int,
    constants: Mapping[str, Cell] = MappingProxyType({}),
) -> Iterator[LabelTable]:
    """Open a file. Raises BadTable and OSError, while its rows are read, too, and
    UsageError.
    """
    with needs("parquet"):
        import pyarrow as pa
    with options.open_file(path) as file:
        yield _ParquetPart(pa.PythonFile(file, "r"), rows_at_once, constants).open()


def _list_delta(path: Path) -> Iterator[tuple[Path, Mapping[str, Cell]]]:
    with needs("delta"):
        import pyarrow.dataset as ds
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    try:
        fragments = list(DeltaTable(path).to_pyarrow_dataset().get_fragments())
    except (DeltaError, *DAMAGED) as error:
        raise BadTable(f"the table cannot be read: {_say(error)}") from None
    for fragment in sorted(fragments, key=lambda each: str(each.path)):
        keys = ds.get_partition_keys(fragment.partition_expression)
        cells = ((name, _cell(value)) for name, value in keys.items())
        yield path / fragment.path, {name: cell for name, cell in cells if cell is not None}


@dataclass(frozen=True, slots=True)
class _ParquetPart:
    file: Any
    rows_at_once: int
    constants: Mapping[str, Cell]

    def open(self) -> LabelTable:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            parquet = pq.ParquetFile(self.file, buffer_size=BUFFER_BYTES, pre_buffer=False)
            schema = parquet.schema_arrow
        except (*DAMAGED, pa.ArrowException) as error:
            raise BadTable(_say(error)) from None
        readable = [column.name for column in schema if _is_flat(column.type)]
        _check_columns(tuple(schema.names))
        return LabelTable(
            (*self.constants, *readable),
            self._read(parquet, readable),
            tuple(name for name in schema.names if name not in readable),
        )

    def _read(self, parquet: Any, columns: list[str]) -> Iterator[TableRow]:
        import pyarrow as pa

        number = 0
        try:
            for batch in parquet.iter_batches(
                self.rows_at_once, columns=columns, use_threads=False
            ):
                for values in zip(*map(_list_values, batch.columns), strict=True):
                    number += 1
                    cells = {
                        name: cell
                        for name, value in zip(columns, values, strict=True)
                        if (cell := _cell(value)) is not None
                    }
                    yield TableRow(f"row {number}", {**self.constants, **cells})
        except (*DAMAGED, pa.ArrowException) as error:
            raise BadTable(f"after row {number}: {_say(error)}") from None


def _say(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _list_values(column: Any) -> list[Any]:
    """Return the values of a column, times to the microsecond and in UTC: Python has no
    finer ones, and need not know each zone.
    """
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz and "UTC"), safe=False)
    elif types.is_time64(kind):
        column = column.cast(pa.time64("us"), safe=False)
    elif types.is_duration(kind):
        column = column.cast(pa.duration("us"), safe=False)
    found: list[Any] = column.to_pylist()
    return found


def _is_flat(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_string,
            types.is_large_string,
            types.is_string_view,
            types.is_integer,
            types.is_floating,
            types.is_boolean,
            types.is_temporal,
            types.is_decimal,
            types.is_null,
        )
    )


def _cell(value: object) -> Cell | None:
    """Return a value as a cell; None for one that is missing."""
    match value:
        case None | "":
            return None
        case str() | bool() | int() | float():
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else str(value)
        case _:
            return str(value)
