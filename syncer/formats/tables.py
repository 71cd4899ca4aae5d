"""Tables of boxes: CSV, Parquet and Delta.

A row is a label; one with nothing but an image is an image without labels. Cells are
text, and only an empty one is missing: "NA", "null" and "0" are what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from syncer.errors import UsageError
from syncer.formats.faults import BadLabel, name_faults
from syncer.formats.labels import (
    JSON,
    Box,
    Concept,
    InFile,
    Item,
    Label,
    Lost,
    Measure,
    Picture,
    ReadOptions,
    Skipped,
)
from syncer.formats.numbers import NotANumber, parse_number, parse_size
from syncer.formats.rows import (
    CSV_ENDINGS,
    PARQUET_ENDINGS,
    BadTable,
    Cell,
    LabelTable,
    TableRow,
    is_delta,
    list_parquet,
    list_tables,
    open_csv,
)

__all__ = ["TABLE_NAMES", "CsvLabels", "ParquetLabels"]

IMAGE = ("input_id", "filename")
PIXELS = ("xmin", "ymin", "xmax", "ymax")
SHARES = ("left_col", "top_row", "right_col", "bottom_row")
SIZE = ("width", "height")
TABLE_NAMES = (*IMAGE, "id", "concept", *PIXELS, *SHARES, *SIZE)
"""The names that a table's columns may be given with `--columns`."""
ROWS_AT_ONCE = 16
"""A small file may hold one long text for all of its rows."""
FILES_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class CsvLabels:
    """The reader of CSV."""

    options: ReadOptions

    def detect(self, path: Path) -> bool:
        """Whether one of the first files has columns of ours."""
        files = (each for each in list_tables(path, CSV_ENDINGS) if _is_named(each, CSV_ENDINGS))
        return any(
            _is_label_table(open_csv(file, self.options), self.options)
            for file in islice(files, FILES_LOOKED_AT)
        )

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a file, or of all CSV files in a folder."""
        for file in list_tables(path, CSV_ENDINGS):
            yield from _read_file(file, open_csv(file, self.options), self.options)


@dataclass(frozen=True, slots=True)
class ParquetLabels:
    """The reader of Parquet and Delta."""

    options: ReadOptions

    def detect(self, path: Path) -> bool:
        """Whether the columns of a Delta table, or of a first file, are ours.

        Without the extra that reads them, it may be so.
        """
        try:
            files = list_parquet(path, self.options, ROWS_AT_ONCE)
            return any(
                _is_named(file, PARQUET_ENDINGS) and _is_label_table(opened, self.options)
                for file, opened in islice(files, FILES_LOOKED_AT)
            )
        except (BadTable, OSError):
            return False
        except UsageError:
            return True

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a Delta table, a Parquet file, or a folder of these."""
        if is_delta(path):
            yield InFile(path)
        yield from name_faults(path, self._read_files(path), BadTable)

    def _read_files(self, path: Path) -> Iterator[Item]:
        for file, opened in list_parquet(path, self.options, ROWS_AT_ONCE):
            yield from _read_file(file, opened, self.options)


def _is_named(file: Path, endings: tuple[str, ...]) -> bool:
    return file.name.lower().endswith(endings)


def _is_label_table(opened: AbstractContextManager[LabelTable], options: ReadOptions) -> bool:
    try:
        with opened as table:
            columns = table.columns
    except (BadTable, OSError):
        return False
    names = {name for name in TABLE_NAMES if options.columns.get(name, name) in columns}
    return "concept" in names and not names.isdisjoint(IMAGE)


def _read_file(
    file: Path, opened: AbstractContextManager[LabelTable], options: ReadOptions
) -> Iterator[Item]:
    yield InFile(file)
    yield from name_faults(file, _read_table(opened, options), BadTable)


def _read_table(opened: AbstractContextManager[LabelTable], options: ReadOptions) -> Iterator[Item]:
    with opened as table:
        yield from _TableLabels(table, options).read()


