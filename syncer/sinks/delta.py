"""Delta tables: a whole pull is one commit, made exactly once. Needs deltalake and
pyarrow.

PATH/_unfinished.part   the pages, an Arrow stream
    ─► at the end PATH/part-….parquet ─► synced ─► committed ─► synced

So a reader sees the older table or the new one, and the cost of a page does not grow
with the pages before it. A file whose name begins with an underscore is not part of a
table (Delta protocol, "Data Files").

The pull is an application of the table, which its commit says itself ("Transaction
Identifiers"): a commit that was made but not noted is not made again. The library
leaves it to the system when a commit reaches the disk, and a power failure would leave
a torn one, which takes the whole table with it. So the library commits to a copy of the
log, and the commit is put in its place once it is on the disk.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from syncer import files
from syncer.core.ports.pull import Layout
from syncer.errors import OutputError
from syncer.sinks import arrow, parquet

LOG, COPY = "_delta_log", "_unfinished.log"


class Delta(arrow.ArrowPart):
    """A table. Implements `syncer.sinks.file.Form`.

    A pull replaces what an existing table holds, columns included; its id and
    properties stay, and so do older versions, as in any table.
    """

    def __init__(self, layout: Layout, work: Path | None = None) -> None:
        """`work`: a folder on a local disk, where the library commits if it cannot in
        the table's own.
        """
        super().__init__(layout)
        self._work = work

    def part(self, path: Path) -> Path:
        """In the table's folder, which is made.

        Raises OSError, OutputError: the table is damaged, or in partitions.
        """
        path.mkdir(exist_ok=True)
        files.sync(path.parent)
        with _translate_errors(path):
            table = _table(path)
            if table is not None and (by := table.metadata().partition_columns):
                raise OutputError(
                    f"the table {path} has partitions (by {', '.join(by)}), which a pull does not"
                    " write; use another --out"
                )
        return path / "_unfinished.part"

    def finish(self, part: Path, path: Path, position: str) -> bool:
        """The part's pages as a file of the table, and as all that it holds."""
        at_once = True
        # The library links, too.
        folder = part.parent if self._work is None or files.links(part.parent) else self._work
        with _translate_errors(path):
            if not self.finished(path, position):
                data = path / f"part-{position.replace(':', '-')}.parquet"
                rows = parquet.from_pages(part, data, arrow.schema(self._layout), {})
                commit = _Commit(path, folder / COPY)
                at_once = commit.make(
                    arrow.schema(self._layout), _make_add(data, rows), _application(position)
                )
        shutil.rmtree(folder / COPY, ignore_errors=True)
        part.unlink()
        return at_once

    def finished(self, path: Path, position: str) -> bool:
        """Whether a commit was made from a part with this last position."""
        with _translate_errors(path):
            table = _table(path)
            return (
                table is not None and table.transaction_version(_application(position)) is not None
            )


def _application(position: str) -> str:
    return f"syncer:{position}"


def _table(path: Path) -> DeltaTable | None:
    return DeltaTable(path) if DeltaTable.is_deltatable(str(path)) else None


def _make_add(data: Path, rows: int) -> AddAction:
    status = data.stat()
    return AddAction(
        data.name,
        status.st_size,
        {},
        status.st_mtime_ns // 1_000_000,
        True,
        json.dumps({"numRecords": rows}),
    )


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that makes a file all that a table holds, at once or not at all."""

    path: Path
    copy: Path
    """Where a copy of the log is made."""

    def make(self, schema: pa.Schema, add: AddAction, application: str) -> bool:
        """Make the table; return whether it was at once. Raises OSError, DeltaError,
        OutputError.
        """
        log = self.path / LOG
        shutil.rmtree(self.copy, ignore_errors=True)
        (self.copy / LOG).mkdir(parents=True)
        log.mkdir(exist_ok=True)
        files.sync(self.path)  # the names of the log and of the data
        for file in log.iterdir():
            _show(file.resolve(), self.copy / LOG / file.name)
        made = self.copy / LOG / f"{_commit(self.copy, schema, add, application):020d}.json"
        text = made.read_bytes().replace(
            self.copy.resolve().as_uri().encode(), self.path.resolve().as_uri().encode()
        )
        made.write_bytes(text)  # it names the place where it was created
        files.sync(made)
        try:
            return files.put_new(made, log / made.name)
        except FileExistsError:
            raise OutputError(
                f"the table {self.path} was changed by others just now; run the same command again"
                " to carry on"
            ) from None


def _show(file: Path, at: Path) -> None:
    """A file in another folder as well."""
    try:
        at.symlink_to(file)
    except OSError as error:
        if error.errno not in files.UNLINKED:
            raise
        shutil.copyfile(file, at)


def _commit(path: Path, schema: pa.Schema, add: AddAction, application: str) -> int:
    """The version that the library makes.

    Checkpoints of the log are left to the table's owner: one that is torn hides what it
    holds.
    """
    once = CommitProperties(app_transactions=[Transaction(application, 0)])
    no_more = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
    columns, table = Schema.from_arrow(schema), _table(path)
    if table is None:
        create_table_with_add_actions(
            str(path), columns, [add], commit_properties=once, post_commithook_properties=no_more
        )
    else:
        table.create_write_transaction(
            [add], "overwrite", columns, commit_properties=once, post_commithook_properties=no_more
        )
    return DeltaTable(path).version()


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except DeltaError as error:
        raise OutputError(f"the table {path}: {error}") from error
