"""The kinds of sources that there are, each over the same lines: for what all of them
promise, and for what happens where several are read at once.

    kind = SpoolKind(folder)
    source = kind.open()           as a process does that starts
    await kind.add(line)           where the kind grows
    kind.fail_once()               the next read that needs to ask fails
"""

from __future__ import annotations

import errno
import gzip
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import anyio

from syncer.core.change import LogIdentity
from syncer.core.facts import Opened
from syncer.core.ledger import Ledger
from syncer.core.ports.push import Source
from syncer.core.watermark import Watermark
from syncer.errors import SyncerError
from syncer.jobs.inputs import PushInputs
from syncer.journal.disk import REAL, Disk
from syncer.sources.changelog import ChangeLog
from syncer.sources.feed import Feed, SourceChunk
from syncer.sources.followed import FollowedLogs
from syncer.sources.identity import head_of
from syncer.sources.lines import LineOptions
from syncer.sources.log_disk import LogDisk
from syncer.sources.outbox import Outbox, naming
from syncer.sources.outbox_table import OutboxRow
from syncer.sources.segments import Segments
from syncer.sources.spool import Spool
from syncer.sources.sqlite import SqliteTable
from syncer.sources.stamps import stamp_of
from syncer.sources.stdin import StdinStore
from syncer.sources.taken import TakenRows
from tests.support.fakes import MemoryJournal, Script
from tests.support.following import POLL_SECONDS, NothingOurs, registry
from tests.support.outbox import TABLE, insert, make_outbox

LOG = 7
LINES = [
    b'{"op":"post","annotation":{"id":"a","input_id":"i","data":{"x":1.50}}}',
    b'{"op":"post","annotation":{"input_id":"i"}}',
    b"no JSON",
    b'{"id":"c","input_id":"i","input_level":true}',
    b'{"op":"patch","action":"overwrite","annotation":{"id":"a","input_id":"i"}}',
    b'{"op":"delete","annotation":{"input_id":"i"}}',
] * 3
BLOCK_BYTES = 100

Watermarks = Mapping[int, Watermark]
"""By log, how far it is settled."""
UNREAD: Watermarks = MappingProxyType({})


class SourceKind(ABC):
    """A kind of source over some lines, which are in a folder of their own.

    Its logs have the numbers from `log` on.
    """

    grows = False
    """Whether lines can be added; then a source of it never ends."""
    parks = False
    """Whether what is wrong with a file parks the file: the source itself goes on, and
    is never strict.
    """

    def __init__(self, folder: Path, lines: Sequence[bytes] = LINES, log: int = LOG) -> None:
        self.folder = folder
        self.log = log
        self.lines = list(lines)
        folder.mkdir(exist_ok=True)
        self.make()

    @abstractmethod
    def make(self) -> None:
        """Put the lines where the source reads them."""

    @abstractmethod
    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        """Return it as a process that knows so much of it opens it."""

    async def add(self, *lines: bytes) -> None:
        """Let lines follow, where it grows."""
        raise AssertionError(f"nothing can be added to {type(self).__name__}")

    def fail_once(self) -> None:
        """Let the next read fail that has to ask for more: here, each file that is open
        in the folder is one that cannot be read.
        """
        broken = os.open(self.folder, os.O_RDONLY)
        for link in list(Path("/proc/self/fd").iterdir()):
            if link.is_symlink() and self.folder in link.readlink().parents:
                os.dup2(broken, int(link.name))
        os.close(broken)


class FileKind(SourceKind):
    """A change log as a file."""

    name = "log.jsonl"

    def make(self) -> None:
        (self.folder / self.name).write_bytes(b"".join(line + b"\n" for line in self.lines))

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        return self._log(self.folder / self.name, self.log, watermarks, strict)

    def _log(self, path: Path, log: int, watermarks: Watermarks, strict: bool) -> ChangeLog:
        return ChangeLog(
            str(path),
            path.name,
            log,
            LineOptions(),
            watermark=watermarks.get(log),
            strict=strict,
            disk=LogDisk(BLOCK_BYTES),
        )


class CompressedKind(FileKind):
    """The same, compressed."""

    name = "log.jsonl.gz"

    def make(self) -> None:
        text = b"".join(line + b"\n" for line in self.lines)
        (self.folder / self.name).write_bytes(gzip.compress(text, mtime=0))


class GrowingKind(FileKind):
    """A change log that is followed."""

    grows = True

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        log = self._log(self.folder / self.name, self.log, watermarks, strict)
        log.follow(POLL_SECONDS)
        return log

    async def add(self, *lines: bytes) -> None:
        async with await anyio.open_file(self.folder / self.name, "ab") as file:
            await file.write(b"".join(line + b"\n" for line in lines))


class FollowedKind(GrowingKind):
    """A folder that is followed, with a log that the state knows."""

    parks = True

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> FollowedLogs:
        path, journal = self.folder / self.name, MemoryJournal()
        stamp = stamp_of(str(path))
        assert stamp is not None
        identity = LogIdentity.of(str(path), f"followed/{self.name}", head_of(self.lines[0]), stamp)
        journal.commit([Opened(self.log, identity)])
        journal.ledger.logs[self.log].watermark = watermarks.get(self.log, Watermark())
        return FollowedLogs(
            "followed",
            str(self.folder),
            registry(journal, self.folder, LogDisk(BLOCK_BYTES)),
            LineOptions(),
            ours=NothingOurs(),
            poll_seconds=POLL_SECONDS,
        )


