"""What sinks do to files: durably, and with errors that name the path."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncer.errors import OutputError


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns an OSError into an OutputError that names the output."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the output {path} cannot be written: {error.strerror or error}; run the same command again to carry on"
        ) from error


def sync(path: Path) -> None:
    """What was written to this file, or which names there are in this folder, is on the disk when this returns. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Rename, and make the rename durable. Raises OSError."""
    source.replace(target)
    sync(target.parent)


def beside(path: Path) -> Path:
    """Where a file is while it is not whole: PATH.part. Raises OutputError: `path` is something else than a file."""
    refuse_what_is_no_file(path)
    return path.with_name(path.name + ".part")


def refuse_what_is_no_file(path: Path) -> None:
    """A rename onto a folder fails, and one onto a device or a pipe would put a file in its place. Raises OutputError."""
    with told(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            return
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise OutputError(f"the output {path} is {kind}, not a file; `-` writes to standard output")
