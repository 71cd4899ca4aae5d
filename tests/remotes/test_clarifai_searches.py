"""Searches by status and time that end before all that they find, shift while they are
read, and compare times as they will. No network.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.ports.pull import Ask
from syncer.core.ports.wire import Reply
from syncer.errors import Stopped
from syncer.remotes.clarifai.listing.filters import nanoseconds
from syncer.remotes.clarifai.listing.spans import Span
from syncer.remotes.clarifai.selection import Selection
from tests.remotes import listed
from tests.remotes.listed import Service, all_of, app, fetched_units, keys, walked

SINCE = Selection(since="2020-01-01T00:00:00Z")
BASE = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())


def at(seconds: float) -> str:
    """So long after the first of January, with nine digits of a second."""
    whole, part = divmod(round(seconds * 10**9), 10**9)
    return datetime.fromtimestamp(BASE + whole, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{part:09}Z"


def searched(held: dict[str, list[str]], seconds: dict[str, float], **settings_: object) -> Service:
    """A service whose searches find all that is held, each updated at its time."""
    service = Service(held)
    service.hits = all_of(held)
    service.updated = {id: at(second) for id, second in seconds.items()}
    for name, value in settings_.items():
        setattr(service, name, value)
    return service


def found(
    service: Service, selection: Selection, after: str = "", done: set[str] | None = None
) -> list[tuple[str, ...]]:
    """The keys, each where it comes first, as a lane writes them."""
    return list(dict.fromkeys(keys(service, selection, after, done or ())))


def test_what_moves_on_to_now_between_answers_to_questions_that_were_asked_together_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The service may answer them in any order: the last first."""
    held = app(54, 50)
    ids = [id for _, id in all_of(held)]
    service = searched(held, {id: float(60 * n) for n, id in enumerate(ids)})
    rng, now = random.Random(5), 10.0**7

    def churn() -> None:
        nonlocal now
        now += 1
        service.updated |= dict.fromkeys(rng.sample(ids, 20), at(now))

    def backwards(service: Service, asks: Sequence[Ask[object]]) -> list[object]:
        return [ask.read(service.answer(ask.request)) for ask in reversed(asks)][::-1]

    service.churn = churn  # type: ignore[method-assign]
    monkeypatch.setattr(listed, "answered", backwards)
    assert sorted(found(service, SINCE)) == sorted(all_of(held))


# --- where searches end ---------------------------------------------------------------

WINDOW = 1000
SHAPES = {
    "a second": (lambda n: n / 10_000, lambda n: f"i-{n % 50:04}"),
    "a minute": (lambda n: n / 60, lambda n: f"i-{n % 50:04}"),
    "one input": (lambda n: float(n), lambda n: "i"),
    "a second and an input": (lambda n: 0.0, lambda n: "i"),
    "a year": (lambda n: n * 10_000.0, lambda n: f"i-{n % 500:04}"),
}


@pytest.mark.parametrize("window", ["none", "refused", "empty"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "selection",
    [SINCE, Selection(status="24150"), Selection(until="2030-01-01T00:00:00Z")],
    ids=["since", "status", "until"],
)
def test_three_times_as_many_as_a_search_shows_all_come(
    window: str, shape: str, selection: Selection
) -> None:
    when, where = SHAPES[shape]
    held: dict[str, list[str]] = {}
    for number in range(3 * WINDOW):
        held.setdefault(where(number), []).append(f"a-{number}")
    service = searched(
        held, {f"a-{number}": when(number) for number in range(3 * WINDOW)}, window=(window, WINDOW)
    )
    service.updated["a-7"] = "2019-12-31T23:59:59.999999999Z"
    service.status["a-8"] = 24151
    came = found(service, selection)
    wanted = set(all_of(held))
    wanted -= {key for key in wanted if key[1] == "a-7" and selection.since}
    wanted -= {key for key in wanted if key[1] == "a-8" and selection.status}
    assert set(came) == wanted
    assert len(service.requests) < 160


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    page=st.sampled_from([3, 7]),
    window=st.sampled_from(["none", "refused", "empty"]),
    spread=st.sampled_from([0.0, 0.5, 3.0, 60.0, 10**6]),
    by_seconds=st.booleans(),
)
def test_what_was_updated_in_the_time_comes_whatever_the_window_the_order_and_the_clock(
    seed: int,
    page: int,
    window: Literal["none", "refused", "empty"],
    spread: float,
    by_seconds: bool,
) -> None:
    """Over any number of runs, while others update: what is updated moves later."""
    rng = random.Random(seed)
    held = app(rng.randrange(1, 6), rng.randrange(1, 25))
    ids = [id for ids in held.values() for id in ids]
    seconds = {
        id: rng.choice([0.0, 1.0, rng.random() * spread, round(rng.random() * spread)])
        for id in ids
    }
    service = searched(
        held,
        seconds,
        per_page_max=page,
        window=(window, page * rng.randrange(2, 5)),
        by_seconds=by_seconds,
    )
    rng.shuffle(service.hits)
    updates = iter(range(4))

    def churn() -> None:
        if rng.random() < 0.1 and next(updates, None) is not None:
            service.updated[rng.choice(ids)] = at(10**6 + rng.random())

    service.churn = churn  # type: ignore[method-assign]
    came: dict[tuple[str, ...], None] = {}
    done, cursor, over = set[str](), "", False
    while not over:
        over, stop_after = True, rng.randrange(1, 9)
        for unit, found_ in fetched_units(service, SINCE, cursor, done):
            came |= dict.fromkeys(row.key for row in found_.rows)
            assert found_.problems == []
            done.update(unit.parts)
            cursor = unit.cursor
            if (stop_after := stop_after - 1) == 0:
                over = False
                break
    assert set(came) == set(all_of(held))


