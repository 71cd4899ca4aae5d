"""Annotations of a status, or that were updated within a time, for which the service
has a search only.

A search may end before all that it finds: at 10,000 hits, say, beyond which pages are
refused, or simply empty. And its pages shift while they are read. So a span of time is
divided until what it holds fits on one page. Spans are read in their order: what is
updated meanwhile moves on to a later one. Where a single second holds more than a page,
or a search is refused, the rest is listed by inputs and filtered here; what was found
before is known by its keys.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import msgspec

from syncer.core.change import Key
from syncer.core.outcome import Refused
from syncer.core.ports.pull import Asking, Done, Flow, Unit, Units
from syncer.errors import Stopped
from syncer.remotes.clarifai.listing.filters import as_searched
from syncer.remotes.clarifai.listing.groups import Groups
from syncer.remotes.clarifai.listing.queries import Queries
from syncer.remotes.clarifai.listing.spans import Span, second_of
from syncer.remotes.clarifai.listing.walks import of_all_inputs, of_named_inputs
from syncer.remotes.clarifai.queries import PER_PAGE_MAX
from syncer.remotes.clarifai.rows import ListedLine, read_dates
from syncer.remotes.flows import PASSES_MAX, each

SPANS_AT_ONCE_MAX = 4
"""Asked for together, once those before them have fitted on a page each."""

SearchPages = Sequence[list[ListedLine] | Refused]
"""The first two of a search."""


def search(groups: Groups, by_input: Groups, after: str, done: Done | None) -> Units:
    """List what a search by the selection of these groups finds. `by_input`: lists and
    filters the same by inputs.

    Raises Stopped where the service refuses to search, or to list its inputs.
    """
    selection = groups.selection
    phase, at = _place(after)
    # a list of these gives all that a search would, and needs no index
    if selection.input_ids:
        yield from of_named_inputs(
            by_input, selection.input_ids, int(at or 0), partial(_cursor, "named")
        )
        return
    if phase == "time":
        spans = _Spans(groups.queries, Span(at or selection.since, selection.until))
        # a service may compare whole seconds only
        in_time = as_searched(replace(selection, status="", input_level=True))
        before: list[Key] = []
        while (read := (yield from spans.more())) is not None:
            span, page = read
            lines = [  # spans share the second at which they meet
                line for line in page if _key(line) not in before and in_time(line) is not False
            ]
            before = list(map(_key, page))
            cursor = _cursor("end" if span.until == selection.until else "time", span.until)
            yield Unit(
                f"what was updated from {span.since or 'the beginning'} on",
                cursor,
                partial(_find, groups, lines),
            )
        phase, at = ("inputs", "") if spans.indivisible else ("end", "")
    if phase == "inputs":
        yield from of_all_inputs(by_input, at, done, partial(_cursor, "inputs"))


class _Spans:
    """Spans of time, read in their order, and divided until each fits on a page."""

    def __init__(self, queries: Queries, whole: Span) -> None:
        self.indivisible = False
        """Whether the rest is to be listed in another way."""
        self._queries = queries
        self._waiting = deque([whole])
        self._answered: dict[Span, SearchPages] = {}
        self._at_once = 1
        self._fullest = 0
        self._begun = False

    def more(self) -> Asking[tuple[Span, list[ListedLine]] | None]:
        """The next span, and all that it holds; None after the last one, and where one
        cannot be divided any more.

        A page as full as the fullest so far may have been cut off by a limit that
        nobody documents, and what came after it may have moved up before the next page
        was asked for. One that is read twice with the same rows is whole. Raises
        Stopped where a search is refused.
        """
        before: list[Key] | None = None
        looks = 0
        while self._waiting and not self.indivisible:
            span = self._waiting[0]
            if span not in self._answered:
                yield from self._ask()
            first, second = pages = self._answered.pop(span)
            if isinstance(first, Refused) and not self._begun:
                raise Stopped(f"the remote refused to list by a search: {first.reason}")
            self._begun = True
            if isinstance(first, list) and (
                not first or (second == [] and len(first) < PER_PAGE_MAX)
            ):
                keys = list(map(_key, first))
                if len(first) < max(1, self._fullest) or keys == before:
                    self._waiting.popleft()
                    return span, first
                self._fullest = len(first)
                before, looks = keys, looks + 1
                if looks < PASSES_MAX:
                    continue
            before, looks = None, 0
            self._divide(span, pages)
        return None

    def _ask(self) -> Asking[None]:
        """The first two pages of the next span, and of some after it; the last one by
        itself: what is updated meanwhile moves there.
        """
        count = max(1, min(self._at_once, len(self._waiting) - 1))
        asked = [self._waiting[place] for place in range(count)]
        answers = yield from each(
            [self._queries.search(span, page) for span in asked for page in (1, 2)]
        )
        self._answered = {
            span: answers[2 * place : 2 * place + 2] for place, span in enumerate(asked)
        }
        self._at_once = min(2 * self._at_once, SPANS_AT_ONCE_MAX)

    def _divide(self, span: Span, pages: SearchPages) -> None:
        """Put its parts in the place of a span.

        The next one is asked for by itself again: it may hold too much as well.
        """
        lines = [line for page in pages if isinstance(page, list) for line in page]
        full = max((len(page) for page in pages if isinstance(page, list)), default=0)
        self._fullest = max(self._fullest, full)
        seconds = [
            second
            for line in lines
            if (second := second_of(read_dates(line).modified_at)) is not None
            and span.holds(second)
        ]
        parts = span.divide(seconds, max(1, full * 9 // 10))
        self.indivisible = not parts
        self._waiting.popleft()
        self._waiting.extendleft(reversed(parts))
        self._answered.clear()
        self._at_once = 1


def _key(line: ListedLine) -> Key:
    return line.input_id, line.id


def _find(groups: Groups, lines: list[ListedLine]) -> Flow:
    found = groups.keep_found(lines)
    return (
        (yield from groups.inputs.beside(found, [], None))
        if groups.selection.with_inputs
        else found
    )


def _cursor(phase: str, at: str) -> str:
    return msgspec.json.encode((phase, at)).decode()


def _place(cursor: str) -> tuple[str, str]:
    """In which phase a pull is, and where in it.

    A state of an older version counted pages: it begins again, its rows are known.
    """
    if not cursor.startswith("["):
        return "time", ""
    return msgspec.json.decode(cursor, type=tuple[str, str])
