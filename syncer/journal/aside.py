"""Set aside, never deleted: damaged files of a state folder go to its `quarantine/`, a
folder a repair.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from syncer.journal.disk import Disk

FOLDER = "quarantine"
BLOCK_BYTES = 1 << 20


def make_folder(folder: Path, when: str, disk: Disk) -> Path:
    """A new folder in the quarantine, named by the time of the repair.

    Raises OSError.
    """
    disk.make_folder(folder / FOLDER)
    there = set(disk.names(folder / FOLDER))
    names = (f"{when.replace(':', '')}-{number}" for number in range(1, len(there) + 2))
    path = folder / FOLDER / next(name for name in names if name not in there)
    disk.make_folder(path)
    return path


def copy_files(files: Iterable[Path], aside: Path, disk: Disk) -> list[str]:
    """Durable copies of these files, those that are there; their names.

    Raises OSError.
    """
    names = []
    for path in files:
        if disk.size(path) is None:
            continue
        copy = disk.open(aside / path.name)
        try:
            with disk.reader(path) as file:
                while block := file.read(BLOCK_BYTES):
                    disk.write(copy, block)
            disk.sync(copy)
        finally:
            disk.close(copy)
        names.append(path.name)
    disk.sync_folder(aside)
    return names


def move_files(files: Iterable[Path], aside: Path, disk: Disk) -> list[str]:
    """These files, those that are there, moved for good, one after another; their
    names. Raises OSError.
    """
    names = []
    for path in files:
        if disk.size(path) is not None:
            disk.rename(path, aside / path.name)
            disk.sync_folder(aside)
            disk.sync_folder(path.parent)
            names.append(path.name)
    return names
