"""Files of a simulation: real ones, of which the file system says what the simulated
clock makes it say, so that a seed gives the same stamps each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from syncer.core.change import Stamp
from syncer.sources.log_disk import LogDisk

SECOND_NS = 1_000_000_000


@dataclass
class Node:
    """A file, by whatever names."""

    number: int
    birth_ns: int
    mtime_ns: int
    ctime_ns: int


class Nodes:
    """The files that there are."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._by_inode: dict[int, Node] = {}
        self._count = 0

    def make(self, path: Path, mtime_ns: int | None = None) -> None:
        """This file is new, or written anew."""
        self._count += 1
        now = self._now_ns()
        self._by_inode[path.stat().st_ino] = Node(
            self._count, now, now if mtime_ns is None else mtime_ns, now
        )

    def changed(self, path: Path) -> None:
        """This file was written to."""
        node = self.of(path)
        node.mtime_ns = node.ctime_ns = self._now_ns()

    def renamed(self, path: Path) -> None:
        """This file has another name, or one more."""
        self.of(path).ctime_ns = self._now_ns()

    def of(self, path: Path) -> Node:
        """The node of a file that is there."""
        return self._by_inode[path.stat().st_ino]

    def list_numbers(self, folder: str) -> list[tuple[str, int]]:
        """(path, number) of all in a folder."""
        return sorted((str(path), self.of(path).number) for path in Path(folder).iterdir())

    def stamp(self, status: os.stat_result, known: Stamp | None) -> Stamp:
        """What is said of a file with this status."""
        node = self._by_inode[status.st_ino]
        stamp = Stamp(1, node.number, status.st_size, node.mtime_ns, node.ctime_ns, node.birth_ns)
        return known if known is not None and known.is_untouched(stamp) else stamp

    def _now_ns(self) -> int:
        return int(self._now() * SECOND_NS) + 1


class NodeDisk(LogDisk):
    """The disk as it shows these files; what is opened is noted."""

    def __init__(self, nodes: Nodes, opened: list[BinaryIO], block_bytes: int) -> None:
        super().__init__(block_bytes)
        self._nodes = nodes
        self._opened = opened

    def open(self, path: str, label: str) -> BufferedReader:
        file = super().open(path, label)
        self._opened.append(file)
        return file

    def stamp(self, path: str, known: Stamp | None = None) -> Stamp | None:
        try:
            return self._nodes.stamp(Path(path).stat(), known)
        except FileNotFoundError:
            return None

    def stamp_of_open(self, file: BinaryIO, known: Stamp | None = None) -> Stamp:
        return self._nodes.stamp(os.fstat(file.fileno()), known)

    def inodes(self, folder: str) -> list[tuple[str, int]]:
        return self._nodes.list_numbers(folder)
