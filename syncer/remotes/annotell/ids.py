"""Lists of ids as `syncer.core.pull.Listing`s: what is found for each.

They are read in the order of the ids, and their cursor is the last id: what comes and goes in between moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from syncer.core.outcome import Refused
from syncer.core.pull import Ask, Asking, Done, Flow, Found, Listing, Problem, Row, Unit, Units
from syncer.remotes.annotell.answers import Opened
from syncer.remotes.annotell.asks import Asks
from syncer.remotes.annotell.documents import UNIT_MAX, Entry, Item, Page, Source, fetched
from syncer.remotes.flows import each, joined, one

HALVED = (400, 404, 413, 414, 431)
"""HTTP statuses that refuse a list of ids perhaps for one of them, or for its length."""


@dataclass(frozen=True, slots=True)
class IdListing:
    """What is found for each of these ids (A6, A7, A8). Implements `Listing`.

    `listed`: ids that came from a list of what there is, not from a user: one without an annotation is no problem.
    """

    ask: Callable[[str], Ask[Page]]
    ids: tuple[str, ...]
    what: str
    """What an id is one of, for people."""
    listed: bool = False
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Units of some ids each, in the order of the ids."""
        left = [id for id in sorted(set(self.ids)) if id > after]
        for at in range(0, len(left), UNIT_MAX):
            unit = left[at : at + UNIT_MAX]
            yield Unit(f"{self.what} {unit[0]} and on", unit[-1], partial(self._unit, unit))

    def _unit(self, ids: Sequence[str]) -> Flow:
        entries: list[Entry] = []
        problems: list[Problem] = []
        asks = [self.ask(id) for id in ids]
        for id, ask, answer in zip(ids, asks, (yield from each(asks)), strict=True):
            if isinstance(answer, Opened):
                source = Source(ask, answer)
                entries += [(item, source) for item in answer.data]
            elif not (self.listed and answer.code == 404):
                problems.append(Problem(f"{self.what} {id}", answer.reason))
        found = yield from fetched(entries)
        found.problems.extend(problems)
        return found


@dataclass(frozen=True, slots=True)
class ExportListing:
    """The annotations of these inputs, in the format of the client (A1). Implements `Listing`. No inputs: nothing is asked."""

    asks: Asks
    uuids: tuple[str, ...]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """A unit a request."""
        left = [uuid for uuid in sorted(set(self.uuids)) if uuid > after]
        while left:
            unit = self.asks.chunk(left)
            left = left[len(unit) :]
            yield Unit(f"inputs {unit[0]} to {unit[-1]}", unit[-1], partial(self._unit, unit))

    def _unit(self, uuids: list[str]) -> Flow:
        answer = yield from one(self.asks.exports_of(uuids))
        if isinstance(answer, Refused):
            if len(uuids) > 1 and answer.code in HALVED:
                middle = len(uuids) // 2
                left = yield from self._unit(uuids[:middle])
                return joined([left, (yield from self._unit(uuids[middle:]))])
            return Found([], problems=[Problem(f"input {uuid}", answer.reason) for uuid in uuids])
        unique = {row.key: row for row in reversed(answer)}
        return Found(list(reversed(unique.values())), len(answer) - len(unique))


@dataclass(frozen=True, slots=True)
class SingleListing:
    """The annotations of these inputs and types (A5), each with its document in the answer. Implements `Listing`."""

    asks: Asks
    uuids: tuple[str, ...]
    annotation_types: tuple[str, ...]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Units of some inputs each, in the order of their uuids, each with all types."""
        left = [uuid for uuid in sorted(set(self.uuids)) if uuid > after]
        size = max(1, UNIT_MAX // max(1, len(self.annotation_types)))
        for at in range(0, len(left), size):
            unit = left[at : at + size]
            yield Unit(f"inputs {unit[0]} to {unit[-1]}", unit[-1], partial(self._unit, unit))

    def _unit(self, uuids: Sequence[str]) -> Flow:
        items = [Item(uuid, annotation_type, None) for uuid in uuids for annotation_type in sorted(set(self.annotation_types))]
        found = Found([])
        for item, answer in zip(items, (yield from each([self.asks.single(item) for item in items])), strict=True):
            if isinstance(answer, Row):
                found.rows.append(answer)
            else:
                found.problems.append(Problem(item.what, answer.reason))
        return found


@dataclass(frozen=True, slots=True)
class AskedListing:
    """A list of ids that are asked for first. Implements `Listing`."""

    ids: Callable[[], Asking[list[str]]]
    of_ids: Callable[[tuple[str, ...]], Listing]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """The units of the ids' own list. Raises Stopped where the remote refuses to say which ids there are."""
        ids = yield from self.ids()
        yield from self.of_ids(tuple(ids)).units(after, done)
