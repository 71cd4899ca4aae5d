"""Questions about the form of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from syncer import protos
from syncer.jobs.probe.posts import TWO_REGIONS
from syncer.jobs.probe.scratch import Asked, Conclusion, Question, Scratch, known, unknown
from syncer.jobs.probe.shown import FAILURE, MIXED, STORED, NotClear, Shown, WireObject, code_of
from syncer.printable import counted
from syncer.remotes.clarifai.queries import ALL_MAKERS, page_of

ITEMS = 8
GIVEN = 0.123456789
"""A share that float32 has not."""
FLOATS = {0.12345679: "shortest", 0.12345679104328156: "widened", GIVEN: "exact"}
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""


def ask_answer(scratch: Scratch) -> Asked:
    """Post some labels and look at all that comes back."""
    scratch.require_home()
    notes = [scratch.make_note() for _ in range(ITEMS)]
    shown = yield from scratch.write(notes)
    rows, ids = shown.rows("annotations"), [note["id"] for note in notes]
    return [_conclude_items(rows, ids), _conclude_order(rows, ids)]


def ask_forms(scratch: Scratch) -> Asked:
    """Look at a short list, for what all answers have alike."""
    shown = yield scratch.get("/annotations", [*ALL_MAKERS, *page_of(1, 1)])
    return [
        _conclude_enums(shown),
        _conclude_added(shown),
        _conclude_http_code(shown),
    ]


def _conclude_items(rows: Sequence[WireObject], ids: Sequence[str]) -> Conclusion:
    switch, told = "answer", f"to {len(ids)} labels came {counted(len(rows), 'item')}"
    shown = [row.get("id") for row in rows]
    if not rows:
        return known(switch, "none", told)
    if any(id not in ids for id in shown):
        return known(switch, "extra", f"{told}, one of a stranger")
    if len(rows) > len(ids):
        return known(switch, "doubled", told)
    if len(rows) < len(ids):
        return known(switch, "short", told)
    if not any("data" in row for row in rows):
        return known(switch, "bare", f"{told}, without what was sent")
    return known(switch, "full", told)


def _conclude_order(rows: Sequence[WireObject], ids: Sequence[str]) -> Conclusion:
    switch = "answer-order"
    places = [ids.index(row["id"]) for row in rows if row.get("id") in ids][: len(ids)]
    if len(places) < 2:
        return unknown(switch, "hidden by answer: it does not name the items")
    if all(before < after for before, after in pairwise(places)):
        return known(switch, "asis", "the items came in the order in which they were sent")
    return known(switch, "shuffled", "the items came in another order")


def _conclude_enums(shown: Shown) -> Conclusion:
    code = shown.body["status"]["code"]
    if isinstance(code, int):
        return known("enums", "number", "codes are numbers")
    form = "text" if code.isdigit() else "name"
    return known("enums", form, f"codes are {'numbers in texts' if form == 'text' else 'names'}")


def _conclude_added(shown: Shown) -> Conclusion:
    added = _count_added(shown.body["status"], "Status") + sum(
        _count_added(row, "Annotation") for row in shown.rows("annotations")
    )
    if added:
        return known("added-fields", "some", "answers have members that the protos have not")
    return known("added-fields", "none", "answers have no members but those of the protos")


def _count_added(row: Mapping[str, Any], message: str) -> int:
    return len(set(row) - _NAMES[message])


_NAMES = {
    "Annotation": {field.name for field in protos.fields(protos.MESSAGES["Annotation"])},
    "Status": {
        "code",
        "description",
        "details",
        "stack_trace",
        "percent_completed",
        "time_remaining",
        "req_id",
        "internal_details",
        "redirect_info",
        "developer_notes",
        "http_status_code",
    },
}
"""The members that the protos have (wire, 2)."""


def _conclude_http_code(shown: Shown) -> Conclusion:
    if "http_status_code" in shown.body["status"]:
        return known("http-status-code", "set", "the status repeats the HTTP status")
    return known("http-status-code", "unset", "the status does not repeat the HTTP status")


# --- items that fail ------------------------------------------------------------------


def ask_failures(scratch: Scratch) -> Asked:
    """Patch labels in a way that cannot be, beside some that can."""
    scratch.require_home()
    notes = [scratch.make_note() for _ in range(4)]
    yield from scratch.write(notes)
    keys = [{"id": note["id"], "input_id": note["input_id"]} for note in notes]
    good = [{**key, "data": {"metadata": {"m": 1}}} for key in keys[:2]]
    bad = [{**key, "data": TWO_REGIONS} for key in keys[2:]]
    answers = []
    for patches in ([*good, *bad], bad):
        shown = yield scratch.patch("merge", patches)
        if shown.good or not shown.taken_in_part:
            raise NotClear(f"patches that cannot be were not refused one by one: {shown.words()}")
        answers.append(shown)
    rows = [row for shown in answers for row in shown.rows("annotations")]
    ids = {note["id"] for note in notes}
    return [
        _conclude_failed_item(scratch, [row for row in rows if _has_failed(row)]),
        _conclude_patch_code([row for row in rows if row.get("id") in ids]),
        _conclude_http("mixed-http", ("200", "207"), MIXED, answers),
        _conclude_http("failed-http", ("400", "200"), FAILURE, answers),
    ]


def _has_failed(row: WireObject) -> bool:
    code = code_of(row)
    return code is not None and code not in STORED


def _conclude_failed_item(scratch: Scratch, rows: Sequence[WireObject]) -> Conclusion:
    switch = "failed-item"
    if not rows:
        return unknown(switch, "hidden by answer: no item that failed showed")
    if not any("id" in row for row in rows):
        return known(switch, "bare", "an item that failed shows its status only")
    if scratch.values.get("answer") == "bare":
        return unknown(switch, "hidden by answer: no item shows more than ids and status")
    if any("data" in row for row in rows):
        return known(switch, "whole", "an item that failed shows all that was sent")
    return known(switch, "ids", "an item that failed shows its ids")


def _conclude_patch_code(rows: Sequence[WireObject]) -> Conclusion:
    codes = {code_of(row) for row in rows} & set(STORED)
    if len(codes) != 1:
        return unknown("patch-code", "hidden by answer: no item that was patched showed")
    code = codes.pop()
    return known("patch-code", str(code), f"an item that was patched has code {code}")


def _conclude_http(
    switch: str, values: Sequence[str], code: int, answers: Sequence[Shown]
) -> Conclusion:
    """Conclude from the answer with this code."""
    shown = next((shown for shown in answers if shown.code == code), None)
    if shown is None:
        return unknown(switch, f"hidden by answer: no answer with code {code} came")
    told = f"where {'all' if code == FAILURE else 'some'} items failed came {shown.words()}"
    if str(shown.http) in values:
        return known(switch, str(shown.http), told)
    return unknown(switch, f"{told}, which is none of the values")


# --- what comes back ------------------------------------------------------------------


def ask_floats(scratch: Scratch) -> Asked:
    """Read a coordinate back."""
    scratch.require_home()
    corners = {"top_row": 0.1, "left_col": 0.1, "bottom_row": 0.5, "right_col": GIVEN}
    region = {"region_info": {"bounding_box": corners}}
    note = scratch.make_note(data={"regions": [region]})
    yield from scratch.write([note])
    row = yield from scratch.await_note(note)
    number = find_member(row, "right_col")
    if number not in FLOATS:
        raise NotClear("a coordinate came back in a form that fits none of the values")
    return [known("float32", FLOATS[number], f"{GIVEN} came back as {number}")]


def ask_masks(scratch: Scratch) -> Asked:
    """Read a mask back."""
    scratch.require_home()
    note = scratch.make_note(
        data={"regions": [{"region_info": {"mask": {"image": {"base64": PICTURE}}}}]}
    )
    yield from scratch.write([note])
    row = yield from scratch.await_note(note)
    if find_member(row, "base64"):
        return [known("masks", "bytes", "a mask came back as its bytes")]
    if find_member(row, "url") or find_member(row, "hosted"):
        return [known("masks", "url", "a mask came back as an address")]
    raise NotClear("a mask came back neither as bytes nor as an address")


def find_member(value: Any, name: str) -> Any:
    """Return the first member of this name, at any depth; None if there is not one."""
    if isinstance(value, dict) and name in value:
        return value[name]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for one in inner if (found := find_member(one, name)) is not None), None)


QUESTIONS = (
    Question(("enums", "added-fields", "http-status-code"), ask_forms),
    Question(("answer", "answer-order"), ask_answer),
    Question(("failed-item", "patch-code", "mixed-http", "failed-http"), ask_failures),
    Question(("float32",), ask_floats),
    Question(("masks",), ask_masks),
)
