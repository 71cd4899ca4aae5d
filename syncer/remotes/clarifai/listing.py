"""Lists of annotations as `syncer.core.pull.Listing`s: what is asked, in which parts, and when a part is whole.

Offset pages shift when something is deleted or added while they are read, and the service has a cursor for inputs only (wire, 1.2). So
a list is read by groups of inputs. A group that fits on one page is a snapshot; one that does not is divided; a single input of many
pages is read until two passes agree. Each input is in one group, so repeats are known within the group.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import lru_cache
from itertools import count, islice
from typing import TypeVar, cast
from urllib.parse import quote

import orjson

from syncer.core.outcome import Refused
from syncer.core.ports import Request
from syncer.core.pull import Ask, Flow, Found, Problem, Row, Unit
from syncer.errors import Stopped, UsageError
from syncer.remotes.clarifai import rows
from syncer.remotes.clarifai.codec import PAIRS_MAX, PER_PAGE_MAX, URL_BYTES_MAX
from syncer.remotes.clarifai.rows import Line
from syncer.remotes.clarifai.selection import Selection, fault

GROUP_MAX = 100
"""Inputs asked for in one list, where their ids are short enough."""
PAGES_AT_ONCE_MAX = 16
"""Of one input that has many; those behind the last one are asked in vain."""
PASSES_MAX = 20
"""Of one input that never stops changing while it is read."""

T = TypeVar("T")
Units = Generator[Sequence[Ask] | Unit, Sequence[object] | None, None]


class AnnotationListing:
    """The annotations of one app that a selection names. Implements `syncer.core.pull.Listing`."""

    def __init__(self, user_id: str, app_id: str, selection: Selection) -> None:
        """Raises UsageError for a selection that means nothing: a filter that is not applied would go unseen."""
        if (why := fault(selection)) is not None:
            raise UsageError(f"the selection: {why}")
        self._app = f"/v2/users/{quote(user_id, safe='')}/apps/{quote(app_id, safe='')}"
        self._selection = selection
        self._group_max = GROUP_MAX  # a hint from how full the pages are; what is found does not hang on it
        self._page_max = 0  # the fullest page so far: a page of fewer rows was certainly not cut off

    @property
    def repeats(self) -> bool:
        """May a key come in several units?"""
        return bool(self._selection.status or self._selection.since or self._selection.until)

    def units(self, after: str) -> Units:
        """The parts of the list behind this cursor. Raises Stopped where the remote refuses to enumerate them."""
        selection = self._selection
        if selection.pairs:
            return self._pairs(int(after or 0))
        if self.repeats:
            return self._searches(int(after or 0))
        if selection.input_ids:
            return self._named(int(after or 0))
        if selection.dataset_id:
            return self._dataset(after)
        return self._all_inputs(after)

    # --- by inputs ----------------------------------------------------------------------------------------------

    def _all_inputs(self, after: str) -> Units:
        """Inputs by the one cursor that the service has: `StreamInputs`."""
        last, passed = after, ""
        while True:
            query = [("per_page", str(PER_PAGE_MAX)), ("order_by_id", "true")] + [("last_id", last)] * bool(last)
            (page,) = cast(Sequence[object], (yield [self._get("/inputs/stream", query, rows.of_inputs)]))
            if isinstance(page, Refused) and last:  # the input that the cursor names is gone: from the start, past what was done
                last, passed = "", last
                continue
            lines = _needed(cast(list[Line] | Refused, page), "its inputs")
            if not lines:
                return
            last = lines[-1].id
            lines = [line for line in lines if line.id > passed]
            while lines:
                group = self.group_of([line.id for line in lines])
                taken, lines = lines[: len(group)], lines[len(group) :]
                yield self.unit(group, taken[-1].id, {line.id: line for line in taken} if self._selection.with_inputs else None)

    def _named(self, at: int) -> Units:
        """Inputs that the user named."""
        ids = list(dict.fromkeys(self._selection.input_ids))
        while at < len(ids):
            group = self.group_of(ids[at : at + GROUP_MAX])
            at += len(group)
            yield self.unit(group, str(at), named=True)

    def _dataset(self, after: str) -> Units:
        """A dataset's inputs, which have no cursor: read until nothing new shows, then in the order of their ids."""
        ids: set[str] = set()
        for _ in range(PASSES_MAX):
            before, pages = len(ids), 0
            for number in count(1):
                path = f"/datasets/{quote(self._selection.dataset_id, safe='')}/inputs"
                query = [("page", str(number)), ("per_page", str(PER_PAGE_MAX))]
                (page,) = cast(Sequence[object], (yield [self._get(path, query, rows.of_dataset)]))
                found = _needed(cast(list[str] | Refused, page), f"the inputs of dataset {self._selection.dataset_id}")
                if not found:
                    break
                ids.update(found)
                pages += 1
            if pages <= 1 or len(ids) == before:
                break
        left = sorted(id for id in ids if id > after)
        at = 0
        while at < len(left):
            group = self.group_of(left[at : at + GROUP_MAX])
            at += len(group)
            yield self.unit(group, group[-1])

    def group_of(self, ids: Sequence[str]) -> list[str]:
        """As many of the first as one list may ask for; at least one."""
        room = URL_BYTES_MAX - len(self._list([], 1).path)
        group: list[str] = []
        for id in ids[: self._group_max]:
            room -= len("&input_ids=") + len(_quoted(id))
            if room < 0 and group:
                break
            group.append(id)
        return group

    def unit(self, ids: list[str], cursor: str, inputs: dict[str, Line] | None = None, *, named: bool = False) -> Unit:
        """All that the selection wants of these inputs. `inputs`: what is known of them; `named`: those that do not exist are told."""

        def flow() -> Flow:
            if not self._page_max:
                # Until a page is there, each group that is asked for makes the next one smaller: one of them shows what is no full page.
                self._group_max = max(1, min(self._group_max, len(ids) * 9 // 10))
            found = yield from self._group(ids)
            if self._selection.with_inputs:
                return (yield from self._joined(found, ids, inputs))
            return (yield from self._with_absent(found, ids)) if named else found

        return Unit(_span(ids), cursor, flow)

    def _group(self, ids: list[str]) -> Flow:
        """The annotations of these inputs. Where they fill more than a page, parts of them are asked, so that each answer is a snapshot."""
        pages = cast(list[list[Line] | Refused], (yield [self._annotations(ids, 1), self._annotations(ids, 2)]))
        first, second = pages
        rows_count = len(first) if isinstance(first, list) else 0
        whole = rows_count < max(1, self._page_max)  # an empty page is cut off from nothing
        self._page_max = max(self._page_max, rows_count)
        if isinstance(first, list) and second == []:
            # The next group is to be a little less full than the fullest page.
            fits = len(ids) * self._page_max * 9 // 10 // rows_count if rows_count else GROUP_MAX
            self._group_max = min(GROUP_MAX, max(1, fits))
            return self._found(first) if whole else (yield from self._until_stable(ids, pages))
        if len(ids) > 1:
            on_a_page = len({line.input_id for line in first}) if isinstance(first, list) else len(ids)
            self._group_max = max(1, min(len(ids) // 2, on_a_page * 9 // 10))
            return (yield from _together([self._group(part) for part in _parts(ids, self._group_max)]))
        return (yield from self._until_stable(ids, pages))

    def _until_stable(self, ids: list[str], pages: list[list[Line] | Refused]) -> Flow:
        """What may not have been a snapshot is read until two passes in a row say the same. `pages`: what the first one begins with.

        A pass misses a row where one before it is deleted between two pages; then the next pass lacks the deleted one.
        """
        before: list[tuple[str, str]] | None = None
        held: dict[tuple[str, str], Line] = {}
        for _ in range(PASSES_MAX):
            width = 2 if before is None else -(-len(before) // max(1, self._page_max)) + 1
            lines = yield from self._pass(ids, pages, width)
            if isinstance(lines, Problem):
                return (yield from self._halved(ids)) if len(ids) > 1 else Found([], problems=[lines])
            pages = []
            keys = [(line.input_id, line.id) for line in lines]
            held.update(zip(keys, lines, strict=True))
            if keys == before and len(set(keys)) == len(keys):
                return self._found(lines)
            before = keys
        if len(ids) > 1:
            return (yield from self._halved(ids))
        found = self._found(list(held.values()))
        problem = Problem(_span(ids), f"changed all the time while it was read {PASSES_MAX} times", ids[0])
        return Found(found.rows, found.duplicates, [problem])

    def _halved(self, ids: list[str]) -> Flow:
        return _together([self._group(part) for part in _parts(ids, len(ids) // 2)])

    def _pass(
        self, ids: list[str], pages: list[list[Line] | Refused], width: int
    ) -> Generator[Sequence[Ask], Sequence[object], list[Line] | Problem]:
        """All pages up to the first empty one, so many at a time, and more where there are many."""
        lines: list[Line] = []
        number, width = 1, min(width, PAGES_AT_ONCE_MAX)
        while True:
            if not pages:
                asks = [self._annotations(ids, page) for page in range(number, number + width)]
                pages = cast(list[list[Line] | Refused], (yield asks))
                width = min(2 * width, PAGES_AT_ONCE_MAX)
            for page in pages:
                if isinstance(page, Refused):
                    return Problem(_span(ids) + (f", page {number}" if number > 1 else ""), page.reason, ids[0])
                if not page:
                    return lines
                lines += page
                number += 1
            pages = []

    def _found(self, lines: Sequence[Line]) -> Found:
        unique = {(line.input_id, line.id): line for line in lines}
        keep = self._selection.input_level
        return Found([Row(key, line.raw) for key, line in unique.items() if keep or not line.input_level], len(lines) - len(unique))

    # --- by pairs, and by search --------------------------------------------------------------------------------

    def _pairs(self, at: int) -> Units:
        """Annotations that the user named."""
        pairs = list(dict.fromkeys((input_id, id) for input_id, id in self._selection.pairs))
        while at < len(pairs):
            room, chunk = URL_BYTES_MAX - len(self._list([], 1).path), list[tuple[str, str]]()
            for pair in pairs[at : at + PAIRS_MAX]:
                room -= sum(len(_quoted(part)) for part in pair) + len("&ids=&input_ids=")
                if room < 0 and chunk:
                    break
                chunk.append(pair)
            at += len(chunk)
            yield Unit(f"annotations {chunk[0][1]} to {chunk[-1][1]}", str(at), lambda chunk=chunk: self._of_pairs(chunk))  # type: ignore[misc]

    def _of_pairs(self, pairs: list[tuple[str, str]]) -> Flow:
        if len(pairs) == 1:
            input_id, id = map(_quoted, pairs[0])
            ask = Ask(Request("GET", f"{self._app}/inputs/{input_id}/annotations/{id}"), rows.of_one)
        else:
            query = [("ids", id) for _, id in pairs] + [("input_ids", input_id) for input_id, _ in pairs]
            query += [("list_all_annotations", "true"), ("page", "1"), ("per_page", str(len(pairs)))]
            ask = self._get("/annotations", query, rows.of_list)
        (page,) = yield [ask]
        if isinstance(page, Refused) and len(pairs) > 1:
            return (yield from _together([self._of_pairs(part) for part in _parts(pairs, len(pairs) // 2)]))
        lines = {(line.input_id, line.id): line for line in ([] if isinstance(page, Refused) else cast(list[Line], page))}
        found = self._found([line for key, line in lines.items() if key in pairs])
        absent = page.reason if isinstance(page, Refused) else "there is no such annotation"
        problems = [Problem(f"annotation {id} of input {input_id}", absent) for input_id, id in pairs if (input_id, id) not in lines]
        found = Found(found.rows, found.duplicates, problems)
        return (yield from self._joined(found, [], None)) if self._selection.with_inputs else found

    def _searches(self, at: int) -> Units:
        """Pages of a search, ahead of what is known to be there: the first empty one is the end."""
        for number in count(at + 1):
            yield Unit(f"page {number} of the search", str(number), lambda number=number: self._search(number))  # type: ignore[misc]

    def _search(self, number: int) -> Flow:
        selection = self._selection
        times = {name: time for name, time in (("start_time", selection.since), ("end_time", selection.until)) if time}
        code: int | str = int(selection.status) if selection.status.isdecimal() else selection.status  # no number in quotes: it is an enum
        one: dict[str, object] = {"annotation": {"status": {"code": code}}} if selection.status else {}
        searches = [{"query": {"filters": [one | ({"last_updated_time_range": times} if times else {})]}}]
        body = {"searches": searches, "pagination": {"page": number, "per_page": PER_PAGE_MAX}}
        (page,) = yield [Ask(Request("POST", f"{self._app}/annotations/searches", orjson.dumps(body)), rows.of_search)]
        lines = _needed(cast(list[Line] | Refused, page), "by a search")
        found = self._found([line for line in lines if self._wanted(line)])
        if selection.with_inputs:
            found = yield from self._joined(found, [], None)
        return Found(found.rows, found.duplicates, found.problems, ended=not lines)

    def _wanted(self, line: Line) -> bool:
        """The service's searches have no such filters: they are applied here."""
        return not self._selection.input_ids or line.input_id in self._selection.input_ids

    # --- with their inputs --------------------------------------------------------------------------------------

    def _joined(self, found: Found, ids: Sequence[str], inputs: dict[str, Line] | None) -> Flow:
        """Rows of inputs with annotations: every annotation beside its input, every one of `ids` at least once."""
        wanted = list(dict.fromkeys([*ids, *(row.key[0] for row in found.rows)]))
        held = dict(inputs or {})
        absent = yield from self._inputs([id for id in wanted if id not in held], held)
        by_input: dict[str, list[Row]] = {}
        for row in found.rows:
            by_input.setdefault(row.key[0], []).append(row)
        problems = [problem for id, problem in absent.items() if id not in by_input]
        joined = [row for id in wanted for row in _beside(id, held.get(id), by_input.get(id, []))]
        return Found(joined, found.duplicates, found.problems + problems)

    def _with_absent(self, found: Found, ids: Sequence[str]) -> Flow:
        """Told as well, those of these inputs that do not exist. A list is silent about them, as about those without annotations."""
        seen = {row.key[0] for row in found.rows}
        told = {problem.what for problem in found.problems}
        absent = yield from self._inputs([id for id in ids if id not in seen and _span([id]) not in told], {})
        return Found(found.rows, found.duplicates, [*found.problems, *absent.values()])

    def _inputs(self, ids: list[str], held: dict[str, Line]) -> Generator[Sequence[Ask], Sequence[object], dict[str, Problem]]:
        """These inputs, into `held`, and why the others cannot be had. What an answer leaves out is asked for until nothing more comes."""
        absent: dict[str, Problem] = {}
        while ids:
            group = self.group_of(ids)
            query = [("ids", id) for id in group] + [("page", "1"), ("per_page", str(len(group)))]
            (page,) = yield [self._get("/inputs", query, rows.of_inputs)]
            came = {} if isinstance(page, Refused) else {line.id: line for line in cast(list[Line], page)}
            held.update(came)
            rest = [id for id in group if id not in came]
            if isinstance(page, Refused) and len(group) > 1:
                for part in _parts(group, len(group) // 2):
                    absent |= yield from self._inputs(part, held)
                rest = []
            elif len(rest) == len(group):
                reason = page.reason if isinstance(page, Refused) else "there is no such input"
                absent |= {id: Problem(_span([id]), reason) for id in rest}
                rest = []
            ids = rest + ids[len(group) :]
        return absent

    # --- requests -----------------------------------------------------------------------------------------------

    def _annotations(self, ids: Sequence[str], page: int) -> Ask:
        return Ask(self._list(ids, page), rows.of_list)

    def _list(self, ids: Sequence[str], page: int) -> Request:
        selection = self._selection
        query = [("input_ids", id) for id in ids]
        query += [("user_ids", id) for id in selection.user_ids]
        query += [("model_version_ids", id) for id in selection.model_version_ids]
        query += [("workflow_version_ids", id) for id in selection.workflow_version_ids]
        query += [("task_id", selection.task_id)] * bool(selection.task_id)
        query += [
            ("list_all_annotations", "true" if selection.all_makers else "false"),
            ("page", str(page)),
            ("per_page", str(PER_PAGE_MAX)),
        ]
        return self._get("/annotations", query, rows.of_list).request

    def _get(self, path: str, query: Sequence[tuple[str, str]], read: Callable[..., object]) -> Ask:
        return Ask(Request("GET", f"{self._app}{path}?{'&'.join([f'{name}={_quoted(value)}' for name, value in query])}"), read)


@lru_cache(maxsize=8 * GROUP_MAX)
def _quoted(text: str) -> str:
    """As a part of a path or a query. Cached: an id is measured before its group is made, and stands in the URL of every page."""
    return quote(text, safe="")


def _parts(whole: list[T], size: int) -> list[list[T]]:
    """So many each, the last one perhaps fewer."""
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def _together(flows: Sequence[Flow]) -> Flow:
    """Flows side by side, and what they found: what each of them asks next is asked at the same time."""
    found: dict[int, Found] = {}
    answers: dict[int, Sequence[object] | None] = dict.fromkeys(range(len(flows)))
    while answers:
        asked: dict[int, Sequence[Ask]] = {}
        for place, given in answers.items():
            try:
                asked[place] = flows[place].send(given)  # type: ignore[arg-type]
            except StopIteration as end:
                found[place] = end.value
        told = iter((yield [ask for asks in asked.values() for ask in asks]) if asked else ())
        answers = {place: list(islice(told, len(asks))) for place, asks in asked.items()}
    parts = [found[place] for place in range(len(flows))]
    problems = [problem for part in parts for problem in part.problems]
    return Found([row for part in parts for row in part.rows], sum(part.duplicates for part in parts), problems)


def _span(ids: Sequence[str]) -> str:
    """Inputs, for messages."""
    return f"input {ids[0]}" if len(ids) == 1 else f"inputs {ids[0]} to {ids[-1]}"


def _needed(page: T | Refused, what: str) -> T:
    """A page that a listing cannot do without."""
    if isinstance(page, Refused):
        raise Stopped(f"the remote refused to list {what}: {page.reason}")
    return page


def _beside(id: str, held: Line | None, annotations: Sequence[Row]) -> Iterator[Row]:
    """The rows of one input; an input that is gone by now is told by its id."""
    if held is None and not annotations:
        return
    before = b'{"input":' + (held.raw if held else orjson.dumps({"id": id})) + b',"annotation":'
    for row in annotations:
        yield Row(row.key, before + row.line + b"}")
    if not annotations:
        yield Row((id, ""), before + b"null}")
