"""As much of the service as lists of annotations need, and a driver that answers their
questions from it. No network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import orjson

from syncer.core.ports.pull import Ask, Done, Found, Unit
from syncer.core.ports.wire import Reply, Request
from syncer.remotes.clarifai.codes import CODES
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.selection import Selection

Json = dict[str, object]
UPDATED = "2026-01-01T12:00:00Z"


class Service:
    """As much of the service as listing needs; `churn` is called between answers."""

    def __init__(
        self, held: dict[str, list[str]], *, per_page_max: int = 1000, newest_first: bool = False
    ) -> None:
        self.held = held
        self.per_page_max = per_page_max
        self.newest_first = newest_first
        self.requests: list[Request] = []
        self.refuse_inputs_above = 10**9
        self.refuse_what_is_missing = False
        """A list of inputs, or of annotations of inputs, that names one that is not
        there.
        """
        self.hits: list[tuple[str, str]] = []
        """What a search finds, in its order."""
        self.updated: dict[str, str] = {}
        """By the annotation's id, when it was updated; else at `UPDATED`."""
        self.status: dict[str, int] = {}
        """By the annotation's id; else 24150."""
        self.window: tuple[Literal["none", "refused", "empty"], int] = ("none", 0)
        """Where searches end, and how."""
        self.by_seconds = False
        """Whether times are compared by whole seconds, what is below them cut off."""
        self.order: Callable[[str], object] = str
        """How inputs are sorted."""
        self.gone_cursor: Literal["refused", "place", "empty", "start"] = "refused"
        """What becomes of a cursor whose input is not there any more."""
        self.inclusive = False
        """The page after a cursor begins with the cursor's own input."""

    def churn(self) -> None:
        """Nothing, unless a test says so."""

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        assert len(request.path) < 4000
        url = urlsplit(request.path)
        query = parse_qs(url.query)
        sent = orjson.loads(request.body) if request.body else {}
        reply = self._answer(url.path.split("/apps/app", 1)[1], query, sent)
        self.churn()
        return reply

    def _answer(self, path: str, query: dict[str, list[str]], sent: Json) -> Reply:
        if path == "/inputs/stream":
            last = query.get("last_id", [""])[0]
            if last and last not in self.held and self.gone_cursor in ("refused", "empty"):
                return (
                    self._failed(404, 11101)
                    if self.gone_cursor == "refused"
                    else self._said(inputs=[])
                )
            first = not last or (last not in self.held and self.gone_cursor == "start")
            place = self.order(last)
            ids = [
                id
                for id in sorted(self.held, key=self.order)
                if first or place < self.order(id) or (self.inclusive and id == last)  # type: ignore[operator]
            ]
            ids = ids[: min(self.per_page_max, int(query["per_page"][0]))]
            return self._said(inputs=[{"id": id, "data": {"text": {"raw": id}}} for id in ids])
        if path.startswith("/datasets/"):
            return self._said(
                dataset_inputs=[{"input": {"id": id}} for id in self._page(list(self.held), query)]
            )
        if path == "/inputs":
            if self.refuse_what_is_missing and not set(query["ids"]) <= set(self.held):
                return self._failed(404, 11101)
            return self._said(
                inputs=[
                    {"id": id, "data": {}}
                    for id in self._page([id for id in query["ids"] if id in self.held], query)
                ]
            )
        if path == "/annotations/searches":
            return self._search(sent)
        input_ids = query["input_ids"]
        if self.refuse_what_is_missing and not set(input_ids) <= set(self.held):
            return self._failed(404, 30102)
        if len(input_ids) > self.refuse_inputs_above:
            return self._failed(400, 11102)
        if "ids" in query:
            rows = [
                (i, a)
                for i, a in zip(input_ids, query["ids"], strict=True)
                if a in self.held.get(i, ())
            ]
        else:
            rows = [(input_id, id) for input_id in input_ids for id in self.held.get(input_id, ())]
        rows = rows[::-1] if self.newest_first else rows
        return self._said(annotations=[self._row(key) for key in self._page(rows, query)])

    def _row(self, key: tuple[str, str]) -> Json:
        input_id, id = key
        times = {
            "modified_at": self.updated.get(id, UPDATED),
            "status": {"code": self.status.get(id, 24150)},
        }
        return {"id": id, "input_id": input_id, "input_level": id == "level", **times}

    def _search(self, sent: Json) -> Reply:
        paging: Any = sent["pagination"]
        searches: Any = sent["searches"]
        (wanted,) = searches[0]["query"]["filters"]
        times, code = (
            wanted.get("last_updated_time_range", {}),
            wanted.get("annotation", {}).get("status", {}).get("code"),
        )
        cut = 19 if self.by_seconds else 29
        found = []
        for key in self.hits:
            at = self._time(self.updated.get(key[1], UPDATED))[:cut]
            in_time = (
                self._time(times.get("start_time", at))[:cut]
                <= at
                <= self._time(times.get("end_time", at))[:cut]
            )
            if in_time and code in (
                None,
                self.status.get(key[1], 24150),
                CODES[self.status.get(key[1], 24150)][0],
            ):
                found.append(key)
        form, size = self.window
        if form == "refused" and paging["page"] * min(paging["per_page"], self.per_page_max) > size:
            return self._failed(400, 11102)
        found = found[:size] if form == "empty" else found
        page = self._page(found, {name: [str(value)] for name, value in paging.items()})
        return self._said(hits=[{"annotation": self._row(key)} for key in page])

    def _time(self, text: str) -> str:
        """With nine digits."""
        seconds, _, digits = text.removesuffix("Z").partition(".")
        return f"{seconds}.{digits:0<9}"

    def _page(self, rows: list, query: dict[str, list[str]]) -> list:  # type: ignore[type-arg]
        size = min(self.per_page_max, int(query["per_page"][0]))
        start = (int(query["page"][0]) - 1) * size
        return rows[start : start + size]

    def _said(self, **members: object) -> Reply:
        return Reply(200, orjson.dumps({"status": {"code": 10000}, **members}))

    def _failed(self, http: int, code: int) -> Reply:
        return Reply(http, orjson.dumps({"status": {"code": code}}))


