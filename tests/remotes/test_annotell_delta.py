"""What has changed since an earlier pull, and what has vanished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from syncer.core.pull import Row
from syncer.remotes.annotell import ChangeListing, ProjectListing, index
from syncer.remotes.annotell.asks import Asks
from tests.remotes.test_annotell_listing import BASE, Service
from tests.support.driving import Driver, rows_of

OLD = "2022-05-12T12:20:49Z"


def changes(known: Mapping[tuple[str, str], str]) -> ChangeListing:
    return ChangeListing(ProjectListing(Asks(BASE), "project-a", annotation_types=("signs",)), known)


def shown(rows: list[Row]) -> list[tuple[str, bool]]:
    return [(row.key[0], json.loads(row.line).get("deleted", False)) for row in rows]


def test_what_has_not_changed_is_not_fetched_and_what_has_vanished_leaves_a_tombstone() -> None:
    service = Service(5)
    known = {("u-000", "signs"): OLD, ("u-001", "signs"): "another time", ("u-003", "signs"): OLD, ("u-009", "signs"): OLD}
    driver = Driver(service)
    rows = rows_of(driver.pulled(changes(known)))
    assert shown(rows) == [("u-001", False), ("u-002", False), ("u-004", False), ("u-009", True)]
    tombstone = {"input_uuid": "u-009", "annotation_type": "signs", "created": OLD, "deleted": True}
    assert json.loads(rows[-1].line) == tombstone
    assert len([asked for asked in driver.asked if "storage" in asked]) == 3


def test_a_second_pull_without_changes_fetches_nothing() -> None:
    lines = [row.line for row in rows_of(Driver(Service(40, 7)).pulled(changes({})))]
    driver = Driver(Service(40, 7))
    assert driver.pulled(changes(index(lines))) == []
    assert len(driver.asked) == 6


def test_a_mirror_that_takes_the_changes_holds_what_is_listed() -> None:
    service = Service(30, 7)
    lines = [row.line for row in rows_of(Driver(service).pulled(changes({})))]
    service.gone = {"u-003", "u-029"}
    lines += [row.line for row in rows_of(Driver(service).pulled(changes(index(lines))))]
    assert sorted(uuid for uuid, _ in index(lines)) == [uuid for uuid in service.ids if uuid not in service.gone]
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
        return msgspec.json.encode({"input_uuid": "u", "annotation_type": "t", "created": "1", **members})

    assert index([line(content={}), b"\n", line(created="2", content={})]) == {("u", "t"): "2"}
    assert index([line(content={}), line(deleted=True)]) == {}
    assert index([line(deleted=True), line(content={})]) == {("u", "t"): "1"}
    assert index([line(annotation_type=None, created=None)]) == {("u", ""): ""}
    with pytest.raises(msgspec.DecodeError):
        index([b"{}"])
