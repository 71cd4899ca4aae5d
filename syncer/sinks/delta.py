"""Delta tables: a commit a page, each exactly once. Needs deltalake and pyarrow.

A pull is an application of the table, and a page is a version of its transaction: both stand in the commit itself (Delta protocol,
"Transaction Identifiers"). A page that was committed but not acknowledged is seen there, and not written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError

from syncer.core.pull import Layout, Row
from syncer.errors import OutputError
from syncer.sinks import arrow, disk
from syncer.sinks.position import FROM_THE_START, parsed, written


class DeltaSink:
    """A table on a local disk. Implements `syncer.core.pull.Sink`.

    The first page of a new pull replaces what an existing table holds, columns included; older versions stay readable as in any table.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._pull = ""
        self._pages = 0
        self._table: DeltaTable | None = None

    def open(self, position: str) -> None:
        """Take up the table, or begin. Raises OutputError: it is not there, or not the one that the pull wrote."""
        self._pull, self._pages = parsed(position) if position else (uuid4().hex, 0)
        self._table = None
        if not position:
            with disk.told(self._path):
                self._path.mkdir(exist_ok=True)
                disk.sync(self._path.parent)
            return
        with self._told():
            self._table = DeltaTable(self._path)
            last = self._table.transaction_version(self._pull)
        if last is None or last < self._pages - 1:
            raise OutputError(f"the table {self._path} does not hold what the pull wrote there. {FROM_THE_START}")

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Commit a page, unless the table has it already, and sync it; the position behind it. Raises OutputError."""
        data = arrow.batch(self._layout, rows)
        with self._told():
            done = self._table.transaction_version(self._pull) if self._table else None
            if done is None or done < page:
                once = CommitProperties(app_transactions=[Transaction(self._pull, page)])
                if page == 0:
                    write_deltalake(self._path, data, mode="overwrite", schema_mode="overwrite", commit_properties=once)
                    self._table = DeltaTable(self._path)
                else:
                    assert self._table is not None, "pages come in order"
                    write_deltalake(self._table, data, mode="append", commit_properties=once)
                self._sync(self._table.version())
        self._pages = page + 1
        return written(self._pull, self._pages)

    def close(self) -> None:
        """Every page is committed; where there was none, the table is made with its columns. Raises OutputError."""
        if not self._pages:
            self.write(0, ())
        self._table = None

    def abandon(self) -> None:
        """Let go of the table."""
        self._table = None

    @contextmanager
    def _told(self) -> Iterator[None]:
        with disk.told(self._path):
            try:
                yield
            except DeltaError as error:
                raise OutputError(f"the table {self._path}: {error}") from error

    def _sync(self, version: int) -> None:
        """The library leaves it to the system when a commit reaches the disk; here it is before the page is acknowledged."""
        log = self._path / "_delta_log"
        commit = log / f"{version:020d}.json"
        actions = [json.loads(line) for line in commit.read_bytes().splitlines()]
        for action in actions:
            if "add" in action:
                disk.sync(self._path / unquote(action["add"]["path"]))
        for file in (commit, log / f"{version:020d}.checkpoint.parquet", log / "_last_checkpoint"):
            if file.exists():
                disk.sync(file)
        disk.sync(log)
        disk.sync(self._path)