class FolderKind(FileKind):
    """Two change logs as one source."""

    def make(self) -> None:
        half = len(self.lines) // 2
        for name, lines in (("a.jsonl", self.lines[:half]), ("b.jsonl", self.lines[half:])):
            (self.folder / name).write_bytes(b"".join(line + b"\n" for line in lines))

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        return PushInputs(
            [
                self._log(self.folder / name, self.log + at, watermarks, strict)
                for at, name in enumerate(("a.jsonl", "b.jsonl"))
            ]
        )


class StdinKind(FileKind):
    """What came by standard input."""

    def make(self) -> None:
        stdin = BytesIO(b"".join(line + b"\n" for line in self.lines))
        self.name = StdinStore(self.folder, REAL).keep(stdin).name


class Table:
    """A source of a user: rows after a cursor."""

    name = "table"

    def __init__(self, rows: Sequence[bytes]) -> None:
        self.rows = rows
        self.acked: list[str] = []
        self.fails = False

    async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
        for at in range(int(after or 0), len(self.rows), 2):
            if self.fails:
                self.fails = False
                raise ConnectionError("the table is gone")
            yield SourceChunk(self.rows[at : at + 2], cursor=str(at + 2))

    async def ack(self, cursor: str) -> None:
        self.acked.append(cursor)


class UserKind(SourceKind):
    """A source that a user wrote."""

    def make(self) -> None:
        self.table = Table(self.lines)

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        watermark = watermarks.get(self.log)
        return Feed(self.table, self.log, LineOptions(), watermark=watermark, strict=strict)

    def fail_once(self) -> None:
        self.table.fails = True


class _FailingDisk(Disk):
    """A disk of which the next file cannot be read, once."""

    fails = False

    def reader(self, path: Path) -> BinaryIO:
        if self.fails:
            self.fails = False
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().reader(path)


class SpoolKind(SourceKind):
    """A spool whose lines came three at a time."""

    grows = True

    def make(self) -> None:
        self.disk = _FailingDisk()
        segments = self._segments(Watermark())
        for at in range(0, len(self.lines), 3):
            segments.append(self.lines[at : at + 3])
        segments.close()

    def _segments(self, watermark: Watermark) -> Segments:
        return Segments(self.folder, self.disk, watermark.resume, segment_bytes=500)

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        watermark = watermarks.get(self.log, Watermark())
        self.spool = Spool(
            self._segments(watermark),
            "http",
            self.log,
            LineOptions(),
            watermark=watermark,
            strict=strict,
            block_bytes=BLOCK_BYTES,
        )
        return self.spool

    async def add(self, *lines: bytes) -> None:
        await self.spool.append(lines)

    def fail_once(self) -> None:
        self.disk.fails = True


class _FailingTable(SqliteTable):
    """A table that cannot be read, once."""

    fails = False

    async def list_to_do(self, knows: Callable[[str], bool]) -> list[OutboxRow]:
        if self.fails:
            self.fails = False
            raise SyncerError("the table is gone")
        return (await super().list_to_do(knows))[:12]


class SqliteKind(SourceKind):
    """An outbox table of which twelve rows are taken at a time."""

    grows = True

    def make(self) -> None:
        self.path = self.folder / "labels.db"
        make_outbox(self.path)
        insert(self.path, *self.lines)

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        watermark = watermarks.get(self.log, Watermark())
        self.table = _FailingTable(self.path, TABLE)
        rows = TakenRows(self.folder / "inbox", REAL, watermark.resume, segment_bytes=500)
        spool = Spool(
            rows.segments,
            "outbox",
            self.log,
            LineOptions(),
            watermark=watermark,
            strict=strict,
            block_bytes=BLOCK_BYTES,
            naming=naming("outbox", rows),
        )
        fates = Ledger().follow(self.log)
        return Outbox(self.table, rows, spool, fates, watermark.index, poll_seconds=3.0)

    async def add(self, *lines: bytes) -> None:
        insert(self.path, *lines)

    def fail_once(self) -> None:
        self.table.fails = True


class FakeKind(SourceKind):
    """The fake of the engine's tests."""

    grows = True

    def make(self) -> None:
        """The lines are given to it."""

    def open(self, watermarks: Watermarks = UNREAD, *, strict: bool = False) -> Source:
        self.script = Script(
            self.log,
            self.lines,
            chunk_lines=2,
            watermark=watermarks.get(self.log),
            strict=strict,
        )
        self.script.grows = True
        return self.script

    async def add(self, *lines: bytes) -> None:
        self.script.add(*lines)

    def fail_once(self) -> None:
        self.script.fails_next = SyncerError("it cannot be read")


EACH_ONCE: tuple[type[SourceKind], ...] = (
    GrowingKind,
    FollowedKind,
    FolderKind,
    StdinKind,
    UserKind,
    SpoolKind,
    SqliteKind,
    FakeKind,
)
KINDS: tuple[type[SourceKind], ...] = (FileKind, CompressedKind, *EACH_ONCE)
