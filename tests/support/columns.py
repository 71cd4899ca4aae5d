"""Posts in columns, as the reader of a log leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from syncer.core.change import Change
from syncer.core.columns import Columns, Posts, Stretch


def side_by_side(changes: Sequence[Change]) -> Posts:
    """Neighbouring posts in columns."""
    lines = b"".join([change.raw + b"\n" for change in changes])
    ends = list(accumulate(len(change.raw) + 1 for change in changes))
    first, keys = changes[0], [change.key for change in changes]
    columns = Columns(first.log, first.index, first.line, lines, ends, keys)
    return Posts([Stretch(columns, 0, len(keys))])