def answered(service: Service, asks: Sequence[Ask[object]]) -> list[object]:
    return [ask.read(service.answer(ask.request)) for ask in asks]


def fetched(service: Service, unit: Unit) -> Found:
    flow = unit.flow()
    answers: list[object] | None = None
    while True:
        try:
            asks = flow.send(answers)  # type: ignore[arg-type]
        except StopIteration as end:
            found: Found = end.value
            return found
        answers = answered(service, asks)


def walked(
    service: Service, selection: Selection, after: str = "", done: Done | None = ()
) -> Iterator[tuple[str, Found]]:
    """(cursor, what was found) of each unit."""
    for unit, found in fetched_units(service, selection, after, done):
        yield unit.cursor, found


def fetched_units(
    service: Service, selection: Selection, after: str = "", done: Done | None = ()
) -> Iterator[tuple[Unit, Found]]:
    """Each unit, and what was found of it, one after another."""
    units = AnnotationListing("me", "app", selection).units(after, done)
    answers: list[object] | None = None
    while True:
        try:
            step = units.send(answers)
        except StopIteration:
            return
        answers = None
        if isinstance(step, Unit):
            found = fetched(service, step)
            yield step, found
        else:
            answers = answered(service, step)


EVERYTHING = Selection()


def keys(
    service: Service, selection: Selection = EVERYTHING, after: str = "", done: Done | None = ()
) -> list[tuple[str, ...]]:
    return [row.key for _, found in walked(service, selection, after, done) for row in found.rows]


def app(inputs: int, each: int) -> dict[str, list[str]]:
    return {f"i-{n:04}": [f"a-{n}-{m}" for m in range(each)] for n in range(inputs)}


def all_of(held: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(input_id, id) for input_id, ids in held.items() for id in ids]
