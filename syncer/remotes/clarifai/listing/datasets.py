"""The inputs of a dataset, without their annotations."""

from __future__ import annotations

from syncer.core.ports.pull import Done, Units
from syncer.remotes.clarifai.listing.annotations import AnnotationListing


class DatasetInputs:
    """The ids of a dataset's inputs, known once it was read: it has no units.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(self, listing: AnnotationListing) -> None:
        """`listing`: of the dataset."""
        self.ids: frozenset[str] = frozenset()
        self._listing = listing

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Ask for all of them. Raises Stopped where the remote does not list them."""
        self.ids = frozenset((yield from self._listing.inputs_of_dataset()))
