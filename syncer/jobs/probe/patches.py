"""Questions about patches."""

from __future__ import annotations

from typing import Any

from syncer.jobs.probe.posts import BOX
from syncer.jobs.probe.scratch import POLLS_SECONDS, Asked, Question, Scratch, known, rest
from syncer.jobs.probe.shown import Hidden, NotClear, WireObject

OTHER_BOX = {"region_info": {"bounding_box": {"top_row": 0.2, "left_col": 0.2, "bottom_row": 0.75,
                                              "right_col": 0.75}}}  # fmt: skip


def list_regions(row: WireObject) -> list[Any]:
    """Return the regions of a label."""
    data = row.get("data")
    regions = data.get("regions") if isinstance(data, dict) else None
    return regions if isinstance(regions, list) else []


def _bottoms(row: WireObject) -> list[Any]:
    return [
        region.get("region_info", {}).get("bounding_box", {}).get("bottom_row")
        for region in list_regions(row)
    ]


def ask_region_merge(scratch: Scratch) -> Asked:
    """Merge a region without id into a label that has one."""
    scratch.require_home()
    note = scratch.make_note(data={"regions": [BOX]})
    yield from scratch.write([note])
    key = {"id": note["id"], "input_id": note["input_id"]}
    shown = yield scratch.patch("merge", [{**key, "data": {"regions": [OTHER_BOX]}}])
    if not shown.good:
        raise NotClear(f"a merge of a region without id was refused: {shown.words()}")
    row = yield from scratch.await_note(note, lambda row: 0.75 in _bottoms(row))
    if len(list_regions(row)) == 1:
        return [known("region-merge", "replace", "a merged region without id replaced the other")]
    return [known("region-merge", "append", "a merged region without id joined the other")]


def ask_remove(scratch: Scratch) -> Asked:
    """Remove a region without saying its id."""
    scratch.require_home()
    note = scratch.make_note(data={"regions": [BOX]})
    yield from scratch.write([note])
    before = yield from scratch.await_note(note)
    key = {"id": note["id"], "input_id": note["input_id"]}
    shown = yield scratch.patch("remove", [{**key, "data": {"regions": [OTHER_BOX]}}])
    if not shown.good:
        raise NotClear(f"a removal without ids was refused: {shown.words()}")
    row = before
    for seconds in POLLS_SECONDS:
        yield from rest(seconds)
        shown = yield scratch.get_note(note)
        row = shown.body.get("annotation", before)
        if row.get("modified_at") != before.get("modified_at"):
            break
    match len(list_regions(row)):
        case 1:
            return [known("remove-without-ids", "keep", "a removal without ids removed nothing")]
        case 2:
            return [known("remove-without-ids", "append", "a removal without ids added the item")]
        case number:
            raise NotClear(f"after a removal without ids there were {number} regions")


def ask_missing(scratch: Scratch) -> Asked:
    """Patch what is not there."""
    scratch.require_home()
    notes = [scratch.make_note(), scratch.make_note()]
    shown = yield scratch.patch("merge", notes)
    if shown.too_large:
        raise Hidden("hidden by body-limit: no label is small enough")
    told = f"patches of what is not there were answered with {shown.words()}"
    if shown.good:
        raise NotClear(told)
    if shown.taken_in_part:
        return [known("patch-missing", "item", told)]
    return [known("patch-missing", "request", told)]


QUESTIONS = (
    Question(("region-merge",), ask_region_merge),
    Question(("remove-without-ids",), ask_remove),
    Question(("patch-missing",), ask_missing),
)
