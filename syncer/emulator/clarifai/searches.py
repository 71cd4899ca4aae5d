"""Searches: filters over annotations and inputs (wire section 2.1).

No ranks: every hit scores 1.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai.call import ClarifaiCall, contains
from syncer.emulator.clarifai.reads import order_keys
from syncer.emulator.clarifai.store import Annotation
from syncer.emulator.clarifai.wire import Object

SECONDS = len("2026-11-26T12:00:00")
"""The characters of a time."""


def search_annotations(call: ClarifaiCall) -> Answer:
    """PostAnnotationsSearches and PatchAnnotationsSearches: annotations that all
    filters of a search match.
    """
    app = call.app
    rows = [row for key in order_keys(call, app.keys_of()) if (row := app.read(key)) is not None]
    hits: list[Object] = []
    for search in call.sent.get("searches", ()):
        hits += [
            {"score": 1.0, "input": {"id": row["input_id"]}, "annotation": row}
            for row in rows
            if _meets(search, row)
            and all(_matches(call, wanted, row) for wanted in _filters(search))
        ]
    return _answer(call, hits)


def search_inputs(call: ClarifaiCall) -> Answer:
    """PostInputsSearches: inputs that all filters match; a filter of annotations asks
    for one that matches.
    """
    hits: list[Object] = []
    for search in call.sent.get("searches", ()):
        for held in call.app.inputs.values():
            rows = list(call.app.of_input(held["id"]))
            if _meets(search, held) and all(
                _input_matches(call, wanted, held, rows) for wanted in _filters(search)
            ):
                hits.append({"score": 1.0, "input": held})
    if call.sent.get("only_count"):
        return Answer.of(
            id=call.service.new_id(), hits=[], hit_counts=[{"estimated_total": str(len(hits))}]
        )
    return _answer(call, hits)


def _answer(call: ClarifaiCall, hits: list[Object]) -> Answer:
    if call.switches["search-hits"] == "repeated":
        hits = [hit for hit in hits for _ in range(2)]
    window, size = call.switches["search-window"], int(call.switches["search-window-size"])
    if window == "empty":
        hits = hits[:size]
    page = call.page(
        10**9 if window == "refused" else len(hits), sent=call.sent.get("pagination", {})
    )
    if isinstance(page, Answer):
        return page
    if window == "refused" and page.stop > size:
        return Answer.of(codes.INVALID_REQUEST, f"a search shows its first {size} hits only")
    page = page[: max(0, len(hits) - page.start)]
    return Answer.of(id=call.service.new_id(), hits=[hits[place] for place in page])


def _filters(search: Object) -> Iterable[Object]:
    return search.get("query", {}).get("filters", ()) or ()


def _meets(search: Object, held: Object) -> bool:
    return "as_of" not in search or bool(held["created_at"] <= search["as_of"])


def _matches(call: ClarifaiCall, wanted: Object, row: Annotation) -> bool:
    good = _in_time(call, wanted, row) and contains(wanted.get("annotation", {}), row)
    if good and "input" in wanted:
        good = contains(wanted["input"], call.app.inputs.get(row["input_id"], {}))
    return good is not wanted.get("negate", False)


def _input_matches(
    call: ClarifaiCall, wanted: Object, held: Object, rows: list[Annotation]
) -> bool:
    good = _in_time(call, wanted, held) and contains(wanted.get("input", {}), held)
    if good and "annotation" in wanted:
        good = any(contains(wanted["annotation"], row) for row in rows)
    return good is not wanted.get("negate", False)


def _in_time(call: ClarifaiCall, wanted: Object, held: Object) -> bool:
    """Changed within the range, its ends included."""
    cut = SECONDS if call.switches["search-times"] == "seconds" else None
    between = {name: time[:cut] for name, time in wanted.get("last_updated_time_range", {}).items()}
    at = held["modified_at"][:cut]
    return bool(between.get("start_time", at) <= at <= between.get("end_time", at))
