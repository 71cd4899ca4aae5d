"""The parts of a list that a pull has done, by their keys: how the service sorts its
lists is not to be relied on.

A frame per page, appended and synced before the checkpoint counts what it holds. What
comes after that count is of a page that was not noted any more: the next start cuts it
off.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from syncer import files
from syncer.core.id_set import IdSet
from syncer.errors import StateError
from syncer.journal import frames
from syncer.journal.damage import Damage
from syncer.journal.disk import REAL, Disk

PARTS_FILE = "parts"
_decoder = msgspec.json.Decoder(list[str])


class DoneParts:
    """The parts of one pull. Used from one thread at a time. Raises StateError."""

    def __init__(self, folder: Path, count: int, *, disk: Disk = REAL) -> None:
        """`count`: how many are durable, as the checkpoint says; what else the file
        holds is forgotten.
        """
        self.count = count
        self.done: IdSet
        """Those of earlier runs."""
        self._disk = disk
        self._path = folder / PARTS_FILE
        self._file: int | None = None
        try:
            found = read(folder, count, disk=disk)
        except OSError as error:
            raise self._unusable(error) from None
        if isinstance(found, Damage):
            raise found.error()
        self.done, self._size = found

    def add(self, parts: Sequence[str]) -> None:
        """Note these, durably, as the next ones. Blocking."""
        payload = msgspec.json.encode(parts)
        try:
            if self._file is None:
                self._file = self._open()
            frame = frames.encode(payload, self._size)
            self._disk.write(self._file, frame)
            self._disk.sync(self._file)
        except OSError as error:
            raise self._unusable(error) from None
        self._size += len(frame)
        self.count += len(parts)

    def _open(self) -> int:
        """The file, cut off after what counts: only now does the next page go there."""
        file = self._disk.open(self._path)
        try:
            self._disk.truncate(file, self._size)
            self._disk.sync_folder(self._path.parent)
        except BaseException:
            self._disk.close(file)
            raise
        return file

    def _unusable(self, error: OSError) -> StateError:
        return StateError(
            f"{self._path} cannot be used: {files.why(error)}. Nothing is lost: fix that and run"
            " the same command again"
        )

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._disk.close(self._file)
            self._file = None


def read(folder: Path, count: int, *, disk: Disk = REAL) -> tuple[IdSet, int] | Damage:
    """Return the first parts of a pull's state, and where they end in the file.

    A pull may be adding more. Raises OSError.
    """
    path, parts, came, end = folder / PARTS_FILE, IdSet(), 0, 0
    if not count:
        return parts, end
    size = disk.size(path)
    if size is None:
        return _describe_loss(path, 0, "it is missing")
    with disk.reader(path) as file:
        for piece in frames.pieces(frames.lines(file, size)):
            if not piece.frame:
                return _describe_loss(path, piece.offset, "its checksum is wrong")
            page = _decoder.decode(piece.payload)
            for part in page:
                parts.add(part)
            came += len(page)
            end = piece.offset + len(piece.line)
            if came >= count:
                break
    return (
        (parts, end)
        if came == count
        else _describe_loss(path, end, f"it notes {came:,} parts of {count:,}")
    )


def _describe_loss(path: Path, at: int, what: str) -> Damage:
    return Damage(
        str(path),
        at,
        what,
        "it is not known which parts of the list are done, so the pull cannot be carried on",
    )
