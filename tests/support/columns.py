"""Posts in columns, as the reader of a log leaves them."""

from __future__ import annotations

from collections.abc import Sequence

from syncer.core.change import Change
from syncer.core.columns import Columns, Posts, Stretch


def side_by_side(changes: Sequence[Change]) -> Posts:
    """Neighbouring posts in columns."""
    first, keys = changes[0], [change.key for change in changes]
    annotations = [change.body for change in changes]
    head = first.raw[: first.at]
    columns = Columns(first.log, first.index, first.line, head, annotations, keys)
    return Posts([Stretch(columns, 0, len(keys))])
