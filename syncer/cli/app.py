"""`syncer`: the program and its commands."""

from __future__ import annotations

from functools import wraps
from typing import Any

from cyclopts import App, Parameter

from syncer.version import __version__

COMMANDS = (
    "pull",
    "dead",
    "state",
    "config",
    "push",
    "run",
    "verify",
    "status",
    "source",
    "completion",
    "emulator",
    "demo",
    "import",
    "plan",
    "probe",
    "migrate",
)
"""Each is a file of this name in `commands/`, which declares an `app`."""


class Program(App):
    """Commands are imported when they are run, and all of them for the help that has a
    line of each.
    """

    @wraps(App.help_print)
    def help_print(self, *arguments: Any, **options: Any) -> None:  # type: ignore[override]  # it is the same
        """Print the help."""
        of_command, _, _ = self.parse_commands(*arguments)
        if not of_command:
            self.resolved_commands()
        super().help_print(*arguments, **options)


app = Program(
    name="syncer",
    help=(
        "Keeps a remote annotation platform in step with local label changes: nothing lost, nothing"
        " twice."
    ),
    version=__version__,
    version_flags=["--version", "-V"],
    help_format="markdown",
    default_parameter=Parameter(negative="", show_default=False),
    suppress_keyboard_interrupt=False,
)
for command in COMMANDS:
    app.command(f"{__package__}.commands.{command}:app", name=command)
