"""OpenLABEL 1.0 (ASAM): documents, and what `syncer pull annotell` wrote of them.

An input is an image: one for each frame and each stream with images, where a document
has several. The uid of an object is the track that its shapes are of.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader, RawIOBase
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from syncer.errors import UsageError
from syncer.formats.faults import name_faults
from syncer.formats.folders import SAME_IMAGE, PathsOfRun, list_files, name_within
from syncer.formats.json_walk import JsonFault, NotJson, Walk, make_walk
from syncer.formats.labels import InFile, Item, Omitted, ReadOptions, Skipped
from syncer.formats.openlabel_index import OpenLabelIndex, read_index
from syncer.formats.openlabel_labels import DocumentLabels
from syncer.formats.rows import (
    CSV_ENDINGS,
    PARQUET_ENDINGS,
    BadTable,
    LabelTable,
    TableRow,
    is_delta,
    list_parquet,
    open_csv,
    open_parquet,
)

__all__ = ["OpenLabelReader"]

DOCUMENTS = (".json",)
PULLED = (".jsonl", ".jsonl.gz")
TABLES = (*CSV_ENDINGS, *PARQUET_ENDINGS)
COLUMNS = ("input_uuid", "annotation_type", "content", "deleted")
LINE_BYTES_MAX = 48 << 20
ROWS_AT_ONCE = 1
FILES_LOOKED_AT = 20
LINES_LOOKED_AT = 1000
PULL = "`syncer pull annotell`"
HEAD_BYTES = 4096
BEGINS = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"openlabel"\s*:')
BEGINS_PULLED = re.compile(rb'\s*\{\s*"input_uuid"\s*:')


@dataclass(frozen=True, slots=True)
class OpenLabelReader:
    """The reader of OpenLABEL."""

    options: ReadOptions
    paths: PathsOfRun = field(default_factory=PathsOfRun)

    def detect(self, path: Path) -> bool:
        """Whether one of the first files begins like a document, or like one pulled."""
        if is_delta(path):
            return self._is_pulled_delta(path)
        files = list_files(path, (*DOCUMENTS, *PULLED, *TABLES))
        return any(self._begins_well(file) for file in islice(files, FILES_LOOKED_AT))

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a document, of a pull, or of a folder of these."""
        if is_delta(path):
            yield InFile(path)
            yield from _name_faults(path, self._read_delta(path))
            return
        for file in list_files(path, (*DOCUMENTS, *PULLED, *TABLES)):
            yield InFile(file)
            name = file.name.lower()
            if name.endswith(PULLED):
                found = self._read_lines(file)
            elif name.endswith(TABLES):
                found = _read_rows(self._open_table(file))
            else:
                found = self._read_document(file, path)
            yield from _name_faults(file, found)
        self.paths.add(path)

    def _read_document(self, file: Path, path: Path) -> Iterator[Item]:
        opening = partial(self.options.open_file, file)
        size, name = file.stat().st_size, name_within(file, path)
        walk, index = _open_document(opening, size, name)
        if not index.is_named and (other := self.paths.find_double(file, path)) is not None:
            raise JsonFault(f"{other} {SAME_IMAGE}")
        yield from DocumentLabels(walk, index).read()

    def _read_lines(self, file: Path) -> Iterator[Item]:
        with self.options.open_file(file) as opened:
            binary = gzip.GzipFile(fileobj=opened) if file.suffix.lower() == ".gz" else opened
            bad: list[Item] | None = []  # lines before the first that is one of a pull
            for number, line in enumerate(iter(partial(binary.readline, LINE_BYTES_MAX), b""), 1):
                if len(line) == LINE_BYTES_MAX:
                    raise JsonFault(f"line {number} is longer than {LINE_BYTES_MAX >> 20} MiB")
                pulled = _decode_line(line)
                place = f"line {number}"
                if pulled is not None:
                    yield from bad or ()
                    bad = None
                    yield from _read_pulled(place, pulled)
                elif line.strip():
                    skipped = Skipped(place, "", f"not a line of {PULL}", is_fault=True)
                    if bad is None:
                        yield skipped
                    elif len(bad) < LINES_LOOKED_AT:
                        bad.append(skipped)
                    else:
                        break
            if bad:
                raise JsonFault(f"it has no line of {PULL}")

    def _open_table(self, file: Path) -> AbstractContextManager[LabelTable]:
        if file.name.lower().endswith(CSV_ENDINGS):
            return open_csv(file, self.options)
        return open_parquet(file, self.options, ROWS_AT_ONCE)

    def _read_delta(self, path: Path) -> Iterator[Item]:
        for file, opened in list_parquet(path, self.options, ROWS_AT_ONCE):
            yield InFile(file)
            yield from _name_faults(file, _read_rows(opened))

    def _begins_well(self, file: Path) -> bool:
        name = file.name.lower()
        if name.endswith(TABLES):
            return _is_pulled(self._open_table(file))
        try:
            with self.options.open_file(file) as opened:
                binary = gzip.GzipFile(fileobj=opened) if name.endswith(".gz") else opened
                head = binary.read(HEAD_BYTES)
        except (OSError, EOFError, zlib.error):
            return False
        return bool((BEGINS_PULLED if name.endswith(PULLED) else BEGINS).match(head))

    def _is_pulled_delta(self, path: Path) -> bool:
        try:
            files = islice(list_parquet(path, self.options, ROWS_AT_ONCE), 1)
            return any(_is_pulled(opened) for _, opened in files)
        except (BadTable, OSError, UsageError):
            return False


