"""An outbox table in SQLite, as applications have it, and a push that follows it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import anyio

from syncer.core.backoff import Backoff
from syncer.core.change import Change
from syncer.core.events import Event
from syncer.core.facts import Closed, Fact, Opened, Unburied
from syncer.core.ledger import Ledger
from syncer.core.letters import OpenLetter
from syncer.core.outcome import Answered, Retriable
from syncer.core.retry import queue_again
from syncer.journal.disk import REAL
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.outbox import Outbox, naming
from syncer.sources.spool import Spool, identity
from syncer.sources.sqlite import SqliteTable
from syncer.sources.sqlite_sql import table_sql
from syncer.sources.taken import TakenRows
from tests.support.pushing import LOG, Pushing, Settings

TABLE = "outbox"


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection, and what is written with it committed."""
    with closing(sqlite3.connect(path, timeout=0.1)) as connection, connection:
        yield connection


def make_outbox(path: Path) -> None:
    """Make the database and its table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("pragma synchronous = off; pragma journal_mode = wal;")
        connection.executescript(table_sql(TABLE))


def insert(path: Path, *lines: bytes) -> None:
    """Let rows follow, in one transaction."""
    with writing(path) as connection:
        rows = [(line.decode(),) for line in lines]
        connection.executemany(f"insert into {TABLE} (change) values (?)", rows)


Ended = list[tuple[int, bool, str | None]]


def ended(path: Path) -> Ended:
    """(id, whether it was applied, its error) of each row."""
    with closing(sqlite3.connect(path)) as connection:
        sql = f"select id, applied_at is not null, error from {TABLE} order by id"
        return [(id, bool(applied), error) for id, applied, error in connection.execute(sql)]


def cells(path: Path, column: str) -> list[object]:
    """What is in this column."""
    with closing(sqlite3.connect(path)) as connection:
        sql = f"select {column} from {TABLE} order by id"
        return [found for (found,) in connection.execute(sql)]


def replace_database(new: Path, path: Path) -> None:
    """Put a database in the place of another one."""
    for one in (new, path):
        with closing(sqlite3.connect(one)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
    for more in ("-wal", "-shm"):
        path.with_name(path.name + more).unlink(missing_ok=True)
    new.replace(path)


class Following(Pushing):
    """A table, and processes that follow it, one after the other."""

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        super().__init__()
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.path = path or folder / "labels.db"
        self.events: list[Event] = []
        if path is None:
            make_outbox(self.path)

    def open(self) -> Outbox:
        """Return the source as a process opens it that starts."""
        old = self.journal.ledger
        self.journal.ledger = ledger = Ledger()
        for fact in old.facts():
            ledger.apply(fact)
        watermark = ledger.logs[LOG].watermark if LOG in ledger.logs else None
        rows = TakenRows(
            self.folder / "inbox",
            REAL,
            *([watermark.resume] if watermark else []),
            dead=self._dead(),
            segment_bytes=500,
        )
        if watermark is None:
            self.journal.commit([Opened(LOG, identity("labels", rows.segments.salt))])
            watermark = ledger.logs[LOG].watermark
        spool = Spool(
            rows.segments,
            "labels",
            LOG,
            LineOptions(),
            watermark=watermark,
            naming=naming("labels", rows),
        )
        self.table = SqliteTable(self.path, TABLE)
        return Outbox(self.table, rows, spool, ledger.follow(LOG), watermark.index)

    def follow(
        self, meanwhile: Callable[[], Awaitable[None]], *, killed_at: float | None = None
    ) -> None:
        """Push from the table until this has ended, and what is in flight."""

        async def main() -> None:
            source = self.open()
            again = Backoff(1.0, 30.0, random.Random(1))
            self.engine = engine = self._engine(source, Settings(), self.events.append, again)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(engine.run)
                await meanwhile()
                engine.drain()
            await source.close()

        self.time.run(main, killed_at=None if killed_at is None else self.time.now + killed_at)
        self.table.release()  # as the end of a process does

    def meet(self, work: Callable[[Outbox], Awaitable[None]]) -> None:
        """Do something with the source by itself."""

        async def main() -> None:
            source = self.open()
            await work(source)
            await source.close()

        anyio.run(main)

    def refuse_for_now(self) -> None:
        """Let posts fail, to be tried again."""
        self.service.always("post", lambda posts: Answered([Retriable("not now") for _ in posts]))

    def _dead(self) -> set[int]:
        """The indexes of all letters but those that were sent again."""
        facts = [fact for commit in self.journal.commits for fact in commit]
        again = {fact.letter for fact in facts if isinstance(fact, Closed)}
        return {letter.index for at, letter in enumerate(self.letters) if at not in again}

    async def retry(self, number: int) -> None:
        """Let this dead letter be sent again."""
        letter = self.letters[number]
        place = LinePlace(letter.log, letter.index, letter.line, 0, b"")
        change = parse(letter.change.encode(), place, LineOptions())
        assert isinstance(change, Change)

        def portions(ledger: Ledger, numbers: Iterator[int]) -> Iterator[Sequence[Fact]]:
            yield [
                Unburied(letter.log, "queued"),
                queue_again(next(numbers), OpenLetter(number, letter, False), change),
                Closed(number, "retried"),
            ]

        await self.engine.carry_out(portions)

    def applied(self) -> list[str]:
        """The ids of the annotations of what took effect, in order."""
        return [key[1] for _, _, key in self.service.applied]
