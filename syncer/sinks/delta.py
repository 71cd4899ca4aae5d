"""Delta tables: a commit a page, each exactly once. Needs deltalake and pyarrow.

A pull is an application of the table, and a page is a version of its transaction: both stand in the commit itself (Delta protocol,
"Transaction Identifiers"). A page that was committed but not acknowledged is seen there, and taken back: what is pulled in its place
may be another page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
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
        self._pages, self._table = 0, None
        if not position:
            self._pull = uuid4().hex
            with disk.told(self._path):
                self._path.mkdir(exist_ok=True)
                disk.sync(self._path.parent)
            return
        what, self._pages = parsed(position)
        self._pull, version = parsed(what)
        with self._told():
            table = DeltaTable(self._path)
            last = table.transaction_version(self._pull)
            if last is None or last < self._pages - 1:
                raise OutputError(f"the table {self._path} does not hold what the pull wrote there. {FROM_THE_START}")
            if last >= self._pages:
                self._take_back(table, version)
        self._table = table

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Commit a page and sync it; the position behind it. Raises OutputError."""
        data = arrow.batch(self._layout, rows)
        once = CommitProperties(app_transactions=[Transaction(self._pull, page)])
        with self._told():
            if page == 0:
                write_deltalake(self._path, data, mode="overwrite", schema_mode="overwrite", commit_properties=once)
                self._table = DeltaTable(self._path)
            else:
                assert self._table is not None, "pages come in order"
                write_deltalake(self._table, data, mode="append", commit_properties=once)
            version = self._table.version()
            self._sync(version)
        self._pages = page + 1
        return written(written(self._pull, version), self._pages)

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

    def _take_back(self, table: DeltaTable, version: int) -> None:
        """Restore this version, behind which there is a page that was not acknowledged. Raises OutputError where others wrote, too."""
        for later in range(version + 1, table.version() + 1):
            actions = self._actions(later)
            ours = any(action.get("txn", {}).get("appId") == self._pull for action in actions)
            if not ours and not any(action.get("commitInfo", {}).get("operation") == "RESTORE" for action in actions):
                raise OutputError(f"the table {self._path} was changed by others while the pull was interrupted. {FROM_THE_START}")
        table.restore(version)
        self._sync(table.version())

    def _sync(self, version: int) -> None:
        """The library leaves it to the system when a commit reaches the disk; here it is before the page is acknowledged."""
        log = self._path / "_delta_log"
        for action in self._actions(version):
            if "add" in action:
                disk.sync(self._path / unquote(action["add"]["path"]))
        for file in (_commit(log, version), log / f"{version:020d}.checkpoint.parquet", log / "_last_checkpoint"):
            if file.exists():
                disk.sync(file)
        disk.sync(log)
        disk.sync(self._path)

    def _actions(self, version: int) -> list[dict[str, Any]]:
        """What a commit says. Its lines end in line feeds alone: other breaks may stand in its strings."""
        return [json.loads(line) for line in _commit(self._path / "_delta_log", version).read_bytes().split(b"\n") if line]


def _commit(log: Path, version: int) -> Path:
    return log / f"{version:020d}.json"
