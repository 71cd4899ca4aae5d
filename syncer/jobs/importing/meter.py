"""The share of the label files that is read, by bytes."""

from __future__ import annotations

import os
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER_BYTES = 1 << 18


class ByteMeter:
    """Opens files and counts what is read of them."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.read_bytes = 0
        self.total_bytes = sum(map(_measure, paths))
        self._opened: set[Path] = set()

    def open(self, path: Path) -> BinaryIO:
        """Open a label file; one that is opened again is read again. Raises OSError."""
        file = _CountedFile(path, self)
        if path in self._opened:
            self.total_bytes += os.fstat(file.fileno()).st_size
        self._opened.add(path)
        return BufferedReader(file, _BUFFER_BYTES)

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.read_bytes / self.total_bytes) if self.total_bytes else 1.0


class _CountedFile(FileIO):
    def __init__(self, path: Path, meter: ByteMeter) -> None:
        super().__init__(path)
        self._meter = meter

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        count = super().readinto(buffer)
        self._meter.read_bytes += count or 0
        return count


def _measure(path: Path) -> int:
    """Return the size of a file, or of all files in a folder; 0 for what is gone."""
    if not path.is_dir():
        return _size(path)
    return sum(_size(Path(folder, name)) for folder, _, names in os.walk(path) for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
