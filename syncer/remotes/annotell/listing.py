"""The finished annotations of a project or batch, listed as a
`syncer.core.ports.pull.Listing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Asking, Done, Flow, Found, Listing, Problem, Unit, Units
from syncer.errors import Stopped
from syncer.remotes.annotell.asking import need
from syncer.remotes.annotell.asks import Asks
from syncer.remotes.annotell.chosen import Statuses
from syncer.remotes.annotell.documents import DocumentKey, Item
from syncer.remotes.annotell.fetching import UNIT_MAX, ListedItem, fetch
from syncer.remotes.annotell.pages import PagePass
from syncer.remotes.flows import PASSES_MAX, cut, settle, undisturbed
from syncer.remotes.paths import describe_change


@dataclass(frozen=True, slots=True)
class ProjectListing:
    """The finished annotations of a project or batch: of these annotation types, else
    of all that the project has. Implements `Listing`.

    `statuses`: only of inputs in some of them; None for all. `untyped`: what to list
    where the project has no annotation types.

    How the service sorts, and whether its pages shift while they are read, is not known
    (wire, section 8): a list of several pages is read until two passes agree, and what
    was listed before is known by its key.
    """

    asks: Asks
    project: str
    batch: str = ""
    annotation_types: tuple[str, ...] = ()
    statuses: Statuses | None = None
    untyped: Listing | None = None
    repeats: bool = field(default=True, init=False)
    """Only the rows of a state of an older version are known, not which documents are
    done.
    """

    def units(self, after: str, done: Done | None = ()) -> Units:
        """The parts of the list after this cursor.

        Raises Stopped where the remote refuses to list.
        """
        types = yield from self.types()
        if not types and self.untyped is not None:
            yield from self.untyped.units(after, done)
            return
        wanted = yield from self.ask_wanted()
        first = msgspec.json.decode(after)[0] if after.startswith("[") else ""
        for annotation_type in types:
            if annotation_type >= first:
                yield from self._of_type(annotation_type, wanted, () if done is None else done)

    def types(self) -> Asking[list[str]]:
        """The annotation types, in order."""
        if self.annotation_types:
            return sorted(set(self.annotation_types))
        what = f"the annotation types of project {self.project}"
        ask = self.asks.annotation_types(self.project, self.batch)
        return sorted(
            set((yield from need(ask, what, describe_change(self.project, self.batch))).data)
        )

    def unlistable(self, annotation_type: str) -> Problem | None:
        """Return why nothing of a type can be asked for, however it is written."""
        ask = self.asks.annotations(self.project, self.batch, annotation_type, None)
        return Problem(f"type {annotation_type}", ask.reason) if isinstance(ask, Refused) else None

    def ask_wanted(self) -> Asking[Wanted]:
        """Return which inputs are wanted."""
        if self.statuses is None:
            return Wanted(None, ())
        return Wanted((yield from self.statuses.asked()), self.statuses.wanted)

    def entries(self, annotation_type: str) -> Asking[dict[DocumentKey, ListedItem]]:
        """All that is listed of a type.

        Raises Stopped where the remote refuses to list it, or where it never stops
        changing.
        """

        def one_pass() -> Asking[tuple[list[tuple[DocumentKey, ListedItem]], int]]:
            pages, rows = (
                PagePass(self.asks, self.project, self.batch, annotation_type),
                list[tuple[DocumentKey, ListedItem]](),
            )
            while (page := (yield from pages.more())) is not None:
                rows = [] if pages.count == 1 else rows  # it began again
                rows += [(entry[0].key, entry) for entry in page]
            return rows, pages.count

        found = yield from settle(one_pass)
        if found is None:
            raise Stopped(f"{changing(self.project, annotation_type)}: run again later")
        return found

    def _of_type(self, annotation_type: str, wanted: Wanted, done: Done) -> Units:
        if (problem := self.unlistable(annotation_type)) is not None:
            yield Unit(
                problem.what,
                msgspec.json.encode((annotation_type, 1)).decode(),
                partial(report_problems, [problem]),
            )
            return
        listed: set[DocumentKey] = set()
        before: Sequence[DocumentKey] | None = None
        number = 0
        for _ in range(PASSES_MAX):
            pages = PagePass(self.asks, self.project, self.batch, annotation_type)
            while (page := (yield from pages.more())) is not None:
                unique = {
                    item.key: (item, source) for item, source in page if item.key not in listed
                }
                listed.update(unique)
                fresh = [
                    entry
                    for key, entry in unique.items()
                    if part(key) not in done and not wanted.is_out(key[0])
                ]
                for entries in cut(fresh, UNIT_MAX):
                    number += 1
                    cursor = msgspec.json.encode((annotation_type, number)).decode()
                    parts = tuple(part(item.key) for item, _ in entries)
                    yield Unit(
                        f"type {annotation_type}, {entries[0][0].what}",
                        cursor,
                        partial(wanted.fetch_documents, entries),
                        parts,
                    )
            if pages.count <= 1 or (before is not None and undisturbed(before, pages.keys)):
                return
            before = pages.keys
        problem = Problem(f"type {annotation_type}", changing(self.project, annotation_type))
        yield Unit(
            problem.what,
            msgspec.json.encode((annotation_type, number + 1)).decode(),
            partial(report_problems, [problem]),
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """The inputs that are wanted: those in some statuses, or all."""

    statuses: Mapping[str, str] | None
    """The status of each input of the project; None: any status."""
    among: tuple[str, ...]

    def is_known(self, input_uuid: str) -> bool:
        """Whether it is known if the input is wanted."""
        return self.statuses is None or input_uuid in self.statuses

    def is_out(self, input_uuid: str) -> bool:
        """Whether it is known that the input is not wanted."""
        return (
            self.statuses is not None
            and input_uuid in self.statuses
            and self.statuses[input_uuid] not in self.among
        )

    def fetch_documents(self, entries: Sequence[ListedItem]) -> Flow:
        """The documents of these, except those of which it is not known whether they
        are wanted: they are problems.
        """
        found = yield from fetch([entry for entry in entries if self.is_known(entry[0].input_uuid)])
        found.problems.extend(
            self.unclear(item) for item, _ in entries if not self.is_known(item.input_uuid)
        )
        return found

    def unclear(self, item: Item) -> Problem:
        """Of something whose input's status is not known."""
        return Problem(
            item.what,
            "it is finished, but its input is not among the project's inputs: its status is not"
            " known",
        )


def part(key: DocumentKey) -> str:
    """Return the name by which a document is noted when it is done."""
    return msgspec.json.encode(key).decode()


def changing(project: str, annotation_type: str) -> str:
    """Return why a list is not known to be whole, for people."""
    return (
        f"the list of project {project}, type {annotation_type}, kept changing while it was"
        f" read {PASSES_MAX} times"
    )


def report_problems(problems: Sequence[Problem]) -> Flow:
    """Problems that are known without a question."""
    yield from ()
    return Found([], problems=list(problems))
