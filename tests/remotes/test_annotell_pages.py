"""Pages in between that are short, empty, refused or doubled, and cursors that are 0: a
list is whole, or it is said that it is not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncer.core.ports.pull import Listing
from syncer.core.ports.wire import Reply, Request
from syncer.errors import Stopped
from syncer.remotes.annotell import DocumentSelection, listing
from tests.support.driving import Driver, NoAnswer, problems_of, rows_of

STORAGE = "https://storage.googleapis.com/"


class Pages:
    """A project whose pages are what a test says: uuids, and the cursor of the next
    page, by the cursor of the page.
    """

    def __init__(self, pages: dict[Any, tuple[Sequence[str], Any]]) -> None:
        self.pages = {str(cursor): page for cursor, page in pages.items()}
        self.refusals: dict[str, list[Reply]] = {}
        """By cursor, what is answered first."""

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        if url.netloc:
            uuid = url.path.rpartition("/")[2]
            return ok({"openlabel": {"metadata": {"uuid": f"d-{uuid}"}}})
        cursor = parse_qs(url.query).get("cursorId", ["None"])[0]
        if self.refusals.get(cursor):
            return self.refusals[cursor].pop(0)
        if not url.path.endswith("/search"):
            return Reply(404, b'{"message":"Not found"}')
        uuids, following = self.pages[cursor]
        rows = [
            {
                "inputUuid": uuid,
                "annotationType": "signs",
                "created": "t",
                "uri": f"{STORAGE}{uuid}",
            }
            for uuid in uuids
        ]
        return ok({"data": rows, "metadata": {"nextCursorId": following}})


def ok(value: Any) -> Reply:
    return Reply(200, json.dumps(value).encode())


def of_project() -> Listing:
    return listing(
        DocumentSelection(project="p", annotation_types=("signs",)),
        "annotell",
        "https://input.annotell.com",
    )


def uuids(pages: Pages) -> list[str]:
    """Of all that comes, each once, and no problem."""
    done = Driver(pages).pulled(of_project())
    assert problems_of(done) == []
    keys = [row.key[0] for row in rows_of(done)]
    assert len(keys) == len(set(keys))
    return sorted(keys)


@pytest.mark.parametrize("cursors", [(0, 1), ("0", "1"), (1, 0), ("a", "0"), (7, 7_000_000_000)])
def test_every_page_is_read_whatever_its_cursor_is(cursors: tuple[Any, Any]) -> None:
    first, second = cursors
    assert uuids(Pages({None: ("ab", first), first: ("cd", second), second: ("e", None)})) == [
        "a",
        "b",
        "c",
        "d",
        "e",
    ]


@pytest.mark.parametrize("middle", ["", "c"])
def test_a_page_in_between_that_is_empty_or_short_is_not_the_end(middle: str) -> None:
    assert uuids(Pages({None: ("ab", 1), 1: (middle, 2), 2: ("de", 3), 3: ("f", None)})) == sorted(
        ["a", "b", *middle, "d", "e", "f"]
    )


def test_a_first_page_that_is_empty_is_not_the_end() -> None:
    assert uuids(Pages({None: ("", 1), 1: ("ab", None)})) == ["a", "b"]


def test_a_last_page_that_is_empty_ends_the_list() -> None:
    assert uuids(Pages({None: ("ab", 1), 1: ("", None)})) == ["a", "b"]


@pytest.mark.parametrize("doubled", ["bc", "ab"])
def test_what_two_pages_show_comes_once(doubled: str) -> None:
    """The whole page, or a row of it, once: the list shifted while it was read."""
    pages = Pages({None: ("ab", 1), 1: ("cd", 2), 2: ("ef", None)})
    first = json.loads(pages(Request("GET", "/search?cursorId=1")).body)
    rows = json.loads(pages(Request("GET", "/search")).body)["data"] + first["data"]
    pages.refusals["1"] = [
        ok({**first, "data": [row for row in rows if row["inputUuid"] in doubled]})
    ]
    assert uuids(pages) == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize("status", [401, 403, 409, 500, 503])
def test_a_page_in_between_that_cannot_be_had_is_never_taken_for_the_end(status: int) -> None:
    pages = Pages({None: ("ab", 1), 1: ("cd", None)})
    pages.refusals["1"] = [Reply(status, b'{"message":"no"}')] * 10
    with pytest.raises((Stopped, NoAnswer)):
        uuids(pages)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_cursor_that_is_not_taken_any_more_leads_to_the_first_page_and_the_list_is_whole(
    status: int,
) -> None:
    pages = Pages({None: ("ab", 1), 1: ("cd", 2), 2: ("ef", None)})
    pages.refusals["2"] = [Reply(status, b'{"message":"no such cursor"}')]
    assert uuids(pages) == ["a", "b", "c", "d", "e", "f"]


def test_a_cursor_that_is_never_taken_ends_the_pull() -> None:
    pages = Pages({None: ("ab", 1), 1: ("cd", None)})
    pages.refusals["1"] = [Reply(404, b'{"message":"no such cursor"}')] * 50
    with pytest.raises(Stopped, match="began again"):
        uuids(pages)


@pytest.mark.parametrize("following", [1, 2])
def test_cursors_that_lead_in_circles_end_the_pull(following: int) -> None:
    with pytest.raises(Stopped, match="so the list would never end"):
        uuids(Pages({None: ("ab", 1), 1: ("cd", 2), 2: ("ef", following)}))
