"""One look at a file or a folder of logs that is followed: what is there now."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from syncer.core.change import Stamp
from syncer.errors import UsageError
from syncer.sources.folders import LeftOut, Ours, Walk, check_readable
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

    def look(self, known: Iterable[tuple[str, Stamp | None]]) -> Sight:
        """Return what is there, and how these other paths are. Blocking."""
        sight = Sight()
        try:
            if Path(self.path).is_dir():
                self._walk(sight)
            else:
                self._see_file(sight)
        except OSError as error:
            sight.faults[self.name] = f"{self.path} cannot be read: {error.strerror or error}"
        for path, stamp in known:
            if path not in sight.stamps:
                self._note_stamp(sight, path, stamp)
        return sight

    def stamp(self, path: str, known: Stamp | None = None) -> Stamp | None:
        """Return what is said of a file; None where it is not there. Blocking."""
        try:
            return self.disk.stamp(Path(path), known)
        except OSError:
            return None  # reading says so

    def _walk(self, sight: Sight) -> None:
        with os.scandir(self.path):
            sight.is_there = True

        def leave_out(label: Path, why: str) -> None:
            sight.faults[self._label(label)] = why

        walk = Walk(self.ours, leave_out)
        for found in walk.logs(self.path):
            self._see(sight, LogPath(found.path, self._label(found.label)))
        sight.left_out = walk.left_out

    def _see_file(self, sight: Sight) -> None:
        path = Path(os.path.realpath(self.path))
        label = f"{self.name}/{Path(self.path).name}"
        try:
            status = path.stat()
        except FileNotFoundError:
            return
        sight.is_there = True
        try:
            check_readable(path, label, status)
        except UsageError as error:
            sight.faults[label] = str(error)
        else:
            self._see(sight, LogPath(path, label))

    def _see(self, sight: Sight, log: LogPath) -> None:
        try:
            check_name(log)
        except UsageError as error:
            sight.faults[log.label] = str(error)
            return
        self._note_stamp(sight, str(log.path), None)
        if (stamp := sight.stamps.get(str(log.path))) is not None:
            sight.files.append((log, stamp))

    def _note_stamp(self, sight: Sight, path: str, known: Stamp | None) -> None:
        if (stamp := self.stamp(path, known)) is not None:
            sight.stamps[path] = stamp

    def _label(self, label: Path) -> str:
        within = label.relative_to(self.path)
        return self.name if within == Path() else f"{self.name}/{within}"
