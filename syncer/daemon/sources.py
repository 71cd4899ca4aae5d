"""From `[[sources]]` to the sources of one push. Each is opened once the push runs, by
itself: one that cannot be opened holds up no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from syncer.config import Loaded
from syncer.config.fields import INGEST
from syncer.config.models import (
    ChangelogSource,
    DirectorySource,
    PostgresSource,
    SourceTable,
    SqliteSource,
)
from syncer.daemon.followed import Followed
from syncer.daemon.spools import open_folder, open_inbox, open_outbox
from syncer.engine.push import Push
from syncer.errors import SyncerError
from syncer.jobs.lines import line_options
from syncer.jobs.ours import SPOOL, OnDisk
from syncer.jobs.push_parts import PushParts
from syncer.sources.followed import FollowedLogs
from syncer.sources.outbox import Restored
from syncer.sources.outbox_table import OutboxTable
from syncer.sources.postgres import PostgresTable
from syncer.sources.postgres_session import check_driver
from syncer.sources.registry import LogRegistry
from syncer.sources.sqlite import SqliteTable
from syncer.sources.unopened import Unopened
from syncer.sources.watching import FolderHint, Watcher

Say = Callable[[str], None]


def check_sources(loaded: Loaded) -> None:
    """Raise UsageError where a source lacks what it needs."""
    for table in loaded.config.sources:
        if isinstance(table, PostgresSource):
            check_driver(table.dsn_env)


def make_sources(
    tables: Sequence[SourceTable],
    say: Say,
    watcher: Watcher,
    parts: PushParts,
    engine: Callable[[], Push],
) -> list[Followed]:
    """The sources of one lane, and its inbox, not opened yet. `say` gets lines for
    people; `watcher`: of the process; `engine`: of the push, once it runs.
    """
    registry = LogRegistry(engine, Path(parts.config.state.dir) / SPOOL, parts.logs)
    made = [_inbox(parts, registry)]
    for table in tables:
        match table:
            case SqliteSource():
                outbox = SqliteTable(Path(table.path), table.table)
                made.append(_outbox(table, outbox, parts, registry, engine))
            case ChangelogSource():
                made.append(_logs(table, parts, registry, _tell(table, say), watcher))
            case PostgresSource():
                rows = PostgresTable(table.dsn_env, table.table, table.poll_seconds)
                made.append(_outbox(table, rows, parts, registry, engine))
            case DirectorySource():
                made.append(
                    _folder(table, parts, registry, engine, FolderHint(watcher, _tell(table, say)))
                )
    return made


def _tell(table: SourceTable, say: Say) -> Callable[[str], None]:
    return lambda note: say(f"syncer: source {table.name}: {note}")


def _logs(
    table: ChangelogSource,
    parts: PushParts,
    registry: LogRegistry,
    tell: Callable[[str], None],
    watcher: Watcher,
) -> Followed:
    hint = FolderHint(watcher, tell)
    logs = FollowedLogs(
        table.name,
        table.path,
        registry,
        line_options(parts.config),
        ours=OnDisk(Path(parts.config.state.shared_dir)),
        poll_seconds=table.poll_seconds,
        hint=hint,
        tell=tell,
    )
    return Followed(
        table.kind,
        logs,
        lambda: logs.faults,
        expected_every_seconds=table.expected_every_seconds,
        silence=lambda: hint.silence,
    )


def _outbox(
    source: SqliteSource | PostgresSource,
    table: OutboxTable,
    parts: PushParts,
    registry: LogRegistry,
    engine: Callable[[], Push],
) -> Followed:
    name, seconds = source.name, source.poll_seconds
    outbox = Unopened(
        name, partial(open_outbox, name, table, parts, registry, engine, poll_seconds=seconds)
    )

    async def take_back(restored: Restored) -> None:
        if outbox.source is None:
            raise SyncerError(f"the source {name} is not open yet")
        await outbox.source.resume(restored)

    return Followed(
        source.kind,
        outbox,
        expected_every_seconds=source.expected_every_seconds,
        take_back=take_back,
        outbox=lambda: outbox.source,
    )


def _folder(
    table: DirectorySource,
    parts: PushParts,
    registry: LogRegistry,
    engine: Callable[[], Push],
    hint: FolderHint,
) -> Followed:
    source = Unopened(table.name, partial(open_folder, table, parts, registry, engine, hint))

    def let_go(deletions: int) -> str | None:
        return source.source.let_go(deletions) if source.source else "it is not open yet"

    return Followed(
        table.kind,
        source,
        lambda: source.source.faults if source.source else {},
        expected_every_seconds=table.expected_every_seconds,
        silence=lambda: hint.silence,
        let_go=let_go,
    )


def _inbox(parts: PushParts, registry: LogRegistry) -> Followed:
    source = Unopened(INGEST, partial(open_inbox, parts, registry))
    return Followed(INGEST, source, inbox=lambda: source.source)
