"""Folders of label files: which files, in which order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["list_files"]

DEBRIS = "__MACOSX"


def list_files(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Yield the file, or those in a folder with one of these endings (".xml"), in any
    case of letters.

    The names of a folder come in their order, then its folders in theirs, so that every
    run finds the same. Hidden ones are left out, and links to folders are not followed.
    A folder that cannot be read has none.
    """
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not is_debris(name))
        for name in sorted(names):
            if name.lower().endswith(endings) and not is_debris(name):
                yield Path(folder, name)


def is_debris(name: str) -> bool:
    """Whether it is what file managers and archives leave behind."""
    return name.startswith(".") or name == DEBRIS
