"""Sources that keep what they take in the state of their lane, since it cannot be read
again from where it came: each in a spool of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread

from syncer.config.fields import INGEST
from syncer.config.models import DirectorySource
from syncer.core.bits import NumberBits
from syncer.core.ledger import Ledger
from syncer.core.watermark import Watermark
from syncer.engine.push import Push
from syncer.jobs.lines import line_options
from syncer.jobs.push_parts import PushParts
from syncer.journal.dead import DEAD_FILE, list_unapplied
from syncer.sources.asked import CHANGES, AskedWishes
from syncer.sources.directory import WantedFolder
from syncer.sources.hints import Hint
from syncer.sources.inbox import Inbox
from syncer.sources.keys import KnownBodies
from syncer.sources.outbox import Outbox, naming
from syncer.sources.outbox_table import OutboxTable
from syncer.sources.registry import LogRegistry
from syncer.sources.spool import Spool, identity
from syncer.sources.sqlite import SqliteTable
from syncer.sources.taken import TakenRows
from syncer.sources.wish_scan import FolderRules, WishScan

FOLDERS = "folders"
"""The folder of a lane's state with what was asked by folders of wishes."""
INBOXES = "inbox"
"""The folder of a lane's state with the spools of its sources, each by its name."""


async def open_inbox(parts: PushParts, registry: LogRegistry) -> Inbox:
    """Return the way in for changes over HTTP. Raises StateError for a spool that is
    damaged.
    """
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
    return Inbox(spool, known, options, now=time.time)


@dataclass(frozen=True, slots=True)
class _TableSpool:
    """The rows of a table that are in its spool."""

    number: int
    """Of the spool among the logs of the state."""
    watermark: Watermark
    rows: TakenRows


async def open_outbox(
    name: str,
    table: OutboxTable,
    parts: PushParts,
    registry: LogRegistry,
    engine: Callable[[], Push],
    *,
    poll_seconds: float,
) -> Outbox:
    """Return the source of this name that follows a table. Raises StateError for a
    spool that is damaged.
    """
    state = Path(parts.config.state.dir)
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
        table,
        inbox.rows,
        spool,
        await engine().look(lambda ledger: ledger.follow(inbox.number)),
        inbox.watermark.index,
        poll_seconds=poll_seconds,
    )


def _begin_to_follow(path: str, ledger: Ledger) -> int:
    """Return how much of the file of dead letters tells what died until now; what dies
    from now on, the fates of the log tell.
    """
    for number, log in ledger.logs.items():
        if log.identity.path == path:
            ledger.follow(number)
    return ledger.dead_size


async def open_folder(
    table: DirectorySource,
    parts: PushParts,
    registry: LogRegistry,
    engine: Callable[[], Push],
    hint: Hint,
) -> WantedFolder:
    """Return the source that follows a folder of wishes.

    Raises StateError, SyncerError.
    """
    database = Path(parts.config.state.dir) / FOLDERS / f"{table.name}.db"
    asked = await anyio.to_thread.run_sync(AskedWishes, database)
    try:
        rules = FolderRules(Path(table.path), table.max_delete, table.removal_seconds, table.marker)
        options = line_options(parts.config)
        scan = await anyio.to_thread.run_sync(WishScan, rules, asked, options)
        rows, seconds = SqliteTable(database, CHANGES), table.poll_seconds
        outbox = await open_outbox(table.name, rows, parts, registry, engine, poll_seconds=seconds)
    except BaseException:
        asked.close()
        raise
    return WantedFolder(scan, asked, outbox, poll_seconds=seconds, hint=hint)
