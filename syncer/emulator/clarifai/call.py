"""One call of an operation: whose it is, what was sent, and what the switches say; and
the ways in which operations answer.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncer.emulator import codes
from syncer.emulator.answer import Answer, ItemFault
from syncer.emulator.clarifai.store import App
from syncer.emulator.clarifai.wire import Object, time_of

ITEMS_MAX = 128
"""Annotations, inputs or concepts of one request (wire section 2.2)."""
PER_PAGE_MAX = 1000
# odd, so that no two numbers give the same id
_SCRAMBLE = 0x9E3779B97F4A7C15F39CC0605CEDC835
COLLABORATOR = "emulator-collaborator"


@dataclass(slots=True)
class Service:
    """The state that all calls share: the switches, the counters, chance and fresh ids.

    Repeatable: the same calls give the same ids.
    """

    switches: Mapping[str, str]
    counts: Counter[str] = field(default_factory=Counter)
    rng: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - repeatable
    ids: int = 0

    def new_id(self) -> str:
        """32 hex digits that nothing else has."""
        self.ids += 1
        return f"{self.ids * _SCRAMBLE & (1 << 128) - 1:032x}"


@dataclass(slots=True)
class ClarifaiCall:
    """One call, its request read and its app found."""

    service: Service
    app: App
    sent: Object
    item_fault: ItemFault
    at: str = field(default_factory=lambda: time_of(time.time_ns()))
    """When it came, as everything that it writes will say."""

    @property
    def switches(self) -> Mapping[str, str]:
        """The switches as they are now."""
        return self.service.switches

    @property
    def user_id(self) -> str:
        """The user whose token it came with."""
        return self.app.owner if self.owner else COLLABORATOR

    @property
    def owner(self) -> bool:
        """Whether the app's owner calls."""
        return self.switches["caller"] == "owner"

    def lag(self, name: str) -> int:
        """Return how many reads do not see a write."""
        return int(self.switches[name])

    def count(self, name: str, number: int = 1) -> None:
        """For the report."""
        self.service.counts[name] += number

    def bad_count(self, items: Sequence[Any], name: str) -> Answer | None:
        """The answer to a request of no items, or of too many."""
        if not items:
            return Answer.of(codes.INVALID_REQUEST, f"{name} must not be empty")
        if len(items) > ITEMS_MAX and self.switches["items-over"] == "refuse":
            return Answer.of(
                codes.INVALID_REQUEST, f"too many {name}: {len(items)}, max {ITEMS_MAX}"
            )
        return None

    def page(self, number_of_all: int, *, sent: Object | None = None) -> range | Answer:
        """Return which of the rows are on the page that is asked for."""
        asked = self.sent if sent is None else sent
        number = asked.get("page") or 1
        size = asked.get("per_page") or int(self.switches["per-page"])
        if number < 0 or size < 0:
            return Answer.of(codes.INVALID_REQUEST, "page and per_page must not be negative")
        if size > PER_PAGE_MAX:
            if self.switches["per-page-over"] == "refuse":
                return Answer.of(codes.INVALID_REQUEST, f"per_page must be at most {PER_PAGE_MAX}")
            size = PER_PAGE_MAX
        start = (number - 1) * size
        return range(min(start, number_of_all), min(start + size, number_of_all))

    def answer_page(self, member: str, rows: Sequence[Any]) -> Answer:
        """The page that is asked for, as the answer to a list."""
        page = self.page(len(rows))
        return (
            page
            if isinstance(page, Answer)
            else Answer.of(**{member: [rows[place] for place in page]})
        )

    def items(self, member: str, items: list[Object], failed: int) -> Answer:
        """Return the answer that reports each item: all well, mixed, or all failed."""
        if not failed:
            return Answer.of(**{member: items})
        if failed < len(items):
            answer = Answer.of(codes.MIXED, **{member: items})
            answer.status = int(self.switches["mixed-http"])
        else:
            answer = Answer.of(codes.FAILURE, **{member: items})
            answer.status = int(self.switches["failed-http"])
        return answer


def missing(kind: str, id: str) -> Answer:
    """Something that is asked for by its id is not there."""
    return Answer.of(codes.MISSING, f"{kind} '{id}' not found. Check the url of your request.")


def contains(sent: Any, held: Any) -> bool:
    """Whether what is held has all that was sent, as filters mean it.

    Lists: some item for each.
    """
    if isinstance(sent, dict):
        return isinstance(held, dict) and all(
            contains(value, held.get(name)) for name, value in sent.items()
        )
    if isinstance(sent, list):
        return isinstance(held, list) and all(
            any(contains(item, other) for other in held) for item in sent
        )
    return bool(sent == held)
