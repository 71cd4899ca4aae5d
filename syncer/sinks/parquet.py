"""Parquet: one file with large row groups, or a folder with a file for each page that
has rows. Needs pyarrow.

PATH   pages ─► PATH.part, an Arrow stream
       ─► at the end read again, some row groups at a time ─► PATH.new ─► PATH
PATH/  page ─► PATH/_unfinished/part-00000007.parquet
       ─► at the end ─► PATH/part-00000007.parquet
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from syncer import files
from syncer.core.ports.pull import Layout, Row
from syncer.errors import OutputError
from syncer.sinks import arrow, disk
from syncer.sinks.position import FROM_THE_START, parse_position, write_position

ROW_GROUP_ROWS = 1 << 16
ROW_GROUP_BYTES = 16 << 20
"""A row group ends at the first of the two bounds; this bounds the memory of
`close`.
"""

_POSITION = b"syncer.position"
_PULL = b"syncer.pull"
_PART = re.compile(r"part-(\d{8,})\.parquet")


class Parquet(arrow.ArrowPart):
    """One file. Implements `syncer.sinks.file.Form`."""

    def part(self, path: Path) -> Path:
        """Beside the file."""
        return disk.beside(path)

    def finish(self, part: Path, path: Path, position: str) -> bool:
        """The part's pages as row groups.

        The file's own metadata says which part it was made from.
        """
        fresh = path.with_name(path.name + ".new")
        from_pages(part, fresh, arrow.schema(self._layout), {_POSITION: position.encode()})
        at_once = files.place(fresh, path)
        part.unlink()
        return at_once

    def finished(self, path: Path, position: str) -> bool:
        """Whether it was made from a part with this last position."""
        return _read_note(path, _POSITION) == position.encode()


class ParquetFolder:
    """A folder with a file for each page that has rows. Implements
    `syncer.core.ports.pull.Sink`.

    The files of an earlier pull stay until all new ones are written. Other files in the
    folder are left alone.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.notes: list[str] = []
        self._path = path
        # a name that readers of such folders pass over
        self._unfinished = path / "_unfinished"
        self._layout = layout
        self._pull = ""
        self._files = 0

    def open(self, position: str) -> None:
        """Go on after the files of this position, or begin.

        Raises OutputError: it cannot be written, or a file is not there.
        """
        self._pull, self._files = parse_position(position) if position else (uuid4().hex, 0)
        with disk.translate_errors(self._path):
            if not position:
                self._path.mkdir(exist_ok=True)
                files.sync(self._path.parent)
            self._check()
            self._unfinished.mkdir(exist_ok=True)
            files.sync(self._path)
            for _, path in _parts(self._unfinished, self._files):
                path.unlink()

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Write a file and sync it, if there is anything to write; return the position
        after it. Raises OutputError.
        """
        if rows:
            self._add(rows)
        return write_position(self._pull, self._files)

    def _add(self, rows: Sequence[Row]) -> None:
        batch = arrow.batch(self._layout, rows)
        path = self._unfinished / _name(self._files)
        fresh = path.with_suffix(".new")
        with disk.translate_errors(self._path):
            _write(
                fresh, batch.schema, [pa.Table.from_batches([batch])], {_PULL: self._pull.encode()}
            )
            files.place(fresh, path)
        self._files += 1

    def close(self) -> None:
        """Move the new files to their place, and remove older ones beyond them.

        Raises OutputError.
        """
        if not self._files:
            self._add(())
        at_once = True
        with disk.translate_errors(self._path):
            for number, path in _parts(self._unfinished, 0):
                at_once = files.move(path, self._path / _name(number)) and at_once
            for _, path in _parts(self._path, self._files):
                path.unlink()
            files.sync(self._path)
            for path in self._unfinished.glob("part-*.new"):
                path.unlink()
            self._unfinished.rmdir()
        if not at_once:
            self.notes.append(disk.not_at_once(self._path))

    def abandon(self) -> None:
        """Nothing is held."""

    def _check(self) -> None:
        """Check that all files are there, and the last one is of this pull.

        They are where `close` moved them if a crash came after it.
        """
        for number in range(self._files):
            here = [
                path
                for folder in (self._unfinished, self._path)
                if (path := folder / _name(number)).is_file()
            ]
            if not here:
                why = ", which the pull wrote, is not there"
            elif number == self._files - 1 and _read_note(here[0], _PULL) != self._pull.encode():
                why = " is from another pull"
            else:
                continue
            raise OutputError(f"{self._path}: {_name(number)}{why}. {FROM_THE_START}")


def from_pages(part: Path, path: Path, schema: pa.Schema, notes: dict[bytes, bytes]) -> int:
    """Make a Parquet file of a part's pages, synced; how many rows there are.

    Raises OSError, OutputError: the part is damaged.
    """
    return _write(path, schema, _row_groups(arrow.read_streams(part), schema), notes)


def _name(number: int) -> str:
    return f"part-{number:08d}.parquet"


def _parts(folder: Path, first: int) -> list[tuple[int, Path]]:
    """The files from this number on."""
    found = [(match, path) for path in folder.iterdir() if (match := _PART.fullmatch(path.name))]
    return [(number, path) for match, path in found if (number := int(match[1])) >= first]


def _write(
    path: Path, schema: pa.Schema, tables: Iterable[pa.Table], notes: dict[bytes, bytes]
) -> int:
    """A Parquet file with a row group a table, synced; its rows."""
    rows = 0
    try:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table, row_group_size=max(1, table.num_rows))
                rows += table.num_rows
                del table  # else it is held while the next one is read
            writer.add_key_value_metadata(notes)
        files.sync(path)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return rows


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Pages joined to tables of a row group each."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
            # else it keeps what the next group cannot use
            pa.default_memory_pool().release_unused()
    if rows:
        yield pa.Table.from_batches(held, schema)


def _read_note(path: Path, key: bytes) -> bytes | None:
    """Return what a Parquet file's own metadata says; None if it is not a Parquet file.

    Raises OSError.
    """
    try:
        notes = pq.read_metadata(os.fspath(path)).metadata
    except pa.ArrowInvalid:
        return None
    return (notes or {}).get(key)
