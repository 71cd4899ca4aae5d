"""Lists of annotations, read from a service that changes while it is read.

No network: a driver answers the questions.
"""

from __future__ import annotations

import random
import re

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.ports.pull import Unit
from syncer.core.ports.wire import Reply
from syncer.errors import Stopped, UsageError
from syncer.remotes.clarifai.listing import GROUP_MAX, AnnotationListing, DatasetInputs
from syncer.remotes.clarifai.rows import ListedLine, of_list
from syncer.remotes.clarifai.selection import Selection
from syncer.remotes.flows import PASSES_MAX
from tests.remotes.listed import Service, all_of, answered, app, keys, walked
from tests.support.driving import Driver


@pytest.mark.parametrize(
    ("inputs", "each", "per_page_max"),
    [(0, 0, 1000), (1, 0, 1000), (250, 3, 1000), (30, 90, 1000), (3, 250, 20), (7, 1, 1)],
)
def test_every_annotation_comes_once_whatever_a_page_holds(
    inputs: int, each: int, per_page_max: int
) -> None:
    service = Service(app(inputs, each), per_page_max=per_page_max)
    assert sorted(keys(service)) == sorted(all_of(service.held))


def test_a_group_that_fits_on_a_page_costs_two_requests() -> None:
    service = Service(app(100, 10))
    list(walked(service, Selection(input_ids=tuple(service.held))))
    first = len(service.requests)
    list(walked(service, Selection(input_ids=tuple(service.held)[:50] * 4)))
    # the fullest page so far may have been cut off: it is read once more
    assert first == 2 + 2


@pytest.mark.parametrize(
    "labelled", [(), (2999,), (0,), tuple(range(1500, 3000)), tuple(range(0, 3000, 100))]
)
def test_inputs_without_an_annotation_cost_no_more_than_others(labelled: tuple[int, ...]) -> None:
    """A filter by maker finds nothing in most groups: an empty page is whole, and no
    reason to ask for fewer inputs at a time.
    """
    service = Service({f"i-{n:04}": ["a"] if n in labelled else [] for n in range(3000)})
    assert keys(service, Selection(user_ids=("ann",))) == all_of(service.held)
    assert len(service.requests) <= 5 * 3000 // GROUP_MAX


def test_parts_that_are_divided_before_any_is_fetched_do_not_get_smaller_and_smaller() -> None:
    """So are those of a list that many tasks read: 10,000 inputs once came to 9,000
    parts.
    """
    service = Service(app(10_000, 0))
    steps = AnnotationListing("me", "app", Selection()).units("")
    parts, step = 0, next(steps)
    with pytest.raises(StopIteration):  # noqa: PT012 - a generator ends
        while True:
            parts += isinstance(step, Unit)
            step = steps.send(None if isinstance(step, Unit) else answered(service, step))
    assert parts <= 2 * 10_000 // GROUP_MAX


def test_the_pages_of_an_input_that_has_many_are_asked_some_at_a_time() -> None:
    """A page after another would take as long as all their answers together."""
    service = Service({"i": [f"a-{n}" for n in range(995)]}, per_page_max=10)
    (unit,) = [
        unit
        for unit in AnnotationListing("me", "app", Selection(input_ids=("i",))).units("")
        if isinstance(unit, Unit)
    ]
    flow, turns = unit.flow(), 0
    asks = next(flow)
    with pytest.raises(StopIteration) as end:  # noqa: PT012 - a flow returns what it found
        while True:
            asks = flow.send(answered(service, asks))
            turns += 1
    assert len(end.value.value.rows) == 995
    assert turns <= 2 * (1 + 4 + 6)
    assert len(service.requests) <= 2 * (100 + 16)


@pytest.mark.parametrize(
    ("inputs", "each", "newest_first", "turns_max", "requests_max"),
    [
        (100, 200, False, 2, 60),
        (100, 200, True, 2, 60),
        (100, 1500, False, 4, 2 + 100 * (4 + 3)),
        (2, 600, False, 2, 2 + 2 * 2),
    ],
)
def test_inputs_that_fill_pages_are_divided_by_how_many_fill_one_and_asked_together(
    inputs: int, each: int, newest_first: bool, turns_max: int, requests_max: int
) -> None:
    """Halves of halves, one after another, would take a round trip each: 63 of them for
    100 inputs.
    """
    service = Service(app(inputs, each), newest_first=newest_first)
    (unit,) = AnnotationListing("me", "app", Selection(input_ids=tuple(service.held))).units("")
    assert isinstance(unit, Unit)
    flow, turns = unit.flow(), 0
    asks = next(flow)
    with pytest.raises(StopIteration) as end:  # noqa: PT012 - a flow returns what it found
        while True:
            turns += 1
            asks = flow.send(answered(service, asks))
    assert sorted(row.key for row in end.value.value.rows) == sorted(all_of(service.held))
    assert turns <= turns_max
    assert len(service.requests) <= requests_max


