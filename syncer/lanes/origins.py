"""From the configuration and a selection to where a pull reads from, and to the lane that writes it somewhere."""

from __future__ import annotations

import sys
from hashlib import blake2b
from pathlib import Path

import msgspec

from syncer.config import Loaded
from syncer.lanes.clarifai import app
from syncer.lanes.pull import Origin, PullLane
from syncer.remotes.clarifai.layout import AnnotationLayout, InputsLayout
from syncer.remotes.clarifai.listing import AnnotationListing, Selection
from syncer.sinks.choose import STDOUT, output_format, output_sink

UNITS_AHEAD_MAX = 64
"""Groups of inputs fetched or waiting to be written: enough to keep any rate busy, few enough to fit into memory."""


def clarifai_origin(loaded: Loaded, selection: Selection) -> Origin:
    """The annotations of the configured app. Raises UsageError where the configuration does not do."""
    remote, clarifai = app(loaded), loaded.config.clarifai
    chosen = msgspec.json.encode(selection).decode()
    return Origin(
        listing=AnnotationListing(clarifai.user_id, clarifai.app_id, selection),
        layout=InputsLayout() if selection.with_inputs else AnnotationLayout(),
        api=remote.transport,
        pace=remote.pace,
        concurrency=loaded.config.push.concurrency,
        storage=None,
        storage_concurrency=1,
        retry=loaded.config.retry,
        units_ahead_max=UNITS_AHEAD_MAX,
        name=f"annotations of {clarifai.base_url} user {clarifai.user_id} app {clarifai.app_id}: {chosen}",
    )


def open_pull(loaded: Loaded, origin: Origin, out: str, format_: str | None, *, state: Path | None) -> PullLane:
    """A lane from an origin to a path, or to standard output. `state`: None for a folder of the job's own within the configured one.

    Raises UsageError for an output that cannot be, StateError, OutputError.
    """
    sink = output_sink(out, origin.layout, format_, stdout=sys.stdout.buffer)
    place = out if out == STDOUT else str(Path(out).absolute())
    job = f"{origin.name} as {output_format(out, format_)} to {place}"
    folder = state if state is not None else Path(loaded.config.state.dir) / f"pull-{blake2b(job.encode(), digest_size=6).hexdigest()}"
    return PullLane(origin, sink, out=out, job=job, state=folder)
