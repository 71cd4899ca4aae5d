"""What every list promises: after each of its cursors, and what is done, comes just
what came after it before; no key comes twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from syncer.core.ports.pull import Done, Listing, Unit
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.annotell import DocumentSelection as AnnotellSelection
from syncer.remotes.annotell import listing as annotell_listing
from syncer.remotes.annotell.delta import ChangeListing
from syncer.remotes.annotell.listing import ProjectListing
from syncer.remotes.annotell.selection import Flavour
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.selection import Selection
from tests.engine.lists import Parts
from tests.remotes.listed import Service as Clarifai
from tests.remotes.listed import all_of, app
from tests.remotes.test_annotell_ids import UUIDS, exports
from tests.remotes.test_annotell_listing import BASE, Service, ok
from tests.support.driving import Driver, rows_of

Answer = Callable[[Request], Reply | NoReply]


@dataclass
class Made:
    """A list, made anew each time, and who answers its questions."""

    name: str
    listing: Callable[[], Listing]
    answer: Callable[[], Answer]


def of_clarifai(name: str, selection: Selection, *, seconds: int = 0) -> Made:
    """A list of an app of some inputs, whose annotations were updated so far apart."""
    held = app(260, 2)

    def answer() -> Answer:
        service = Clarifai(held, per_page_max=150)
        service.hits = all_of(held)
        service.updated = {
            id: f"{datetime.fromtimestamp(number * seconds, UTC):%FT%TZ}"
            for number, (_, id) in enumerate(service.hits)
        }
        return service.answer

    return Made(name, lambda: AnnotationListing("me", "app", selection), answer)


def of_annotell(
    name: str, answer: Callable[[], Answer], flavour: Flavour = "annotell", **selection: Any
) -> Made:
    """A list of a made-up project, or by ids."""
    return Made(
        name, lambda: annotell_listing(AnnotellSelection(**selection), flavour, BASE), answer
    )


def one_by_one(request: Request) -> Reply:
    """Whatever is asked for by its id, with its document somewhere else."""
    if request.path.startswith("http"):
        return ok({"openlabel": {}})
    if request.path.startswith("/v1/inputs?"):
        return ok(
            {
                "data": [
                    {"internalId": f"u-{number:03}", "status": "created"} for number in range(40)
                ]
            }
        )
    uuid = request.path.split("/")[3]
    return ok(
        {
            "data": {
                "inputUuid": uuid,
                "annotationType": "signs",
                "created": "t",
                "uri": f"https://storage.example/{uuid}.json",
            }
        }
    )


def changes() -> Listing:
    """What has changed since a mirror was made that lacks some and holds others that
    are gone.
    """
    project = annotell_listing(
        AnnotellSelection(project="project-a", annotation_types=("signs",)), "annotell", BASE
    )
    assert isinstance(project, ProjectListing)
    known = {(f"u-{number:03}", "signs"): "2022-05-12T12:20:49Z" for number in range(5)}
    return ChangeListing(
        project, known | {(f"gone-{number}", "signs"): "t" for number in range(600)}
    )


SCENES = tuple(f"s-{number:02}" for number in range(40))
LISTS = [
    of_clarifai("clarifai: all", Selection()),
    of_clarifai(
        "clarifai: inputs",
        Selection(input_ids=tuple(f"i-{number:04}" for number in range(0, 260, 2))),
    ),
    of_clarifai("clarifai: with inputs", Selection(with_inputs=True)),
    of_clarifai("clarifai: dataset", Selection(dataset_id="d")),
    of_clarifai(
        "clarifai: pairs",
        Selection(pairs=tuple((f"i-{n:04}", f"a-{n}-{m}") for n in range(260) for m in range(2))),
    ),
    of_clarifai("clarifai: search", Selection(status="24150"), seconds=60),
    of_clarifai("clarifai: search, by inputs", Selection(status="24150")),
    of_clarifai(
        "clarifai: search of inputs",
        Selection(status="24150", input_ids=tuple(f"i-{number:04}" for number in range(0, 260, 2))),
    ),
    of_annotell(
        "annotell: project",
        lambda: Service(40, 15),
        project="project-a",
        annotation_types=("signs",),
    ),
    of_annotell("annotell: all types", lambda: Service(40, 15), project="project-a"),
    of_annotell(
        "annotell: one by one",
        lambda: Service(40),
        input_uuids=tuple(Service(40).ids),
        annotation_types=("signs",),
    ),
    of_annotell("annotell: exports", lambda: exports, input_uuids=tuple(UUIDS)),
    of_annotell("kognic: request inputs", lambda: one_by_one, "kognic", input_uuids=SCENES),
    Made("annotell: changes", changes, lambda: Service(40, 15)),
    Made("the engine's fake", lambda: Parts(40), lambda: lambda _: Reply(200, b"{}")),
]
of_every_list = pytest.mark.parametrize("made", LISTS, ids=lambda made: made.name)


def units(made: Made, after: str = "", done: Done = ()) -> list[tuple[Unit, list[tuple[str, ...]]]]:
    """Every unit after a cursor and what is done, with its keys."""
    pulled = Driver(made.answer()).pulled(made.listing(), after, done=done)
    return [(unit, [row.key for row in found.rows]) for unit, found in pulled]


@of_every_list
def test_the_same_cursor_gives_the_same_units_again(made: Made) -> None:
    whole = units(made)
    assert len(whole) > 1
    done: set[str] = set()
    for at, (unit, _) in enumerate(whole):
        done.update(unit.parts)
        before = (
            {key for _, keys in whole[: at + 1] for key in keys}
            if made.listing().repeats
            else set()
        )
        after = [key for _, keys in whole[at + 1 :] for key in keys]
        assert [
            key for _, keys in units(made, unit.cursor, done) for key in keys if key not in before
        ] == after


@of_every_list
def test_a_part_is_of_one_unit(made: Made) -> None:
    parts = [part for unit, _ in units(made) for part in unit.parts]
    assert len(set(parts)) == len(parts)


@of_every_list
def test_no_cursor_comes_twice_and_none_is_the_start(made: Made) -> None:
    cursors = [unit.cursor for unit, _ in units(made)]
    assert len(set(cursors)) == len(cursors)
    assert "" not in cursors


@of_every_list
def test_a_key_comes_once(made: Made) -> None:
    """Of a list that stands still, whether it may repeat itself or not."""
    keys = [key for _, keys in units(made) for key in keys]
    assert len(set(keys)) == len(keys) > 0


@of_every_list
def test_a_unit_can_be_fetched_again(made: Made) -> None:
    """Its flow is made anew each time: a crash came between."""
    driver = Driver(made.answer())
    for unit, found in driver.pulled(made.listing(), stop_behind=3):
        assert [row.key for row in rows_of([(unit, driver.found(unit))])] == [
            row.key for row in found.rows
        ]
