"""`syncer source init sqlite`: the SQL of an outbox, and its table."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

SQLITE = ("source", "init", "sqlite")
LABELS = "create table labels (input_id text, id text, data text)"


def executed(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """The rows of the last one."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements[:-1]:
            connection.executescript(statement)
        return connection.execute(statements[-1]).fetchall()


def test_what_is_printed_makes_an_outbox_that_the_trigger_fills(cli: Cli, tmp_path: Path) -> None:
    printed = cli(*SQLITE)
    assert (printed.code, printed.err) == (0, "")
    path = tmp_path / "labels.db"
    rows = executed(
        path,
        LABELS,
        printed.out,
        """insert into labels values ('i', 'a', '{}'); update labels set data = '{"x":1}';
        delete from outbox where id = 1""",
        "select id, change, created_at > '2020', applied_at, error from outbox",
    )
    assert rows == [
        (
            2,
            '{"op":"patch","action":"overwrite","annotation":'
            '{"id":"a","input_id":"i","data":{"x":1}}}',
            1,
            None,
            None,
        )
    ]
    checked = cli(*SQLITE, "--path", str(path), "--apply")
    assert (checked.code, checked.err) == (
        0,
        f"{path}: the table outbox is there, and is an outbox; nothing was changed\n",
    )


def test_as_json_table_and_trigger_are_apart(cli: Cli) -> None:
    value = cli(*SQLITE, "--table", "changes", "--json").json()
    assert value["table"].startswith('create table "changes" (')
    assert "create trigger" in value["trigger"]


def test_apply_makes_the_table_once(cli: Cli) -> None:
    apply = (*SQLITE, "--path", "labels.db", "--table", 'my "table"', "--apply", "--json")
    assert cli(*apply).json() == {
        "path": "labels.db",
        "table": 'my "table"',
        "made": True,
        "notes": [],
    }
    assert cli(*apply).json()["made"] is False


def test_apply_takes_a_source_of_the_config(cli: Cli, tmp_path: Path) -> None:
    Path("syncer.toml").write_text(
        '[[sources]]\nname = "labels"\nkind = "sqlite"\npath = "labels.db"\ntable = "changes"\n'
        '[[sources]]\nname = "logs"\nkind = "changelog"\npath = "logs/"\n'
    )
    assert cli(*SQLITE, "--source", "labels", "--apply").code == 0
    assert executed(tmp_path / "labels.db", "select count(*) from changes") == [(0,)]
    assert "the source logs is a changelog" in cli(*SQLITE, "--source", "logs", "--apply").err
    assert "no [[sources]] with the name x" in cli(*SQLITE, "--source", "x").err


def test_a_table_without_autoincrement_is_told_and_left_alone(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "labels.db"
    executed(
        path,
        "create table outbox (id integer primary key, change, created_at, applied_at, error);"
        " create index of_outbox on outbox (id) where applied_at is null and error is null;",
        "select 1",
    )
    told = cli(*SQLITE, "--path", "labels.db", "--apply")
    assert told.code == 0
    assert "note: labels.db, table outbox: its ids are used again" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--apply"], 2, "--apply needs the database: give --path FILE"),
        (["--source", "a", "--path", "b"], 2, "--source stands for --path and --table"),
        (["--path", "none/labels.db", "--apply"], 1, "unable to open database file"),
        (["--path", "text.db", "--apply"], 1, "file is not a database"),
        (["--path", "other.db", "--apply"], 2, "is not an outbox: it lacks created_at, applied_at"),
    ],
)
def test_what_cannot_be_done_says_why(
    cli: Cli, arguments: list[str], code: int, reason: str
) -> None:
    Path("text.db").write_text("a text that is long enough to be read as a header of a database")
    executed(Path("other.db"), "create table outbox (id integer primary key, change)", "select 1")
    failed = cli(*SQLITE, *arguments)
    assert failed.code == code
    assert reason in failed.err
    assert "Traceback" not in failed.err
