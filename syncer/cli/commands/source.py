"""`syncer source init sqlite`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from syncer.cli.options import Common
from syncer.cli.output import print_json, print_page, printing, say
from syncer.errors import UsageError
from syncer.version import __version__

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
    if apply:
        if path is None:
            raise UsageError("--apply needs the database: give --path FILE, or --source NAME")
        return _make(path, name)
    sql = outboxes.write_sqlite(name)
    if printing.json:
        print_json({"table": sql.table, "trigger": sql.trigger})
    else:
        print_page(f"{sql.table}\n{sql.trigger}".rstrip())
    return 0


def _make(path: Path, table: str) -> int:
    from syncer.jobs import outboxes

    made = outboxes.make_sqlite(path, table)
    if made.is_new:
        say(f"{path}: made the table {table}")
    else:
        say(f"{path}: the table {table} is there, and is an outbox; nothing was changed")
    for note in made.notes:
        say(f"note: {note}")
    if printing.json:
        result = {"path": str(path), "table": table, "made": made.is_new, "notes": made.notes}
        print_json(result)
    return 0
