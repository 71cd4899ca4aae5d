"""Questions about searches."""

from __future__ import annotations

import re

from syncer.core.ports.wire import Request
from syncer.jobs.probe.scratch import (
    POLLS_SECONDS,
    Asked,
    Question,
    Scratch,
    Steps,
    known,
    rest,
    unknown,
)
from syncer.jobs.probe.shown import Hidden, NotClear, Shown, WireObject
from syncer.printable import counted

SEARCHES = 83
"""Equal searches in one request, so that there are more hits than labels: a prime, so
that the hits of all of them do not end with a page.
"""
PAGE = 1000
SIZES = (10, 2, 1)
"""Pages that a search may show at most."""
BEYOND = 11
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


def list_keys(shown: Shown) -> list[tuple[object, object]]:
    """Return the (input_id, id) of all hits."""
    labels = [hit.get("annotation", {}) for hit in shown.rows("hits")]
    return [(label.get("input_id"), label.get("id")) for label in labels]


def ask_hits(scratch: Scratch) -> Asked:
    """Search for a label by the time when it was written, and a nanosecond beside."""
    scratch.require_home()
    note = scratch.make_note()
    yield from scratch.write([note])
    row = yield from scratch.await_note(note)
    at = str(row.get("modified_at"))
    beside = _name_beside(at)
    key = note["input_id"], note["id"]
    shown = yield from _await_hit(scratch, at, key)
    count = list_keys(shown).count(key)
    hits = known(
        "search-hits",
        "repeated" if count > 1 else "once",
        f"a search showed a label {counted(count, 'time')}",
    )
    shown = yield scratch.search([_search_at(beside)])
    if not shown.good:
        raise NotClear(f"a search by a time was refused: {shown.words()}")
    if key in list_keys(shown):
        return [hits, known("search-times", "seconds", "times of a search count in seconds")]
    return [hits, known("search-times", "exact", "times of a search count to the nanosecond")]


def _search_at(time: str) -> WireObject:
    between = {"start_time": time, "end_time": time}
    return {"query": {"filters": [{"last_updated_time_range": between}]}}


def _name_beside(time: str) -> str:
    """Return a time of the same second, a nanosecond away. Raises NotClear."""
    parts = _TIME.fullmatch(time)
    if parts is None:
        raise NotClear("the time of a label is not in UTC, or not of the usual form")
    nanos = int((parts[2] or "").ljust(9, "0"))
    return f"{parts[1]}.{nanos + (1 if nanos == 0 else -1):09}Z"


def _await_hit(scratch: Scratch, at: str, key: tuple[object, object]) -> Steps[Shown]:
    for seconds in POLLS_SECONDS:
        yield from rest(seconds)
        shown = yield scratch.search([_search_at(at)])
        if not shown.good:
            raise NotClear(f"a search by a time was refused: {shown.words()}")
        if key in list_keys(shown):
            return shown
    raise NotClear(f"a search did not show a label within {len(POLLS_SECONDS)} tries")


# --- how far a search goes ------------------------------------------------------------


def ask_window(scratch: Scratch) -> Asked:
    """Ask for late pages of a search that has very many hits."""
    scratch.require_home()
    beyond = yield _search_page(scratch, BEYOND)
    if beyond.good and beyond.rows("hits"):
        none = known("search-window", "none", "a search showed hits beyond the first 10,000")
        return [none, unknown("search-window-size", "hidden by search-window: all hits are shown")]
    if beyond.too_large:
        raise Hidden("hidden by body-limit: such a search is too large")
    pages = {BEYOND: beyond}
    for number in SIZES:
        for page in (number, number + 1):
            if page not in pages:
                pages[page] = yield _search_page(scratch, page)
        if _is_whole(pages[number], beyond) and _is_beyond(pages[number + 1], beyond):
            told = f"a search shows its first {number * PAGE:,} hits only"
            value = "empty" if beyond.good else "refused"
            size = known("search-window-size", str(number * PAGE), told)
            return [known("search-window", value, told), size]
    why = "there were too few hits to see how far a search goes"
    if beyond.good:
        return [unknown("search-window", why), unknown("search-window-size", why)]
    told = f"late pages of a search were refused: {beyond.words()}"
    size = unknown("search-window-size", "where the refusals begin fits none of the values")
    return [known("search-window", "refused", told), size]


def _is_whole(page: Shown, beyond: Shown) -> bool:
    """Whether a page is within the window."""
    return page.good and (not beyond.good or len(page.rows("hits")) == PAGE)


def _is_beyond(page: Shown, beyond: Shown) -> bool:
    """Whether a page is as one beyond the window is."""
    return page.code == beyond.code and not page.rows("hits")


def _search_page(scratch: Scratch, number: int) -> Request:
    return scratch.search([{"query": {"filters": []}}] * SEARCHES, number, PAGE)


QUESTIONS = (
    Question(("search-hits", "search-times"), ask_hits),
    Question(("search-window", "search-window-size"), ask_window),
)
