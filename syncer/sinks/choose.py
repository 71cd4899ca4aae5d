"""From what a user names to a sink."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from syncer.core.ports.pull import Layout, Sink
from syncer.errors import UsageError
from syncer.extras import needs
from syncer.sinks.file import FileSink, Form
from syncer.sinks.formats import FORMATS
from syncer.sinks.stream import StreamSink
from syncer.sinks.text import Csv, Gzipped, JsonLines

if TYPE_CHECKING:
    from syncer.sinks.frame import FrameSink

STDOUT = "-"
_DELTA_LOG = "_delta_log"
_PARTS = f"part-{'[0-9]' * 8}.parquet"
"""The files of a folder of Parquet; those of a Delta table, which a crash may leave
there before its first commit, are called otherwise.
"""
_GZIPPED = ("jsonl", "csv")
_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".delta": "delta",
}


def output_format(out: str, wanted: str | None = None) -> str:
    """One of FORMATS: the one that is wanted, else what `out` says.

    `-` is JSON Lines, a folder with a `_delta_log` a Delta table, another folder or a
    path that ends in "/" Parquet, and a file what its ending says; `.gz` after it is
    for JSON Lines and CSV. Raises UsageError.
    """
    if wanted is not None:
        if wanted not in FORMATS:
            raise UsageError(f"--format {wanted}: not a format; one of {', '.join(FORMATS)}")
        return wanted
    if out == STDOUT:
        return "jsonl"
    path = Path(out)
    with _looking_at(out):
        folder, delta = out.endswith("/") or path.is_dir(), (path / _DELTA_LOG).is_dir()
    if delta:
        return "delta"
    name = path.name.removesuffix(".gz")
    for ending, format_ in _ENDINGS.items():
        if name.endswith(ending) and (name == path.name or format_ in _GZIPPED):
            return format_
    if folder:
        return "parquet"
    raise UsageError(
        f"--out {out}: its ending does not name a format; use {', '.join(_ENDINGS)} (.jsonl.gz,"
        " .csv.gz),"
        " a folder, or --format"
    )


def output_sink(
    out: str,
    layout: Layout,
    wanted: str | None = None,
    *,
    stdout: BinaryIO | None,
    work: Path | None = None,
) -> Sink:
    """The sink for a path or `-`. Opens nothing. Raises UsageError: no such format, not
    one for this path, or an extra is missing.

    `work`: a folder on a local disk, used where the output's file system cannot do
    something.
    """
    format_ = output_format(out, wanted)
    with _looking_at(out):
        folder = out.endswith("/") or Path(out).is_dir()
        why = None if out == STDOUT else _unfit(Path(out), format_, folder=folder)
    if why is not None:
        raise UsageError(f"--out {out}: {why}")
    if format_ == "parquet" and out != STDOUT:
        return _parquet(Path(out), layout, work, folder=folder)
    if format_ == "delta" and out != STDOUT:
        return _delta(Path(out), layout, work)
    if format_ in ("parquet", "delta"):
        raise UsageError(f"--format {format_} needs a file: give --out PATH")
    form: Form = JsonLines() if format_ == "jsonl" else Csv(layout)
    if out == STDOUT:
        if stdout is None:
            raise UsageError("there is no standard output to write to: name a path")
        return StreamSink(stdout, form)
    return FileSink(Path(out), Gzipped(form) if out.endswith(".gz") else form, work)


@contextmanager
def _looking_at(out: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"--out {out} cannot be used: {error.strerror or error}") from None


def _unfit(path: Path, format_: str, *, folder: bool) -> str | None:
    """Return why this format cannot go there, None if it can.

    Two tables in one folder would be read as one.
    """
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if folder and format_ in _GZIPPED:
        return f"{format_} goes into a file, and this is a folder"
    if path.is_file() and (folder or format_ == "delta"):
        return f"{format_} goes into a folder here, and this is a file"
    if format_ == "parquet" and (path / _DELTA_LOG).is_dir():
        return "this is a Delta table: write that, or name another path"
    if format_ == "delta" and not (path / _DELTA_LOG).is_dir() and any(path.glob(_PARTS)):
        return "there are Parquet files in it: write that, or name another path"
    return None


def frame_sink(layout: Layout) -> FrameSink:
    """A sink that keeps all rows in memory, as a table.

    Raises UsageError: pyarrow is not installed.
    """
    with needs("parquet"):
        from syncer.sinks.frame import FrameSink

    return FrameSink(layout)


def _parquet(path: Path, layout: Layout, work: Path | None, *, folder: bool) -> Sink:
    with needs("parquet"):
        from syncer.sinks.parquet import Parquet, ParquetFolder

    return ParquetFolder(path, layout) if folder else FileSink(path, Parquet(layout), work)


def _delta(path: Path, layout: Layout, work: Path | None) -> Sink:
    with needs("delta"):
        from syncer.sinks.delta import Delta

    return FileSink(path, Delta(layout, work), work)
