"""The content of an app: annotations, inputs, concepts, datasets, and what reads still
show of the past. No network, no faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from syncer.emulator.clarifai.wire import Object

Annotation = dict[str, Any]
AnnotationKey = tuple[str, str]
"""(input_id, annotation id)."""


@dataclass(slots=True)
class Past:
    """An annotation before a write that reads do not show yet (None: nothing), and how
    many reads will still miss it.
    """

    was: Annotation | None
    reads: int


@dataclass(slots=True)
class Dataset:
    """A dataset: when it was made, and when each of its inputs was added."""

    created_at: str
    inputs: dict[str, str] = field(default_factory=dict)


class App:
    """One app: annotations by (input_id, id), in the order in which they were made."""

    def __init__(self, owner: str, app_id: str) -> None:
        self.owner = owner
        self.app_id = app_id
        self.annotations: dict[AnnotationKey, Annotation] = {}
        self.inputs: dict[str, Object] = {}
        self.input_places: dict[str, int] = {}
        """In which order inputs were first streamed by when they were made, those
        included that are gone.
        """
        self.input_level: dict[str, str] = {}
        """The id of the input-level annotation, for each input that has one."""
        self.pending: dict[str, int] = {}
        """How many reads will still show that an input is being processed."""
        self.concepts: dict[str, Object] = {}
        self.datasets: dict[str, Dataset] = {}
        self.past: dict[AnnotationKey, Past] = {}
        self._by_input: dict[str, dict[str, None]] = {}
        self._ids: dict[str, int] = {}
        self._order: dict[AnnotationKey, int] = {}
        self._made = 0

    # --- writes -----------------------------------------------------------------------

    def taken(self, key: AnnotationKey, scope: str) -> bool:
        """Whether the id is taken.

        `scope`: within its input, or within the app. What reads still show of a deleted
        one takes it too.
        """
        if (
            self.past
            and key not in self.annotations
            and key in self.past
            and self._see(key) is not None
        ):
            return True
        return key in self.annotations if scope == "input" else key[1] in self._ids

    def put(self, annotation: Annotation, lag: int = 0) -> None:
        """Store, new or in the place of the old one.

        The next `lag` reads of it do not know that.
        """
        key = (annotation["input_id"], annotation["id"])
        if lag:
            self.past.setdefault(key, Past(self.annotations.get(key), lag))
        if key not in self.annotations:
            self._by_input.setdefault(key[0], {})[key[1]] = None
            self._ids[key[1]] = self._ids.get(key[1], 0) + 1
            self._made += 1
            self._order[key] = self._made
        self.annotations[key] = annotation

    def delete(self, key: AnnotationKey, lag: int = 0) -> bool:
        """Remove one; return whether it was there. The next `lag` reads of it still
        find it.
        """
        held = self.annotations.pop(key, None)
        if held is None:
            return False
        if lag:
            self.past.setdefault(key, Past(held, lag))
        else:
            self._order.pop(key)
        del self._by_input[key[0]][key[1]]
        self._ids[key[1]] -= 1
        if not self._ids[key[1]]:
            del self._ids[key[1]]
        return True

    def delete_of_input(self, input_id: str, lag: int = 0) -> int:
        """Remove all of an input but the input-level one; how many."""
        spared = self.input_level.get(input_id)
        ids = [id for id in self._by_input.get(input_id, ()) if id != spared]
        return sum(self.delete((input_id, id), lag) for id in ids)

    def delete_input(self, input_id: str) -> bool:
        """Remove an input with all of its annotations; return whether it was there."""
        for id in list(self._by_input.get(input_id, ())):
            self.delete((input_id, id))
        for dataset in self.datasets.values():
            dataset.inputs.pop(input_id, None)
        self.input_level.pop(input_id, None)
        self.pending.pop(input_id, None)
        return self.inputs.pop(input_id, None) is not None

    # --- reads ------------------------------------------------------------------------

    def of_input(self, input_id: str) -> Iterator[Annotation]:
        """All that an input has, the past left aside."""
        return (self.annotations[input_id, id] for id in self._by_input.get(input_id, ()))

    def keys_of(self, input_ids: Iterable[str] | None = None) -> list[AnnotationKey]:
        """Return, for these inputs or all, what there is, or still seems to be, from
        oldest to newest.
        """
        if input_ids is None:
            if not self.past:
                return list(self.annotations)
            return sorted({*self.annotations, *self.past}, key=self._place)
        wanted = list(dict.fromkeys(input_ids))
        keys = [(input_id, id) for input_id in wanted for id in self._by_input.get(input_id, ())]
        keys += [key for key in self.past if key[0] in wanted and key not in self.annotations]
        return sorted(keys, key=self._place)

    def peek(self, key: AnnotationKey) -> Annotation | None:
        """Return what a read would show, without being one."""
        past = self.past.get(key) if self.past else None
        return self.annotations.get(key) if past is None else past.was

    def read(self, key: AnnotationKey) -> Annotation | None:
        """Return what this read shows."""
        return self.annotations.get(key) if not self.past else self._see(key)

    def _see(self, key: AnnotationKey) -> Annotation | None:
        past = self.past.get(key)
        if past is None:
            return self.annotations.get(key)
        past.reads -= 1
        if past.reads <= 0:
            del self.past[key]
            if key not in self.annotations:
                self._order.pop(key, None)
        return past.was

    def _place(self, key: AnnotationKey) -> int:
        return self._order.get(key, 0)
