"""The questions of a list: their URLs, and how much fits into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

import orjson

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.clarifai import rows
from syncer.remotes.clarifai.codec import PAIRS_MAX, PER_PAGE_MAX, URL_BYTES_MAX
from syncer.remotes.clarifai.listing.spans import Span
from syncer.remotes.clarifai.rows import Line
from syncer.remotes.clarifai.selection import Selection
from syncer.remotes.paths import URL_BYTES_MOST, segment

T = TypeVar("T")
Query = list[tuple[str, str]]
Pair = tuple[str, str]
"""(input_id, annotation id)"""


class Queries:
    """What a selection asks of one app."""

    def __init__(self, user_id: str, app_id: str, selection: Selection) -> None:
        self._app = f"/v2/users/{segment(user_id)}/apps/{segment(app_id)}"
        self._filters = [
            *(("user_ids", id) for id in selection.user_ids),
            *(("model_version_ids", id) for id in selection.model_version_ids),
            *(("workflow_version_ids", id) for id in selection.workflow_version_ids),
            *[("task_id", selection.task_id)] * bool(selection.task_id),
            ("list_all_annotations", "true" if selection.all_makers else "false"),
        ]
        self._selection = selection

    # --- annotations ------------------------------------------------------------------

    def annotations(self, input_ids: Sequence[str], page: int) -> Ask[list[Line]] | Refused:
        """A page of what the selection wants of these inputs."""
        return self._get(
            "/annotations",
            [("input_ids", id) for id in input_ids] + self._filters + _page(page),
            rows.of_list,
        )

    def pairs(self, pairs: Sequence[Pair]) -> Ask[list[Line]] | Refused:
        """These annotations.

        One of them, too: in a query no id changes what is asked for, in a path `.` and
        `..` do.
        """
        query = [("ids", id) for _, id in pairs] + [
            ("input_ids", input_id) for input_id, _ in pairs
        ]
        query += [("list_all_annotations", "true"), *_page(1, len(pairs))]
        return self._get("/annotations", query, rows.of_list)

    def search(self, span: Span, page: int) -> Ask[list[Line]]:
        """A page of what a search finds: of the selection's status, in this span of
        time.
        """
        selection = self._selection
        times = {
            name: time
            for name, time in (("start_time", span.since), ("end_time", span.until))
            if time
        }
        # No number in quotes: it is an enum.
        code: int | str = (
            int(selection.status) if selection.status.isdecimal() else selection.status
        )
        wanted: dict[str, object] = (
            {"annotation": {"status": {"code": code}}} if selection.status else {}
        )
        searches = [
            {"query": {"filters": [wanted | ({"last_updated_time_range": times} if times else {})]}}
        ]
        body = {"searches": searches, "pagination": {"page": page, "per_page": PER_PAGE_MAX}}
        return Ask(
            Request("POST", f"{self._app}/annotations/searches", orjson.dumps(body)), rows.of_search
        )

    # --- inputs -----------------------------------------------------------------------

    def stream(self, last: str) -> Ask[list[Line]] | Refused:
        """The app's inputs after this one, by the one cursor that the service has:
        `StreamInputs`.
        """
        query = [("per_page", str(PER_PAGE_MAX)), ("order_by_id", "true")] + [
            ("last_id", last)
        ] * bool(last)
        return self._get("/inputs/stream", query, rows.of_inputs)

    def inputs(self, ids: Sequence[str]) -> Ask[list[Line]] | Refused:
        """These inputs."""
        return self._get(
            "/inputs", [("ids", id) for id in ids] + _page(1, len(ids)), rows.of_inputs
        )

    def dataset(self, dataset_id: str, page: int) -> Ask[list[str]] | Refused:
        """A page of the ids of a dataset's inputs."""
        return self._get(f"/datasets/{segment(dataset_id)}/inputs", _page(page), rows.of_dataset)

    # --- how much fits ----------------------------------------------------------------

    def fitting(self, input_ids: Sequence[str], most: int) -> list[str]:
        """The first of these inputs, as many as one list may ask for; at least one."""
        room = self._room()
        fitting: list[str] = []
        for id in input_ids[:most]:
            room -= len("&input_ids=") + len(quoted(id))
            if room < 0 and fitting:
                break
            fitting.append(id)
        return fitting

    def fitting_pairs(self, pairs: Sequence[Pair]) -> list[Pair]:
        """As many of the first of these annotations as one list may ask for; at least
        one.
        """
        room = self._room()
        fitting: list[Pair] = []
        for pair in pairs[:PAIRS_MAX]:
            room -= sum(len(quoted(part)) for part in pair) + len("&ids=&input_ids=")
            if room < 0 and fitting:
                break
            fitting.append(pair)
        return fitting

    def _room(self) -> int:
        return URL_BYTES_MAX - len(self._url("/annotations", self._filters + _page(1)))

    def _get(
        self, path: str, query: Query, read: Callable[[Reply | NoReply], T | LookUpFailure]
    ) -> Ask[T] | Refused:
        """A question, unless its URL would be longer than servers take."""
        url = self._url(path, query)
        if len(url) > URL_BYTES_MOST:
            return Refused(
                f"its id makes a URL of {len(url):,} bytes, and servers take {URL_BYTES_MOST:,}"
            )
        return Ask(Request("GET", url), read)

    def _url(self, path: str, query: Query) -> str:
        return f"{self._app}{path}?{'&'.join([f'{name}={quoted(value)}' for name, value in query])}"


def _page(number: int, size: int = PER_PAGE_MAX) -> Query:
    return [("page", str(number)), ("per_page", str(size))]


@lru_cache(maxsize=1024)
def quoted(text: str) -> str:
    """As a part of a query.

    Cached: an id is measured before its group is made, and stands in the URL of every
    page.
    """
    return quote(text, safe="")
