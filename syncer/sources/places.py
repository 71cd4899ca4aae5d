"""The places of the known logs, and which of them have a part that was applied."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from syncer.core.change import LogIdentity, Stamp
from syncer.core.ledger import Ledger
from syncer.sources.identity import AppliedPart
from syncer.sources.logs import LogPath, resolve

STDIN = "-"
"""The label of a log that came by stdin."""


class Places:
    """The change logs of a state by place, by first line, by what they were called
    before. `spool`: where what came by stdin is.

    States of older versions hold paths as they were given, and a state folder may have
    been renamed together with its spool.
    """

    def __init__(self, ledger: Ledger, spool: Path) -> None:
        self._ledger = ledger
        self._spool = resolve(str(spool))
        self._paths: dict[int, str] = {}
        self._by_place: dict[str, int] = {}
        self._by_head: dict[str, list[int]] = defaultdict(list)
        self._not_begun: dict[str, list[int]] = defaultdict(list)
        self._rotated: dict[str, list[int]] = defaultdict(list)
        self._by_file: dict[tuple[int, int, int], int] = {}
        for number, log in ledger.logs.items():
            if log.identity.is_file:
                self._add(number, log.identity)

    def _add(self, number: int, identity: LogIdentity) -> None:
        path = self._paths[number] = self._path(identity)
        # Older states may know a file twice: what was applied further counts.
        other = self._by_place.setdefault(path, number)
        if self._ledger.logs[number].watermark.index > self._ledger.logs[other].watermark.index:
            self._by_place[path] = number
        by_head = self._by_head if self.applied(number) else self._not_begun
        by_head[identity.head].append(number)
        if identity.was:
            self._rotated[identity.was].append(number)
        if identity.device:
            self._by_file[identity.stamp.file] = number

    def _path(self, identity: LogIdentity) -> str:
        if identity.label == STDIN:
            return f"{self._spool}/{identity.path.rpartition('/')[2]}"
        return identity.path if identity.device else resolve(identity.path)

    def identity(self, number: int) -> LogIdentity:
        """Return what is known of a log."""
        return self._ledger.logs[number].identity

    def applied(self, number: int) -> AppliedPart:
        """Return the part of a log that was applied; false if nothing was."""
        return AppliedPart.of(self._ledger.logs[number].watermark)

    def is_read_to_its_end(self, number: int) -> bool:
        """Return whether nothing of the log, as seen last, is left to be read."""
        return self._ledger.logs[number].is_read_to_its_end

    def path(self, number: int) -> str:
        """Return where a log is, or was when it was seen last; of a user's source, the
        name that stands for a path.
        """
        return self._paths.get(number) or self.identity(number).path

    def log(self, number: int) -> LogPath:
        """Return a log as one that is to be read."""
        return LogPath(self._paths[number], self.identity(number).label)

    def at(self, log: LogPath) -> int | None:
        """Return the known log of this place; what comes by stdin is known by the name
        of its file, in any folder.
        """
        return self._by_place.get(
            f"{self._spool}/{os.path.basename(log.path)}" if log.label == STDIN else log.path
        )

    def all(self) -> list[int]:
        """Return the change logs, a place each, in the order they became known."""
        return sorted(self._by_place.values())

    def list_rotated(self, path: str) -> list[int]:
        """Return the logs that were rotated away from this path, the oldest first."""
        return sorted(self._rotated.get(path, ()))

    def of_head(self, head: str) -> list[int]:
        """Return the logs with this first line of which something was applied."""
        return self._by_head.get(head, [])

    def not_begun(self, head: str) -> list[int]:
        """Return the logs with this first line of which nothing was applied."""
        return self._not_begun.get(head, [])

    def of_file(self, stamp: Stamp) -> int | None:
        """Return the log whose file, when it was seen last, was this one."""
        return self._by_file.get(stamp.file)
