"""Files that are followed and left alone: until they change or, where something is
wrong with them, for a while that grows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from syncer.core.backoff import double
from syncer.core.change import Stamp
from syncer.sources.logs import LogPath

AGAIN_SECONDS_MAX = 60.0
"""Between the tries of a file that cannot be read and does not change."""


@dataclass(frozen=True, slots=True)
class FileFailure:
    """The reason why a file cannot be read."""

    why: str
    stamp: Stamp | None
    """Of the file then."""
    count: int
    """In a row."""
    again_at: float

    @classmethod
    def after(
        cls, before: FileFailure | None, why: str, stamp: Stamp | None, now: float, seconds: float
    ) -> FileFailure:
        """Return that of one more try; the first wait takes so many seconds."""
        count = 1 if before is None else before.count + 1
        return cls(why, stamp, count, now + double(count, seconds, AGAIN_SECONDS_MAX))

    def is_parked(self, stamp: Stamp | None, now: float) -> bool:
        """Return whether another try is not due yet."""
        same = stamp is not None and self.stamp is not None and self.stamp.is_untouched(stamp)
        return same and now < self.again_at


@dataclass(frozen=True, slots=True)
class _Aside:
    label: str
    stamp: Stamp
    failure: FileFailure | None


class FilesAside:
    """Files that are not logs of the source: copies of some, and what is no log."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._files = dict[str, _Aside]()
        """By path."""
        self._before = dict[str, _Aside]()

    def is_known(self, log: LogPath, stamp: Stamp, now: float) -> bool:
        """Return whether this file, as it is, needs no other look now."""
        file = self._files.get(str(log.path))
        if file is None or not file.stamp.is_untouched(stamp):
            return False
        return file.failure is None or file.failure.is_parked(stamp, now)

    def paths(self) -> list[str]:
        """Return where they are."""
        return list(self._files)

    def list_due(self, now: float) -> set[str]:
        """Return the paths of files that are to be tried again though they did not
        change.
        """
        return {
            path
            for path, file in self._files.items()
            if file.failure is not None and now >= file.failure.again_at
        }

    def begin(self, there: Collection[str], looked_at: Collection[str]) -> None:
        """Know nothing more of files that are gone, nor of those that are looked at."""
        self._before = self._files
        self._files = {
            path: file
            for path, file in self._files.items()
            if path in there and path not in looked_at
        }

    def fail(self, log: LogPath, why: str, stamp: Stamp, now: float) -> None:
        """Leave out a file that cannot be read."""
        before = self._before.get(str(log.path))
        failure = FileFailure.after(
            None if before is None else before.failure, why, stamp, now, self._poll_seconds
        )
        self._files[str(log.path)] = _Aside(log.label, stamp, failure)

    def copy(self, log: LogPath, stamp: Stamp) -> None:
        """Leave out a file that holds nothing more than another one."""
        self._files.setdefault(str(log.path), _Aside(log.label, stamp, None))

    def faults(self) -> dict[str, str]:
        """Return what is wrong, by label."""
        return {
            file.label: file.failure.why
            for file in self._files.values()
            if file.failure is not None
        }