def test_a_search_that_fits_on_a_page_costs_four_requests() -> None:
    """The fullest page so far may have been cut off: it is read once more."""
    service = searched(app(9, 9), {})
    assert len(keys(service, SINCE)) == 81
    assert [
        orjson.loads(request.body or b"")["pagination"]["page"] for request in service.requests
    ] == [1, 2, 1, 2]


@pytest.mark.parametrize("order", ["oldest first", "newest first", "neither"])
def test_a_large_search_costs_few_requests_beyond_its_pages(order: str) -> None:
    """Eight thousand are eight full pages; each part costs its page, and the empty one
    after it.
    """
    held = app(400, 20)
    service = searched(
        held, {id: number for number, (_, id) in enumerate(all_of(held))}, window=("empty", 3000)
    )
    if order == "newest first":
        service.hits.reverse()
    elif order == "neither":
        random.Random(1).shuffle(service.hits)
    assert set(keys(service, SINCE)) == set(all_of(held))
    assert len(service.requests) <= 80


def test_times_are_divided_at_whole_seconds_and_the_users_own_bounds_are_sent_as_they_are() -> None:
    service = searched(
        {"i": [f"a-{n}" for n in range(3000)]}, {f"a-{n}": n / 100 for n in range(3000)}
    )
    since, until = "2026-01-01T12:00:03.25Z", "2026-01-01T12:00:20.5Z"
    came = keys(service, Selection(since=since, until=until))
    assert [id for _, id in came] == [f"a-{n}" for n in range(325, 2051)]
    searches = [orjson.loads(request.body or b"")["searches"][0] for request in service.requests]
    spans = [search["query"]["filters"][0]["last_updated_time_range"] for search in searches]
    assert spans[0] == {"start_time": since, "end_time": until}
    cuts = {time for span in spans for time in span.values()} - {since, until}
    assert cuts
    assert all(len(cut) == len("2026-01-01T12:00:00Z") for cut in cuts)


# --- by inputs ------------------------------------------------------------------------


def test_a_second_of_more_than_a_page_is_listed_by_inputs_and_so_is_what_comes_after_it() -> None:
    held = app(30, 100)
    seconds = {
        id: 0.0 if number < 2500 else 50.0 + number for number, (_, id) in enumerate(all_of(held))
    }
    service = searched(held, seconds)
    assert set(found(service, SINCE)) == set(all_of(held))
    assert any("/inputs/stream" in request.path for request in service.requests)


def test_a_pull_is_carried_on_where_it_lists_by_inputs() -> None:
    held = app(30, 100)
    service = searched(held, {id: 0.0 for _, id in all_of(held)})
    whole = [(unit, found_) for unit, found_ in fetched_units(service, SINCE)]
    done: set[str] = set()
    for count, (unit, _) in enumerate(whole, 1):
        done.update(unit.parts)
        before = {row.key for _, found_ in whole[:count] for row in found_.rows}
        assert before | set(found(service, SINCE, unit.cursor, done)) == set(all_of(held))
    assert found(service, SINCE, whole[-1][0].cursor, done) == []


def test_named_inputs_are_listed_and_filtered_without_a_search() -> None:
    """A list of them tells all that a search would, and has no index that may lag."""
    held = app(5, 4)
    service = searched(held, {id: number for number, (_, id) in enumerate(all_of(held))})
    service.hits = []
    selection = Selection(since=at(6), until=at(9.5), input_ids=("i-0001", "i-0002", "gone"))
    came = [found_ for _, found_ in walked(service, selection)]
    assert [row.key[1] for one in came for row in one.rows] == ["a-1-2", "a-1-3", "a-2-0", "a-2-1"]
    assert [problem.what for one in came for problem in one.problems] == ["input gone"]


