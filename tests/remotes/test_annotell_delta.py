"""What has changed since an earlier pull, and what has vanished."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.ports.pull import Row
from syncer.core.ports.wire import Reply, Request
from syncer.errors import Stopped
from syncer.remotes.annotell import ChangeListing, DocumentSelection, ProjectListing, index, listing
from syncer.remotes.annotell.asks import Asks
from syncer.remotes.annotell.selection import Flavour
from tests.remotes.test_annotell_listing import BASE, Service, ok
from tests.support.driving import Driver, problems_of, rows_of

OLD = "2022-05-12T12:20:49Z"
SINGLE = "GET /v1/annotations/inputs/{}/annotation-type/signs"


def changes(known: Mapping[tuple[str, str], str]) -> ChangeListing:
    return ChangeListing(
        ProjectListing(Asks(BASE), "project-a", annotation_types=("signs",)), known
    )


def shown(rows: list[Row]) -> list[tuple[str, bool]]:
    return [(row.key[0], json.loads(row.line).get("deleted", False)) for row in rows]


def test_what_has_not_changed_is_not_fetched_and_what_has_vanished_leaves_a_tombstone() -> None:
    service = Service(5)
    known = {
        ("u-000", "signs"): OLD,
        ("u-001", "signs"): "another time",
        ("u-003", "signs"): OLD,
        ("u-009", "signs"): OLD,
    }
    driver = Driver(service)
    rows = rows_of(driver.pulled(changes(known)))
    assert shown(rows) == [("u-001", False), ("u-002", False), ("u-004", False), ("u-009", True)]
    assert [asked for asked in driver.asked if "/inputs/" in asked] == [
        SINGLE.format("u-000"),
        SINGLE.format("u-009"),
    ]
    tombstone = {"input_uuid": "u-009", "annotation_type": "signs", "created": OLD, "deleted": True}
    assert json.loads(rows[-1].line) == tombstone
    assert len([asked for asked in driver.asked if "storage" in asked]) == 3


def test_units_are_named_by_the_first_of_what_they_bring() -> None:
    known = {(uuid, "signs"): OLD for uuid in ("v-000", "v-001")}
    names = [unit.name for unit, _ in Driver(Service(3)).pulled(changes(known))]
    assert [
        "u-000" in names[0],
        "u-002" in names[0],
        "v-000" in names[-1],
        "v-001" in names[-1],
    ] == [True, False, True, False]


def test_a_second_pull_without_changes_fetches_nothing() -> None:
    lines = [row.line for row in rows_of(Driver(Service(40, 7)).pulled(changes({})))]
    driver = Driver(Service(40, 7))
    assert driver.pulled(changes(index(lines))) == []
    assert len(driver.asked) == 2 * 6  # until two passes agree


def test_a_mirror_that_takes_the_changes_holds_what_is_listed() -> None:
    service = Service(30, 7)
    lines = [row.line for row in rows_of(Driver(service).pulled(changes({})))]
    service.gone = {"u-003", "u-029"}
    lines += [row.line for row in rows_of(Driver(service).pulled(changes(index(lines))))]
    assert sorted(uuid for uuid, _ in index(lines)) == [
        uuid for uuid in service.ids if uuid not in service.gone
    ]
    service.gone = {"u-029"}
    back = rows_of(Driver(service).pulled(changes(index(lines))))
    assert shown(back) == [("u-003", False)]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_changes_are_taken_up_behind_any_unit(count: int) -> None:
    known = {(f"v-{number:04}", "signs"): OLD for number in range(600)}
    whole = shown(rows_of(Driver(Service(40, 7)).pulled(changes(known))))
    first = Driver(Service(40, 7)).pulled(changes(known), stop_behind=count)
    rest = Driver(Service(40, 7)).pulled(changes(known), first[-1][0].cursor)
    assert shown(rows_of(first) + rows_of(rest)) == whole
    assert len(whole) == 640


def test_an_expired_url_is_asked_for_anew_here_too() -> None:
    service = Service(5)
    service.stale = {"u-002"}
    assert len(rows_of(Driver(service).pulled(changes({})))) == 5


def test_the_index_of_lines_is_what_they_leave() -> None:
    def line(**members: Any) -> bytes:
        return msgspec.json.encode(
            {"input_uuid": "u", "annotation_type": "t", "created": "1", **members}
        )

    assert index([line(content={}), b"\n", line(created="2", content={})]) == {("u", "t"): "2"}
    assert index([line(content={}), line(deleted=True)]) == {}
    assert index([line(deleted=True), line(content={})]) == {("u", "t"): "1"}
    assert index([line(annotation_type=None, created=None)]) == {("u", ""): ""}
    with pytest.raises(msgspec.DecodeError):
        index([b"{}"])


# --- tombstones -----------------------------------------------------------------------


def leaving_out(service: Service, *uuids: str) -> Callable[[Request], Reply]:
    """The service, whose lists leave these out though they are there."""

    def answer(request: Request) -> Reply:
        reply = service(request)
        if "/search" not in request.path:
            return reply
        page = json.loads(reply.body)
        return ok({**page, "data": [row for row in page["data"] if row["inputUuid"] not in uuids]})

    return answer


def known_of(service: Service, **others: str) -> dict[tuple[str, str], str]:
    return {(uuid, "signs"): OLD for uuid in service.ids} | {
        (uuid.replace("_", "-"), "signs"): created for uuid, created in others.items()
    }


def test_what_is_there_but_not_listed_leaves_no_tombstone_and_comes_where_it_has_changed() -> None:
    service = Service(9, 3)
    driver = Driver(leaving_out(service, "u-003", "u-007"))
    known = known_of(service, u_003="t", gone="x")
    rows = rows_of(driver.pulled(changes(known)))
    assert shown(rows) == [("gone", True), ("u-007", False)]


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(404, b""),
        Reply(404, b"<html>"),
        Reply(400, b'{"message":"no"}'),
        Reply(405, b""),
        Reply(410, b'{"message":"no"}'),
    ],
)
def test_what_the_service_does_not_say_is_gone_is_a_problem_and_leaves_no_tombstone(
    refusal: Reply,
) -> None:
    service = Service(3)

    def answer(request: Request) -> Reply:
        return refusal if "/annotations/inputs/v-0" in request.path else service(request)

    done = Driver(answer).pulled(
        changes(known_of(service, **{f"v_{number}": OLD for number in range(20)}))
    )
    assert [row.key[0] for row in rows_of(done)] == [
        f"v-{number}" for number in sorted(map(str, range(1, 20)))
    ]
    (problem,) = problems_of(done)
    assert (problem.what, f"HTTP {refusal.status}" in problem.reason) == (
        "input v-0, type signs",
        True,
    )


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(404, b'{"message":"no Route matched with those values"}'),
        Reply(404, b""),
        Reply(405, b""),
    ],
)
def test_where_annotations_cannot_be_asked_for_by_themselves_nothing_counts_as_gone(
    refusal: Reply,
) -> None:
    """One that is listed shows whether the address is served."""
    service = Service(3)

    def answer(request: Request) -> Reply:
        return refusal if "/annotations/inputs/" in request.path else service(request)

    driver = Driver(answer)
    done = driver.pulled(changes(known_of(service, gone=OLD, lost=OLD)))
    assert rows_of(done) == []
    assert [problem.what for problem in problems_of(done)] == [
        "input gone, type signs",
        "input lost, type signs",
    ]
    assert len([asked for asked in driver.asked if "/annotations/inputs/" in asked]) <= 3


def test_of_a_project_that_is_empty_by_now_all_is_gone_where_the_service_says_so_of_each() -> None:
    done = Driver(Service(0)).pulled(changes({("a", "signs"): OLD, ("b", "signs"): OLD}))
    assert problems_of(done) == []
    assert shown(rows_of(done)) == [("a", True), ("b", True)]


@pytest.mark.parametrize("flavour", ["annotell", "kognic"])
def test_a_project_that_names_no_types_any_more_buries_nothing(flavour: Flavour) -> None:
    """No list was asked for, and no annotation that is there shows that they can be
    asked for by themselves.
    """
    project = listing(DocumentSelection(project="project-a"), flavour, BASE)
    assert isinstance(project, ProjectListing)
    with pytest.raises(Stopped, match="has no annotation types, so nothing says what has changed"):
        Driver(lambda _: ok({"data": []})).pulled(ChangeListing(project, {("a", ""): OLD}))


def test_another_annotation_than_the_one_asked_for_is_a_problem_and_buries_nothing() -> None:
    service = Service(3)

    def answer(request: Request) -> Reply:
        other = "/annotations/inputs/GONE" in request.path
        return service(Request("GET", request.path.replace("GONE", "u-001")) if other else request)

    done = Driver(answer).pulled(changes(known_of(service, GONE="another time")))
    assert rows_of(done) == []
    assert [problem.what for problem in problems_of(done)] == ["input GONE, type signs"]


def test_what_left_the_statuses_is_gone_and_what_the_project_does_not_list_is_asked_for() -> None:
    service = Service(4)
    statuses = {"u-000": "created", "u-001": "failed", "left": "failed"}

    def answer(request: Request) -> Reply:
        if request.path.startswith("/v1/inputs?"):
            return ok(
                {
                    "data": [
                        {"internalId": uuid, "status": status} for uuid, status in statuses.items()
                    ]
                }
            )
        return service(request)

    project = listing(
        DocumentSelection(
            project="project-a", annotation_types=("signs",), input_statuses=("created",)
        ),
        "annotell",
        BASE,
    )
    assert isinstance(project, ProjectListing)
    known = {(uuid, "signs"): OLD for uuid in ("u-000", "u-001", "u-002", "left", "there", "gone")}
    service.ids += ["there", "left"]
    done = Driver(answer).pulled(ChangeListing(project, known))
    assert [found for found in shown(rows_of(done)) if found[1]] == [
        ("left", True),
        ("u-001", True),
        ("gone", True),
    ]
    assert [problem.what for problem in problems_of(done)] == ["input u-003, type signs"]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([1, 2, 3, 7]))
def test_a_mirror_never_buries_what_is_there_all_along_though_pages_shift(
    seed: int, page: int
) -> None:
    rng = random.Random(seed)
    service = Service(rng.randrange(1, 12), page)
    goes = [uuid for uuid in service.ids if rng.random() < 0.4]
    stays = {uuid for uuid in service.ids if uuid not in goes}
    gone = {f"gone-{number}" for number in range(rng.randrange(3))}
    known = known_of(service) | {(uuid, "signs"): OLD for uuid in gone}
    service.gone = set(gone)

    def answer(request: Request) -> Reply:
        reply = service(request)
        if goes and rng.random() < 0.3:
            uuid = goes.pop()
            service.ids.remove(uuid)
            service.gone.add(uuid)
        return reply

    done = Driver(answer).pulled(changes(known))
    buried = {uuid for uuid, deleted in shown(rows_of(done)) if deleted}
    assert not buried & stays
    # Without any that is there, nobody can know whether the address is served.
    assert problems_of(done) == [] or not stays
    assert gone <= buried or not stays
