"""Pauses by hand, which outlive the process: an empty file in a state folder."""

from __future__ import annotations

from pathlib import Path

from syncer.errors import StateError
from syncer.journal.disk import REAL, Disk

HELD_FILE = "held"
"""There as long as nobody may send anything."""


def is_held(folder: Path, disk: Disk = REAL) -> bool:
    """Return whether the pushes of this state are paused by hand."""
    return disk.size(folder / HELD_FILE) is not None


def set_held(folder: Path, *, held: bool, disk: Disk = REAL) -> None:
    """Pause the pushes of this state, or let them go on; durable when this returns.

    Raises StateError.
    """
    try:
        if held:
            disk.close(disk.open(folder / HELD_FILE))
        else:
            disk.unlink(folder / HELD_FILE)
        disk.sync_folder(folder)
    except OSError as error:
        raise StateError(
            f"{folder / HELD_FILE}: cannot be {'written' if held else 'removed'}:"
            f" {error.strerror or error}"
        ) from None
