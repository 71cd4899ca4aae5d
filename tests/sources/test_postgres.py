"""An outbox table in a real PostgreSQL: locks, silence, failures, and what is odd."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from syncer.errors import SyncerError, UsageError
from syncer.sources.outbox_table import RowEnding
from syncer.sources.postgres import PostgresTable
from syncer.sources.postgres_sql import channel_of, table_sql, trigger_sql
from tests.support.lines import post
from tests.support.postgres import Postgres, running_postgres
from tests.support.servers import free_port

VARIABLE = "LABELS_DSN"
INSERT = "insert into outbox (change) select $1::text::jsonb"


@pytest.fixture
def server(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    monkeypatch.setenv(VARIABLE, postgres.dsn)
    postgres.execute("drop table if exists outbox, labels cascade")
    postgres.execute(table_sql("outbox"))
    return postgres


def follow(
    work: Callable[[PostgresTable], Awaitable[None]], table: str = "outbox", poll: float = 0.4
) -> None:
    async def main() -> None:
        opened = PostgresTable(VARIABLE, table, poll)
        try:
            await work(opened)
        finally:
            await opened.close()

    anyio.run(main)


def fault(table: str = "outbox") -> str:
    """The error of a first look."""
    told: list[str] = []

    async def look(opened: PostgresTable) -> None:
        with pytest.raises(SyncerError) as raised:
            await opened.version()
        told.append(str(raised.value))

    follow(look, table)
    assert "secret-word" not in told[0]
    assert "\n" not in told[0]
    return told[0]


def test_a_notification_hastens_the_next_look(server: Postgres) -> None:
    async def wait(table: PostgresTable) -> None:
        await table.version()
        await table.wait(0)  # what may have been told before it listened
        began = time.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(table.wait, 30)
            notify = f"select pg_notify('{channel_of('outbox')}', '')"
            tasks.start_soon(anyio.to_thread.run_sync, server.execute, notify)
        assert time.monotonic() - began < 5

    follow(wait)


def test_no_transaction_is_left_open(server: Postgres) -> None:
    async def look(table: PostgresTable) -> None:
        server.execute(INSERT, post("a").decode())
        await table.version()
        rows = await table.list_to_do(lambda _: False)
        await table.tell([RowEnding(rows[0].name, None)])
        found = server.execute(
            "select state from pg_stat_activity where application_name = 'syncer'"
        )
        assert [row[0] for row in found] == ["idle"]

    follow(look)


def test_a_connection_that_is_cut_is_made_again_and_the_lock_taken_anew(server: Postgres) -> None:
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'syncer'"

    async def look(table: PostgresTable) -> None:
        server.execute(INSERT, post("a").decode())
        await table.version()
        rows = await table.list_to_do(lambda _: False)
        server.execute(cut)
        with pytest.raises(SyncerError):
            await table.tell([RowEnding(rows[0].name, None)])
        with pytest.raises(SyncerError, match="the lock on it is lost"):
            await table.tell([RowEnding(rows[0].name, None)])
        await table.version()
        assert list((await table.tell([RowEnding(rows[0].name, None)])).applied) == [1]

    follow(look)


def test_a_lock_that_was_let_go_is_noticed_before_anything_is_written(server: Postgres) -> None:
    async def look(table: PostgresTable) -> None:
        server.execute(INSERT, post("a").decode())
        await table.version()
        rows = await table.list_to_do(lambda _: False)
        await table._session.run(lambda asked: asked.execute("select pg_advisory_unlock_all()"))
        with pytest.raises(SyncerError, match="the lock on it is lost"):
            await table.tell([RowEnding(rows[0].name, None)])

    follow(look)
    assert server.execute("select id from outbox where applied_at is null") == [(1,)]


@pytest.mark.proof
def test_a_server_that_says_nothing_is_noticed_within_ten_poll_intervals_and_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_postgres() as own:
        monkeypatch.setenv(VARIABLE, own.dsn)
        own.execute(table_sql("outbox"))
        assert own.process is not None
        process = own.process

        async def look(table: PostgresTable) -> None:
            await table.version()
            children = own.list_backends()
            for pid in children:
                own.signal(pid, signal.SIGSTOP)
            process.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            with pytest.raises(SyncerError, match="has not answered"):
                await table.version()
            assert time.monotonic() - began < 4
            for pid in children:
                own.signal(pid, signal.SIGCONT)
            process.send_signal(signal.SIGCONT)
            with anyio.fail_after(10):
                while True:
                    try:
                        await table.version()
                        break
                    except SyncerError:
                        await anyio.sleep(0.1)

        follow(look)


@pytest.mark.parametrize("change", ["json", "text"])
def test_a_change_may_be_of_other_types_too(server: Postgres, change: str) -> None:
    server.execute("drop table outbox")
    server.execute(
        f"create table outbox (id integer primary key, change {change}, created_at text,"
        " applied_at text, error text)"
    )
    server.execute(f"insert into outbox values (7, $1::text::{change})", post("a").decode())

    async def look(table: PostgresTable) -> None:
        await table.version()
        (row,) = await table.list_to_do(lambda _: False)
        assert (row.name.id, row.line) == (7, post("a"))
        told = await table.tell([RowEnding(row.name, None)])
        assert (list(told.applied), told.sequence) == ([7], None)

    follow(look)


def test_names_may_be_odd_and_of_a_schema(server: Postgres) -> None:
    server.execute('drop schema if exists "My Labels" cascade')
    server.execute('create schema "My Labels"')
    server.execute(table_sql('My Labels.out"box'))

    async def look(table: PostgresTable) -> None:
        await table.version()
        assert (await table.state([])).sequence == 0

    follow(look, 'My Labels.out"box')


def test_the_example_of_a_trigger_writes_changes(server: Postgres) -> None:
    server.execute("create table labels (id text, input_id text, data jsonb)")
    server.execute(trigger_sql("outbox"))
    server.execute("insert into labels values ('a', 'i', '{}')")
    server.execute("update labels set data = $1::text::jsonb returning 1", '{"concepts": []}')
    server.execute("delete from labels")

    async def look(table: PostgresTable) -> None:
        await table.version()
        rows = await table.list_to_do(lambda _: False)
        named = {"id": "a", "input_id": "i"}
        assert [json.loads(row.line) for row in rows] == [
            {"op": "post", "annotation": {**named, "data": {}}},
            {
                "op": "patch",
                "action": "overwrite",
                "annotation": {**named, "data": {"concepts": []}},
            },
            {"op": "delete", "annotation": named},
        ]

    follow(look)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("create view other as select 1 as id", "it is not a table"),
        ("create table other (id bigint, change text)", "it lacks created_at, applied_at, error"),
        (
            "create table other (id text, change text, created_at text, applied_at text,"
            " error text)",
            "its id is text, which is not an integer",
        ),
        (
            "create table other (id bigint not null, change text, created_at text,"
            " applied_at text, error text)",
            "its ids may come twice or be null",
        ),
        (
            "create table other (id bigint unique, change text, created_at text,"
            " applied_at text, error text)",
            "its ids may come twice or be null",
        ),
        (
            "create table other (id bigint, change text, created_at text, applied_at text,"
            " error text, primary key (id, created_at))",
            "its ids may come twice or be null",
        ),
    ],
)
def test_what_is_no_outbox_is_told(server: Postgres, sql: str, what: str) -> None:
    server.execute("drop view if exists other")
    server.execute(sql)
    try:
        assert f"is not an outbox: {what}" in fault("other")
    finally:
        server.execute(f"drop {sql.split()[1]} other")


def test_a_role_that_may_not_write_is_told_before_anything_is_read(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.execute("drop role if exists reader")
    server.execute("create role reader login")
    server.execute("grant select on outbox to reader")
    monkeypatch.setenv(VARIABLE, server.dsn.replace("syncer:", "reader:"))
    lacks = "the role lacks rights: grant it select, update (applied_at, error) on outbox, and"
    assert lacks in fault()
    server.execute("grant update (applied_at, error) on outbox to reader")
    assert lacks in fault()
    server.execute("grant select on sequence outbox_id_seq to reader")
    server.execute(INSERT + " returning 1", post("a").decode())

    async def apply(table: PostgresTable) -> None:
        await table.version()
        (row,) = await table.list_to_do(lambda _: False)
        await table.tell([RowEnding(row.name, None)])

    follow(apply)
    server.execute("drop owned by reader")


def test_a_parameter_that_nobody_knows_is_told(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"{server.dsn}?channel_binding=prefer")
    assert 'parameter "channel_binding": leave it out of the DSN' in fault()


def test_a_server_that_cannot_be_reached_is_told_without_the_secret(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dsn in (
        "postgresql://u:secret-word@127.0.0.1:1/postgres",
        "postgresql://u:secret-word@no-such-host.invalid/postgres",
        server.dsn.replace("/postgres", "/no-such-database"),
        server.dsn.replace("syncer:", "nobody-there:"),
    ):
        monkeypatch.setenv(VARIABLE, dsn)
        fault()


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "secret-word",
        "mysql://u:secret-word@h/d",
        "postgresql://u:[secret-word]@h/d",
        "postgresql://u:secret\u2100word@h/d",
        "postgresql://u:secret-word@h:not-a-port/d",
    ],
)
def test_what_is_no_dsn_is_told_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    monkeypatch.setenv(VARIABLE, dsn)
    told: list[str] = []

    async def look(opened: PostgresTable) -> None:
        with pytest.raises(UsageError) as raised:
            await opened.version()
        told.append(str(raised.value))

    follow(look)
    assert "secret-word" not in told[0]
    assert "postgresql://USER:PASSWORD@HOST:PORT/DATABASE" in told[0]


@pytest.mark.proof
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_of_transactions_is_refused_and_one_of_sessions_is_not(
    server: Postgres, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    with pooling(server, mode) as dsn:
        monkeypatch.setenv(VARIABLE, dsn)
        if mode == "transaction":
            assert "a pooler of transactions" in fault()
        else:
            follow(look_once)


async def look_once(table: PostgresTable) -> None:
    await table.version()
    assert await table.list_to_do(lambda _: False) == []


@contextmanager
def pooling(server: Postgres, mode: str) -> Iterator[str]:
    """The DSN of a pgbouncer before the server."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="syncer-pool-"))
    folder.chmod(0o755)  # the pooler is another user's
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text('"syncer" "secret-word"\n')
    settings.write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={server.port}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = trust\n"
        f"auth_file = {users}\npool_mode = {mode}\nunix_socket_dir =\n"
    )
    user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    process = subprocess.Popen([program, settings], stderr=subprocess.DEVNULL, **user)  # type: ignore[call-overload]
    try:
        wait_for_port(port)
        yield server.dsn.replace(f":{server.port}/", f":{port}/")
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def wait_for_port(port: int) -> None:
    """Return once something listens there."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nothing listens")
