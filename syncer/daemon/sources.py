"""From `[[sources]]` to the sources of one push, each with its logs in the journal. In
a thread, before the push begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from syncer.config import Loaded
from syncer.config.loaded import NOT_FOLLOWED
from syncer.config.models import (
    ChangelogSource,
    DirectorySource,
    PostgresSource,
    SourceTable,
    SqliteSource,
)
from syncer.core.bits import NumberBits
from syncer.core.facts import Opened
from syncer.core.watermark import Watermark
from syncer.daemon.lane import Followed
from syncer.engine.push import Push
from syncer.errors import UsageError
from syncer.jobs.lines import line_options
from syncer.jobs.ours import SPOOL, OnDisk
from syncer.jobs.push_parts import PushParts
from syncer.journal.dead import DEAD_FILE, list_unapplied
from syncer.journal.disk import REAL
from syncer.sources.followed import FollowedLogs
from syncer.sources.outbox import Outbox, naming
from syncer.sources.registry import LogRegistry
from syncer.sources.spool import Spool, identity
from syncer.sources.sqlite import SqliteTable
from syncer.sources.taken import TakenRows

Say = Callable[[str], None]

INBOXES = "inbox"
"""The folder of a lane's state with the spools of its sources, each by its name."""


def check_sources(loaded: Loaded) -> None:
    """Raise UsageError for a kind of source that this version does not follow."""
    for table in loaded.config.sources:
        if table.kind in NOT_FOLLOWED:
            raise UsageError(
                f'[[sources]] {table.name}: this version does not follow kind = "{table.kind}":'
                " use a change log, or an outbox table in SQLite"
            )


def make_sources(
    tables: Sequence[SourceTable], say: Say, parts: PushParts, engine: Callable[[], Push]
) -> list[Followed]:
    """The sources of one lane. `say` gets lines for people; `engine`: of the push, once
    it runs.

    Raises StateError, SyncerError.
    """
    registry = LogRegistry(engine, Path(parts.config.state.dir) / SPOOL)
    return [_make(table, parts, registry, say) for table in tables]


def _make(table: SourceTable, parts: PushParts, registry: LogRegistry, say: Say) -> Followed:
    match table:
        case SqliteSource():
            return Followed(table.kind, _outbox(table, parts))
        case ChangelogSource():
            return _logs(table, parts, registry, say)
        case DirectorySource() | PostgresSource():  # refused at the start
            raise AssertionError(table)


def _logs(table: ChangelogSource, parts: PushParts, registry: LogRegistry, say: Say) -> Followed:
    logs = FollowedLogs(
        table.name,
        table.path,
        registry,
        line_options(parts.config),
        ours=OnDisk(Path(parts.config.state.shared_dir)),
        poll_seconds=table.poll_seconds,
        tell=lambda note: say(f"syncer: source {table.name}: {note}"),
    )
    return Followed(table.kind, logs, lambda: logs.faults)


def _outbox(table: SqliteSource, parts: PushParts) -> Outbox:
    state, ledger, name = Path(parts.config.state.dir), parts.journal.ledger, table.name
    known = _number_of(identity(name, "").path, parts)
    number = ledger.next_log() if known is None else known
    watermark = Watermark() if known is None else ledger.logs[known].watermark
    dead = list_unapplied(state / DEAD_FILE, ledger.dead_size) if ledger.dead_size else {}
    rows = TakenRows(state / INBOXES / name, REAL, watermark.resume, dead.get(number, NumberBits()))
    if known is None:
        parts.journal.commit([Opened(number, identity(name, rows.segments.salt))])
    spool = Spool(
        rows.segments,
        name,
        number,
        line_options(parts.config),
        watermark=watermark,
        naming=naming(name, rows),
    )
    return Outbox(
        SqliteTable(Path(table.path), table.table),
        rows,
        spool,
        ledger.follow(number),
        watermark.index,
        poll_seconds=table.poll_seconds,
    )


def _number_of(path: str, parts: PushParts) -> int | None:
    """Return the number of the log that the state knows by this path."""
    logs = parts.journal.ledger.logs.items()
    return next((number for number, log in logs if log.identity.path == path), None)
