"""The state folder that a job is about: what is in it, and the message if nothing
is.
"""

from __future__ import annotations

from pathlib import Path

from syncer.config import Loaded
from syncer.errors import StateError, UsageError
from syncer.journal import checkpoint
from syncer.journal.checkpoint import Checkpoint
from syncer.journal.damage import Damage
from syncer.journal.disk import REAL
from syncer.journal.journal import Journal
from syncer.printable import as_argument


def any_folder(loaded: Loaded) -> Path:
    """Return the folder that options, environment and config name, with any content."""
    return Path(loaded.config.state.dir)


def push_folder(loaded: Loaded) -> Path:
    """The same, where a push keeps its state in it.

    Raises UsageError where none does, StateError where nobody can see.
    """
    folder = any_folder(loaded)
    if not Journal.is_in(folder):
        if (folder / checkpoint.CHECKPOINT_FILE).is_file():
            raise UsageError(
                f"{folder} holds the state of a pull, and this is about pushes; "
                f"`syncer state export --state {as_argument(folder)}` shows what it knows"
            )
        raise no_state(folder)
    return folder


def pull_in(folder: Path) -> Checkpoint | None:
    """Return how far the pull of this folder is; None where the folder holds no pull.

    Raises StateError for one that cannot be read.
    """
    try:
        if Journal.is_in(folder) or REAL.size(folder / checkpoint.CHECKPOINT_FILE) is None:
            return None
        found = checkpoint.read(folder)
    except NotADirectoryError:
        return None
    except OSError as error:
        raise StateError(f"the state {folder} cannot be read: {error.strerror or error}") from None
    if isinstance(found, Damage):
        raise found.error()
    return found


def no_state(folder: Path) -> UsageError:
    """Return the error about a folder that holds the state of neither a push nor a
    pull.
    """
    return UsageError(f"no state at {folder}: name the folder with --state")


def resuming(folder: Path) -> str:
    """The command that lifts the pause which this folder keeps."""
    return f"syncer state resume --state {as_argument(folder)}"
