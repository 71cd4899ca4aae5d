"""Questions about posts: ids, what refuses a label, and what becomes of the others."""

from __future__ import annotations

from syncer.jobs.probe.scratch import Asked, Conclusion, Question, Scratch, Steps, known, unknown
from syncer.jobs.probe.shown import (
    DUPLICATE,
    Hidden,
    NotClear,
    Shown,
    WireObject,
    code_of,
    raise_if_mixed,
)

DUPLICATE_CODES = (40010, 24155)
BOX = {"region_info": {"bounding_box": {"top_row": 0.1, "left_col": 0.1, "bottom_row": 0.5,
                                        "right_col": 0.5}}}  # fmt: skip
TWO_REGIONS: WireObject = {"regions": [BOX, BOX]}
"""One more than a label may have."""
ODD_IDS = (".", ":", " ")
LONG_ID_LENGTHS = (33, 48, 64)
ID_LENGTH = 32
NOBODY = "syncer-probe-nobody"


def ask_atomic(scratch: Scratch) -> Asked:
    """Post a good label and a bad one."""
    scratch.require_home()
    good, bad = scratch.make_note(), scratch.make_note(data=TWO_REGIONS)
    shown = yield scratch.post([good, bad])
    if shown.too_large:
        raise Hidden("hidden by body-limit: no label is small enough")
    if shown.good:
        raise NotClear("a label with two regions was taken, which no document allows")
    if shown.taken_in_part:
        told = f"a label with two regions failed by itself: {shown.words()}"
        return [known("post", "partial", told)]
    told = f"one label with two regions spoilt the request: {shown.words()}"
    return [known("post", "atomic", told)]


def ask_duplicates(scratch: Scratch) -> Asked:
    """Post ids that exist, on their input and on another one."""
    scratch.require_home()
    notes = [scratch.make_note(), scratch.make_note()]
    yield from scratch.write(notes)
    again = [{**note, "data": {"metadata": {"n": 2}}} for note in notes]
    shown = yield scratch.post(again)
    if shown.good:
        yield from scratch.await_note(notes[0], lambda row: _holds(row, 2))
        replaced = known("duplicate-id", "replace", "a post of an id that exists replaced it")
        return [
            replaced,
            unknown("duplicate-code", "hidden by duplicate-id: such a post is taken"),
            unknown("id-scope", "hidden by duplicate-id: such a post is taken"),
        ]
    elsewhere = yield scratch.post([{**notes[0], "input_id": scratch.other}])
    return [*_conclude_duplicates(scratch, shown), _conclude_scope(elsewhere)]


def _holds(row: WireObject, number: int) -> bool:
    data = row.get("data")
    return isinstance(data, dict) and data.get("metadata") == {"n": number}


def _conclude_duplicates(scratch: Scratch, shown: Shown) -> list[Conclusion]:
    told = f"a post of ids that exist was answered with {shown.words()}"
    atomic = scratch.values.get("post") == "atomic" and shown.code != DUPLICATE
    if not shown.taken_in_part and not atomic:
        why = "hidden by duplicate-id: the request was refused, not its items"
        return [known("duplicate-id", "request", told), unknown("duplicate-code", why)]
    codes = {code_of(row) for row in shown.rows("annotations")} & set(DUPLICATE_CODES)
    item = known("duplicate-id", "item", told)
    if len(codes) != 1:
        return [item, unknown("duplicate-code", "hidden by post or answer: no item's code showed")]
    code = codes.pop()
    return [item, known("duplicate-code", str(code), f"such an item failed with code {code}")]


def _conclude_scope(shown: Shown) -> Conclusion:
    if shown.good:
        return known("id-scope", "input", "an id was taken that another input has already")
    told = f"an id that another input has was refused: {shown.words()}"
    return known("id-scope", "app", told)


def ask_charset(scratch: Scratch) -> Asked:
    """Post ids with other characters than letters, digits, - and _."""
    scratch.require_home()
    notes = [scratch.make_note() for _ in ODD_IDS]
    for note, odd in zip(notes, ODD_IDS, strict=True):
        note["id"] += odd + "x"
    taken = yield from _ask_ids(scratch, notes)
    if taken:
        return [known("id-charset", "any", "ids with a dot, a colon and a space were taken")]
    return [known("id-charset", "word", "ids with a dot, a colon or a space were refused")]


def ask_length(scratch: Scratch) -> Asked:
    """Post long ids."""
    scratch.require_home()
    notes = [scratch.make_note() for _ in LONG_ID_LENGTHS]
    for note, length in zip(notes, LONG_ID_LENGTHS, strict=True):
        note["id"] = note["id"].ljust(length, "0")
    taken = yield from _ask_ids(scratch, notes)
    lengths = ", ".join(map(str, LONG_ID_LENGTHS))
    if taken:
        return [known("id-length", "any", f"ids of {lengths} characters were taken")]
    edge = scratch.make_note()
    edge["id"] = edge["id"].ljust(ID_LENGTH, "0")
    yield from scratch.write([edge])
    return [known("id-length", "32", f"ids of {lengths} characters were refused, one of 32 not")]


def _ask_ids(scratch: Scratch, notes: list[WireObject]) -> Steps[bool]:
    """Post labels one by one; return whether all were taken, or none. Raises
    NotClear.
    """
    taken = []
    for note in notes:
        shown = yield scratch.post([note])
        raise_if_mixed(shown, [note])
        taken.append(shown.good)
    if any(taken) and not all(taken):
        raise NotClear("some of these ids were taken, and some were not")
    return all(taken)


def ask_caller(scratch: Scratch) -> Asked:
    """Post a label in the name of somebody else."""
    scratch.require_home()
    notes = [scratch.make_note(user_id=NOBODY) for _ in range(3)]
    shown = yield scratch.post(notes)
    raise_if_mixed(shown, notes)
    if shown.good:
        return [known("caller", "owner", "a label in another user's name was taken")]
    told = f"labels in another user's name were refused: {shown.words()}"
    return [known("caller", "collaborator", told)]


def ask_unknown_fields(scratch: Scratch) -> Asked:
    """Post labels with a field that the protos do not have."""
    scratch.require_home()
    for _ in range(2):  # one may be refused for another reason
        note = scratch.make_note(syncer_probe=1)
        shown = yield scratch.post([note])
        raise_if_mixed(shown, [note])
        if shown.good:
            return [known("unknown-fields", "ignore", "a field that nobody knows was let pass")]
    if shown.taken_in_part:
        raise NotClear(f"a label with an unknown field failed: {shown.words()}")
    return [known("unknown-fields", "refuse", f"an unknown field was refused: {shown.words()}")]


QUESTIONS = (
    Question(("post",), ask_atomic),
    Question(("duplicate-id", "duplicate-code", "id-scope"), ask_duplicates),
    Question(("id-charset",), ask_charset),
    Question(("id-length",), ask_length),
    Question(("caller",), ask_caller),
    Question(("unknown-fields",), ask_unknown_fields),
)
