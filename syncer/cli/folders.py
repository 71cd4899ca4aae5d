"""The state folder that a command is about, and the pause that it keeps.

Of weight: commands import it when they run.
"""

from __future__ import annotations

import time
from pathlib import Path

from syncer.config import Loaded
from syncer.core.destination import trusted_seconds
from syncer.core.facts import Destination
from syncer.core.settle import rfc3339
from syncer.errors import UsageError
from syncer.journal import checkpoint
from syncer.journal.journal import Journal
from syncer.printable import as_argument


def any_folder(loaded: Loaded) -> Path:
    """The folder that options, environment and config name, whatever is in it."""
    return Path(loaded.config.state.dir)


def push_folder(loaded: Loaded) -> Path:
    """The same, where a push keeps its state in it.

    Raises UsageError where none does, StateError where nobody can see.
    """
    folder = any_folder(loaded)
    if not Journal.is_in(folder):
        if (folder / checkpoint.FILE).is_file():
            raise UsageError(
                f"{folder} holds the state of a pull, and this is about pushes; "
                f"`syncer state export --state {as_argument(folder)}` shows what it knows"
            )
        raise UsageError(f"no state at {folder}: name the folder with --state")
    return folder


def paused_until(destination: Destination, give_up_seconds: float) -> str | None:
    """The end of a pause as it is by now, None where there is none."""
    now = time.time()
    left_seconds = destination.left_seconds(now, trusted_seconds(give_up_seconds))
    return rfc3339(now + left_seconds) if left_seconds else None
