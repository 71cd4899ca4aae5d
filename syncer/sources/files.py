"""Looks at the files of change logs before any of them is read: each is opened by
itself and closed again.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader

from syncer.core.change import Stamp
from syncer.core.moves import is_name_of
from syncer.errors import SyncerError, UsageError
from syncer.sources.gunzip import DamagedLog
from syncer.sources.identity import (
    EMPTIED,
    READING_FAILED,
    REPLACED,
    AppliedPart,
    difference,
    find_held,
    first_line,
    head_of,
    next_block,
)
from syncer.sources.log_disk import REAL_LOGS, LogDisk
from syncer.sources.logs import LogPath

BLOCK_BYTES = 1 << 20


class _FolderContent:
    """The content of a folder, for questions that are asked of each of many logs."""

    def __init__(self, found: list[tuple[str, int]]) -> None:
        self.paths = [path for path, _ in found]
        self.by_inode: dict[int, list[str]] = {}
        for path, inode in found:
            self.by_inode.setdefault(inode, []).append(path)

    def beginning(self, log: str) -> Iterator[str]:
        """Yield the paths that this log may have once rotated, packed or unpacked."""
        plain = log.removesuffix(".gz")
        for name in (plain, log) if plain != log else (log,):
            at = bisect_left(self.paths, name)
            while at < len(self.paths) and self.paths[at].startswith(name):
                if is_name_of(self.paths[at], log):
                    yield self.paths[at]
                at += 1


class LogFiles:
    """The content of files, and what the file system says of them.

    First lines and folders are looked at once.
    """

    def __init__(self, disk: LogDisk = REAL_LOGS) -> None:
        self._disk = disk
        self._heads: dict[str, str] = {}
        self._folders: dict[str, _FolderContent] = {}

    def stamp(self, log: LogPath, known: Stamp | None = None) -> Stamp | None:
        """Return the stamp of a file (see `LogDisk.stamp`).

        Raises UsageError where the file system does not say.
        """
        try:
            return self._disk.stamp(log.path, known)
        except OSError as error:
            raise UsageError(
                f"the change log {log.label} cannot be read: {error.strerror or error}"
            ) from None

    def head(self, log: LogPath) -> str:
        """Return the hash of its first line.

        Raises UsageError where it cannot be opened.
        """
        if log.path not in self._heads:
            with self._open(log) as file:
                self._heads[log.path] = head_of(first_line(file))
        return self._heads[log.path]

    def find_held(self, log: LogPath, applied: Mapping[int, AppliedPart]) -> tuple[int, ...]:
        """Return the known logs (by number, with what was applied of them) that the
        file begins with, the longest part first.
        """
        if not applied:
            return ()
        with self._open(log) as file:
            return tuple(find_held(file, applied))

    def difference(self, log: LogPath, head: str, applied: AppliedPart) -> str | None:
        """Say how the file differs from what was applied of a log; None where it holds
        all of that. Raises UsageError, SyncerError.
        """
        if self.head(log) != head:
            return REPLACED if (stamp := self.stamp(log)) is None or stamp.size else EMPTIED
        with self._open(log) as file:
            try:
                return difference(file, applied)
            except DamagedLog:
                return (
                    f"damaged: it cannot be unpacked up to byte {applied.resume.offset}, up to"
                    " which it was applied"
                )
            except READING_FAILED as error:
                raise SyncerError(
                    f"{log.label}: cannot be read up to byte {applied.resume.offset}: {error}"
                ) from None

    def longer(self, one: LogPath, other: LogPath) -> LogPath | None:
        """Return the longer of two files of which one begins with the other (the first,
        where they are equal); None where neither does.
        """
        if self.head(one) != self.head(other):
            return None
        with self._open(one) as first, self._open(other) as second:
            try:
                return _longer(first, second, one, other)
            except READING_FAILED:
                return None  # reading says so

    def is_continued(self, broken: LogPath, file: LogPath) -> bool:
        """Whether a log that broke off within a line goes on in this file."""
        if self.head(broken) != self.head(file):
            return False
        with self._open(broken) as first, self._open(file) as second:
            try:
                return _is_continued(first, second)
            except READING_FAILED:
                return False

    def near(self, path: str, names: Iterable[str], inode: int) -> list[str]:
        """Return the paths in the folder of this one that are names of a rotated log
        with one of `names`, or have this inode.
        """
        folder = self._folder(os.path.dirname(path))
        named = [found for name in names for found in folder.beginning(name)]
        return list(dict.fromkeys([*sorted(named), *folder.by_inode.get(inode, ())]))

    def _folder(self, path: str) -> _FolderContent:
        if path not in self._folders:
            try:
                self._folders[path] = _FolderContent(self._disk.inodes(path))
            except OSError:
                # What is in it cannot be a rotated log that can be read.
                self._folders[path] = _FolderContent([])
        return self._folders[path]

    @contextmanager
    def _open(self, log: LogPath) -> Iterator[BufferedReader]:
        file = self._disk.open(log.path, log.label)
        try:
            yield file
        finally:
            file.close()


def _is_continued(broken: BufferedReader, file: BufferedReader) -> bool:
    end = b""
    while block := next_block(broken, BLOCK_BYTES):
        if file.read(len(block)) != block:
            return False
        end = block[-1:]
    return end != b"\n" and bool(file.read(1))


def _longer(
    first: BufferedReader, second: BufferedReader, one: LogPath, other: LogPath
) -> LogPath | None:
    left = right = b""
    while True:
        left = left or next_block(first, BLOCK_BYTES)
        right = right or next_block(second, BLOCK_BYTES)
        shorter = min(len(left), len(right))
        if left[:shorter] != right[:shorter]:
            return None
        if not shorter:
            return one if left or not right else other
        left, right = left[shorter:], right[shorter:]
