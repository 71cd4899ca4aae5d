"""Inputs in groups, as the remote lists them: what was recorded of each, and what the
remote holds of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import orjson

from syncer.core.ports.pull import Done, Found, Unit, Units
from syncer.jobs.compare.parts import PartFiles, Recorded
from syncer.remotes.clarifai.listing import GROUP_MAX, AnnotationListing

HeldByInput = dict[str, dict[str, dict[str, object]]]
"""Annotations by input and id."""


class RecordedGroups:
    """The inputs of the logs in groups, with what was recorded of them.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(
        self, parts: PartFiles, listing: AnnotationListing, sample: set[str] | None
    ) -> None:
        """`sample`: only these inputs; None: all."""
        self.recorded: dict[str, dict[str, list[Recorded]]] = {}
        """By unit: the changes of its inputs, until they are taken."""
        self._parts = parts
        self._listing = listing
        self._sample = sample
        self._number = 0

    def units(self, after: str, done: Done | None = ()) -> Units:
        """A unit a group, in no particular order."""
        inputs: dict[str, list[Recorded]] = {}
        for part in self._parts:
            inputs |= {id: part[id] for id in part if self._sample is None or id in self._sample}
            yield from self._units(inputs, last=False)
        yield from self._units(inputs, last=True)

    def _units(self, inputs: dict[str, list[Recorded]], *, last: bool) -> Iterator[Unit]:
        """Full groups, taken out of the inputs; at the end what is left, too."""
        while group := self._listing.group_of(list(islice(inputs, GROUP_MAX))):
            if len(group) == len(inputs) and not last:
                return
            self._number += 1
            self.recorded[str(self._number)] = {id: inputs.pop(id) for id in group}
            yield self._listing.unit(group, str(self._number))


def hold_users_rows(found: Found) -> HeldByInput:
    """Return what users made of what was found: what models made is not compared."""
    return {
        input_id: {id: row for id, row in rows.items() if not row.get("model_version_id")}
        for input_id, rows in hold_rows(found).items()
    }


def hold_rows(found: Found) -> HeldByInput:
    """Return all that was found, no matter who made it."""
    held: HeldByInput = {}
    for row in found.rows:
        held.setdefault(row.key[0], {})[row.key[1]] = orjson.loads(row.line)
    return held