def test_it_goes_on_at_every_cursor() -> None:
    service = Service(app(130, 2))
    cursors = [cursor for cursor, _ in walked(service, Selection())]
    parts = [found.rows for _, found in walked(service, Selection())]
    for at, cursor in enumerate(cursors):
        assert keys(service, after=cursor) == [row.key for part in parts[at + 1 :] for row in part]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([2, 3, 7, 1000]), st.booleans())
def test_what_is_there_all_along_comes_exactly_once_though_the_list_shifts_while_it_is_read(
    seed: int, per_page_max: int, newest_first: bool
) -> None:
    """Between any two answers annotations are added and deleted; inputs come and go."""
    rng = random.Random(seed)
    held = app(rng.randrange(1, 12), rng.randrange(1, 9))
    stays = {key for key in all_of(held) if rng.random() < 0.6}
    goes = [key for key in all_of(held) if key not in stays]
    service = Service(held, per_page_max=per_page_max, newest_first=newest_first)
    added = iter(range(40))

    def churn() -> None:
        if goes and rng.random() < 0.5:
            input_id, id = goes.pop(rng.randrange(len(goes)))
            held[input_id].remove(id)
        if rng.random() < 0.3 and (number := next(added, None)) is not None:
            ids = held[rng.choice(list(held))]
            ids.insert(rng.randrange(len(ids) + 1), f"new-{number}")

    service.churn = churn  # type: ignore[method-assign]
    found = keys(service)
    assert len(found) == len(set(found))
    assert stays <= set(found)


def test_an_input_that_never_stops_changing_is_given_up_after_some_passes() -> None:
    service = Service({"i": [f"a-{n}" for n in range(10)]}, per_page_max=2)
    more = iter(range(10**6))
    service.churn = lambda: service.held["i"].append(f"b-{next(more)}")  # type: ignore[method-assign]
    service.per_page_max = 50
    ((_, found),) = walked(service, Selection())
    assert {("i", f"a-{n}") for n in range(10)} <= {row.key for row in found.rows}
    assert [problem.what for problem in found.problems] == ["input i"]
    assert len(service.requests) < 20 * PASSES_MAX


def test_a_list_that_is_refused_is_asked_in_halves_and_one_input_that_is_refused_is_told() -> None:
    service = Service(app(40, 2))
    service.refuse_inputs_above = 3
    assert sorted(keys(service)) == sorted(all_of(service.held))
    service.refuse_inputs_above = 0
    problems = [
        problem
        for _, found in walked(service, Selection(input_ids=("i-0001",)))
        for problem in found.problems
    ]
    assert [(problem.what, "CONN_INVALID_REQUEST" in problem.reason) for problem in problems] == [
        ("input i-0001", True)
    ]


def test_a_group_that_is_refused_while_it_is_read_once_more_is_asked_in_halves() -> None:
    """Its first page was as full as any, so a second pass is to show it was not cut."""
    service = Service(app(6, 1))

    def refuse() -> None:
        service.refuse_inputs_above = 1 if len(service.requests) > 2 else 10**9

    service.churn = refuse  # type: ignore[method-assign]
    found = [found for _, found in walked(service, Selection(input_ids=tuple(service.held)))]
    assert sorted(row.key for one in found for row in one.rows) == sorted(all_of(service.held))
    assert [problem for one in found for problem in one.problems] == []


def test_a_group_where_one_input_keeps_changing_is_read_in_parts_and_that_input_is_told() -> None:
    service = Service({f"i-{n}": ["a"] for n in range(8)})
    more = iter(range(10**6))
    service.churn = lambda: service.held["i-5"].append(f"b-{next(more)}")  # type: ignore[method-assign]
    found = [found for _, found in walked(service, Selection(input_ids=tuple(service.held)))]
    assert {row.key for one in found for row in one.rows} >= {(f"i-{n}", "a") for n in range(8)}
    assert {problem.input_id for one in found for problem in one.problems} == {"i-5"}


def test_named_inputs_are_asked_once_each_in_short_urls() -> None:
    service = Service(app(300, 1))
    names = [f"i-{n:04}" for n in (5, 7, 5)] + ["x" * 900, "y" * 2500]
    assert keys(service, Selection(input_ids=tuple(names))) == [
        ("i-0005", "a-5-0"),
        ("i-0007", "a-7-0"),
    ]


