"""What has changed since an earlier pull: the service has no filter for it, so all is listed and compared (wire, 1a).

A delivered correction shows a new `created`; what was invalidated is no longer listed. So a mirror fetches what is new or has another
`created`, and writes a tombstone for what has vanished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from syncer.core.pull import Done, Flow, Found, Row, Unit, Units
from syncer.remotes.annotell.answers import Cursor
from syncer.remotes.annotell.documents import UNIT_MAX, Entry, Key, fetched
from syncer.remotes.annotell.listing import Place, ProjectListing, following

TOMBSTONES_MAX = 500
"""Of one unit."""


class _Line(msgspec.Struct, gc=False):
    input_uuid: str
    annotation_type: str | None = None
    created: str | None = None
    deleted: bool = False


_LINE = msgspec.json.Decoder(_Line)


def index(lines: Iterable[bytes]) -> dict[Key, str]:
    """What the lines of earlier pulls, oldest first, leave a mirror with: `created` by (input uuid, annotation type).

    Raises msgspec.DecodeError for what is no line of a pull.
    """
    known: dict[Key, str] = {}
    for line in lines:
        if line.strip():
            read = _LINE.decode(line)
            key = read.input_uuid, read.annotation_type or ""
            known.pop(key, None)
            if not read.deleted:
                known[key] = read.created or ""
    return known


def changed(known: Mapping[Key, str], listed: Sequence[Entry]) -> tuple[list[Entry], list[Key]]:
    """What to fetch, and what has vanished, each in the order of its keys."""
    now = {item.key: (item, source) for item, source in listed}
    wanted = [entry for key, entry in sorted(now.items()) if not entry[0].created or known.get(key) != entry[0].created]
    return wanted, sorted(known.keys() - now.keys())


def tombstone(key: Key, created: str) -> Row:
    """The row that says that an annotation is gone."""
    uuid, annotation_type = key
    line = {"input_uuid": uuid, "annotation_type": annotation_type, "created": created, "deleted": True}
    return Row(key, msgspec.json.encode(line))


@dataclass(frozen=True, slots=True)
class ChangeListing:
    """What has changed in a project since `known`: rows of what is new or other, then tombstones. Implements `Listing`.

    `known` must be of the same selection: what it holds of types that are not listed counts as vanished. It stays the same over
    restarts of one pull; what was listed is then asked for anew, and taken up behind the last key.
    """

    project: ProjectListing
    known: Mapping[Key, str]
    repeats: bool = field(default=False, init=False)

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Units in the order of their keys. Raises Stopped where the remote refuses to list."""
        listed: list[Entry] = []
        chosen = None if self.project.chosen is None else frozenset((yield from self.project.chosen()))
        for annotation_type in (yield from self.project.types()):
            place = Place(annotation_type)
            seen: set[Cursor | None] = set()
            while not place.finished:
                place, source, page = yield from self.project.page(place)
                listed += [(item, source) for item in page.data if chosen is None or item.input_uuid in chosen]
                place = following(place, page, seen)
        wanted, vanished = changed(self.known, listed)
        wanted, vanished = _behind(after, wanted, vanished)
        for at in range(0, len(wanted), UNIT_MAX):
            unit = wanted[at : at + UNIT_MAX]
            yield Unit(f"{unit[0][0].what} and on", _cursor("changed", unit[-1][0].key), partial(fetched, unit))
        for at in range(0, len(vanished), TOMBSTONES_MAX):
            keys = vanished[at : at + TOMBSTONES_MAX]
            yield Unit(f"what is gone, from input {keys[0][0]} on", _cursor("gone", keys[-1]), partial(self._tombstones, keys))

    def _tombstones(self, keys: Sequence[Key]) -> Flow:
        yield from ()
        return Found([tombstone(key, self.known[key]) for key in keys])


def _cursor(phase: str, key: Key) -> str:
    return msgspec.json.encode((phase, *key)).decode()


def _behind(after: str, wanted: list[Entry], vanished: list[Key]) -> tuple[list[Entry], list[Key]]:
    """What is left of both behind a cursor."""
    if not after:
        return wanted, vanished
    phase, *last = msgspec.json.decode(after, type=tuple[str, str, str])
    key = (last[0], last[1])
    if phase == "changed":
        return [entry for entry in wanted if entry[0].key > key], vanished
    return [], [gone for gone in vanished if gone > key]
