"""Concepts: the id that a class, a choice or a tag of a label file becomes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncer.formats.faults import ImportRefused
from syncer.formats.ids import IdSpelling, is_odd

ConceptRule = Literal["slug", "name"]
HELD_BYTES_MAX = 80 << 20
"""Some 150,000 concepts."""
_EACH_BYTES = 500
_SPACES = re.compile(r"\s+")


def make_slug(name: str) -> str:
    """Return lower case with `-` for spaces, as the vendor's own loaders do."""
    return _SPACES.sub("-", name.strip().lower())


def tidy_name(name: str) -> str:
    """Return a name as maps of users have it: NFC, without spaces around it."""
    return unicodedata.normalize("NFC", name.strip())


@dataclass(slots=True)
class CountedConcept:
    """A concept of the target, and how many lines have it."""

    name: str
    count: int = 0


@dataclass(slots=True)
class Concepts:
    """The concepts of a run."""

    rule: ConceptRule = "slug"
    names: Mapping[str, str] = field(default_factory=dict)
    """Ids by tidy name, of users."""
    spelling: IdSpelling = field(default_factory=IdSpelling)
    collisions: list[str] = field(default_factory=list)
    """Two names that come to one id, in words."""
    odd: int = 0
    """Names whose ids a strict service could refuse."""
    _held_bytes: int = 0
    _ids: dict[str, str] = field(default_factory=dict)
    _met: dict[str, CountedConcept] = field(default_factory=dict)

    def identify(self, name: str) -> str:
        """Return the id for a name; "" where it has none.

        Raises ImportRefused where there are more than can be meant.
        """
        known = self._ids.get(name)
        if known is None:
            self._held_bytes += _EACH_BYTES + 2 * len(name)
            if self._held_bytes > HELD_BYTES_MAX:
                raise ImportRefused(
                    "too-many-concepts",
                    f"there are more than {len(self._ids):,} concepts: name what holds the class"
                    " (of a table, --columns concept=COLUMN)",
                )
            known = self._ids[name] = self._identify(name)
        return known

    def find(self, id: str) -> CountedConcept:
        """Return a concept that was met, to count lines that have it."""
        return self._met[id]

    def __len__(self) -> int:
        return sum(each.count > 0 for each in self._met.values())

    def __iter__(self) -> Iterator[tuple[str, CountedConcept]]:
        return iter(sorted((id, each) for id, each in self._met.items() if each.count))

    def _identify(self, name: str) -> str:
        id = self.names.get(tidy_name(name), "")
        if not id:
            id = make_slug(name) if self.rule == "slug" else name.strip()
            if not id:
                return ""
            id = self.spelling.spell(id)
            self.odd += is_odd(id)
        met = self._met.setdefault(id, CountedConcept(name))
        if met.name != name:
            self.collisions.append(f'"{met.name}" and "{name}" both become the concept {id}')
        return id