def test_a_dataset_is_read_by_the_ids_of_its_inputs() -> None:
    service = Service(app(45, 2), per_page_max=10)
    assert sorted(keys(service, Selection(dataset_id="d"))) == sorted(all_of(service.held))
    cursor = "i-0020"
    assert keys(service, Selection(dataset_id="d"), cursor)[0] == ("i-0021", "a-21-0")


def test_the_inputs_of_a_dataset_are_known_without_their_annotations() -> None:
    service = Service(app(45, 2), per_page_max=10)
    inputs = DatasetInputs(AnnotationListing("me", "app", Selection(dataset_id="d")))
    assert Driver(service.answer).pulled(inputs) == []
    assert inputs.ids == frozenset(service.held)
    assert all("/datasets/d/inputs" in request.path for request in service.requests)


def test_a_search_ends_with_an_empty_page_and_leaves_repeats_within_a_page_out() -> None:
    service = Service({})
    service.hits = [("i", "a"), ("i", "a"), ("i", "b"), ("j", "a")]
    (found,) = [found for _, found in walked(service, Selection(since="2026-01-01T00:00:00Z"))]
    assert ([row.key for row in found.rows], found.duplicates) == (
        [("i", "a"), ("i", "b"), ("j", "a")],
        1,
    )
    assert AnnotationListing("me", "app", Selection(status="ANNOTATION_PENDING")).repeats


@pytest.mark.parametrize(
    ("status", "sent"), [("24151", 24151), ("ANNOTATION_PENDING", "ANNOTATION_PENDING")]
)
def test_a_status_is_searched_for_by_number_or_by_name_and_by_no_number_in_quotes(
    status: str, sent: object
) -> None:
    service = Service({})
    list(walked(service, Selection(status=status)))
    (search,) = orjson.loads(service.requests[0].body or b"")["searches"]
    assert search["query"]["filters"] == [{"annotation": {"status": {"code": sent}}}]


def test_null_is_a_field_that_is_not_set() -> None:
    row = b'{"id":"a","input_id":"i","input_level":null,"data":null}'
    rows = of_list(Reply(200, b'{"status":{"code":10000},"annotations":[' + row + b"]}"))
    assert rows == [ListedLine("a", "i", False, row)]


def test_pairs_that_do_not_exist_are_told() -> None:
    service = Service(app(3, 2))
    selection = Selection(pairs=(("i-0000", "a-0-0"), ("i-0001", "nope"), ("i-0002", "a-2-1")))
    ((_, found),) = walked(service, selection)
    assert [row.key for row in found.rows] == [("i-0000", "a-0-0"), ("i-0002", "a-2-1")]
    assert [problem.what for problem in found.problems] == ["annotation nope of input i-0001"]
    listed = Selection(pairs=[list(pair) for pair in selection.pairs])  # type: ignore[arg-type,misc]
    assert keys(service, listed) == [row.key for row in found.rows]


def test_pairs_of_long_ids_are_asked_in_short_urls_and_halved_where_their_list_is_refused() -> None:
    service = Service({f"i-{n}" + "x" * 400: ["a"] for n in range(9)})
    selection = Selection(
        pairs=tuple((input_id, "a") for input_id in service.held), with_inputs=True
    )
    lines = [
        orjson.loads(row.line) for _, found in walked(service, selection) for row in found.rows
    ]
    assert [line["input"]["id"] for line in lines] == list(service.held)
    service.refuse_inputs_above = 1
    service.requests.clear()
    assert keys(service, Selection(pairs=(*selection.pairs, ("i-9", "nope")))) == [
        (input_id, "a") for input_id in service.held
    ]
    assert (
        sum(request.path.count("input_ids=") == 1 for request in service.requests)
        == len(service.held) + 1
    )


def test_a_search_is_narrowed_to_the_inputs_that_were_named_and_joined_with_them() -> None:
    service = Service({"i": ["a"], "j": ["b"]})
    service.hits = all_of(service.held)
    selection = Selection(status="24150", input_ids=("j",), with_inputs=True)
    lines = [
        orjson.loads(row.line) for _, found in walked(service, selection) for row in found.rows
    ]
    assert [(line["input"]["id"], line["annotation"]["id"]) for line in lines] == [("j", "b")]


def test_a_dataset_that_changes_while_it_is_read_is_read_until_nothing_new_shows() -> None:
    service = Service(app(25, 1), per_page_max=10)
    more = iter([f"new-{n}" for n in range(3)])

    def churn() -> None:
        if "/datasets/" in service.requests[-1].path and (id := next(more, None)) is not None:
            service.held = {id: ["a"], **service.held}

    service.churn = churn  # type: ignore[method-assign]
    assert set(keys(service, Selection(dataset_id="d"))) == set(all_of(service.held))


