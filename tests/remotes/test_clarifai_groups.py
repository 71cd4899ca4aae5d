"""How many inputs are asked for in one list, what that costs, and lists of inputs that
end a pull. No network.
"""

from __future__ import annotations

import pytest

from syncer.core.ports.pull import Unit
from syncer.errors import Stopped
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.selection import Selection
from tests.remotes.listed import Service, all_of, answered, app, fetched_units, keys

DATASET = Selection(dataset_id="d/1")


def of_named(service: Service) -> list[Unit]:
    """The units of all inputs, none of them fetched."""
    steps = AnnotationListing("me", "app", Selection(input_ids=tuple(service.held))).units("")
    return [step for step in steps if isinstance(step, Unit)]


def test_of_groups_asked_for_before_any_page_is_there_only_the_first_is_read_once_more() -> None:
    """If all were of one size, the page of each would be as full as any, and so perhaps
    cut off.
    """
    service = Service(app(340, 1))
    begun = []
    for step in AnnotationListing("me", "app", Selection(input_ids=tuple(service.held))).units(""):
        assert isinstance(step, Unit)
        flow = step.flow()
        begun.append((flow, next(flow)))
    for flow, asks in begun:
        with pytest.raises(StopIteration):  # noqa: PT012 - a flow returns what it found
            while True:
                asks = flow.send(answered(service, asks))
    assert len(service.requests) == 2 * len(begun) + 2


@pytest.mark.parametrize(("beyond", "groups"), [(0, 1), (1, 2)])
def test_a_list_of_inputs_may_fill_its_url_to_the_last_byte(beyond: int, groups: int) -> None:
    service = Service(app(9, 1))
    next(of_named(service)[0].flow())
    (unit,) = of_named(service)
    room = 3_800 - len(next(unit.flow())[0].request.path)
    service.held["i-0008" + "x" * (room + beyond)] = service.held.pop("i-0008")
    assert len(of_named(service)) == groups
    assert sorted(keys(service, Selection(input_ids=tuple(service.held)))) == sorted(
        all_of(service.held)
    )


def test_a_unit_of_annotations_that_were_named_is_named_by_the_first_and_the_last() -> None:
    service = Service(app(3, 1))
    ((unit, _),) = fetched_units(service, Selection(pairs=tuple(all_of(service.held))))
    assert unit.name == "annotations a-0-0 to a-2-0"


# --- lists that cannot be read --------------------------------------------------------


def test_a_dataset_that_is_refused_stops_the_pull_and_the_sign_in_its_name_is_told() -> None:
    service = Service(app(3, 1))
    service._answer = lambda *_: service._failed(404, 11101)  # type: ignore[method-assign]
    with pytest.raises(
        Stopped,
        match=r"refused to list the inputs of dataset d/1: .*'/' in a name may have been changed",
    ):
        keys(service, DATASET)


def test_a_dataset_that_never_stops_changing_stops_the_pull() -> None:
    service = Service(app(25, 1), per_page_max=10)

    def churn() -> None:
        first = next(iter(service.held))
        service.held[first] = service.held.pop(first)

    service.churn = churn  # type: ignore[method-assign]
    with pytest.raises(Stopped, match="kept changing while they were read 20 times"):
        keys(service, DATASET)


def test_a_list_of_inputs_with_a_page_of_ids_that_no_url_has_room_for_stops_the_pull() -> None:
    """None of them can be the cursor of the next page."""
    service = Service({})
    ids = [f"{number:04}" + "x" * 8_000 for number in range(1000)]
    service._answer = lambda *_: service._said(inputs=[{"id": id} for id in ids])  # type: ignore[method-assign]
    with pytest.raises(Stopped, match=r"1,000 ids, one after the other, are too long for a URL"):
        keys(service)
