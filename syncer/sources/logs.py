"""From what is named on the command line to logs: files, folders, stdin."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from syncer.errors import StateError, UsageError

ENDINGS = (".jsonl", ".jsonl.gz")
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LogPath:
    """A log: its absolute path, and the name by which users know it."""

    path: Path
    label: str


def expand(arguments: Sequence[str], state: Path, stdin: BinaryIO) -> list[LogPath]:
    """The logs that these arguments name, in order, each once. Raises UsageError for what is not there."""
    found: dict[Path, LogPath] = {}
    for argument in arguments:
        for log in _logs(argument, state, stdin):
            if not _is_text(f"{log.path}{log.label}"):
                raise UsageError(f"the name of the change log {log.label} is not UTF-8, so no state can hold it: rename it")
            found.setdefault(log.path, log)
    return list(found.values())


def _logs(argument: str, state: Path, stdin: BinaryIO) -> Iterator[LogPath]:
    if argument == "-":
        yield LogPath(_spooled(stdin, state / "spool"), "-")
        return
    path = Path(argument)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.name.endswith(ENDINGS) and file.is_file())
        if not files:
            raise UsageError(f"the folder {argument} holds no change log ({' or '.join(ENDINGS)})")
        for file in files:
            yield LogPath(file.absolute(), str(file))
    elif not path.exists():
        raise UsageError(f"there is no change log {argument}")
    elif not path.is_file():
        raise UsageError(f"the change log {argument} is no file but a pipe or a device: pipe it in, and name - for it")
    elif not os.access(path, os.R_OK):
        raise UsageError(f"the change log {argument} cannot be read: permission denied")
    else:
        yield LogPath(path.absolute(), argument)


def _is_text(name: str) -> bool:
    """Python carries the bytes of a name that are no text as halves of characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spooled(stdin: BinaryIO, folder: Path) -> Path:
    """Stdin in a file named by its content: the same input again is the same log."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in folder.glob("*.part"):
            leftover.unlink()
        digest = blake2b(digest_size=16)
        descriptor, name = tempfile.mkstemp(suffix=".part", dir=folder)
        with os.fdopen(descriptor, "wb") as out:
            while block := stdin.read(BLOCK_BYTES):
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        path = (folder / f"{digest.hexdigest()}.jsonl").absolute()
        Path(name).replace(path)  # also over an older one, which may have rotted since
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)  # the journal is about to name it
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StateError(f"stdin cannot be spooled into {folder}: {error.strerror}") from None
    return path
