"""Questions about lists and reads."""

from __future__ import annotations

from syncer.jobs.probe.scratch import (
    POLLS_SECONDS,
    Asked,
    Conclusion,
    Question,
    Scratch,
    Steps,
    known,
    rest,
    unknown,
)
from syncer.jobs.probe.shown import MISSING, NotClear
from syncer.printable import counted
from syncer.remotes.clarifai.queries import ALL_MAKERS, PER_PAGE_MAX, page_of

LISTED = 4
"""Labels of each of two posts."""
BATCH_MAX = 128
"""The labels that a request may hold."""
BULK = (80, 80)
"""Labels of posts that fill more than a page."""
PAGES = (128, 20)


def ask_order(scratch: Scratch) -> Asked:
    """List labels of two posts."""
    scratch.require_home()
    first, second = ([scratch.make_note() for _ in range(LISTED)] for _ in range(2))
    yield from scratch.write(first)
    yield from scratch.write(second)
    rows = yield from scratch.await_notes([*first, *second])
    order, made = [row["id"] for row in rows], [note["id"] for note in (*first, *second)]
    if order == made:
        return [known("list-order", "oldest", "a list goes from oldest to newest")]
    if order == made[::-1]:
        return [known("list-order", "newest", "a list goes from newest to oldest")]
    return [known("list-order", "arbitrary", "a list has no order that shows")]


def ask_input_level(scratch: Scratch) -> Asked:
    """Look for input-level labels in a list of the whole app."""
    scratch.require_home()
    switch = "input-level"
    shown = yield scratch.list_notes(scratch.home)
    if not any(row.get("input_level") for row in shown.rows("annotations")):
        raise NotClear("an input has no label of its own")
    shown = yield scratch.get("/annotations", [*ALL_MAKERS, *page_of(1)])
    rows = shown.rows("annotations")
    if any(row.get("input_level") for row in rows):
        return [known(switch, "listed", "a list of the app shows the labels of inputs themselves")]
    if len(rows) >= PER_PAGE_MAX:
        return [unknown(switch, "the app holds more than the one page that was looked at")]
    told = "a list of the app leaves out the labels of inputs themselves"
    return [known(switch, "unlisted", told)]


def ask_absent(scratch: Scratch) -> Asked:
    """List what is not there."""
    scratch.require_home()
    notes = [scratch.make_note(), scratch.make_note()]
    query = [("ids", note["id"]) for note in notes]
    query += [("input_ids", note["input_id"]) for note in notes]
    shown = yield scratch.get("/annotations", [*query, *ALL_MAKERS, *page_of(1, len(notes))])
    if shown.good:
        return [known("absent-ids", "left-out", "a list by ids leaves out what is not there")]
    told = f"a list by ids of what is not there was refused: {shown.words()}"
    return [known("absent-ids", "refused", told)]


def ask_per_page_over(scratch: Scratch) -> Asked:
    """Ask for a page of more than there may be."""
    shown = yield scratch.get("/annotations", [*ALL_MAKERS, *page_of(1, PER_PAGE_MAX + 1)])
    if shown.good:
        return [known("per-page-over", "clamp", f"a page of {PER_PAGE_MAX + 1} was not refused")]
    told = f"a page of {PER_PAGE_MAX + 1} was refused: {shown.words()}"
    return [known("per-page-over", "refuse", told)]


# --- many labels ----------------------------------------------------------------------


def ask_bulk(scratch: Scratch) -> Asked:
    """Post one label too many, then list more than a page without saying its size."""
    scratch.require_home()
    place = scratch.other
    shown = yield scratch.post([scratch.make_note(place) for _ in range(BATCH_MAX + 1)])
    if shown.too_large:
        over = unknown("items-over", "hidden by body-limit: such a request is too large")
        return [over, unknown("per-page", "hidden by body-limit: too few labels were taken")]
    told = f"{BATCH_MAX + 1} labels in a request were answered with {shown.words()}"
    over = known("items-over", "take" if shown.taken_in_part else "refuse", told)
    for number in BULK:
        shown = yield scratch.post([scratch.make_note(place) for _ in range(number)])
        if not shown.taken_in_part:
            raise NotClear(f"{number} labels in a request were refused: {shown.words()}")
    page = yield from _await_page(scratch, place)
    if page not in PAGES:
        return [over, unknown("per-page", f"a page without a size had {page} rows")]
    return [over, known("per-page", str(page), f"a page without a size has {page} rows")]


def _await_page(scratch: Scratch, place: str) -> Steps[int]:
    """List without a size until a page is full; return its rows."""
    count = 0
    for seconds in POLLS_SECONDS:
        yield from rest(seconds)
        shown = yield scratch.get("/annotations", [("input_ids", place), *ALL_MAKERS])
        before, count = count, len(shown.rows("annotations"))
        if count in PAGES and count == before:
            break
    return count


# --- lags -----------------------------------------------------------------------------


def ask_lags(scratch: Scratch) -> Asked:
    """Count the reads that miss a new label, and those that find a deleted one."""
    scratch.require_home()
    note = scratch.make_note()
    yield from scratch.write([note])
    late = 0
    for seconds in POLLS_SECONDS:
        yield from rest(seconds)
        shown = yield scratch.get_note(note)
        if shown.good:
            break
        late += 1
    else:
        raise NotClear(f"a label that was written did not show within {late} reads")
    shown = yield scratch.delete_note(note)
    if not shown.good:
        raise NotClear(f"a label could not be deleted: {shown.words()}")
    left = 0
    for seconds in POLLS_SECONDS:
        yield from rest(seconds)
        shown = yield scratch.get_note(note)
        if shown.code == MISSING:
            break
        left += 1
    else:
        raise NotClear(f"a deleted label still showed after {left} reads")
    return [
        _conclude_lag("read-lag", late, f"{counted(late, 'read')} missed a label that was written"),
        _conclude_lag("delete-lag", left, f"{counted(left, 'read')} still found a deleted label"),
    ]


def _conclude_lag(switch: str, reads: int, told: str) -> Conclusion:
    return known(switch, "2" if reads else "0", told)


QUESTIONS = (
    Question(("per-page-over",), ask_per_page_over),
    Question(("read-lag", "delete-lag"), ask_lags),
    Question(("list-order",), ask_order),
    Question(("input-level",), ask_input_level),
    Question(("absent-ids",), ask_absent),
    Question(("items-over", "per-page"), ask_bulk),
)
