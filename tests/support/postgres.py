"""A PostgreSQL server of the tests' own: real, on loopback, without fsync."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import free_port

START_SECONDS = 30.0
USER = "syncer"
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=40")


@cache
def find_programs() -> Path | None:
    """The folder of the server's programs; None where none is installed."""
    found = [Path(one).parent for name in ("initdb",) if (one := shutil.which(name))]
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return next((folder for folder in [*(path.parent for path in installed), *found]), None)


class Postgres:
    """The server, and its one database."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.dsn = f"postgresql://{USER}:secret-word@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None
        # the server refuses to run as root
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": "nobody", "group": "nogroup", "extra_groups": []}

    def make(self) -> None:
        """Make the files of the server."""
        if self._user:
            shutil.chown(self.folder, "nobody", "nogroup")
        self._run("initdb", "-U", USER, "-A", "trust", "-N", "-E", "UTF8", "-D", self._data)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        programs = find_programs()
        assert programs is not None
        subprocess.run(
            [programs / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            timeout=60,
            **self._user,
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        programs = find_programs()
        assert programs is not None
        own = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}")
        settings = [part for one in (*SETTINGS, *own) for part in ("-c", one)]
        self.process = subprocess.Popen(
            [programs / "postgres", "-D", self._data, "-p", str(self.port), *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._user,
        )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("select 1")
                return
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: its clients lose their connections."""
        if self.process is not None:
            self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process = None

    def list_backends(self) -> list[int]:
        """The processes that serve its clients, and its helpers."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def signal(self, pid: int, number: int) -> None:
        """Signal one of its processes; one that is gone is left alone."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def execute(self, sql: str, *values: object) -> list[Any]:
        """What a statement gives."""
        import asyncpg

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.dsn)
            try:
                if values:
                    return list(await connection.fetch(sql, *values))
                return (
                    list(await connection.fetch(sql))
                    if _gives(sql)
                    else [await connection.execute(sql)]
                )
            finally:
                await connection.close()

        # also from within a task, whose loop waits meanwhile
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: asyncio.run(ask())).result()


def _gives(sql: str) -> bool:
    return sql.lstrip().lower().startswith("select")


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server that runs as long as the block."""
    if find_programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="syncer-pg-"))
    server = Postgres(folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
