"""The output of an import: there as a whole, or not at all."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from select import PIPE_BUF
from typing import BinaryIO, Protocol, cast

from syncer import files
from syncer.errors import OutputError, UsageError

STDOUT = "-"
_BUFFER_BYTES = 1 << 20


class LineOutput(Protocol):
    """Takes lines."""

    def write(self, data: bytes, /) -> object:
        """Take one or several."""
        ...


class Discard:
    """Takes lines for a run that only counts."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""
        return len(data)


@contextmanager
def write_whole(path: Path) -> Iterator[LineOutput]:
    """Write a file that is in its place when the block ends, and not there if it fails.

    Until then it is a hidden file beside it. Gzip, where the name ends in .gz. Raises
    UsageError for a folder or a device, OutputError.
    """
    if path.exists() and not path.is_file():  # it would be replaced: /dev/null, too
        raise UsageError(f"{path} is {'a folder' if path.is_dir() else 'not a file'}; name a file")
    part = path.with_name(f".{path.name}.part")
    try:
        with ExitStack() as stack:
            file = stack.enter_context(files.open_part(part, _BUFFER_BYTES))
            unfinished = stack.enter_context(ExitStack())
            unfinished.callback(_remove, part)
            out: BinaryIO = file
            if path.suffix == ".gz":
                packed = gzip.GzipFile("", "wb", fileobj=file, mtime=0)
                out = cast(BinaryIO, stack.enter_context(packed))
            yield out
            out.flush()
            if out is not file:
                out.close()
            file.flush()
            files.sync(part)
            files.place(part, path)
            unfinished.pop_all()  # the name may be another import's by now
    except BlockingIOError:
        raise OutputError(f"{path} is being written by another import; wait for it") from None
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {files.why(error)}. Nothing was written there"
        ) from None


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink()


@contextmanager
def spool_lines() -> Iterator[BinaryIO]:
    """A file without a name, which is gone after the block. Raises OutputError."""
    try:
        with tempfile.TemporaryFile(buffering=_BUFFER_BYTES) as file:
            yield cast(BinaryIO, file)
    except BrokenPipeError:  # of what the lines were copied to
        raise
    except OSError as error:
        raise OutputError(
            f"the lines cannot be kept in {tempfile.gettempdir()}: {files.why(error)}; set TMPDIR"
            " to a folder with more space"
        ) from None


def copy_out(spool: BinaryIO, stream: BinaryIO) -> None:
    """Write all that was kept to standard output.

    A push that reads a pipe cannot see how the import ended. So nothing but the whole
    looks whole: wherever this is killed, half a line is the last that has come through.
    Raises BrokenPipeError, OutputError.
    """
    spool.seek(0)
    try:
        for piece in cut_within_lines(spool, PIPE_BUF):
            stream.write(piece)
            stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise OutputError(f"standard output cannot be written: {reason}") from None


def cut_within_lines(lines: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield all of it in pieces of up to `size` bytes, of which a pipe takes each whole
    or not at all; each but the last ends within an object of JSON.

    Lines are objects, and longer than two bytes.
    """
    kept = b""
    while len(piece := kept + lines.read(size - len(kept))) == size:
        end = size - 2
        if b"\n" in piece[end - 1 : end + 1]:
            end -= 2
        yield piece[:end]
        kept = piece[end:]
    if piece:
        yield piece
