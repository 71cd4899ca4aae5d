"""Addresses that expire while several units are fetched, and annotations that are asked
for by themselves. No network.
"""

from __future__ import annotations

from typing import Any

import pytest

from syncer.core.ports.pull import Ask, Unit
from syncer.core.ports.wire import Reply, Request
from syncer.errors import Stopped
from syncer.remotes.annotell import ChangeListing, ProjectListing
from syncer.remotes.annotell.asks import Asks
from syncer.remotes.annotell.documents import OTHER
from tests.remotes.test_annotell_listing import (
    BASE,
    SEARCH,
    STORAGE,
    Service,
    of_project,
    ok,
    selected,
)
from tests.support.driving import Driver, problems_of, rows_of


def units_of(driver: Driver) -> list[Unit]:
    """Those of a project, none of them fetched."""
    units, taken = of_project().units(""), list[Unit]()
    answers: Any = None
    with pytest.raises(StopIteration):  # noqa: PT012 - a generator ends
        while True:
            step = units.send(answers)
            answers = None if isinstance(step, Unit) else driver.answers(step)
            taken += [step] if isinstance(step, Unit) else []
    return taken


@pytest.mark.parametrize("signed_before", [0, 8])
def test_a_list_that_another_unit_has_asked_for_meanwhile_is_not_asked_for_again(
    signed_before: int,
) -> None:
    """`signed_before`: so that a later address sorts before the earlier one, too."""
    service = Service(32)
    service.signed = signed_before
    service.stale = set(service.ids)
    driver = Driver(service)
    first, second = units_of(driver)
    flow = second.flow()
    asked: list[Ask[object]] = list(next(flow))
    assert len(driver.found(first).rows) == 16
    with pytest.raises(StopIteration) as end:  # noqa: PT012 - a flow returns what it found
        while True:
            asked = list(flow.send(driver.answers(asked)))
    assert len(end.value.value.rows) == 16
    assert driver.asked.count(f"GET {SEARCH}") == 2


def test_where_a_list_asked_for_again_is_refused_what_has_expired_comes_by_itself() -> None:
    service = Service(3)
    service.stale = {"u-001"}
    lists = 0

    def answer(request: Request) -> Reply:
        nonlocal lists
        lists += "/search" in request.path
        return (
            Reply(404, b'{"message":"gone"}')
            if "/search" in request.path and lists > 1
            else service(request)
        )

    done = Driver(answer).pulled(of_project())
    assert [(row.key[0], b"itself" in row.line) for row in rows_of(done)] == [
        ("u-000", False),
        ("u-002", False),
        ("u-001", True),
    ]
    assert problems_of(done) == []


def test_another_annotation_than_the_one_that_was_asked_for_by_itself_is_a_problem() -> None:
    service = Service(2)

    def answer(request: Request) -> Reply:
        if request.path.startswith(STORAGE + "u-001"):
            return Reply(403, b"<Error/>")
        return service(Request("GET", request.path.replace("/inputs/u-001/", "/inputs/u-000/")))

    done = Driver(answer).pulled(of_project())
    assert [row.key[0] for row in rows_of(done)] == ["u-000"]
    assert [(problem.what, problem.reason) for problem in problems_of(done)] == [
        ("input u-001, type signs", OTHER)
    ]


@pytest.mark.parametrize(("uuid", "kind"), [("u-9", "a/b"), ("u/9", "signs")])
def test_of_what_is_not_there_by_itself_the_sign_is_told_that_may_have_been_changed(
    uuid: str, kind: str
) -> None:
    ((_, found),) = Driver(Service(2)).pulled(
        selected(input_uuids=(uuid,), annotation_types=(kind,))
    )
    assert [
        problem.reason.startswith("HTTP 404: gone ('/' in a name may") for problem in found.problems
    ] == [True]


def test_an_id_that_stands_in_no_path_may_be_any_text() -> None:
    done = Driver(
        lambda _: ok({"data": {"..": [{"annotationId": 1, "exportContent": {}}]}})
    ).pulled(selected(input_uuids=("..",)))
    assert [row.key for row in rows_of(done)] == [("..", "1")]


# --- lists that cannot be read --------------------------------------------------------


@pytest.mark.parametrize("changes", [False, True])
def test_a_type_that_no_path_can_hold_is_told_and_the_others_come(changes: bool) -> None:
    service = Service(2)
    service.types = ["..", "signs"]
    project = selected(project="project-a")
    assert isinstance(project, ProjectListing)
    done = Driver(service).pulled(ChangeListing(project, {}) if changes else project)
    assert [row.key[0] for row in rows_of(done)] == service.ids
    assert [
        (problem.what, "cannot hold '..'" in problem.reason) for problem in problems_of(done)
    ] == [("type ..", True)]


def test_changes_of_a_list_that_never_stops_changing_stop_the_pull() -> None:
    service = Service(3, 2)
    service.ids = ["u-000", "u-001", "u-000"]
    with pytest.raises(Stopped, match="kept changing while it was read 20 times: run again later"):
        Driver(service).pulled(ChangeListing(of_project(), {}))  # type: ignore[arg-type]


def test_the_service_is_asked_for_its_projects_to_see_that_it_is_there() -> None:
    ask = Asks(BASE).probe()
    assert (ask.request.method, ask.request.path) == ("GET", "/v1/projects")
    assert ask.read(ok({"data": []})) is None
