"""`syncer source init postgres`: the SQL of an outbox, and its table."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli
from tests.support.postgres import Postgres


def test_the_table_is_made_by_the_command(
    cli: Cli, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELS_DSN", postgres.dsn)
    postgres.execute("drop table if exists outbox")
    apply = ("source", "init", "postgres", "--dsn-env", "LABELS_DSN", "--apply")
    made = cli(*apply)
    assert (made.code, made.err) == (
        0,
        "the database in LABELS_DSN: made the table outbox\n",
    )
    again = cli(*apply)
    assert "is there, and is an outbox; nothing was changed" in again.err
    printed = cli("source", "init", "postgres")
    assert "create trigger" in printed.out


def test_bad_usage_is_told_in_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABELS_DSN", raising=False)
    cases: list[tuple[list[str], str]] = [
        (["--apply"], "give --dsn-env VARIABLE, or --source NAME"),
        (["--apply", "--dsn-env", "LABELS_DSN"], "LABELS_DSN is not set"),
        (["--source", "labels", "--table", "x"], "leave these out"),
    ]
    for arguments, why in cases:
        told = cli("source", "init", "postgres", *arguments)
        assert (told.code, why in told.err) == (2, True), told.err
