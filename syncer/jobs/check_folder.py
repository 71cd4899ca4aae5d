"""The check of a state folder: can its file system do what a state needs, and is there
room. Nothing of it stays.
"""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from pathlib import Path

from syncer import files
from syncer.errors import StateError
from syncer.jobs.observed import Observed
from syncer.journal.disk import REAL, Disk
from syncer.journal.lock import WAY_OUT

FREE_BYTES_MIN = 256 << 20
"""Less room than this is worth a word: a night of dead letters and queued changes."""
_PAGE_BYTES = 4096


def check_folder(folder: Path, disk: Disk = REAL) -> Observed:
    """Append, cut, rename, lock, sync, map and link in a folder beside the state's
    files, which then goes again.

    Where there is no state yet, above it. Raises StateError where a state cannot be
    there.
    """
    try:
        place = _find_existing(folder)
        with tempfile.TemporaryDirectory(prefix=".syncer-check-", dir=place) as scratch:
            links = _try_calls(Path(scratch), disk)
        free = shutil.disk_usage(place).free
    except OSError as error:
        way_out = "" if isinstance(error, files.Unable) else WAY_OUT
        raise StateError(
            f"the state folder {folder} cannot be used: {files.why(error)}{way_out}"
        ) from None
    does = "appends, renames, locks, syncs" + (" and links" if links else ", but does not link")
    seen = f"the file system of {folder} {does}; {_show_bytes(free)} are free"
    if free < FREE_BYTES_MIN:
        return Observed("state", False, f"{seen}; make room there, or put --state on a larger disk")
    return Observed("state", True, seen)


def _find_existing(folder: Path) -> Path:
    """Return this folder, or the nearest one above it that exists.

    Raises OSError where something else is in its place.
    """
    path = folder.absolute()
    while not os.path.lexists(path):
        path = path.parent
    os.scandir(path).close()
    return path


def _try_calls(scratch: Path, disk: Disk) -> bool:
    """Do what a state does; return whether files can be linked. Raises OSError."""
    disk.try_folder(scratch)
    disk.lock(scratch / "lock").release()
    _try_map(scratch / "map")
    disk.sync_folder(scratch)
    return files.links(scratch)


def _try_map(path: Path) -> None:
    """Map a file into memory. Raises OSError."""
    with path.open("w+b") as file:
        os.posix_fallocate(file.fileno(), 0, _PAGE_BYTES)
        try:
            mmap.mmap(file.fileno(), _PAGE_BYTES).close()
        except OSError as error:
            raise files.explain(error, "map a file into memory", path, WAY_OUT) from None


def _show_bytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 1 << 30 else f"{count / 2**20:.1f} MiB"
