"""The annotations of one app that a selection names: which walk lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from syncer.core.ports.pull import Asking, Done, Unit, Units
from syncer.errors import UsageError
from syncer.remotes.clarifai.listing.filters import as_searched
from syncer.remotes.clarifai.listing.groups import Groups
from syncer.remotes.clarifai.listing.pairs import of_pairs
from syncer.remotes.clarifai.listing.queries import Queries
from syncer.remotes.clarifai.listing.searches import search
from syncer.remotes.clarifai.listing.walks import (
    ids_of_dataset,
    of_all_inputs,
    of_dataset,
    of_named_inputs,
)
from syncer.remotes.clarifai.selection import Selection, fault


class AnnotationListing:
    """The annotations of one app that a selection names.

    Implements `syncer.core.ports.pull.Listing`.
    """

    def __init__(self, user_id: str, app_id: str, selection: Selection) -> None:
        """Raises UsageError for a selection that means nothing: a filter that is not
        applied would go unseen.
        """
        if (why := fault(selection)) is not None:
            raise UsageError(f"the selection: {why}")
        self._selection = selection
        self._groups = Groups(Queries(user_id, app_id, selection), selection)
        # As a search finds them.
        everyone = Queries(user_id, app_id, replace(selection, all_makers=True))
        self._filtered = Groups(everyone, selection, as_searched(selection))
        self._by_search = bool(selection.status or selection.since or selection.until)

    @property
    def repeats(self) -> bool:
        """Whether a key may come in several units."""
        return self._by_search

    def units(self, after: str, done: Done | None = ()) -> Units:
        """The parts of the list after this cursor.

        Raises Stopped where the remote refuses to enumerate them.
        """
        selection, groups = self._selection, self._groups
        if selection.pairs:
            return of_pairs(groups, selection.pairs, int(after or 0))
        if self._by_search:
            return search(groups, self._filtered, after, done)
        if selection.input_ids:
            return of_named_inputs(groups, selection.input_ids, int(after or 0))
        if selection.dataset_id:
            return of_dataset(groups, selection.dataset_id, after)
        return of_all_inputs(groups, after, done)

    def inputs_of_dataset(self) -> Asking[list[str]]:
        """Return the inputs of the selection's dataset. Raises Stopped."""
        return ids_of_dataset(self._groups, self._selection.dataset_id)

    def group_of(self, ids: Sequence[str]) -> list[str]:
        """Return the first of these inputs, up to what one list may ask for; at least
        one.
        """
        return self._groups.fitting(ids)

    def unit(self, ids: list[str], cursor: str) -> Unit:
        """All that the selection wants of these inputs."""
        return self._groups.unit(ids, cursor)
