"""All inputs of an app, each once, however the service sorts them and whatever it makes
of a cursor whose input is gone. No network.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.ports.wire import Reply
from syncer.errors import Stopped
from syncer.remotes.clarifai.selection import Selection
from tests.remotes.listed import Service, all_of, app, fetched_units, keys

ORDERS: dict[str, Callable[[str], object]] = {
    "by code point": str,
    "without case": lambda id: (id.lower(), id),
    "by nothing that shows": lambda id: crc32(id.encode()),
}
GONE = ("refused", "place", "empty", "start")
of_every_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
of_every_cursor = pytest.mark.parametrize("gone_cursor", GONE)


def mixed(count: int) -> dict[str, list[str]]:
    """Inputs whose order depends on whether case counts."""
    return {f"{letter}{number:03}": ["x"] for number in range(count) for letter in "aB"}


def service_of(
    held: dict[str, list[str]],
    order: Callable[[str], object],
    gone_cursor: str,
    per_page_max: int = 1000,
) -> Service:
    service = Service(held, per_page_max=per_page_max)
    service.order, service.gone_cursor = order, gone_cursor  # type: ignore[assignment]
    return service


@of_every_order
@of_every_cursor
@pytest.mark.parametrize(
    "deleted", ["the cursor's", "every other one that was done", "all that were done"]
)
def test_a_walk_that_is_carried_on_brings_what_is_left_though_inputs_were_deleted_meanwhile(
    order: Callable[[str], object], gone_cursor: str, deleted: str
) -> None:
    service = service_of(mixed(200), order, gone_cursor, per_page_max=70)
    everything = set(all_of(service.held))
    found, done, cursor = set(), set[str](), ""
    for unit, came in fetched_units(service, Selection()):
        found |= {row.key for row in came.rows}
        done.update(unit.parts)
        cursor = unit.cursor
        if len(found) > 120:
            break
    gone = {
        "the cursor's": [cursor],
        "every other one that was done": sorted(done)[::2],
        "all that were done": sorted(done),
    }[deleted]
    for id in {cursor, *gone}:
        del service.held[id]
    rest = keys(service, after=cursor, done=done)
    assert len(rest) == len(set(rest))
    assert not found & set(rest)
    assert found | set(rest) == everything


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from(sorted(ORDERS)),
    st.sampled_from(GONE),
    st.sampled_from([1, 2, 3, 7]),
    st.booleans(),
)
def test_what_is_there_all_along_comes_exactly_once_over_any_number_of_runs(
    seed: int,
    order: str,
    gone_cursor: Literal["refused", "place", "empty", "start"],
    per_page_max: int,
    inclusive: bool,
) -> None:
    """Inputs come and go between any two answers, and each run ends somewhere."""
    rng = random.Random(seed)
    service = service_of(
        mixed(rng.randrange(1, 12)),
        ORDERS[order],
        gone_cursor,
        max(2, per_page_max) if inclusive else per_page_max,
    )
    service.inclusive = inclusive
    goes = [id for id in service.held if rng.random() < 0.5]
    stays = {(id, "x") for id in service.held if id not in goes}
    added = iter(range(10))

    def churn() -> None:
        if goes and rng.random() < 0.4:
            del service.held[goes.pop(rng.randrange(len(goes)))]
        if rng.random() < 0.2 and (number := next(added, None)) is not None:
            service.held[rng.choice("aBc") + f"{rng.randrange(1000)}-{number}"] = ["x"]

    service.churn = churn  # type: ignore[method-assign]
    found: list[tuple[str, ...]] = []
    done, cursor, over = set[str](), "", False
    while not over:
        over, stop_after = True, rng.randrange(1, 9)
        for unit, came in fetched_units(service, Selection(), cursor, done):
            found += [row.key for row in came.rows]
            done.update(unit.parts)
            cursor = unit.cursor
            if (stop_after := stop_after - 1) == 0:
                over = False
                break
    assert len(found) == len(set(found))
    assert stays <= set(found)


@of_every_order
def test_a_walk_costs_one_question_more_than_its_pages_and_the_empty_one(
    order: Callable[[str], object],
) -> None:
    service = service_of({f"i-{n:04}": [] for n in range(2500)}, order, "refused")
    list(fetched_units(service, Selection()))
    asked = [
        request.path.partition("?")[0].rpartition("/apps/app")[2] for request in service.requests
    ]
    assert (asked.count("/inputs/stream"), asked.count("/inputs")) == (4, 1)


def test_an_app_without_inputs_is_at_its_end_at_once() -> None:
    service = Service({})
    assert keys(service) == []
    assert len(service.requests) == 1


@pytest.mark.parametrize("gone_cursor", GONE)
def test_a_state_of_an_older_version_goes_on_after_its_cursor_and_is_refused_where_that_is_gone(
    gone_cursor: str,
) -> None:
    """Which inputs are done is told by the cursor alone there."""
    service = service_of(app(130, 1), str, gone_cursor)
    assert keys(service, after="i-0099", done=None) == all_of(service.held)[100:]
    del service.held["i-0099"]
    with pytest.raises(Stopped, match="input i-0099, after which the pull was to go on, is gone"):
        keys(service, after="i-0099", done=None)
    assert service.requests[-1].path.endswith("/inputs?ids=i-0099&page=1&per_page=1")


def test_a_cursor_that_the_service_refuses_though_its_input_is_there_stops_the_pull() -> None:
    service = Service(app(5, 1), per_page_max=2)
    answer = service._answer

    def refuse(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        return service._failed(400, 11102) if "last_id" in query else answer(path, query, sent)

    service._answer = refuse  # type: ignore[method-assign,assignment]
    with pytest.raises(Stopped, match="refused to list its inputs: CONN_INVALID_REQUEST"):
        keys(service)


def test_a_service_that_shows_no_input_by_id_is_believed_once_the_list_ends_there_again() -> None:
    service = Service(app(5, 1), per_page_max=2)
    answer = service._answer

    def hide(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        return service._said(inputs=[]) if path == "/inputs" else answer(path, query, sent)

    service._answer = hide  # type: ignore[method-assign,assignment]
    assert keys(service) == all_of(service.held)


def test_a_list_that_never_stops_beginning_again_stops_the_pull() -> None:
    service = Service({"a": [], "b": [], "c": [], "d": []}, per_page_max=1)
    answer = service._answer

    def circle(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        return answer(
            path, query | {"last_id": ["a"]} if query.get("last_id") == ["c"] else query, sent
        )

    service._answer = circle  # type: ignore[method-assign,assignment]
    with pytest.raises(Stopped, match="began again 20 times without anything new"):
        keys(service)


def test_an_input_that_cannot_be_looked_up_at_the_end_stops_the_pull() -> None:
    """An empty page is the end only where the cursor is still there."""
    service = Service(app(3, 1))
    answer = service._answer

    def refuse(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        return service._failed(400, 11102) if path == "/inputs" else answer(path, query, sent)

    service._answer = refuse  # type: ignore[method-assign,assignment]
    with pytest.raises(Stopped, match="refused to show input i-0002: CONN_INVALID_REQUEST"):
        keys(service)
