"""The config's word on the lines of change logs."""

from __future__ import annotations

from syncer.config import Config
from syncer.sources.lines import LineOptions


def line_options(config: Config) -> LineOptions:
    """Return how the lines of every source are read."""
    return LineOptions(config.push.lists_without_ids, config.push.embed_model_version_id)
