"""The list of what is finished in a project or batch, as a `syncer.core.pull.Listing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from syncer.core.outcome import Refused
from syncer.core.pull import Asking, Done, Listing, Unit, Units
from syncer.errors import Stopped
from syncer.remotes.annotell.answers import Cursor, Opened
from syncer.remotes.annotell.asking import needed, refusal
from syncer.remotes.annotell.asks import Asks
from syncer.remotes.annotell.documents import UNIT_MAX, Entry, Item, Page, Source, fetched
from syncer.remotes.flows import one

NO_SUCH_PLACE = (400, 404, 405, 410)
"""HTTP statuses of an address or a cursor that the service does not have."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a project's list goes on: behind the first `done` of a page, the last of which is of the input `last`."""

    annotation_type: str
    page: Cursor | None = None
    done: int = 0
    last: str = ""
    finished: bool = False
    """The whole type is."""

    def text(self) -> str:
        """As a cursor."""
        return msgspec.json.encode(self).decode()

    def skipped(self, items: Sequence[Item]) -> int:
        """How many items of the page are done. Where the page has changed, what was last done is looked for; else it starts anew."""
        if 0 < self.done <= len(items) and items[self.done - 1].input_uuid == self.last:
            return self.done
        return next((number for number, item in enumerate(items, 1) if item.input_uuid == self.last), 0)


@dataclass(frozen=True, slots=True)
class ProjectListing:
    """What is finished in a project or batch: of these annotation types, else of all that the project has. Implements `Listing`.

    `chosen`: asks which inputs are wanted; None for all. `untyped`: what to list where the project has no annotation types.
    """

    asks: Asks
    project: str
    batch: str = ""
    annotation_types: tuple[str, ...] = ()
    chosen: Callable[[], Asking[list[str]]] | None = None
    untyped: Listing | None = None
    repeats: bool = field(default=True, init=False)
    """Whether the service's pages shift while they are read is not known."""

    def units(self, after: str, done: Done | None = ()) -> Units:
        """The parts of the list behind this cursor. Raises Stopped where the remote refuses to list."""
        place = Place("") if not after.startswith("[") else msgspec.json.decode(after, type=Place)
        types = yield from self.types()
        if not types and self.untyped is not None:
            yield from self.untyped.units(after, done)
            return
        chosen = None if self.chosen is None else frozenset((yield from self.chosen()))
        for annotation_type in types:
            if annotation_type > place.annotation_type:
                yield from self._of_type(Place(annotation_type), chosen)
            elif annotation_type == place.annotation_type and not place.finished:
                yield from self._of_type(place, chosen)

    def types(self) -> Asking[list[str]]:
        """The annotation types, in order."""
        if self.annotation_types:
            return sorted(set(self.annotation_types))
        what = f"the annotation types of project {self.project}"
        return sorted(set((yield from needed(self.asks.annotation_types(self.project, self.batch), what)).data))

    def _of_type(self, place: Place, chosen: frozenset[str] | None) -> Units:
        seen: set[Cursor | None] = set()
        while not place.finished:
            place, source, page = yield from self.page(place)
            items, behind = page.data, following(place, page, seen)
            unit: list[Entry] = []
            for index in range(place.skipped(items), len(items)):
                if chosen is None or items[index].input_uuid in chosen:
                    unit.append((items[index], source))
                last = index + 1 == len(items)
                if unit and (last or len(unit) == UNIT_MAX):
                    here = Place(place.annotation_type, place.page, index + 1, items[index].input_uuid)
                    yield Unit(
                        f"type {place.annotation_type}, {unit[0][0].what}", (behind if last else here).text(), partial(fetched, unit)
                    )
                    unit = []
            place = behind

    def page(self, place: Place) -> Asking[tuple[Place, Source, Page]]:
        """The page of a place, and where it really is: a cursor that is no longer taken leads to the first page.

        Where there is no such address the list is asked for as before version 1.2. Raises Stopped where the remote refuses.
        """
        what = (self.project, self.batch, place.annotation_type)
        tries = [(place, self.asks.annotations(*what, place.page))]
        if place.page is not None:
            tries.append((Place(place.annotation_type), self.asks.annotations(*what, None)))
        tries.append((Place(place.annotation_type, None, place.done, place.last), self.asks.all_annotations(*what)))
        refused: Refused | None = None
        for at, ask in tries:
            answer = yield from one(ask)
            if isinstance(answer, Opened):
                return at, Source(ask, answer, self.asks.single), answer
            refused = refused or answer
            if answer.code not in NO_SUCH_PLACE:
                break
        assert refused is not None, "there is a first try"
        raise Stopped(refusal(f"the annotations of project {self.project}, type {place.annotation_type}", refused))


def following(place: Place, page: Page, seen: set[Cursor | None]) -> Place:
    """The place behind a page. `seen` holds the cursors of the pages before. Raises Stopped where they lead in circles."""
    seen.add(place.page)
    if page.next is not None and page.next in seen:
        raise Stopped(f"the list of type {place.annotation_type} leads in circles: page {page.next} comes again; run again later")
    return Place(place.annotation_type, page.next, finished=page.next is None)
