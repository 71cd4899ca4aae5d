"""Lines of a log to chunks, the same for every kind of source: what earlier runs
settled is passed over, and `strict` stops at the first bad line. On the hot path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

from syncer.core.change import BadLine, Change, Chunk, IgnoredLine, Mark
from syncer.core.columns import Columns, Posts, Stretch
from syncer.core.watermark import Skip, Watermark
from syncer.errors import BadLineFound
from syncer.sources.lines import LineOptions, LinePlace, plain_posts

BLOCK_BYTES = 256 << 10
CHUNK_LINES_MAX = 4096
"""About this many lines make a chunk: a dead letter takes hundreds of times as much as
the shortest line.
"""

Raw = TypeVar("Raw")
"""What a source has of a line: its bytes, or the reason why it has none."""
Parse = Callable[[Raw, LinePlace, LineOptions], Change | BadLine | IgnoredLine]


class LineSorter(Generic[Raw]):
    """Sorts the lines of a log, chunk by chunk, into changes, bad and ignored ones."""

    def __init__(
        self,
        log: int,
        label: str,
        options: LineOptions,
        parse: Parse[Raw],
        *,
        watermark: Watermark | None = None,
        strict: bool = False,
        salt: bytes = b"",
    ) -> None:
        self.salt = salt
        """Part of the ids that are made: `LinePlace.salt` of every line."""
        self.stopped: BadLineFound | None = None
        """The bad line at which `strict` stopped: nothing can be read beyond it."""
        self._log = log
        self._label = label
        self._options = options
        self._parse = parse
        self._skip = Skip(watermark.runs() if watermark else [])
        self._strict = strict

    def sort(self, lines: Sequence[tuple[Raw, int, int]], before: Mark, end: Mark) -> Chunk:
        """Return the chunk of the lines between two marks, each with its number and
        offset.

        Where `strict` stops, it holds what comes before the bad line, and its end is
        `before`: a later run sees that line again.
        """
        changes: list[Change] = []
        bad: list[BadLine] = []
        ignored: list[IgnoredLine] = []
        index, skip, options, parse = before.index, self._skip, self._options, self._parse
        place = LinePlace(self._log, index, 0, 0, self.salt)
        for raw, number, offset in lines:
            if index < skip.end and index in skip:
                index += 1
                continue
            place.index, place.line, place.offset = index, number, offset
            found = parse(raw, place, options)
            if type(found) is Change:
                changes.append(found)
            elif type(found) is BadLine:
                if self._strict:
                    self.stopped = BadLineFound(
                        f"{self._label}:{number}: {found.reason}; stopped here because of --strict"
                    )
                    return Chunk(self._log, changes, bad, ignored, before)
                bad.append(found)
            else:
                ignored.append(cast(IgnoredLine, found))
            index += 1
        return Chunk(self._log, changes, bad, ignored, end)

    def sort_posts(self, lines: bytes, before: Mark) -> Posts | None:
        """The lines after this mark, with their line feeds, as posts side by side; None
        where one of them is anything else, and `sort` is to tell what.
        """
        if before.index < self._skip.end:
            return None
        found = plain_posts(lines, self._options)
        if found is None:
            return None
        columns = Columns(self._log, before.index, before.line + 1, *found)
        return Posts([Stretch(columns, 0, len(columns.keys))])


def pieces(block: bytes) -> list[bytes]:
    """Divide a block of many short lines, so that each piece makes a chunk."""
    # `count` looks at each byte by itself, this at many at a time
    count = len(block) - len(block.replace(b"\n", b""))
    if count <= CHUNK_LINES_MAX:
        return [block]
    size = len(block) * CHUNK_LINES_MAX // count
    return [block[at : at + size] for at in range(0, len(block), size)]
