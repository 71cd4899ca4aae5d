"""Folders of label files: which files, in which order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["is_debris", "list_files", "walk_folders"]

DEBRIS = "__MACOSX"


def list_files(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Yield the file, or those in a folder with one of these endings (".xml"), in any
    case of letters, and in the order of `walk_folders`.
    """
    if not path.is_dir():
        yield path
        return
    for folder, names in walk_folders(path):
        for name in names:
            if name.lower().endswith(endings):
                yield folder / name


def walk_folders(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield this folder and those below it, each with the names of its files.

    The names come in their order, then the folders in theirs, so that every run finds
    the same. Hidden ones are left out. Links to folders are followed, each folder once.
    One that cannot be read has no files.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        try:
            status = Path(folder).stat()
        except OSError:
            continue
        if (key := (status.st_dev, status.st_ino)) in seen:
            folders.clear()
            continue
        seen.add(key)
        folders[:] = sorted(name for name in folders if not is_debris(name))
        yield Path(folder), sorted(name for name in names if not is_debris(name))


def is_debris(name: str) -> bool:
    """Whether it is what file managers and archives leave behind."""
    return name.startswith(".") or name == DEBRIS