@dataclass(slots=True)
class _TableLabels:
    table: LabelTable
    options: ReadOptions
    ours: dict[str, str] = field(init=False)
    of_images: frozenset[str] = field(init=False)
    """Columns that say nothing of a label."""
    near: tuple[tuple[Cell | None, ...], Picture] | None = None
    """The image of the row before: rows of an image often stand together."""

    def read(self) -> Iterator[Item]:
        self.ours = self._find_columns()
        self.of_images = frozenset(
            column for column, name in self.ours.items() if name in (*IMAGE, *SIZE)
        )
        for row in self.table.rows:
            yield from self._read_row(row)

    def _find_columns(self) -> dict[str, str]:
        """Return our name of each column that has one. Raises BadTable."""
        columns = self.table.columns
        ours: dict[str, str] = {}
        has = f"it has {', '.join(columns[:20])}" + (" …" if len(columns) > 20 else "")
        for name in TABLE_NAMES:
            column = self.options.columns.get(name, name)
            if column in ours:
                raise BadTable(f"its column {column!r} is both {ours[column]} and {name}; {has}")
            if column in columns:
                ours[column] = name
            elif name in self.options.columns:
                raise BadTable(f"no column {column!r}, which --columns names as {name}; {has}")
        if "concept" not in ours.values() or not set(IMAGE) & set(ours.values()):
            raise BadTable(
                "it needs the columns concept, and input_id or filename (name others with"
                f" --columns NAME=COLUMN); {has}"
            )
        return ours

    def _find_picture(self, values: Mapping[str, Cell]) -> Picture:
        key = tuple(map(values.get, (*IMAGE, *SIZE)))
        if self.near is None or self.near[0] != key:
            self.near = key, _read_picture(values)
        return self.near[1]

    def _read_row(self, row: TableRow) -> Iterator[Item]:
        ours = self.ours
        values = {ours[column]: cell for column, cell in row.cells.items() if column in ours}
        own_id = _text(values.get("id"))
        info: dict[str, JSON] = {name: cell for name, cell in row.cells.items() if name not in ours}
        try:
            if row.fault:
                raise BadLabel(row.fault)
            picture = self._find_picture(values)
            if self.of_images.issuperset(row.cells):
                yield picture
                return
            label = _read_label(row.place, picture, values, info)
        except NotANumber:
            yield Skipped(row.place, own_id, "a coordinate is not a number", is_fault=True)
            return
        except BadLabel as error:
            yield Skipped(row.place, own_id, str(error), is_fault=True)
            return
        yield label
        for column in self.table.unread:
            yield Lost(row.place, own_id, f"column {column}")


def _text(cell: Cell | None) -> str:
    """Return a cell as text. Whole numbers are decimals in tables that have gaps."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _number(cell: Cell) -> float:
    """Raises NotANumber."""
    if isinstance(cell, bool):
        raise NotANumber(str(cell))
    try:
        return parse_number(cell) if isinstance(cell, str) else float(cell)
    except OverflowError:
        raise NotANumber(str(cell)) from None


def _read_picture(values: Mapping[str, Cell]) -> Picture:
    input_id, filename = (_text(values.get(name)) for name in IMAGE)
    if not input_id and not filename:
        raise BadLabel("it has no input_id and no filename")
    try:
        numbers = [_number(values[name]) if name in values else 0.0 for name in SIZE]
    except NotANumber:
        raise BadLabel("its width or height is not a number") from None
    width, height = (parse_size(str(number)) for number in numbers)
    return Picture(filename or input_id, width, height, input_id=input_id)


def _read_label(
    place: str, picture: Picture, values: Mapping[str, Cell], info: dict[str, JSON]
) -> Label:
    concept, own_id = _text(values.get("concept")), _text(values.get("id"))
    if not concept:
        raise BadLabel("it has no concept")
    measure, names = Measure.PIXELS, PIXELS
    if not values.keys() & set(PIXELS):
        measure, names = Measure.SHARES, SHARES
    elif values.keys() & set(SHARES):
        raise BadLabel("its box is given twice: in pixels and in shares")
    shapes: tuple[Box, ...] = ()
    if found := [name for name in names if name in values]:
        if len(found) < len(names):
            raise BadLabel("a side of its box is missing")
        shapes = (Box(*(_number(values[name]) for name in names)),)
    said: dict[str, JSON] = {"attributes": info} if info else {}
    return Label(picture, (Concept(concept),), shapes, measure, place, own_id, said)
