"""The ids that labels get at the target."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import orjson

from syncer.formats.store import Store


def make_target_id(source: str, input_id: str, id: str) -> str:
    """Return 32 hex digits of source app, input id and id."""
    return blake2b(orjson.dumps([source, input_id, id]), digest_size=16).hexdigest()


class TargetIds:
    """The id of each label. Ids that are kept stay on one input each: the first by its
    id, or the one that an earlier pass has left it on.
    """

    def __init__(self, source: str, *, keep: bool) -> None:
        """`source`: tells this source from others."""
        self._source = source
        self._keep = keep
        self._earlier: Store[str, str] = Store()
        self._first: Store[str, str] = Store()

    def note_earlier(self, kept: Iterable[tuple[str, str]]) -> None:
        """Note (input id, id) of labels that have kept their ids in an earlier pass."""
        for input_id, id in kept:
            self._earlier.put(id, input_id)

    def note(self, input_id: str, id: str) -> None:
        """There is this label. All are noted before the first is asked for."""
        if not self._keep:
            return
        first = self._first.find(id)
        if first is None or input_id < first:
            self._first.put(id, input_id)

    def find(self, input_id: str, id: str) -> str:
        """Return the id of a label at the target."""
        if self._keep and (self._earlier.find(id) or self._first.find(id)) == input_id:
            return id
        return make_target_id(self._source, input_id, id)

    def close(self) -> None:
        """Forget them."""
        self._earlier.close()
        self._first.close()
