"""`syncer source init sqlite` and `postgres`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from syncer.cli.options import Common
from syncer.cli.output import print_json, print_page, printing, say
from syncer.errors import UsageError
from syncer.version import __version__

if TYPE_CHECKING:
    from syncer.jobs.outboxes import OutboxMade, OutboxSql

TABLE = "outbox"

app = App(name="source", version=__version__, help="Sources of changes.")
init = App(name="init", version=__version__, help="Make the table of a source, or print its SQL.")
app.command(init)


@init.command
def sqlite(
    *,
    path: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    table: Annotated[str | None, Parameter(metavar="NAME")] = None,
    source: Annotated[str | None, Parameter(metavar="NAME")] = None,
    apply: bool = False,
    common: Common = Common(),
) -> int:
    """Print an outbox table for SQLite with an example of a trigger, or make the table.

    A table that is there is only checked. Exit codes: 0 done, 1 the database cannot be
    used, 2 bad usage, or a table that is not an outbox.

    Parameters
    ----------
    path
        The database.
    table
        The table. Default: outbox.
    source
        A source of the config, instead of --path and --table.
    apply
        Make the table.
    """
    from syncer.jobs import outboxes

    if source is not None:
        if path is not None or table is not None:
            raise UsageError("--source stands for --path and --table: leave these out")
        path, table = outboxes.find_sqlite(common.load(), source)
    name = table or TABLE
    if not apply:
        return _print(outboxes.write_sqlite(name))
    if path is None:
        raise UsageError("--apply needs the database: give --path FILE, or --source NAME")
    return _tell(str(path), name, outboxes.make_sqlite(path, name))


@init.command
def postgres(
    *,
    dsn_env: Annotated[str | None, Parameter(metavar="VARIABLE")] = None,
    table: Annotated[str | None, Parameter(metavar="NAME")] = None,
    source: Annotated[str | None, Parameter(metavar="NAME")] = None,
    apply: bool = False,
    common: Common = Common(),
) -> int:
    """Print an outbox table for PostgreSQL with an example of a trigger, or make the
    table.

    A table that is there is only checked. Exit codes: 0 done, 1 the database cannot be
    used, 2 bad usage, or a table that is not an outbox.

    Parameters
    ----------
    dsn_env
        The environment variable that holds the DSN of the database.
    table
        The table, perhaps with its schema. Default: outbox.
    source
        A source of the config, instead of --dsn-env and --table.
    apply
        Make the table.
    """
    from syncer.cli.loop import run
    from syncer.jobs import outboxes

    if source is not None:
        if dsn_env is not None or table is not None:
            raise UsageError("--source stands for --dsn-env and --table: leave these out")
        dsn_env, table = outboxes.find_postgres(common.load(), source)
    name = table or TABLE
    if not apply:
        return _print(outboxes.write_postgres(name))
    if dsn_env is None:
        raise UsageError("--apply needs the database: give --dsn-env VARIABLE, or --source NAME")
    made = run(outboxes.make_postgres, dsn_env, name)
    return _tell(f"the database in {dsn_env}", name, made)


def _print(sql: OutboxSql) -> int:
    if printing.json:
        print_json({"table": sql.table, "trigger": sql.trigger})
    else:
        print_page(f"{sql.table}\n{sql.trigger}".rstrip())
    return 0


def _tell(where: str, table: str, made: OutboxMade) -> int:
    if made.is_new:
        say(f"{where}: made the table {table}")
    else:
        say(f"{where}: the table {table} is there, and is an outbox; nothing was changed")
    for note in made.notes:
        say(f"note: {note}")
    if printing.json:
        print_json({"path": where, "table": table, "made": made.is_new, "notes": made.notes})
    return 0
