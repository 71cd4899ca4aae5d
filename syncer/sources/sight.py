"""One look at a file or a folder of logs that is followed: what is there now."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from syncer.core.change import Stamp
from syncer.errors import UsageError
from syncer.sources.folders import LeftOut, Ours, Walk, check_readable, tidy
from syncer.sources.hints import Inode
from syncer.sources.log_disk import LogDisk
from syncer.sources.logs import LogPath, check_name


@dataclass(slots=True)
class Sight:
    """The findings of a look."""

    files: list[tuple[LogPath, Stamp]] = field(default_factory=list)
    """Those that are logs by their names, in order."""
    stamps: dict[str, Stamp] = field(default_factory=dict)
    """By path, of these and of others that were asked for."""
    faults: dict[str, str] = field(default_factory=dict)
    """By label, what cannot be read, and why."""
    left_out: list[LeftOut] = field(default_factory=list)
    folders: dict[str, Inode] = field(default_factory=dict)
    """Those in which more of it may come."""
    begins: str = ""
    """The names of what comes there begin so."""
    is_there: bool = False
    """Whether there is such a file or folder at all."""


@dataclass(frozen=True, slots=True)
class Lookout:
    """A file or a folder that is looked at again and again. Labels begin with the name
    of the source.
    """

    name: str
    path: str
    ours: Ours
    disk: LogDisk

    def look(self, known: Mapping[str, Stamp | None]) -> Sight:
        """Return what is there, and how the known paths are, each with what was said of
        it last. Blocking.
        """
        sight, found = Sight(), list[LogPath]()
        try:
            is_folder = os.path.isdir(self.path)
            found += self._walk(sight) if is_folder else self._find_file(sight)
        except OSError as error:
            sight.faults[self.name] = f"{self.path} cannot be read: {error.strerror or error}"
        for path in {**known, **{log.path: None for log in found}}:
            if (stamp := self.stamp(path, known.get(path))) is not None:
                sight.stamps[path] = stamp
        sight.files = [
            (log, stamp) for log in found if (stamp := sight.stamps.get(log.path)) is not None
        ]
        return sight

    def stamp(self, path: str, known: Stamp | None = None) -> Stamp | None:
        """Return what is said of a file; None where it is not there. Blocking."""
        try:
            return self.disk.stamp(path, known)
        except OSError:
            return None  # reading says so

    def _walk(self, sight: Sight) -> Iterator[LogPath]:
        with os.scandir(self.path):
            sight.is_there = True

        def leave_out(label: str, why: str) -> None:
            sight.faults[self._label(label)] = why

        walk = Walk(self.ours, leave_out)
        for found in walk.logs(self.path):
            if self._has_name(sight, log := LogPath(found.path, self._label(found.label))):
                yield log
        sight.left_out = walk.left_out
        sight.folders = {path: inode for inode, path in walk.folders.items()}

    def _find_file(self, sight: Sight) -> Iterator[LogPath]:
        path = os.path.realpath(self.path)
        log = LogPath(path, f"{self.name}/{os.path.basename(tidy(self.path))}")
        try:
            folder, sight.begins = os.path.split(path)
            around = os.stat(folder)
            sight.folders[folder] = (around.st_dev, around.st_ino)
            status = os.stat(path)
        except FileNotFoundError:
            return
        sight.is_there = True
        try:
            check_readable(path, log.label, status)
        except UsageError as error:
            sight.faults[log.label] = str(error)
            return
        if self._has_name(sight, log):
            yield log

    def _has_name(self, sight: Sight, log: LogPath) -> bool:
        try:
            check_name(log)
        except UsageError as error:
            sight.faults[log.label] = str(error)
            return False
        return True

    def _label(self, label: str) -> str:
        """Return the name of the source and the way from its folder."""
        folder = tidy(self.path)
        within = label if folder == "." else label[len(folder) :].lstrip("/")
        return f"{self.name}/{within}" if within else self.name
