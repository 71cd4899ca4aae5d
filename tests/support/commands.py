"""The commands of the program, as it declares them."""

from __future__ import annotations

from collections.abc import Iterator

from cyclopts import App

from syncer.cli.app import app


def commands(at: App = app, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group of commands, the program itself included."""
    yield path
    for name in at:
        if not name.startswith("-"):
            yield from commands(at[name], (*path, name))


COMMANDS = list(commands())
LEAVES = [
    path
    for path in COMMANDS
    if not any(other[: len(path)] == path for other in COMMANDS if other != path)
]
"""The commands that do something: not the program, and no groups."""
