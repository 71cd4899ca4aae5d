"""Applications that make changes while the daemon comes and goes: rows of tables, lines
of logs that are rotated, bodies that are posted.
"""

from __future__ import annotations

import gzip
import random
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.support.outbox import make_outbox
from tests.support.postgres import Postgres

ROTATED_MAX = 20
"""Rotated files that are kept, as with logrotate's `rotate 20`."""


class Feeder(ABC):
    """Hands over the lines of a log, in their order, over some seconds."""

    def __init__(self, folder: Path, lines: list[bytes], seed: int, seconds: float) -> None:
        self.folder = folder
        self.lines = lines
        self.rng = random.Random(seed)
        self._pause_seconds = seconds / (len(lines) / 10)
        self._thread = threading.Thread(target=self._feed, daemon=True)
        folder.mkdir()
        self.prepare()

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    @property
    def is_feeding(self) -> bool:
        return self._thread.is_alive()

    def _feed(self) -> None:
        at = 0
        while at < len(self.lines):
            more = self.rng.randint(1, 20)
            self.add(self.lines[at : at + more])
            at += more
            time.sleep(self._pause_seconds)

    @abstractmethod
    def prepare(self) -> None:
        """Make what is there before the first change."""

    @abstractmethod
    def add(self, lines: list[bytes]) -> None:
        """Let these changes follow."""

    source = ""
    """What the config says of it."""


class TableFeeder(Feeder):
    """An outbox table in SQLite. Some transactions are rolled back and tried again."""

    def prepare(self) -> None:
        self.path = self.folder / "labels.db"
        make_outbox(self.path)
        self.source = f'kind = "sqlite"\npath = "{self.path}"\ntable = "outbox"'

    def add(self, lines: list[bytes]) -> None:
        rows = [(line.decode(),) for line in lines]
        with closing(sqlite3.connect(self.path, timeout=60)) as table:
            for ending in ("rollback",) * (self.rng.random() < 0.1) + ("commit",):
                table.execute("begin immediate")
                table.executemany("insert into outbox (change) values (?)", rows)
                table.execute(ending)

    def to_do(self) -> int:
        """The rows that are neither applied nor dead."""
        with closing(sqlite3.connect(self.path, timeout=60)) as table:
            sql = "select count(*) from outbox where applied_at is null and error is null"
            return int(table.execute(sql).fetchone()[0])


class RowWriter(Feeder):
    """One of several writers of an outbox table in PostgreSQL. Its transactions commit
    late, so that the ids of the table are not in the order of the commits; some are
    rolled back and tried again.
    """

    server: Postgres
    source = 'kind = "postgres"\ndsn_env = "LABELS_DSN"\ntable = "outbox"'

    def prepare(self) -> None:
        """Do nothing: the table is there."""

    def add(self, lines: list[bytes]) -> None:
        changes = [line.decode() for line in lines]
        late = f"select pg_sleep({self.rng.random() * 0.2:.3f})"
        for ending in ("rollback",) * (self.rng.random() < 0.1) + ("commit",):
            rows = ", ".join(f"('{change}')" for change in changes)
            self.server.execute(
                f"begin; insert into outbox (change) values {rows}; {late}; {ending}"
            )


def rows_to_do(server: Postgres) -> int:
    """The rows of PostgreSQL that are neither applied nor dead."""
    sql = "select count(*) from outbox where applied_at is null and error is null"
    return int(server.execute(sql)[0][0])


class HttpFeeder(Feeder):
    """A client that posts, one body after the other, each until it is taken."""

    url = ""
    """Of the daemon."""
    lane = "http"
    turned_away = 0

    def prepare(self) -> None:
        self._taken = 0

    def add(self, lines: list[bytes]) -> None:
        self._taken += 1
        body, headers = b"\n".join(lines), {"Idempotency-Key": f"body-{self._taken}"}
        while True:
            try:
                url = f"{self.url}/api/changes?lane={self.lane}"
                request = urllib.request.Request(url, body, headers)
                urllib.request.urlopen(request, timeout=60).close()
                return
            except (urllib.error.URLError, ConnectionError):
                self.turned_away += 1
                time.sleep(0.1)


class LogFeeder(Feeder):
    """A log in a folder. Lines are written in pieces; at times the log is rotated by
    rename, and what was rotated is compressed, and deleted after some more rotations.

    A file that nobody saw under its first name is not a log by itself: so it is rotated
    only once something of it was read.
    """

    def prepare(self) -> None:
        self.log = self.folder / "labels.jsonl"
        self.source = f'kind = "changelog"\npath = "{self.folder}"'
        self.rotations = 0
        self.count_read: Callable[[], int] = lambda: 0
        """The lines that were read."""
        self._written = self._rotated = 0
        self._is_due = False

    def add(self, lines: list[bytes]) -> None:
        data = b"".join(line + b"\n" for line in lines)
        cut = self.rng.randrange(len(data))
        with self.log.open("ab", buffering=0) as file:
            file.write(data[:cut])
            time.sleep(0.01)
            file.write(data[cut:])
        self._written += len(lines)
        self._is_due = self._is_due or self.rng.random() < 0.03
        if self._is_due and self.count_read() > self._rotated:
            self._rotate()

    def _rotate(self) -> None:
        self.rotations += 1
        self._is_due = False
        self._rotated = self._written
        rotated = self.folder / f"labels.jsonl.{self.rotations}"
        self.log.rename(rotated)
        if self.rng.random() < 0.5:
            time.sleep(self.rng.random())
            packed = rotated.with_name(rotated.name + ".gz")
            part = rotated.with_name("." + rotated.name)
            part.write_bytes(gzip.compress(rotated.read_bytes()))
            part.rename(packed)
            rotated.unlink()
        oldest = f"labels.jsonl.{self.rotations - ROTATED_MAX}"
        for path in (self.folder / oldest, self.folder / f"{oldest}.gz"):
            path.unlink(missing_ok=True)
