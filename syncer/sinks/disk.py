"""The work of sinks on files: durable, and with errors that name the path."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncer.errors import OutputError
from syncer.files import Unable


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turns an OSError into an OutputError that names the output."""
    try:
        yield
    except OSError as error:
        way_out = (
            "name one on a local disk"
            if isinstance(error, Unable)
            else "run the same command again to carry on"
        )
        raise OutputError(
            f"the output {path} cannot be written: {error.strerror or error}; {way_out}"
        ) from error


def beside(path: Path) -> Path:
    """Return where a file is while it is not whole: PATH.part.

    Raises OutputError if `path` is something else than a file.
    """
    refuse_what_is_no_file(path)
    return path.with_name(path.name + ".part")


def refuse_what_is_no_file(path: Path) -> None:
    """A rename onto a folder fails, and one onto a device or a pipe would put a file in
    its place. Raises OutputError.
    """
    with translate_errors(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            return
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise OutputError(f"the output {path} is {kind}, not a file; `-` writes to standard output")


def not_at_once(path: Path) -> str:
    """Return what users must know of an output that was written over the older one."""
    return (
        f"the file system of {path} cannot rename files: the output was written in place, and"
        " was not whole until now"
    )