@pytest.mark.parametrize("code", [24151, "24151", "ANNOTATION_PENDING"])
def test_a_status_is_told_by_its_number_or_its_name(code: int | str) -> None:
    service = searched({"i": ["a", "b"]}, {})
    service._row = lambda key: {  # type: ignore[method-assign]
        "id": key[1],
        "input_id": key[0],
        "status": {"code": code if key[1] == "b" else 24150},
    }
    for status in ("24151", "ANNOTATION_PENDING"):
        assert keys(service, Selection(status=status, input_ids=("i",))) == [("i", "b")]


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"modified_at": None},
        {"modified_at": "yesterday"},
        {"modified_at": 7},
        {"status": {"code": 0}},
    ],
)
def test_a_row_that_does_not_say_whether_it_is_wanted_is_a_problem(row: dict[str, object]) -> None:
    service = searched({"i": ["a", "b"]}, {})
    shown = service._row
    service._row = lambda key: shown(key) if key[1] == "a" else {"id": "b", "input_id": "i", **row}  # type: ignore[method-assign]
    (found_,) = [
        found_
        for _, found_ in walked(
            service, Selection(status="24150", since=SINCE.since, input_ids=("i",))
        )
    ]
    assert [row.key[1] for row in found_.rows] == ["a"]
    assert [(problem.what, "is not known" in problem.reason) for problem in found_.problems] == [
        ("annotation b of input i", True)
    ]


def test_hits_that_do_not_say_when_they_were_updated_are_listed_by_inputs_and_told() -> None:
    held = app(30, 100)
    service = searched(held, {})
    shown = service._row
    service._row = lambda key: {  # type: ignore[method-assign]
        name: value for name, value in shown(key).items() if name != "modified_at"
    }
    came = [found_ for _, found_ in walked(service, SINCE)]
    assert sum(len(one.problems) for one in came) == 3000
    assert set(found(service, Selection(status="24150"))) == set(all_of(held))


# --- refusals -------------------------------------------------------------------------


def test_a_search_that_is_refused_stops_the_pull() -> None:
    service = searched({"i": ["a"]}, {})
    service._search = lambda _: service._failed(400, 11102)  # type: ignore[method-assign]
    with pytest.raises(Stopped, match="refused to list by a search: CONN_INVALID_REQUEST"):
        keys(service, SINCE)


def test_a_part_of_a_search_that_is_refused_is_listed_by_inputs() -> None:
    held = app(30, 100)
    service = searched(held, {id: number for number, (_, id) in enumerate(all_of(held))})
    search = service._search

    def refuse(sent: dict[str, object]) -> Reply:
        return service._failed(400, 11102) if b"end_time" in orjson.dumps(sent) else search(sent)

    service._search = refuse  # type: ignore[method-assign]
    assert set(found(service, SINCE)) == set(all_of(held))


def test_a_state_of_an_older_version_which_counted_pages_begins_again() -> None:
    service = searched(app(9, 9), {})
    assert set(keys(service, SINCE, "3", None)) == set(all_of(service.held))
    named = Selection(since=SINCE.since, input_ids=tuple(service.held))
    assert set(keys(service, named, "3", None)) == set(all_of(service.held))


# --- spans ----------------------------------------------------------------------------

BOUNDS = st.one_of(
    st.just(""), st.integers(0, 50).map(at), st.floats(0, 50, allow_nan=False).map(at)
)


@settings(deadline=None)
@given(BOUNDS, BOUNDS, st.lists(st.integers(BASE - 2, BASE + 52), max_size=30), st.integers(1, 10))
def test_parts_of_a_span_are_neighbours_that_are_smaller_and_together_the_span(
    since: str, until: str, seconds: list[int], most: int
) -> None:
    if since and until and since > until:
        since, until = until, since
    span = Span(since, until)
    seconds = [second for second in seconds if span.holds(second)]
    parts = span.divide(seconds, most)
    if not parts:
        assert not seconds or (
            since and until and (nanoseconds(until) or 0) - (nanoseconds(since) or 0) <= 2 * 10**9
        )
        return
    assert len(parts) > 1
    assert (parts[0].since, parts[-1].until) == (since, until)
    for one, other in pairwise(parts):
        assert one.until == other.since
        cut = nanoseconds(one.until)
        assert cut is not None
        assert cut % 10**9 == 0
        assert (nanoseconds(since) or -1) < cut < (nanoseconds(until) or 10**30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T00:00:01.5Z", 15 * 10**8),
        ("1970-01-01t00:00:01.000000001z", 10**9 + 1),
        ("1970-01-01T01:00:01.123456789012+01:00", 1_123_456_789),
        ("1969-12-31T23:59:59.25Z", -(75 * 10**7)),
        ("yesterday", None),
        ("1970-13-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str | None, expected: int | None) -> None:
    assert nanoseconds(text) == expected