def test_an_input_moving_up_from_a_datasets_second_page_before_that_is_read_is_not_missed() -> None:
    service = Service(app(11, 1), per_page_max=10)

    def churn() -> None:
        if "/datasets/" in service.requests[-1].path and "&page=" not in service.requests[-1].path:
            service.held.pop("i-0000", None)

    service.churn = churn  # type: ignore[method-assign]
    assert set(keys(service, Selection(dataset_id="d"))) >= set(all_of(service.held))


def test_input_level_annotations_are_kept_or_dropped() -> None:
    service = Service({"i": ["level", "a"]})
    assert keys(service) == [("i", "level"), ("i", "a")]
    assert keys(service, Selection(input_level=False)) == [("i", "a")]


def test_with_inputs_every_input_comes_at_least_once() -> None:
    service = Service({"i": ["a", "b"], "j": []})
    lines = [
        orjson.loads(row.line)
        for _, found in walked(service, Selection(with_inputs=True))
        for row in found.rows
    ]
    assert [
        (line["input"]["id"], line["annotation"] and line["annotation"]["id"]) for line in lines
    ] == [
        ("i", "a"),
        ("i", "b"),
        ("j", None),
    ]
    assert lines[0]["input"]["data"] == {"text": {"raw": "i"}}
    named = [
        row.key
        for _, found in walked(service, Selection(with_inputs=True, input_ids=("j", "gone")))
        for row in found.rows
    ]
    assert named == [("j", "")]


@pytest.mark.parametrize("with_inputs", [False, True])
@pytest.mark.parametrize("per_page_max", [1000, 3])
@pytest.mark.parametrize("refuses", [False, True])
def test_named_inputs_that_do_not_exist_are_told_and_those_without_an_annotation_are_not(
    with_inputs: bool, per_page_max: int, refuses: bool
) -> None:
    """A list is silent about both."""
    service = Service({f"i-{n}": ["a"] * (n % 2) for n in range(10)}, per_page_max=per_page_max)
    service.refuse_what_is_missing = refuses
    selection = Selection(input_ids=(*service.held, "gone", "lost"), with_inputs=with_inputs)
    problems = [problem for _, found in walked(service, selection) for problem in found.problems]
    assert sorted((problem.what, problem.reason) for problem in problems) == [
        ("input gone", "there is no such input"),
        ("input lost", "there is no such input"),
    ]


def test_an_app_that_is_not_there_stops_the_pull() -> None:
    service = Service({})
    service._answer = lambda *_: service._failed(404, 11101)  # type: ignore[method-assign,assignment]
    with pytest.raises(Stopped, match="refused to list its inputs"):
        keys(service)


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(status="24151", user_ids=("u",)), "status cannot be combined with user_ids"),
        (
            Selection(pairs=(("i", "a"),), since="2026-01-01T00:00:00Z"),
            "pairs cannot be combined with since",
        ),
        (
            Selection(pairs=(("i", "a"),), input_ids=("i",)),
            "pairs cannot be combined with input_ids",
        ),
        (
            Selection(dataset_id="d", input_ids=("i",)),
            "dataset_id cannot be combined with input_ids",
        ),
        (Selection(since="yesterday"), 'since is "yesterday"'),
        (Selection(since="2026-01-01T00:00:00"), "it must be a time like"),
        (Selection(status="ANNOTATION_PENDIN"), "did you mean ANNOTATION_PENDING"),
        (
            Selection(since="2026-01-01T01:00:00+02:00", until="2025-12-31T22:59:59Z"),
            "since 2026-01-01T01:00:00+02:00 is later than until 2025-12-31T22:59:59Z",
        ),
        (
            Selection(input_ids=("i", "")),
            "input_ids is ('i', ''); it must be a tuple of ids, each a string that is not empty",
        ),
        (Selection(user_ids=("",)), "user_ids is ('',)"),
        (
            Selection(pairs=(("i", ""),)),
            "pairs is (('i', ''),); it must be a tuple of pairs of ids",
        ),
        (Selection(pairs=("i", "a")), "pairs is ('i', 'a')"),  # type: ignore[arg-type]
        (Selection(input_ids="img-7"), "input_ids is 'img-7'; it must be a tuple of ids"),  # type: ignore[arg-type]
        (Selection(input_ids=(7,) * 99), "input_ids is (7, 7, "),  # type: ignore[arg-type]
        (Selection(status=24151), "status is 24151; it must be a string"),  # type: ignore[arg-type]
        (Selection(dataset_id=None), "dataset_id is None; it must be a string"),  # type: ignore[arg-type]
        (Selection(with_inputs="yes"), "with_inputs is 'yes'; it must be a bool"),  # type: ignore[arg-type]
    ],
)
def test_a_selection_of_which_a_part_would_go_unheard_is_refused(
    selection: Selection, said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        AnnotationListing("me", "app", selection)
