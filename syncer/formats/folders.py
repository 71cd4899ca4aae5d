"""Folders of label files: which files, in which order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

__all__ = [
    "SAME_IMAGE",
    "PathsOfRun",
    "is_debris",
    "list_files",
    "list_unreadable",
    "name_within",
    "walk_folders",
]

DEBRIS = "__MACOSX"
SAME_IMAGE = "seems to be of the same image; name one folder that holds both"


def list_files(path: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """Yield the file, or those in a folder with one of these endings (".xml"), in any
    case of letters, and in the order of `walk_folders`.
    """
    if not path.is_dir():
        yield path
        return
    for folder, names in walk_folders(path):
        for name in names:
            if name.lower().endswith(endings) and _is_to_be_read(folder / name):
                yield folder / name


def _is_to_be_read(path: Path) -> bool:
    """Whether it is a file, or a link to nothing, which is to be told; not a pipe."""
    return path.is_file() or not path.exists()


def list_unreadable(path: Path) -> list[OSError]:
    """Return why folders within this one cannot be read, each with its name."""
    errors: list[OSError] = []
    for _ in walk_folders(path, errors.append):
        pass
    return errors


def walk_folders(
    path: Path, on_error: Callable[[OSError], object] | None = None
) -> Iterator[tuple[Path, list[str]]]:
    """Yield this folder and those below it, each with the names of its files.

    The names come in their order, then the folders in theirs, so that every run finds
    the same. Hidden ones are left out. Links to folders are followed, each folder once.
    One that cannot be read has no files.
    """
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(path, onerror=on_error, followlinks=True):
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


def name_within(file: Path, path: Path) -> str:
    """Return the place of a file in the folder that is read, as an address has it."""
    return quote(file.name if file == path else file.relative_to(path).as_posix())


class PathsOfRun:
    """The paths that are read one by one, for formats with a file for each image.

    Two of their files may have the same place within them, and so seem to be of one
    image: `train/1.xml` and `val/1.xml`, where both folders are named.
    """

    def __init__(self) -> None:
        self._folders: list[Path] = []
        self._files: dict[str, Path] = {}

    def find_double(self, file: Path, path: Path) -> Path | None:
        """Return the file of an earlier path that has the same place within it."""
        within = file.relative_to(path) if file != path else Path(file.name)
        for folder in self._folders:
            if (other := folder / within).is_file():
                return other
        return self._files.get(str(within))

    def add(self, path: Path) -> None:
        """Note that a path was read."""
        if path.is_dir():
            self._folders.append(path)
        else:
            self._files[path.name] = path


def is_debris(name: str) -> bool:
    """Whether it is what file managers and archives leave behind."""
    return name.startswith(".") or name == DEBRIS
