"""The annotations of a group of inputs: one page is a snapshot, several pages are read
until they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Asking, Flow, Found, Problem, Row, Unit
from syncer.remotes.clarifai.answers import says_missing
from syncer.remotes.clarifai.listing.filters import Keep, by_level
from syncer.remotes.clarifai.listing.inputs import InputLookUps, span
from syncer.remotes.clarifai.listing.queries import Queries
from syncer.remotes.clarifai.rows import ListedLine
from syncer.remotes.clarifai.selection import Selection
from syncer.remotes.flows import PASSES_MAX, cut, each, one, together

GROUP_MAX = 100
"""Inputs asked for in one list, where their ids are short enough."""
PAGES_AT_ONCE_MAX = 16
"""The inputs after one that has many; those after the last one are asked in vain."""

UNCLEAR = "it shows no status, or not when it was updated: whether it is wanted is not known"
GroupPages = list[list[ListedLine] | Refused]


class Groups:
    """Groups of one app's inputs, as large as fits on a page of annotations."""

    def __init__(self, queries: Queries, selection: Selection, keep: Keep | None = None) -> None:
        """`keep`: which of the rows that are listed are wanted; else those of the
        selection's level.
        """
        self._keep = keep or by_level(selection)
        self._filtered = keep is not None
        self.queries = queries
        self.selection = selection
        self.inputs = InputLookUps(queries)
        # a hint from how full the pages are; what is found does not hang on it
        self._group_max = GROUP_MAX
        # the fullest page so far: a page of fewer rows was certainly not cut off
        self._page_max = 0

    def fitting(self, ids: Sequence[str]) -> list[str]:
        """Return the first of these inputs, up to what one list may ask for; at least
        one.
        """
        return self.queries.fitting(ids, self._group_max)

    def unit(
        self,
        ids: list[str],
        cursor: str,
        known: dict[str, ListedLine] | None = None,
        *,
        named: bool = False,
        parts: tuple[str, ...] = (),
    ) -> Unit:
        """All that the selection wants of these inputs. `known`: what is known of them;
        `named`: those that do not exist are reported.

        `parts`: as what they are noted, where the list is to know which of them are
        done.
        """

        def flow() -> Flow:
            if not self._page_max:
                # Until a page is there, each group that is asked for makes the next one
                # smaller: one of them shows what is not a full page.
                self._group_max = max(1, min(self._group_max, len(ids) * 9 // 10))
            found = yield from self._group(ids)
            every_input = self.selection.with_inputs and not self._filtered
            if named and not every_input:
                found = yield from self.inputs.with_absent(found, ids)
            if self.selection.with_inputs:
                found = yield from self.inputs.beside(found, ids if every_input else [], known)
            return found

        return Unit(span(ids), cursor, flow, parts)

    def _group(self, ids: list[str]) -> Flow:
        """The annotations of these inputs.

        Where they fill more than a page, parts of them are asked, so that each answer
        is a snapshot.
        """
        pages = yield from each([self.queries.annotations(ids, number) for number in (1, 2)])
        first, second = pages
        rows_count = len(first) if isinstance(first, list) else 0
        # an empty page is cut off from nothing
        whole = rows_count < max(1, self._page_max)
        self._page_max = max(self._page_max, rows_count)
        if isinstance(first, list) and second == []:
            # The next group is to be a little less full than the fullest page.
            fits = len(ids) * self._page_max * 9 // 10 // rows_count if rows_count else GROUP_MAX
            self._group_max = min(GROUP_MAX, max(1, fits))
            return (
                self._keep_of(ids, first) if whole else (yield from self._until_stable(ids, pages))
            )
        if len(ids) > 1:
            on_a_page = (
                len({line.input_id for line in first}) if isinstance(first, list) else len(ids)
            )
            self._group_max = max(1, min(len(ids) // 2, on_a_page * 9 // 10))
            return (yield from self._divide(ids, self._group_max))
        return (yield from self._until_stable(ids, pages))

    def _divide(self, ids: list[str], size: int) -> Flow:
        return together([self._group(part) for part in cut(ids, size)])

    def _until_stable(self, ids: list[str], pages: GroupPages) -> Flow:
        """Read what may not have been a snapshot until two passes in a row say the
        same. `pages`: what the first one begins with.

        A pass misses a row where one before it is deleted between two pages; then the
        next pass lacks the deleted one.
        """
        before: list[tuple[str, str]] | None = None
        held: dict[tuple[str, str], ListedLine] = {}
        for _ in range(PASSES_MAX):
            width = 2 if before is None else -(-len(before) // max(1, self._page_max)) + 1
            lines = yield from self._pass(ids, pages, width)
            if isinstance(lines, Refused):
                return (
                    (yield from self._divide(ids, len(ids) // 2))
                    if len(ids) > 1
                    else (yield from self._resolve_refusal(ids[0], lines))
                )
            pages = []
            keys = [(line.input_id, line.id) for line in lines]
            held.update(zip(keys, lines, strict=True))
            if keys == before and len(set(keys)) == len(keys):
                return self._keep_of(ids, lines)
            before = keys
        if len(ids) > 1:
            return (yield from self._divide(ids, len(ids) // 2))
        found = self._keep_of(ids, list(held.values()))
        problem = Problem(span(ids), f"kept changing while it was read {PASSES_MAX} times", ids[0])
        return Found(found.rows, found.duplicates, [*found.problems, problem])

    def _resolve_refusal(self, id: str, refused: Refused) -> Flow:
        """Return the outcome for an input that the service refuses to list: nothing
        where the input itself is not there any more, else a problem.
        """
        for _ in range(PASSES_MAX if says_missing(refused) else 0):
            if (yield from self.inputs.is_gone(id)):
                return Found([])
            # It is there: it was made again, or the service refuses to list it. It may
            # go again between two questions.
            answer = yield from one(self.queries.annotations([id], 1))
            if not isinstance(answer, Refused):
                return (yield from self._group([id]))
            refused = answer
            if not says_missing(refused):
                break
        return Found([], problems=[Problem(span([id]), refused.reason, id)])

    def _pass(
        self, ids: list[str], pages: GroupPages, width: int
    ) -> Asking[list[ListedLine] | Refused]:
        """All pages up to the first empty one, several at a time, and more where there
        are many.
        """
        lines: list[ListedLine] = []
        number, width = 1, min(width, PAGES_AT_ONCE_MAX)
        while True:
            if not pages:
                pages = yield from each(
                    [self.queries.annotations(ids, page) for page in range(number, number + width)]
                )
                width = min(2 * width, PAGES_AT_ONCE_MAX)
            for page in pages:
                if isinstance(page, Refused):
                    return (
                        page
                        if number == 1
                        else replace(page, reason=f"page {number}: {page.reason}")
                    )
                if not page:
                    return lines
                lines += page
                number += 1
            pages = []

    def _keep_of(self, ids: list[str], lines: Sequence[ListedLine]) -> Found:
        """Return what was listed of these inputs.

        Others, which nobody asked for here, are of their own groups.
        """
        return self.keep_found([line for line in lines if line.input_id in ids])

    def keep_found(self, lines: Sequence[ListedLine]) -> Found:
        """The rows of these lines that the selection keeps, each once."""
        unique = {(line.input_id, line.id): line for line in lines}
        kept = {key: self._keep(line) for key, line in unique.items()}
        unclear = [key for key, wanted in kept.items() if wanted is None]
        problems = [
            Problem(f"annotation {id} of input {input_id}", UNCLEAR, input_id)
            for input_id, id in unclear
        ]
        return Found(
            [Row(key, unique[key].raw) for key, wanted in kept.items() if wanted],
            len(lines) - len(unique),
            problems,
        )
