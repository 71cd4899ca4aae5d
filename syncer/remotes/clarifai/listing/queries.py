"""The questions of a list: what a selection asks, and how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson

from syncer.core.change import Key
from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.clarifai import rows
from syncer.remotes.clarifai.listing.spans import Span
from syncer.remotes.clarifai.queries import PER_PAGE_MAX, AppUrls, page_of
from syncer.remotes.clarifai.rows import ListedLine
from syncer.remotes.clarifai.selection import Selection
from syncer.remotes.paths import URL_BYTES_MOST, segment

T = TypeVar("T")


class Queries:
    """The questions of a selection to one app."""

    def __init__(self, user_id: str, app_id: str, selection: Selection) -> None:
        self._urls = AppUrls(user_id, app_id)
        self._filters = [
            *(("user_ids", id) for id in selection.user_ids),
            *(("model_version_ids", id) for id in selection.model_version_ids),
            *(("workflow_version_ids", id) for id in selection.workflow_version_ids),
            *[("task_id", selection.task_id)] * bool(selection.task_id),
            ("list_all_annotations", "true" if selection.all_makers else "false"),
        ]
        self._selection = selection

    # --- annotations ------------------------------------------------------------------

    def annotations(self, input_ids: Sequence[str], page: int) -> Ask[list[ListedLine]] | Refused:
        """A page of what the selection wants of these inputs."""
        return _get(self._urls.annotations(input_ids, self._filters, page), rows.of_list)

    def pairs(self, pairs: Sequence[Key]) -> Ask[list[ListedLine]] | Refused:
        """These annotations."""
        return _get(self._urls.pairs(pairs), rows.of_list)

    def search(self, span: Span, page: int) -> Ask[list[ListedLine]]:
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
            Request("POST", f"{self._urls.app}/annotations/searches", orjson.dumps(body)),
            rows.of_search,
        )

    # --- inputs -----------------------------------------------------------------------

    def stream(self, last: str) -> Ask[list[ListedLine]] | Refused:
        """The app's inputs after this one, by the one cursor that the service has:
        `StreamInputs`.
        """
        query = [("per_page", str(PER_PAGE_MAX)), ("order_by_id", "true")]
        query += [("last_id", last)] * bool(last)
        return _get(self._urls.list("/inputs/stream", query), rows.of_inputs)

    def inputs(self, ids: Sequence[str]) -> Ask[list[ListedLine]] | Refused:
        """These inputs."""
        return _get(self._urls.inputs(ids), rows.of_inputs)

    def dataset(self, dataset_id: str, page: int) -> Ask[list[str]] | Refused:
        """A page of the ids of a dataset's inputs."""
        path = f"/datasets/{segment(dataset_id)}/inputs"
        return _get(self._urls.list(path, page_of(page)), rows.of_dataset)

    # --- how much fits ----------------------------------------------------------------

    def fitting(self, input_ids: Sequence[str], most: int) -> list[str]:
        """Return the first of these inputs, up to what one list may ask for; at least
        one.
        """
        some = list(input_ids[:most])
        return some[: self._urls.fitting_inputs(some, self._filters)]

    def fitting_pairs(self, pairs: Sequence[Key]) -> list[Key]:
        """As many of the first of these annotations as one list may ask for; at least
        one.
        """
        return list(pairs[: self._urls.fitting_pairs(pairs)])


def _get(url: str, read: Callable[[Reply | NoReply], T | LookUpFailure]) -> Ask[T] | Refused:
    """A question, unless its URL is longer than servers take."""
    if len(url) > URL_BYTES_MOST:
        return Refused(
            f"its id makes a URL of {len(url):,} bytes, and servers take {URL_BYTES_MOST:,}"
        )
    return Ask(Request("GET", url), read)
