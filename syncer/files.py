"""File systems that lack a call: which call, on which file, and what is made of it. The
floor of journal, sinks and sources.

Mounted object stores (DBFS, FUSE), network shares and memory sticks do not append,
lock, link, sync a folder or rename over a file, each in its own way. A refusal for want
of a call differs from one for other reasons (no space, no permission) by its number.
Nothing else in the program calls `os.fsync` or `os.write`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LACKING = frozenset(
    (
        errno.EOPNOTSUPP,
        errno.ENOTSUP,
        errno.ENOSYS,
        errno.EINVAL,
        errno.ENODEV,
        errno.ENOLCK,
        errno.ENOTTY,
    ),
)
"""What a call is refused with where the file system does not have it."""
UNRENAMED = LACKING | {errno.EXDEV}
UNLINKED = LACKING | {errno.EPERM, errno.EMLINK, errno.EXDEV}
"""The same of links: link(2) says EPERM."""


class Unable(OSError):
    """A file system cannot do this.

    `strerror` says what and where; `what` is the verb and its object.
    """

    def __init__(self, error: OSError, what: str, place: str, way_out: str = "") -> None:
        super().__init__(
            error.errno,
            f"its file system cannot {what} ({place}: {os.strerror(error.errno or 0)}){way_out}",
        )
        self.what = what


def explain(
    error: OSError, what: str, place: Path | int, way_out: str = "", also: frozenset[int] = LACKING
) -> OSError:
    """The error to be raised in the place of this one: an Unable where the call is
    lacking, else itself.
    """
    if error.errno not in also:
        return error
    return Unable(error, what, _name(place) if isinstance(place, int) else str(place), way_out)


def why(error: OSError) -> str:
    """Return what to tell users about it."""
    return str(error.strerror) if isinstance(error, Unable) else os.strerror(error.errno or 0)


def _name(descriptor: int) -> str:
    """Return what a descriptor is open on, as far as the system says it."""
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return "a file"


def append(descriptor: int, data: bytes) -> None:
    """Write all of it to an open file. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_open(descriptor: int) -> None:
    """Put what was written to this open file on the disk.

    Raises OSError, also where the file system has no such call.
    """
    os.fsync(descriptor)


def sync(path: Path) -> None:
    """Put what was written to this closed file, or the names in this folder, on the
    disk. Raises OSError.

    Where the file system has no such call, it has nothing to be asked for: what is
    closed, made or renamed there is a server's to keep (docs/decisions.md).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync_open(descriptor)
    except OSError as error:
        if error.errno not in LACKING:
            raise
    finally:
        os.close(descriptor)


def copy(source: Path, target: Path, size: int | None = None) -> None:
    """Write the file, or its first bytes, to another place from its start to its end,
    and sync it. Raises OSError.
    """
    with source.open("rb") as read, target.open("wb") as written:
        if size is None:
            shutil.copyfileobj(read, written, 1 << 20)
        else:
            while size and (block := read.read(min(size, 1 << 20))):
                written.write(block)
                size -= len(block)
    sync(target)


def place(source: Path, target: Path) -> bool:
    """Put a whole file in the place of another, durably; `source` is gone afterwards.

    Was it at once? Raises OSError.
    """
    at_once = move(source, target)
    sync(target.parent)
    return at_once


def open_part(path: Path, buffering: int = -1) -> BinaryIO:
    """Open a file, empty, that is put in another's place when it is whole. Nobody else
    has it open so: what a run that was killed left is written over.

    Raises BlockingIOError where another run writes it, OSError.
    """
    file = path.open("ab", buffering=buffering)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_still(path, file.fileno()):  # another run put it in its place
            raise BlockingIOError
        file.truncate(0)
    except OSError:
        file.close()
        raise
    return file


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the name is that of the file that is open."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def is_place(path: Path) -> bool:
    """Return whether a file can be put there: in a folder that exists, in the place of
    nothing or of a file. A device or a pipe would be replaced, too.
    """
    return path.parent.is_dir() and (path.is_file() or not path.exists())


def write(target: Path, content: bytes) -> None:
    """Put a file with this content in its place, durably, whole or not at all. Raises
    OSError.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        sync(part)
        place(part, target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def move(source: Path, target: Path) -> bool:
    """The same, but that the names may not be on the disk yet.

    Renamed where that can be, else copied beside it and renamed, else copied over it,
    so that a crash may leave a part of it there.
    """
    at_once = True
    try:
        source.replace(target)
    except OSError as error:
        if error.errno not in UNRENAMED:
            raise
        at_once = error.errno == errno.EXDEV and _beside(source, target)
        if not at_once:
            copy(source, target)
        source.unlink()
    return at_once


def _beside(source: Path, target: Path) -> bool:
    fresh = target.with_name(target.name + ".new")
    copy(source, fresh)
    try:
        fresh.replace(target)
    except OSError as error:
        fresh.unlink()
        if error.errno not in UNRENAMED:
            raise
        return False
    return True


def links(folder: Path) -> bool:
    """Whether names in this folder can be links to one file.

    Raises OSError for other reasons.
    """
    one, other = folder / f"_syncer-{os.getpid()}", folder / f"_syncer-{os.getpid()}.link"
    try:
        one.write_bytes(b"")
        os.link(one, other)
    except OSError as error:
        if error.errno not in UNLINKED:
            raise
        return False
    finally:
        for path in (one, other):
            with suppress(OSError):
                path.unlink()
    return True


def put_new(source: Path, target: Path) -> bool:
    """Put a whole file where none is yet, durably; return whether it was at once.
    Raises FileExistsError, OSError.

    By a link where that can be. Else it is looked for and then renamed, so that another
    writer of the same moment is not seen; or, without renames, written where it is to
    be.
    """
    fresh = target.with_name(f"_{target.name}.new")
    at_once = True
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in UNLINKED:
            raise
        copy(source, fresh)
        try:
            os.link(fresh, target)
        except OSError as other:
            if other.errno not in UNLINKED:
                raise
            if target.exists():
                raise FileExistsError(
                    errno.EEXIST, os.strerror(errno.EEXIST), str(target)
                ) from None
            at_once = move(fresh, target)
        finally:
            with suppress(OSError):
                fresh.unlink()
    sync(target.parent)
    return at_once
