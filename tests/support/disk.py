"""A disk in memory: what was not synced may be lost in a crash, writes tear, any
operation may fail, and all of them are recorded.

    disk = SimulatedDisk()
    journal = Journal.open(STATE, destination, disk=disk)
    journal.commit(facts)
    disk.crash()
    journal = Journal.open(STATE, destination, disk=disk)

So does `Checkpoints(STATE, job, disk=disk)`. At `disk.crash()` process and power are
gone: locks, descriptors, what was not synced. At `disk.kill()` only the process is.

What survives a crash beyond what was synced is asked operation by operation:
`crash(NOTHING)`, `crash(EVERYTHING)`, or any function such as `torn(rng)`. Failures:
`disk.fault = lambda operation: Fault(OSError(errno.ENOSPC, "…"), written=7)`; the error
may be a crash of the test's own (a BaseException). `disk.operations` is the record;
`SimulatedDisk().then(operations[:n])` is the disk as it was behind the n-th.
"""

from __future__ import annotations

import errno
import io
import os
import random
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from syncer.errors import StateError
from syncer.journal.disk import Disk

STATE = Path("/state")
"""A folder for a state."""

FOLDER = 0
"""What the name of a folder points at."""

Kind = Literal[
    "folder", "create", "write", "truncate", "rename", "unlink", "sync", "sync_folder", "read"
]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that is done to the disk.

    Files have numbers, which outlive their names; `path`: the file's name now.
    """

    kind: Kind
    path: Path
    file: int = FOLDER
    data: bytes = b""
    at: int = 0
    """Where data is written; the size to cut to."""
    target: Path | None = None
    """The new name."""

    def __str__(self) -> str:
        """For traces."""
        more = {
            "write": f" {len(self.data)} bytes at {self.at}",
            "truncate": f" to {self.at}",
            "rename": f" to {self.target}",
        }
        return f"{self.kind} {self.path}{more.get(self.kind, '')}"


@dataclass(frozen=True, slots=True)
class Fault:
    """An operation fails with this error, after so many bytes of a write."""

    error: BaseException
    written: int = 0


Survives = Callable[[Operation], int]
"""How much of an operation that was not synced is on the disk after a crash: bytes of a
write; 0 or 1 of anything else.
"""


def NOTHING(_: Operation) -> int:
    """The worst that a crash may do, if all that was not synced is lost."""
    return 0


def EVERYTHING(operation: Operation) -> int:
    """The system wrote all of it just in time."""
    return len(operation.data) or 1


def torn(rng: random.Random) -> Survives:
    """Each operation by itself: all of it, nothing, or a part of a write."""
    return lambda operation: rng.choice(
        [0, len(operation.data) or 1, rng.randrange(len(operation.data) + 1)]
    )


@dataclass(slots=True)
class Image:
    """Files by number, and the names that point at them."""

    files: dict[int, bytearray] = field(default_factory=dict)
    names: dict[Path, int] = field(default_factory=lambda: {Path("/"): FOLDER})

    def apply(self, operation: Operation, much: int) -> None:
        """Do it, or the first `much` bytes of a write."""
        match operation.kind:
            case "folder":
                self.names[operation.path] = FOLDER
            case "create":
                self.files.setdefault(operation.file, bytearray())
                self.names[operation.path] = operation.file
            case "write":
                content = self.files.setdefault(operation.file, bytearray())
                # A lost write before one that was kept: a hole.
                content.extend(bytes(max(0, operation.at - len(content))))
                content[operation.at : operation.at + much] = operation.data[:much]
            case "truncate":
                content = self.files.setdefault(operation.file, bytearray())
                content.extend(bytes(max(0, operation.at - len(content))))
                del content[operation.at :]
            case "rename":
                assert operation.target is not None
                self.names.pop(operation.path, None)
                self.names[operation.target] = operation.file
            case "unlink":
                self.names.pop(operation.path, None)

    def copy(self) -> Image:
        """Another one with the same content, less what no name leads to."""
        names = {
            path: file
            for path, file in self.names.items()
            if all(above in self.names for above in path.parents)
        }
        return Image(
            {
                file: bytearray(self.files.get(file, b""))
                for file in names.values()
                if file != FOLDER
            },
            names,
        )


class SimulatedLock:
    """Held until released, or the crash."""

    def __init__(self, held: set[Path], path: Path) -> None:
        if path in held:
            raise StateError(
                f"the state {path.parent} is locked: process {os.getpid()} is using it"
            )
        held.add(path)
        self._held, self._path = held, path

    def release(self) -> None:
        """Give it back."""
        self._held.discard(self._path)


class SimulatedDisk(Disk):
    """See the module.

    Appends only, as the journal does; safe beside reads of another thread.
    """

    def __init__(self, fault: Callable[[Operation], Fault | None] = lambda _: None) -> None:
        self.fault = fault
        """Asked before every operation, reads too."""
        self.operations: list[Operation] = []
        """What was done, without the reads; of a write that failed half-way, its half.
        """
        self._now = Image()
        self._durable = Image()
        self._unsynced: list[Operation] = []
        self._descriptors: dict[int, int] = {}
        self._locks: set[Path] = set()
        self._next = 1

    @property
    def open_files(self) -> int:
        """Descriptors that nobody has closed."""
        return len(self._descriptors)

    def then(self, operations: Iterable[Operation]) -> SimulatedDisk:
        """Another disk: this one behind these recorded operations, nothing open."""
        disk = SimulatedDisk()
        disk._now, disk._durable = deepcopy(self._now), deepcopy(self._durable)
        disk._unsynced, disk._next = list(self._unsynced), self._next
        for operation in operations:
            disk._done(operation)
        return disk

    def crash(self, survives: Survives = NOTHING) -> None:
        """The power is gone, or the process. What was not synced: as asked."""
        for operation in self._unsynced:
            if much := survives(operation):
                self._durable.apply(operation, much)
        self._durable = self._durable.copy()
        self._now = self._durable.copy()
        self._unsynced.clear()
        self._descriptors.clear()
        self._locks = set()

    def kill(self) -> None:
        """The process is gone, the system stays: what was not synced is still to be
        seen, and still lost if the power goes later.
        """
        self._descriptors.clear()
        self._locks = set()

    def files(self) -> dict[Path, bytes]:
        """What a process sees: every file's content."""
        return {
            path: bytes(self._now.files[file])
            for path, file in self._now.names.items()
            if file != FOLDER
        }

    def put(self, path: Path, content: bytes | None) -> None:
        """Sabotage: this file holds this, durably; None: it is not there."""
        if content is None:
            self._now.names.pop(path, None)
        else:
            self._now.files[self._next] = bytearray(content)
            self._now.names[path] = self._next
            self._next += 1
        self._unsynced.clear()
        self._durable = self._now.copy()

    # --- what is done -----------------------------------------------------------------

    def _do(self, operation: Operation) -> None:
        fault = self.fault(operation)
        if fault is None:
            self._done(operation)
            return
        if fault.written and operation.kind == "write":
            self._done(
                Operation(
                    "write",
                    operation.path,
                    operation.file,
                    operation.data[: fault.written],
                    operation.at,
                )
            )
        raise fault.error

    def _done(self, operation: Operation) -> None:
        self.operations.append(operation)
        self._next = max(self._next, operation.file + 1)
        if operation.kind == "sync":
            self._settle(
                lambda done: done.kind in ("write", "truncate") and done.file == operation.file
            )
        elif operation.kind == "sync_folder":
            self._settle(
                lambda done: (
                    done.kind not in ("write", "truncate") and operation.path in _folders(done)
                )
            )
        else:
            self._now.apply(operation, len(operation.data))
            self._unsynced.append(operation)

    def _settle(self, synced: Callable[[Operation], bool]) -> None:
        left = []
        for operation in self._unsynced:
            if synced(operation):
                self._durable.apply(operation, len(operation.data))
            else:
                left.append(operation)
        self._unsynced = left

    def _asked(self, path: Path, file: int = FOLDER) -> None:
        if (fault := self.fault(Operation("read", path, file))) is not None:
            raise fault.error

    # --- the port ---------------------------------------------------------------------

    def make_folder(self, path: Path, mode: int = 0o700) -> None:
        known = self._now.names.get(path)
        if known is None:
            self.make_folder(path.parent)
            self._do(Operation("folder", path))
        elif known != FOLDER:
            raise _error(errno.ENOTDIR, path)
        self.sync_folder(path.parent)

    def try_folder(self, folder: Path) -> None:
        """It lacks nothing."""

    def lock(self, path: Path) -> SimulatedLock:
        self._folder_of(path)
        return SimulatedLock(self._locks, path)

    def names(self, folder: Path) -> list[str]:
        self._folder_of(folder / "any")
        return [
            path.name for path in list(self._now.names) if path.parent == folder and path != folder
        ]

    def size(self, path: Path) -> int | None:
        file = self._now.names.get(path)
        return None if file is None else len(self._now.files.get(file, b""))

    def reader(self, path: Path) -> BinaryIO:
        file = self._now.names.get(path)
        if not file:
            raise _error(errno.ENOENT if file is None else errno.EISDIR, path)
        self._asked(path, file)
        return io.BytesIO(bytes(self._now.files[file]))

    def open(self, path: Path) -> int:
        file = self._now.names.get(path)
        if file is None:
            self._folder_of(path)
            file = self._next
            self._do(Operation("create", path, file))
        elif file == FOLDER:
            raise _error(errno.EISDIR, path)
        descriptor = 1_000_000 + self._next
        self._next += 1
        self._descriptors[descriptor] = file
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        file, path = self._opened(descriptor)
        self._do(Operation("write", path, file, bytes(data), len(self._now.files[file])))

    def sync(self, descriptor: int) -> None:
        file, path = self._opened(descriptor)
        self._do(Operation("sync", path, file))

    def truncate(self, descriptor: int, size: int) -> None:
        file, path = self._opened(descriptor)
        self._do(Operation("truncate", path, file, at=size))

    def read(self, descriptor: int, size: int, offset: int) -> bytes:
        file, path = self._opened(descriptor)
        self._asked(path, file)
        return bytes(self._now.files[file][offset : offset + size])

    def rename(self, source: Path, target: Path) -> None:
        file = self._now.names.get(source)
        if file is None:
            raise _error(errno.ENOENT, source)
        self._do(Operation("rename", source, file, target=target))

    def unlink(self, path: Path) -> None:
        if (file := self._now.names.get(path)) is not None:
            self._do(Operation("unlink", path, file))

    def scratch(self, path: Path) -> Path | None:
        return None

    def sync_folder(self, folder: Path) -> None:
        self._do(Operation("sync_folder", folder))

    def close(self, descriptor: int) -> None:
        self._opened(descriptor)
        del self._descriptors[descriptor]

    def _opened(self, descriptor: int) -> tuple[int, Path]:
        if descriptor not in self._descriptors:
            raise _error(errno.EBADF, Path(str(descriptor)))
        file = self._descriptors[descriptor]
        return file, next(
            (path for path, named in self._now.names.items() if named == file), Path("no name")
        )

    def _folder_of(self, path: Path) -> None:
        if self._now.names.get(path.parent) != FOLDER:
            raise _error(errno.ENOENT, path)


def _folders(operation: Operation) -> tuple[Path, ...]:
    """The folders whose sync makes the operation durable."""
    return (
        (operation.path.parent,)
        if operation.target is None
        else (operation.path.parent, operation.target.parent)
    )


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
