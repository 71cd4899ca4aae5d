"""The changes since an earlier pull: the service has no filter for it, so all is listed
and compared (wire, 1a).

A delivered correction shows a new `created`; what was invalidated is no longer listed.
So a mirror fetches what is new or has another `created`, and writes a tombstone for
what has vanished. That something is not listed does not make it vanish: pages shift
while they are read, and a list may leave out what its project does not name any more. A
tombstone is written for what the service says is not there, asked for by itself, and
for what has left the statuses that are mirrored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import msgspec

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask, Asking, Done, Flow, Found, Problem, Row, Unit, Units
from syncer.errors import Stopped
from syncer.remotes.annotell.documents import OTHER, DocumentKey, Item
from syncer.remotes.annotell.fetching import UNIT_MAX, ListedItem
from syncer.remotes.annotell.listing import ProjectListing, Wanted, report_problems
from syncer.remotes.flows import PASSES_MAX, cut, each, one
from syncer.remotes.paths import describe_change


class _KnownLine(msgspec.Struct, gc=False):
    input_uuid: str
    annotation_type: str | None = None
    created: str | None = None
    deleted: bool = False


_LINE = msgspec.json.Decoder(_KnownLine)


def index(lines: Iterable[bytes]) -> dict[DocumentKey, str]:
    """Return what the lines of earlier pulls, oldest first, leave a mirror with:
    `created` by (input uuid, annotation type).

    Raises msgspec.DecodeError for a line that is not a pull's.
    """
    known: dict[DocumentKey, str] = {}
    for line in lines:
        if line.strip():
            read = _LINE.decode(line)
            key = read.input_uuid, read.annotation_type or ""
            known.pop(key, None)
            if not read.deleted:
                known[key] = read.created or ""
    return known


def tombstone(key: DocumentKey, created: str) -> Row:
    """The row that says that an annotation is gone."""
    uuid, annotation_type = key
    line = {
        "input_uuid": uuid,
        "annotation_type": annotation_type,
        "created": created,
        "deleted": True,
    }
    return Row(key, msgspec.json.encode(line))


@dataclass(frozen=True, slots=True)
class ChangeListing:
    """The changes of a project since `known`: rows of what is new or other, then
    tombstones. Implements `Listing`.

    `known` must be of the same selection. It stays the same over restarts of one pull;
    what was listed is then asked for again, and taken up after the last key, in an
    order of our own.
    """

    project: ProjectListing
    known: Mapping[DocumentKey, str]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Units in the order of their keys.

        Raises Stopped where the remote refuses to list.
        """
        types = yield from self.project.types()
        if not types:
            raise Stopped(
                f"project {self.project.project} has no annotation types, so nothing says what has"
                " changed: pull it without --changed-since"
            )
        wanted = yield from self.project.ask_wanted()
        listed: dict[DocumentKey, ListedItem] = {}
        unlistable = [
            problem for problem in map(self.project.unlistable, types) if problem is not None
        ]
        for annotation_type in types:
            if self.project.unlistable(annotation_type) is None:
                listed |= yield from self.project.entries(annotation_type)
        changed = sorted(
            key
            for key, (item, _) in listed.items()
            if self._is_other(item) and not wanted.is_out(key[0])
        )
        missing = sorted(key for key in self.known if key not in listed or wanted.is_out(key[0]))
        changed, missing = _after(after, changed, missing)
        if unlistable and not after:
            yield Unit(
                unlistable[0].what,
                _cursor("changed", ("", "")),
                partial(report_problems, unlistable),
            )
        for keys in cut(changed, UNIT_MAX):
            entries = [listed[key] for key in keys]
            yield Unit(
                f"{entries[0][0].what} and on",
                _cursor("changed", keys[-1]),
                partial(wanted.fetch_documents, entries),
            )
        unasked = (yield from self._why_unaskable(listed)) if missing else ""
        for keys in cut(missing, UNIT_MAX):
            yield Unit(
                f"what is gone, from input {keys[0][0]} on",
                _cursor("gone", keys[-1]),
                partial(self._list_gone, keys, wanted, unasked),
            )

    def _is_other(self, item: Item) -> bool:
        return not item.created or self.known.get(item.key) != item.created

    def _why_unaskable(self, listed: Mapping[DocumentKey, ListedItem]) -> Asking[str]:
        """Return why annotations cannot be asked for by themselves; nothing if they
        can: one that is there shows that the address is served.
        """
        reason = ""
        asks = [
            ask
            for item, _ in listed.values()
            if isinstance(ask := self.project.asks.single(item), Ask)
        ]
        for ask in islice(asks, PASSES_MAX):  # some may be gone by now
            answer = yield from one(ask)
            if isinstance(answer, Row):
                return ""
            reason = answer.reason
            if not answer.missing:
                break
        return reason

    def _list_gone(self, keys: Sequence[DocumentKey], wanted: Wanted, unasked: str) -> Flow:
        """Tombstones of those that are not there, or have left the statuses; one that
        is there after all is written if it has changed.
        """
        found = Found([tombstone(key, self.known[key]) for key in keys if wanted.is_out(key[0])])
        items = [Item(key[0], key[1], None) for key in keys if not wanted.is_out(key[0])]
        if unasked:
            found.problems.extend(
                Problem(
                    item.what,
                    f"it is not listed any more, and cannot be asked for by itself: {unasked}",
                )
                for item in items
            )
            return found
        answers = (
            (yield from each([self.project.asks.single(item) for item in items])) if items else []
        )
        for item, answer in zip(items, answers, strict=True):
            changed = describe_change(item.input_uuid, item.annotation_type or "")
            if isinstance(answer, Refused) and answer.missing and not changed:
                found.rows.append(tombstone(item.key, self.known[item.key]))
            elif isinstance(answer, Refused):
                reason = (
                    "it is not listed any more, and by itself it is refused:"
                    f" {answer.reason}{changed}"
                )
                found.problems.append(Problem(item.what, reason))
            elif answer.key != item.key:
                found.problems.append(Problem(item.what, OTHER))
            elif (_LINE.decode(answer.line).created or "") != self.known[item.key]:
                found.rows.append(answer)
        return found


def _cursor(phase: str, key: DocumentKey) -> str:
    return msgspec.json.encode((phase, *key)).decode()


def _after(
    after: str, changed: list[DocumentKey], missing: list[DocumentKey]
) -> tuple[list[DocumentKey], list[DocumentKey]]:
    """Return what is left of both after a cursor."""
    if not after:
        return changed, missing
    phase, *last = msgspec.json.decode(after, type=tuple[str, str, str])
    key = (last[0], last[1])
    if phase == "changed":
        return [other for other in changed if other > key], missing
    return [], [gone for gone in missing if gone > key]
