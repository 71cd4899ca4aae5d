"""`syncer run` beside an application that writes to PostgreSQL."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from syncer.sources.postgres_sql import table_sql
from tests.e2e.test_run import Site, wait_until
from tests.support.lines import post
from tests.support.postgres import Postgres, running_postgres
from tests.support.processes import emulator

TABLE = 'kind = "postgres"\ndsn_env = "LABELS_DSN"\ntable = "outbox"\n'
WRITERS, ROWS = 4, 60
LOCKS = "select 1 from pg_locks where locktype = 'advisory'"


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with running_postgres() as server:
        server.execute(table_sql("outbox"))
        yield server


def write(server: Postgres, writer: int) -> None:
    """Insert rows, in transactions that commit late or are rolled back."""
    rng = random.Random(writer)
    left = [f"w{writer}-{n}" for n in range(ROWS)]
    while left:
        part = left[: rng.choice([1, 3, 8])]
        changes = ", ".join(f"('{post(id).decode()}')" for id in part)
        sleep = f"select pg_sleep({rng.random() * 0.15:.3f})"
        end = "commit" if rng.random() < 0.8 else "rollback"
        with suppress(Exception):  # while the server starts again
            server.execute(f"begin; insert into outbox (change) values {changes}; {sleep}; {end}")
            if end == "commit":
                left = left[len(part) :]


@pytest.mark.proof
def test_each_committed_row_is_applied_once_whatever_ends_meanwhile(
    tmp_path: Path, database: Postgres
) -> None:
    """The daemon is killed twice, and the server started anew once."""
    with emulator("--faults", "error=0.03") as remote:
        site = Site(tmp_path, remote)
        site.configure(remote.url, source=TABLE)
        threads = [
            threading.Thread(target=write, args=(database, number)) for number in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        for _ in range(2):
            with site.running(LABELS_DSN=database.dsn):
                time.sleep(1.0)
        with site.running(LABELS_DSN=database.dsn) as process:
            time.sleep(0.5)
            database.stop()
            database.start()
            for thread in threads:
                thread.join()
            wait_until(
                lambda: database.execute("select 1 from outbox where applied_at is null") == []
            )
            assert "secret-word" not in site.get("/api/status")[1] + site.get("/metrics")[1]
            assert "secret-word" not in Path(f"/proc/{process.pid}/cmdline").read_text()
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "secret-word" not in told
        (rows,) = database.execute("select count(*) from outbox")
        ids = [one["id"] for one in remote.held("app")]
        assert len(ids) == len(set(ids)) == rows[0] == WRITERS * ROWS


def test_a_second_daemon_takes_over_once_the_first_is_gone(
    tmp_path: Path, postgres: Postgres
) -> None:
    postgres.execute("drop table if exists outbox")
    postgres.execute(table_sql("outbox"))
    with emulator() as remote:
        sites = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            site = Site(tmp_path / name, remote)
            site.configure(remote.url, source=TABLE)
            sites.append(site)
        first, second = sites

        def reason() -> str:
            return "".join(one["reason"] for one in second.sources())

        with first.running(LABELS_DSN=postgres.dsn) as reader:
            wait_until(lambda: postgres.execute(LOCKS) != [])
            with second.running(LABELS_DSN=postgres.dsn):
                wait_until(lambda: "read by another syncer" in reason())
                reader.kill()
                insert = "insert into outbox (change) select $1::text::jsonb"
                postgres.execute(insert, post("a").decode())
                wait_until(lambda: [one["id"] for one in remote.held("app")] == ["a"])
