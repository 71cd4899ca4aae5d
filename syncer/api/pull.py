"""`await syncer.pull(...)`, `syncer.pages(...)`, and pulls into frames."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args, overload

from syncer.api import arguments
from syncer.api.arguments import ignore_event
from syncer.api.remotes import LIMITERS, Annotell, Clarifai, limits, load_with
from syncer.config import Loaded
from syncer.core.events import Event
from syncer.errors import UsageError
from syncer.extras import needs
from syncer.jobs.opening import open_in_thread
from syncer.jobs.origins import annotell_origin, clarifai_origin, open_pull
from syncer.jobs.pages import Page, pages_of
from syncer.jobs.pull import PullLane, PullReport
from syncer.jobs.pull_parts import pull_parts
from syncer.jobs.wiring import Origin
from syncer.printable import printable
from syncer.remotes.annotell import DocumentSelection
from syncer.remotes.clarifai.selection import Selection
from syncer.sinks.choose import STDOUT, frame_sink
from syncer.sinks.formats import FORMATS, Format

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

OutPath = str | os.PathLike[str]
Frame = Literal["arrow", "pandas", "polars"]
FRAMES = get_args(Frame)
_log = logging.getLogger("syncer")


def _origin(
    source: Clarifai | Annotell,
    select: Selection | DocumentSelection | None,
    config: OutPath | None,
    requests_per_second: float | Literal["auto"] | None,
    concurrency: int | Literal["auto"] | None,
) -> tuple[Loaded, Origin]:
    """Return where to pull from.

    Raises UsageError for what is not a source, and for a selection of another source.
    """
    if not isinstance(source, Clarifai | Annotell):
        raise UsageError(
            f"argument source: is {source!r}; it must be syncer.Clarifai(app_id=...) or"
            " syncer.Annotell(...)"
        )
    configured = load_with(source, config, limits(source, requests_per_second, concurrency))
    if isinstance(source, Clarifai) and isinstance(select, Selection | None):
        return configured, clarifai_origin(configured, LIMITERS, select or Selection())
    if isinstance(source, Annotell) and isinstance(select, DocumentSelection):
        return configured, annotell_origin(configured, LIMITERS, select)
    raise UsageError(
        "argument select: a Clarifai app takes a Selection, Annotell and Kognic need a"
        " DocumentSelection"
    )


async def pull(
    source: Clarifai | Annotell,
    out: OutPath,
    select: Selection | DocumentSelection | None = None,
    *,
    format: Format | None = None,  # noqa: A002 - as the command line calls it
    state: OutPath | None = None,
    config: OutPath | None = None,
    requests_per_second: float | Literal["auto"] | None = None,
    concurrency: int | Literal["auto"] | None = None,
    observe: Callable[[Event], None] | None = None,
) -> PullReport:
    """Fetch annotations into a file, a folder or a table. Run it again after anything
    to carry on; after its end it starts from scratch.

    `out`: its ending names the format (.jsonl, .jsonl.gz, .csv, .parquet, a folder for
    Parquet parts, .delta), unless `format` does; what an earlier pull left there is
    replaced at the end. `state`: the folder that remembers how far it is (a folder of
    its own in ".syncer"). `select`: of a Clarifai app everything where none is given.
    `requests_per_second`: more than 0, or "auto" to find the limit; `concurrency`:
    requests in flight at most (of Annotell: documents). `observe` is called with every
    event, in the event loop.

    Returns what was written; `report.unreadable` things are listed but could not be
    had: the first of them are warnings of the logger `syncer`. Raises UsageError,
    CredentialsRefused, StateError, OutputError, Stopped: each a SyncerError with the
    report up to there in its `details`; what is written is kept.
    """
    path, tell = arguments.path("out", out), arguments.observer(observe)
    if format is not None and format not in FORMATS:
        raise UsageError(f"argument format: is {format!r}; it must be one of {', '.join(FORMATS)}")
    folder = None if state is None else Path(arguments.path("state", state))
    if path == STDOUT:
        raise UsageError(f'argument out: is "{path}"; name a path')
    configured, origin = _origin(source, select, config, requests_per_second, concurrency)
    opening = open_pull(configured, origin, path, format, state=folder)
    async with open_in_thread(opening) as lane:
        return await _run_pull(lane, tell)


@asynccontextmanager
async def pages(
    source: Clarifai | Annotell,
    select: Selection | DocumentSelection | None = None,
    *,
    config: OutPath | None = None,
    requests_per_second: float | Literal["auto"] | None = None,
    concurrency: int | Literal["auto"] | None = None,
    observe: Callable[[Event], None] | None = None,
) -> AsyncIterator[AsyncIterator[Page]]:
    """Pages of annotations, fetched ahead while you work on one: `async with pages(...)
    as stream: async for page in stream:`.

    Nothing is written down: leave the block at any time, a new one begins from the
    start. Lists found by a search (status, since, until) may repeat a key in a later
    page. Raises as `pull` does.
    """
    tell = arguments.observer(observe)
    _, origin = _origin(source, select, config, requests_per_second, concurrency)
    async with pages_of(origin, tell) as stream:
        yield stream


@overload
async def annotations_frame(
    source: Clarifai | Annotell,
    select: Selection | DocumentSelection | None = ...,
    *,
    into: Literal["arrow"] = ...,
    config: OutPath | None = ...,
    requests_per_second: float | Literal["auto"] | None = ...,
) -> pa.Table: ...
@overload
async def annotations_frame(
    source: Clarifai | Annotell,
    select: Selection | DocumentSelection | None = ...,
    *,
    into: Literal["pandas"],
    config: OutPath | None = ...,
    requests_per_second: float | Literal["auto"] | None = ...,
) -> pd.DataFrame: ...
@overload
async def annotations_frame(
    source: Clarifai | Annotell,
    select: Selection | DocumentSelection | None = ...,
    *,
    into: Literal["polars"],
    config: OutPath | None = ...,
    requests_per_second: float | Literal["auto"] | None = ...,
) -> pl.DataFrame: ...
async def annotations_frame(
    source: Clarifai | Annotell,
    select: Selection | DocumentSelection | None = None,
    *,
    into: Frame = "arrow",
    config: OutPath | None = None,
    requests_per_second: float | Literal["auto"] | None = None,
) -> pa.Table | pd.DataFrame | pl.DataFrame:
    """Annotations as a table in memory, with the columns of docs/schema.md: Arrow, or
    pandas or polars where asked.

    `config` and `requests_per_second` are as for `pull`. Needs the extra parquet, and
    pandas or polars where asked for. What could not be fetched is reported, and raised,
    as by `pull`.
    """
    if into not in FRAMES:
        raise UsageError(f"argument into: is {into!r}; it must be one of {', '.join(FRAMES)}")
    if into != "arrow":
        with needs(into):
            import_module(into)  # before all is fetched, not after
    _, origin = _origin(source, select, config, requests_per_second, None)
    sink = frame_sink(origin.layout)
    with (
        tempfile.TemporaryDirectory(prefix="syncer-frame-") as folder,
        pull_parts(origin, sink, job=origin.name, state=Path(folder)) as parts,
    ):
        await _run_pull(PullLane(parts, out="memory"), ignore_event)
    return {"arrow": sink.table, "pandas": sink.pandas, "polars": sink.polars}[into]()


@overload
async def inputs_with_annotations_frame(
    source: Clarifai,
    select: Selection | None = ...,
    *,
    into: Literal["arrow"] = ...,
    config: OutPath | None = ...,
    requests_per_second: float | Literal["auto"] | None = ...,
) -> pa.Table: ...
@overload
async def inputs_with_annotations_frame(
    source: Clarifai,
    select: Selection | None = ...,
    *,
    into: Literal["pandas"],
    config: OutPath | None = ...,
    requests_per_second: float | Literal["auto"] | None = ...,
) -> pd.DataFrame: ...
@overload
async def inputs_with_annotations_frame(
    source: Clarifai,
    select: Selection | None = ...,
    *,
    into: Literal["polars"],
    config: OutPath | None = ...,
    requests_per_second: float | Literal["auto"] | None = ...,
) -> pl.DataFrame: ...
async def inputs_with_annotations_frame(
    source: Clarifai,
    select: Selection | None = None,
    *,
    into: Frame = "arrow",
    config: OutPath | None = None,
    requests_per_second: float | Literal["auto"] | None = None,
) -> pa.Table | pd.DataFrame | pl.DataFrame:
    """Inputs left-joined with their annotations, as a table in memory: every input at
    least once. Otherwise as `annotations_frame`.
    """
    if not isinstance(select, Selection | None):
        raise UsageError(
            "argument select: inputs with annotations need a Clarifai app, which takes a Selection"
        )
    as_asked = cast(Literal["arrow"], into)  # the caller knows which overload it is
    joined = replace(select or Selection(), with_inputs=True)
    return await annotations_frame(
        source, joined, into=as_asked, config=config, requests_per_second=requests_per_second
    )


async def _run_pull(lane: PullLane, observe: Callable[[Event], None]) -> PullReport:
    done = await lane.run(observe)
    for note in done.notes:
        _log.warning("%s", note)
    for problem in done.problems:
        _log.warning("%s", printable(f"{problem.what}: {problem.reason}"))
    if done.error is not None:
        done.error.details = asdict(done.report)
        raise done.error
    return done.report
