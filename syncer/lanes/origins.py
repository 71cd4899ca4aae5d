"""From the configuration and a selection to where a pull reads from."""

from __future__ import annotations

import msgspec

from syncer.config import Loaded
from syncer.lanes.clarifai import app
from syncer.lanes.pull import Origin
from syncer.remotes.clarifai.layout import AnnotationLayout, InputsLayout
from syncer.remotes.clarifai.listing import AnnotationListing, Selection

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
