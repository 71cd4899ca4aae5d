"""Plain posts side by side: hundreds of neighbours of a log in a few objects, for as
long as nothing makes one of them special.

    Columns     those of one chunk: their lines in one piece, and their keys
    Stretch     some neighbours of them: all that a queue or a batch keeps
    Posts       stretches one after the other, which anybody may take for a sequence of
                changes; each is made when it is asked for

It is the sharing of work that makes a push of millions cheap: a request, its answer and
its settlement handle the stretches whole. The rules are those of the backlog, and where
they need a change by itself (another change of its key, an answer that is not all
well), all columns with it are *unfolded* into entries (`Order.unfold`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from operator import itemgetter
from typing import TYPE_CHECKING, overload

from syncer.core.change import Change, Key

if TYPE_CHECKING:
    from syncer.core.entry import Entry

POST_HEADS = (b'{"op":"post","annotation":', b'{"op": "post", "annotation": ')
"""With which the line of a plain post begins, without spaces or as Python's `json`
writes it; its annotation and a brace follow.
"""
POST_TAIL = b"}\n"
_BRACE = POST_TAIL[:-1]

_input_of = itemgetter(0)


class Columns:
    """The plain posts of a chunk, on neighbouring lines of its log, each of another
    annotation.
    """

    __slots__ = (
        *("_inputs", "annotations", "ends", "entries"),
        *("head", "index", "keys", "line", "log"),
    )

    def __init__(
        self,
        log: int,
        index: int,
        line: int,
        head: bytes,
        annotations: list[bytes],
        keys: list[Key],
    ) -> None:
        """`index`, `line`: of the first one. `head`: with which each line begins.
        `annotations`: as their lines have them.
        """
        self.head = head
        self.log = log
        self.index = index
        self.line = line
        self.annotations = annotations
        self.ends = list(
            accumulate(map((len(head) + len(POST_TAIL)).__add__, map(len, annotations)))
        )
        """The bytes of the lines up to and with each one, line feeds included."""
        self.keys = keys
        self.entries: list[Entry] | None = None
        """All of them, once they are unfolded."""
        self._inputs: frozenset[str] | None = None

    @property
    def inputs(self) -> frozenset[str]:
        """The ids of their inputs."""
        if self._inputs is None:
            self._inputs = frozenset(map(_input_of, self.keys))
        return self._inputs

    def start(self, number: int) -> int:
        """The bytes of the lines before one of them."""
        return self.ends[number - 1] if number else 0

    def change(self, number: int) -> Change:
        """One of them by itself."""
        return Change(
            self.log,
            self.index + number,
            self.line + number,
            "post",
            *self.keys[number],
            self.head + self.annotations[number] + _BRACE,
            len(self.head),
            -1,
        )


class Stretch:
    """The posts from `start` to `stop` of some columns."""

    __slots__ = ("columns", "start", "stop")

    def __init__(self, columns: Columns, start: int, stop: int) -> None:
        self.columns = columns
        self.start = start
        self.stop = stop

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def log(self) -> int:
        """The log's number within the state."""
        return self.columns.log

    @property
    def index(self) -> int:
        """Of the first one, as in `Change`."""
        return self.columns.index + self.start

    @property
    def keys(self) -> list[Key]:
        """(input_id, id) of each."""
        return self.columns.keys[self.start : self.stop]

    @property
    def entries(self) -> list[Entry] | None:
        """Those of these posts, where their columns are unfolded."""
        entries = self.columns.entries
        return None if entries is None else entries[self.start : self.stop]

    def list_entries(self) -> list[Entry]:
        """The same; none where they are not."""
        return self.entries or []

    @property
    def size(self) -> int:
        """Bytes of the request that they take, counted as for entries."""
        return self.columns.ends[self.stop - 1] - self.columns.start(self.start)

    @property
    def held_bytes(self) -> int:
        """The bytes of their lines, without line feeds."""
        return self.size - len(self)

    def fitting(self, bound: int) -> int:
        """Return how many of the first of them take no more bytes than this."""
        columns = self.columns
        most = columns.start(self.start) + bound
        return bisect_right(columns.ends, most, self.start, self.stop) - self.start

    def divide(self, count: int) -> tuple[Stretch, Stretch]:
        """The first so many, and the rest."""
        middle = self.start + count
        return Stretch(self.columns, self.start, middle), Stretch(self.columns, middle, self.stop)

    def changes(self) -> Iterator[Change]:
        """Yield each by itself."""
        return map(self.columns.change, range(self.start, self.stop))

    def raw(self) -> bytes:
        """Their lines without line endings, joined: what checksums are of."""
        head = self.columns.head
        return join_texts(head, self.list_annotations(), _BRACE + head, _BRACE)

    def list_annotations(self) -> list[bytes]:
        """Return the annotation of each."""
        return self.columns.annotations[self.start : self.stop]


class Posts(Sequence[Change]):
    """Stretches one after the other, at least one."""

    __slots__ = ("keys", "parts")

    def __init__(self, parts: Sequence[Stretch]) -> None:
        self.parts = parts
        self.keys = parts[0].keys if len(parts) == 1 else [key for one in parts for key in one.keys]

    @property
    def size(self) -> int:
        """Bytes of the request that they take."""
        return sum(part.size for part in self.parts)

    @property
    def held_bytes(self) -> int:
        """The bytes of their lines, without line feeds."""
        return sum(part.held_bytes for part in self.parts)

    def list_annotations(self) -> list[bytes]:
        """Return the annotation of each."""
        return [one for part in self.parts for one in part.list_annotations()]

    def list_entries(self) -> list[Entry]:
        """Return those of the parts that are unfolded."""
        return [entry for part in self.parts for entry in part.list_entries()]

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Change]:
        return chain.from_iterable(part.changes() for part in self.parts)

    @overload
    def __getitem__(self, at: int, /) -> Change: ...
    @overload
    def __getitem__(self, at: slice, /) -> list[Change]: ...
    def __getitem__(self, at: int | slice, /) -> Change | list[Change]:
        if isinstance(at, slice) or at < 0:
            return list(self)[at]
        for part in self.parts:
            if at < len(part):
                return part.columns.change(part.start + at)
            at -= len(part)
        raise IndexError(at)


def join_texts(before: bytes, texts: Sequence[bytes], between: bytes, after: bytes) -> bytes:
    """Return at least one text, with these around and between, copied once only."""
    parts = list(texts)
    parts[0] = before + parts[0]
    parts[-1] += after
    return between.join(parts)
