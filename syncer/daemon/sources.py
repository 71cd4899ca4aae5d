"""From `[[sources]]` to the sources of one push. Each is opened once the push runs, by
itself: one that cannot be opened holds up no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from syncer.config import Loaded
from syncer.config.loaded import NOT_FOLLOWED
from syncer.config.models import (
    INGEST,
    ChangelogSource,
    DirectorySource,
    PostgresSource,
    SourceTable,
    SqliteSource,
)
from syncer.core.bits import NumberBits
from syncer.core.ledger import Ledger
from syncer.core.watermark import Watermark
from syncer.daemon.followed import Followed
from syncer.engine.push import Push
from syncer.errors import UsageError
from syncer.jobs.lines import line_options
from syncer.jobs.ours import SPOOL, OnDisk
from syncer.jobs.push_parts import PushParts
from syncer.journal.dead import DEAD_FILE, list_unapplied
from syncer.sources.followed import FollowedLogs
from syncer.sources.inbox import Inbox
from syncer.sources.keys import KnownBodies
from syncer.sources.outbox import Outbox, naming
from syncer.sources.registry import LogRegistry
from syncer.sources.spool import Spool, identity
from syncer.sources.sqlite import SqliteTable
from syncer.sources.taken import TakenRows
from syncer.sources.unopened import Unopened

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
    """The sources of one lane, and its inbox, not opened yet. `say` gets lines for
    people; `engine`: of the push, once it runs.
    """
    registry = LogRegistry(engine, Path(parts.config.state.dir) / SPOOL, parts.logs)
    made = [_inbox(parts, registry)]
    for table in tables:
        match table:
            case SqliteSource():
                open_ = partial(_open_outbox, table, parts, registry, engine)
                made.append(Followed(table.kind, Unopened(table.name, open_)))
            case ChangelogSource():
                made.append(_logs(table, parts, registry, say))
            case DirectorySource() | PostgresSource():  # refused at the start
                raise AssertionError(table)
    return made


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


def _inbox(parts: PushParts, registry: LogRegistry) -> Followed:
    source = Unopened(INGEST, partial(_open_inbox, parts, registry))
    return Followed(INGEST, source, inbox=lambda: source.source)


async def _open_inbox(parts: PushParts, registry: LogRegistry) -> Inbox:
    """Raises StateError for a spool that is damaged."""
    folder = Path(parts.config.state.dir) / INBOXES / INGEST
    bound = parts.config.daemon.inbox_bytes_max

    def open_(number: int, watermark: Watermark) -> tuple[int, Watermark, KnownBodies]:
        known = KnownBodies(
            folder, parts.disk, watermark.resume, time.time, waiting_bytes_max=bound
        )
        return number, watermark, known

    number, watermark, known = await registry.adopt(
        identity(INGEST, "").path, open_, lambda one: identity(INGEST, one[2].segments.salt)
    )
    options = line_options(parts.config)
    spool = Spool(known.segments, INGEST, number, options, watermark=watermark)
    return Inbox(spool, known, options)


@dataclass(frozen=True, slots=True)
class _TableSpool:
    """The rows of a table that are in its spool."""

    number: int
    """Of the spool among the logs of the state."""
    watermark: Watermark
    rows: TakenRows


async def _open_outbox(
    table: SqliteSource, parts: PushParts, registry: LogRegistry, engine: Callable[[], Push]
) -> Outbox:
    """Raises StateError for a spool that is damaged."""
    state, name = Path(parts.config.state.dir), table.name
    path = identity(name, "").path
    dead_size = await engine().look(partial(_begin_to_follow, path))

    def open_(number: int, watermark: Watermark) -> _TableSpool:
        dead = list_unapplied(state / DEAD_FILE, dead_size, disk=parts.disk) if dead_size else {}
        died = dead.get(number, NumberBits())
        rows = TakenRows(state / INBOXES / name, parts.disk, watermark.resume, died)
        return _TableSpool(number, watermark, rows)

    inbox = await registry.adopt(path, open_, lambda one: identity(name, one.rows.segments.salt))
    spool = Spool(
        inbox.rows.segments,
        name,
        inbox.number,
        line_options(parts.config),
        watermark=inbox.watermark,
        naming=naming(name, inbox.rows),
    )
    return Outbox(
        SqliteTable(Path(table.path), table.table),
        inbox.rows,
        spool,
        await engine().look(lambda ledger: ledger.follow(inbox.number)),
        inbox.watermark.index,
        poll_seconds=table.poll_seconds,
    )


def _begin_to_follow(path: str, ledger: Ledger) -> int:
    """Return how much of the file of dead letters tells what died until now; what dies
    from now on, the fates of the log tell.
    """
    for number, log in ledger.logs.items():
        if log.identity.path == path:
            ledger.follow(number)
    return ledger.dead_size
