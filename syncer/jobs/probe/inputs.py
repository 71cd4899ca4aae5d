"""Questions about inputs: how long they are processed, and what happens meanwhile."""

from __future__ import annotations

from syncer.core.ports.wire import Request
from syncer.jobs.probe.scratch import (
    INPUT_POLLS_SECONDS,
    Asked,
    Conclusion,
    Question,
    Scratch,
    known,
    rest,
    unknown,
)
from syncer.jobs.probe.shown import Hidden, NotClear, Shown, code_of, raise_if_mixed
from syncer.printable import counted
from syncer.remotes.clarifai.queries import PER_PAGE_MAX

READY = 30000
NO_INPUT_CODES = (30102, 24155)
ORDERED = ("b", "A", "d", "C", "a", "D", "c", "B")
"""Endings of names, in the order in which they are made."""


def ask_new_input(scratch: Scratch) -> Asked:
    """Make two inputs, and label one of them at once."""
    names = [scratch.new_input(), scratch.new_input()]
    for name in names:
        shown = yield scratch.post_inputs([name])
        if not shown.good:
            raise NotClear(f"an input of one word was not taken: {shown.words()}")
    notes = [scratch.make_note(names[0]) for _ in range(3)]
    labelled = yield scratch.post(notes)
    if not labelled.too_large:
        raise_if_mixed(labelled, notes)
    lags = []
    for name in names:
        pending = 0
        for seconds in INPUT_POLLS_SECONDS:
            yield from rest(seconds)
            shown = yield scratch.get_input(name)
            code = code_of(shown.body.get("input", {})) if shown.good else None
            if code == READY:
                break
            pending += 1
        else:
            raise Hidden("an input was not ready after a minute")
        lags.append(pending)
    scratch.home, scratch.other = names
    reads = lags[0]
    told = f"{counted(reads, 'read')} showed a new input as being processed"
    lag = known("input-lag", "2" if reads else "0", told)
    return [lag, *_conclude_pending(labelled, reads)]


def _conclude_pending(labelled: Shown, reads: int) -> list[Conclusion]:
    switch = "pending-input"
    if labelled.too_large:
        return [unknown(switch, "hidden by body-limit: no label is small enough")]
    if not labelled.good:
        seen = f"labels of an input that was just made were refused: {labelled.words()}"
        return [known(switch, "refuse", seen), conclude_no_input_code(labelled)]
    if reads:
        return [known(switch, "accept", "labels of an input that was being processed were taken")]
    return [unknown(switch, "hidden by input-lag: the new input was ready at once")]


def conclude_no_input_code(refused: Shown) -> Conclusion:
    """Conclude from labels that were refused for their input."""
    codes = {code_of(row) for row in refused.rows("annotations")} & set(NO_INPUT_CODES)
    if len(codes) != 1:
        why = f"the answer names no item's code, only {refused.words()}"
        return unknown("no-input-code", f"hidden by post or answer: {why}")
    code = codes.pop()
    return known("no-input-code", str(code), f"a label without a ready input got code {code}")


def ask_unknown_input(scratch: Scratch) -> Asked:
    """Label an input that nobody made."""
    scratch.require_home()
    name = scratch.new_input()
    notes = [scratch.make_note(name) for _ in range(3)]
    shown = yield scratch.post(notes)
    raise_if_mixed(shown, notes)
    if shown.good:
        made = known("inputs", "make", "labels of an input that nobody made were taken")
        why = "hidden by inputs and pending-input: labels of any input are taken"
        return [made, unknown("no-input-code", why)]
    seen = f"labels of an input that nobody made were refused: {shown.words()}"
    return [known("inputs", "must-exist", seen), conclude_no_input_code(shown)]


# --- the stream of inputs -------------------------------------------------------------


def ask_stream(scratch: Scratch) -> Asked:
    """Stream inputs by id, then from one that is gone."""
    names = scratch.new_inputs(ORDERED)
    shown = yield scratch.post_inputs(names)
    if shown.too_large:
        for name in names:
            shown = yield scratch.post_inputs([name])
    if not shown.good:
        raise NotClear(f"inputs with capitals in their names were not taken: {shown.words()}")
    shown = yield _stream(scratch)
    order = [id for id in _list_ids(shown) if id in names]
    if len(order) != len(names):
        raise NotClear("the first page of the stream did not show all inputs of ours")
    gone = order[len(order) // 2]
    yield scratch.delete_input(gone)
    yield from scratch.await_gone(gone)
    shown = yield _stream(scratch, ("last_id", gone))
    return [_conclude_order(order, names), _conclude_cursor(shown, order, gone)]


def _stream(scratch: Scratch, *more: tuple[str, str]) -> Request:
    query = [("per_page", str(PER_PAGE_MAX)), ("order_by_id", "true"), *more]
    return scratch.get("/inputs/stream", query)


def _list_ids(shown: Shown) -> list[str]:
    return [str(row.get("id")) for row in shown.rows("inputs")]


def _conclude_order(order: list[str], made: list[str]) -> Conclusion:
    switch = "stream-order"
    if order == sorted(made):
        return known(switch, "id", "inputs are streamed by code point, capitals first")
    if order == sorted(made, key=lambda name: (name.lower(), name)):
        return known(switch, "folded", "inputs are streamed by name without case")
    if order == made:
        return known(switch, "made", "inputs are streamed as they were made")
    return known(switch, "arbitrary", "no order shows in the stream of inputs")


def _conclude_cursor(shown: Shown, order: list[str], gone: str) -> Conclusion:
    switch, after = "gone-cursor", order[order.index(gone) + 1 :]
    if not shown.good:
        return known(switch, "refused", f"a cursor that is gone was refused: {shown.words()}")
    rows = _list_ids(shown)
    ours = [id for id in rows if id in order]
    if not rows:
        return known(switch, "empty", "after a cursor that is gone came an empty page")
    if ours == after:
        return known(switch, "place", "a cursor that is gone still marks its place")
    if ours == [id for id in order if id != gone]:
        return known(switch, "start", "after a cursor that is gone came the first page")
    return unknown(switch, "what came after a cursor that is gone fits none of the values")


QUESTIONS = (
    Question(("input-lag", "pending-input", "no-input-code"), ask_new_input),
    Question(("inputs", "no-input-code"), ask_unknown_input),
    Question(("stream-order", "gone-cursor"), ask_stream),
)
