"""The values that a pull is made of: questions to a remote, units of a list in their
order, rows, and where they go.

A remote's listing is written as generators that never wait: they yield questions, are
sent the answers, and the engine does the rest (rate, retries, pauses, order,
checkpoints).

    listing.units(after, done) ──► Unit ──► Unit ──► …    each with the cursor after it
                                   └ flow(): questions ⇄ answers ──► rows
                            ──► sink.write(page, rows) ──► checkpoint(cursor, position)
"""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ask(Generic[T_co]):
    """A question: a request, and what its reply is read as.

    `read` gives the answer, or the failure. Throttles, failures that may pass and
    refused credentials are the engine's to deal with: a flow is only ever sent answers
    and `Refused`. It may be run in a thread where the body is large.
    """

    request: Request
    read: Callable[[Reply | NoReply], T_co | LookUpFailure]
    via: Literal["api", "storage"] = "api"
    """storage: `request.path` is a whole signed URL, a secret that is asked without any
    token and never shown.
    """


Asking = Generator[Sequence[Ask[object]], Sequence[object], T]
"""Yields questions that may be asked at the same time, is sent their answers in the
same order, returns what it comes to.
"""
Flow = Asking["Found"]


class Row(msgspec.Struct, frozen=True, gc=False):
    """One thing that was fetched."""

    key: tuple[str, ...]
    """The key that no other of its list has: (input_id, id), or (input_uuid,
    annotation_type).
    """
    line: bytes
    """A JSON object: what a JSONL sink writes, and what the layout reads its columns
    from. Line feeds may stand between its tokens.
    """


@dataclass(frozen=True, slots=True)
class Problem:
    """An item that is listed but cannot be fetched."""

    what: str
    """Its ids."""
    reason: str
    input_id: str = ""
    """The input, if something of it may be missing."""


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a unit: its rows, each key once."""

    rows: list[Row]
    duplicates: int = 0
    """Hits that were left out because they repeated others."""
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a list that is fetched by itself and written as one page: some hundreds
    of rows, or a few large documents.
    """

    name: str
    """For messages."""
    cursor: str
    """Where the list goes on after it; given back to `units` once its page is durable.
    """
    flow: Callable[[], Flow]
    parts: tuple[str, ...] = ()
    """What of the list it covers, by keys that no other unit has: noted with its page,
    where the list is to know them after a restart.
    """


Units = Generator["Sequence[Ask[object]] | Unit", "Sequence[object] | None", None]
"""The parts of a list in order, with the questions that find out the parts. After a
unit it is sent None.
"""


Done = Container[str]
"""The parts of a list that earlier runs have done."""


class Listing(Protocol):
    """A list of a remote.

    The same cursor gives the same units again, except what changed at the remote, and
    what is done.
    """

    @property
    def repeats(self) -> bool:
        """Whether a key may come in several units.

        Otherwise repeats only come within one, which leaves them out itself.
        """
        ...

    def units(self, after: str, done: Done | None = ()) -> Units:
        """The units after this cursor (empty: all), in order. Where it yields questions
        it is sent their answers, after a unit None.

        How a service sorts is its own affair: what is done is known by the cursor only
        as far as the service itself takes the cursor, and else by `done`; None where
        that is not known, as for a state of an older version.
        """
        ...


ColumnType = Literal[
    "string", "binary", "bool", "int64", "double", "timestamp", "list<string>", "list<double>"
]
"""timestamp: microseconds, UTC."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; every one may be null."""

    name: str
    type: ColumnType
    doc: str


class Layout(Protocol):
    """The columns of a table: the same for every page, and for no page."""

    @property
    def columns(self) -> Sequence[Column]:
        """In order."""
        ...

    def values(self, row: Row) -> tuple[object, ...]:
        """A row's values, one a column: str, bytes, bool, int, float, datetime (UTC),
        lists of these, None.
        """
        ...


class Sink(Protocol):
    """The place where pages go.

    Every call blocks: the engine makes them in a thread. Raises SyncerError that names
    the path.
    """

    notes: list[str]
    """What users are to know of it, by and by."""

    def open(self, position: str) -> None:
        """Go on after the page that this position was given for; what comes after it is
        removed. Empty: a new output.
        """
        ...

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Write a page, durably; return the position after it.

        Numbers start at 0. Written twice (a crash came between), a page is there once.
        """
        ...

    def close(self) -> None:
        """Every page is written: make the output whole."""
        ...

    def abandon(self) -> None:
        """Let go, as it is; a later `open` takes it up."""
        ...
