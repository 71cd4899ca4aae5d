"""Lists of ids as `syncer.core.ports.pull.Listing`s: what is found for each.

They are read in the order of the ids, and their cursor is the last id: what comes and
goes in between moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from syncer.core.outcome import Refused
from syncer.core.ports.pull import (
    Ask,
    Asking,
    Done,
    Flow,
    Found,
    Listing,
    Problem,
    Row,
    Unit,
    Units,
)
from syncer.remotes.annotell.answers import Unwrapped
from syncer.remotes.annotell.asks import UUIDS_MAX, Asks
from syncer.remotes.annotell.chosen import UNCLEAR, Chosen
from syncer.remotes.annotell.documents import OTHER, Item, ItemPage
from syncer.remotes.annotell.fetching import UNIT_MAX, ListedItem, PageSource, fetch
from syncer.remotes.flows import cut, each, join_found, one
from syncer.remotes.paths import describe_change


@dataclass(frozen=True, slots=True)
class IdListing:
    """The annotations found for each of these ids (A6, A7, A8). Implements `Listing`.

    `listed`: ids of inputs that came from a list of what there is, not from a user: one
    without an annotation is not a problem. `unclear`: ids that are known already not to
    be fetched, and why.
    """

    ask: Callable[[str], Ask[ItemPage] | Refused]
    ids: tuple[str, ...]
    what: str
    """What an id is one of, for people."""
    listed: bool = False
    unclear: Mapping[str, str] = field(default_factory=dict)
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Units of some ids each, in the order of the ids."""
        left = [id for id in sorted({*self.ids, *self.unclear}) if id > after]
        for unit in cut(left, UNIT_MAX):
            yield Unit(f"{self.what} {unit[0]} and on", unit[-1], partial(self._unit, unit))

    def _unit(self, ids: Sequence[str]) -> Flow:
        entries: list[ListedItem] = []
        problems = [
            Problem(f"{self.what} {id}", self.unclear[id]) for id in ids if id in self.unclear
        ]
        asked = [(id, self.ask(id)) for id in ids if id not in self.unclear]
        answers = (yield from each([ask for _, ask in asked])) if asked else []
        for (id, ask), answer in zip(asked, answers, strict=True):
            if isinstance(answer, Unwrapped) and isinstance(ask, Ask):
                source = PageSource(ask, answer)
                entries += [(item, source) for item in answer.data]
            elif isinstance(answer, Refused) and not (
                self.listed and answer.missing and not describe_change(id)
            ):
                problems.append(Problem(f"{self.what} {id}", answer.reason + describe_change(id)))
        found = yield from fetch(entries)
        found.problems.extend(problems)
        return found


@dataclass(frozen=True, slots=True)
class ExportListing:
    """The annotations of these inputs, in the format of the client (A1).

    Implements `Listing`. No inputs: nothing is asked.
    """

    asks: Asks
    uuids: tuple[str, ...]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """A unit a request."""
        left = [uuid for uuid in sorted(set(self.uuids)) if uuid > after]
        at = 0
        while at < len(left):
            unit = self.asks.chunk(left[at : at + UUIDS_MAX])
            at += len(unit)
            yield Unit(f"inputs {unit[0]} to {unit[-1]}", unit[-1], partial(self._unit, unit))

    def _unit(self, uuids: list[str]) -> Flow:
        """Return what the answer has of these inputs: it is silent about those without
        an annotation, or says so (wire, 1a).
        """
        answer = yield from one(self.asks.exports_of(uuids))
        if isinstance(answer, list):
            unique = {row.key: row for row in reversed(answer) if row.key[0] in uuids}
            return Found(
                list(reversed(unique.values())),
                len(answer) - len(unique),
                _find_unheeded(uuids, answer),
            )
        if len(uuids) > 1 and (answer.missing or answer.code in UNCLEAR):
            middle = len(uuids) // 2
            left = yield from self._unit(uuids[:middle])
            return join_found([left, (yield from self._unit(uuids[middle:]))])
        return Found([], problems=[Problem(f"input {uuid}", answer.reason) for uuid in uuids])


def _find_unheeded(uuids: Sequence[str], rows: Sequence[Row]) -> list[Problem]:
    """Those of which an answer says nothing, where it is about others: then its silence
    does not mean that there is nothing.
    """
    came = {row.key[0] for row in rows}
    others = sorted(came.difference(uuids))
    return [
        Problem(f"input {uuid}", f"the answer is about others, such as {others[0]}")
        for uuid in uuids
        if uuid not in came and others
    ]


@dataclass(frozen=True, slots=True)
class SingleListing:
    """The annotations of these inputs and types (A5), each with its document in the
    answer. Implements `Listing`.
    """

    asks: Asks
    uuids: tuple[str, ...]
    annotation_types: tuple[str, ...]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Units of some inputs each, in order of their uuids, each with all types."""
        left = [uuid for uuid in sorted(set(self.uuids)) if uuid > after]
        for unit in cut(left, max(1, UNIT_MAX // max(1, len(self.annotation_types)))):
            yield Unit(f"inputs {unit[0]} to {unit[-1]}", unit[-1], partial(self._unit, unit))

    def _unit(self, uuids: Sequence[str]) -> Flow:
        items = [
            Item(uuid, annotation_type, None)
            for uuid in uuids
            for annotation_type in sorted(set(self.annotation_types))
        ]
        found = Found([])
        for item, answer in zip(
            items, (yield from each([self.asks.single(item) for item in items])), strict=True
        ):
            if not isinstance(answer, Row):
                found.problems.append(
                    Problem(
                        item.what,
                        answer.reason
                        + describe_change(item.input_uuid, item.annotation_type or ""),
                    )
                )
            elif answer.key != item.key:
                found.problems.append(Problem(item.what, OTHER))
            else:
                found.rows.append(answer)
        return found


@dataclass(frozen=True, slots=True)
class AskedListing:
    """A list of ids that are asked for first. Implements `Listing`."""

    chosen: Callable[[], Asking[Chosen]]
    of_chosen: Callable[[Chosen], Listing]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """The units of the ids' own list.

        Raises Stopped where the remote refuses to say which ids there are.
        """
        chosen = yield from self.chosen()
        yield from self.of_chosen(chosen).units(after, done)
