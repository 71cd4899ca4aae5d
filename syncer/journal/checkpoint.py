"""The progress of a pull: one small file, replaced as a whole, durable before anything
is built on it. The format is docs/journal.md.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from syncer import files
from syncer.core.facts import OPEN, Destination
from syncer.errors import StateError, of_another_version
from syncer.journal.damage import Damage
from syncer.journal.disk import REAL, Disk
from syncer.journal.lock import LOCK
from syncer.journal.replay import JOURNAL_FILE
from syncer.journal.sealed import seal, unseal

CHECKPOINT_FILE = "pull.json"
FORMAT = "syncer-pull"
VERSION = 1


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The durable part of a pull, over all its runs."""

    job: str
    """What is pulled, from where, to where: another one does not carry on from here."""
    cursor: str = ""
    """Where the list goes on."""
    position: str = ""
    """The sink's, after the last page."""
    pages: int = 0
    fetched: int = 0
    written: int = 0
    duplicates: int = 0
    unreadable: int = 0
    listed: bool = False
    """The list is at its end: all that is left is to make the output whole."""
    done: bool = False
    destination: Destination = OPEN
    storage: Destination = OPEN
    """Where signed URLs are: it has pauses of its own."""
    parts: int = 0
    """Parts of the list, noted beside it as done: 0 where its cursor alone says how far
    it is, and in states of an older version.
    """
    out: str = ""
    """Where the output is, resolved: a push of the same [state] dir does not take it
    for a log. Empty where it is not a file.
    """
    wrote: tuple[int, int] | None = None
    """(bytes, modification time in nanoseconds since 1970) of the whole output: it is
    known after any move.
    """
    format: str = FORMAT
    version: int = VERSION

    @property
    def pause(self) -> Destination:
        """The longer one of its pauses; another state where nothing is paused."""
        return max(self.destination, self.storage, key=lambda destination: destination.until)


_decoder = msgspec.json.Decoder(Checkpoint)


def encode(checkpoint: Checkpoint) -> bytes:
    """The file: one sealed line."""
    return seal(msgspec.json.encode(checkpoint)[1:])


def decode(line: bytes) -> Checkpoint:
    """Return what `encode` was given. Raises ValueError (msgspec.DecodeError is
    one).
    """
    return _decoder.decode(b"{" + unseal(line))


def read(folder: Path, *, disk: Disk = REAL) -> Checkpoint | Damage | None:
    """The checkpoint of this folder, or what is wrong with it; None if it has no
    checkpoint. Raises StateError for another version.
    """
    path = folder / CHECKPOINT_FILE
    try:
        with disk.reader(path) as file:
            found = decode(file.read())
    except FileNotFoundError:
        return None
    except ValueError as error:
        return Damage(
            str(path),
            0,
            str(error),
            "how far the pull had come is not known, so it cannot be carried on",
        )
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None
    if (found.format, found.version) != (FORMAT, VERSION):
        raise of_another_version(
            path, f"{found.format} version {found.version}", f"{FORMAT} version {VERSION}"
        )
    return found


def write(folder: Path, checkpoint: Checkpoint, *, disk: Disk = REAL) -> None:
    """Replace the checkpoint of this folder, whose lock the caller holds; it is durable
    when this returns. Blocking. Raises OSError.
    """
    path = folder / CHECKPOINT_FILE
    new = path.with_suffix(".new")
    disk.unlink(new)
    file = disk.open(new)
    try:
        disk.write(file, encode(checkpoint))
        disk.sync(file)
    finally:
        disk.close(file)
    disk.replace(new, path)


class Checkpoints:
    """The state folder of one pull. One process at a time. Raises StateError."""

    def __init__(self, folder: Path, job: str, *, out: str = "", disk: Disk = REAL) -> None:
        """A checkpoint of a job that is done counts as none: the next use of the folder
        starts from scratch. `out`: as in `Checkpoint`.
        """
        self._disk = disk
        self._path = folder / CHECKPOINT_FILE
        try:
            disk.make_folder(folder)
            self._lock = disk.lock(folder / LOCK)
        except OSError as error:
            raise StateError(
                f"the state folder {folder} cannot be used: {error.strerror}"
            ) from None
        try:
            if disk.size(folder / JOURNAL_FILE) is not None:
                raise StateError(
                    f"{folder} holds the state of a push: choose another --state folder for this"
                    " pull"
                )
            self.last = msgspec.structs.replace(self._read(job), out=out)
            self._sync()
        except BaseException:
            self._lock.release()
            raise

    def _read(self, job: str) -> Checkpoint:
        found = read(self._path.parent, disk=self._disk)
        if isinstance(found, Damage):
            raise found.error()
        if found is None:
            self._try_folder()
        if found is None or found.done:
            return Checkpoint(job)
        if found.job != job:
            raise StateError(
                f"the state {self._path.parent} belongs to another pull that is not done:"
                f" {found.job}; this one is {job}. Choose another --state folder"
            )
        return found

    def _try_folder(self) -> None:
        try:
            self._disk.try_folder(self._path.parent)
        except OSError as error:
            raise StateError(
                f"the state folder {self._path.parent} cannot be used: {error.strerror or error}"
            ) from None

    def _sync(self) -> None:
        """Make a rename durable that the process before did not get to sync: what was
        found is built on.
        """
        try:
            self._disk.sync_folder(self._path.parent)
        except OSError as error:
            raise StateError(
                f"the state folder {self._path.parent} cannot be used: {error.strerror}"
            ) from None

    def commit(self, checkpoint: Checkpoint) -> None:
        """Replace the file; it is durable when this returns. Blocking."""
        try:
            write(self._path.parent, checkpoint, disk=self._disk)
        except OSError as error:
            raise StateError(
                f"the state {self._path.parent} cannot be written: {files.why(error)}. Fix that,"
                " then run the same command again"
            ) from None
        self.last = checkpoint

    def close(self) -> None:
        """Give the folder back."""
        self._lock.release()