def _name_faults(file: Path, found: Iterator[Item]) -> Iterator[Item]:
    return name_faults(file, _name_damage(found), BadTable, JsonFault)


def _name_damage(found: Iterator[Item]) -> Iterator[Item]:
    try:
        yield from found
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise JsonFault("its compression is damaged") from None


def _is_pulled(opened: AbstractContextManager[LabelTable]) -> bool:
    try:
        with opened as table:
            return set(COLUMNS) <= set(table.columns)
    except (BadTable, OSError, UsageError):
        return False


class _PulledLine(msgspec.Struct, gc=False):
    input_uuid: str
    annotation_type: str | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")
    deleted: bool = False


_DECODER = msgspec.json.Decoder(_PulledLine)


def _decode_line(line: bytes) -> _PulledLine | None:
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _read_pulled(place: str, pulled: _PulledLine) -> Iterator[Item]:
    kind = pulled.annotation_type or ""
    if pulled.deleted:
        yield Omitted(place, pulled.input_uuid, "deleted")
    else:
        yield from _read_content(place, pulled.input_uuid, kind, memoryview(pulled.content))


def _read_rows(opened: AbstractContextManager[LabelTable]) -> Iterator[Item]:
    with opened as table:
        if not set(COLUMNS) <= set(table.columns):
            columns = ", ".join(table.columns[:20])
            raise BadTable(f"it is not a table of {PULL}: it has {columns}")
        for row in table.rows:
            yield from _read_row(row)


def _read_row(row: TableRow) -> Iterator[Item]:
    uuid, kind = (str(row.cells.get(name, "")) for name in ("input_uuid", "annotation_type"))
    content = row.cells.get("content")
    if str(row.cells.get("deleted")).lower() == "true":
        yield Omitted(row.place, uuid, "deleted")
    elif row.fault or not uuid or not isinstance(content, str):
        reason = row.fault or f"not a row of {PULL}"
        yield Skipped(row.place, uuid, reason, is_fault=True)
    else:
        yield from _read_content(row.place, uuid, kind, memoryview(content.encode()))


def _read_content(place: str, uuid: str, kind: str, content: memoryview) -> Iterator[Item]:
    try:
        walk, index = _open_document(
            lambda: cast(BinaryIO, BufferedReader(_Slices(content))), len(content), uuid, uuid
        )
        yield from DocumentLabels(walk, index, f"{place}: ", kind).read()
    except JsonFault as error:
        yield Skipped(place, uuid, f"its document: {error}", is_fault=True)


def _open_document(
    open_file: Callable[[], BinaryIO], size: int, path: str, input_id: str = ""
) -> tuple[Walk, OpenLabelIndex]:
    """Return a document, and all of it but its labels. Raises JsonFault, OSError."""
    walk = make_walk(open_file, size)
    try:
        return walk, read_index(walk, path, input_id)
    except NotJson as fault:
        walk = make_walk(open_file, size, has_odd_numbers=True)
        try:
            return walk, read_index(walk, path, input_id)
        except NotJson:
            raise fault from None


class _Slices(RawIOBase):
    """Bytes as a file, not copied as a whole."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._data[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
