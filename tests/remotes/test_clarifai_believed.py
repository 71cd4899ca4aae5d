"""What a list of annotations believes: which answers mean that something is not there.

No network: a driver answers the questions.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from syncer.core.outcome import Failed
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.rows import of_dataset, of_inputs, of_list, of_search
from syncer.remotes.clarifai.selection import Selection
from tests.remotes.listed import Service, all_of, app, fetched, keys, walked

Read = Callable[[Reply | NoReply], object]


@pytest.mark.parametrize(
    ("read", "members"),
    [
        (of_list, '"annotations":[{}]'),
        (of_search, '"hits":[{{"annotation":{}}}]'),
        (of_inputs, '"inputs":[{}]'),
        (of_dataset, '"dataset_inputs":[{{"input":{}}}]'),
    ],
)
@pytest.mark.parametrize("row", ["7", "{}", '{"id":7}', '{"id":""}', '{"id":null,"input_id":"i"}'])
def test_a_row_that_does_not_say_what_it_is_fails_its_page(
    read: Read, members: str, row: str
) -> None:
    """Two without an id would pass for one that repeats itself."""
    failed = read(Reply(200, f'{{"status":{{"code":10000}},{members.format(row)}}}'.encode()))
    assert isinstance(failed, Failed)
    assert not failed.in_doubt
    assert isinstance(read(NoReply("reset", sent=True)), Failed)


@pytest.mark.parametrize("row", ['{"id":"a"}', '{"id":"a","input_id":""}'])
def test_an_annotation_without_its_input_is_no_row(row: str) -> None:
    assert isinstance(
        of_list(Reply(200, f'{{"status":{{"code":10000}},"annotations":[{row}]}}'.encode())), Failed
    )


def test_a_hit_without_an_annotation_is_not_left_out() -> None:
    assert isinstance(
        of_search(Reply(200, b'{"status":{"code":10000},"hits":[{"score":1,"input":{"id":"i"}}]}')),
        Failed,
    )


@pytest.mark.parametrize("read", [of_list, of_search, of_inputs, of_dataset])
def test_only_a_plain_success_means_that_what_is_left_out_is_not_there(read: Read) -> None:
    for body in (
        b'{"status":{"code":10000}}',
        b'{"status":{"code":"SUCCESS"},"annotations":[],"hits":null}',
    ):
        assert read(Reply(200, body)) == []
        assert isinstance(read(Reply(500, body)), Failed)
    for body in (
        b'{"status":{"code":10070}}',
        b'{"status":{"code":10010}}',
        b"{}",
        b'{"code":5,"message":"Not Found","details":[]}',
    ):
        for status in (200, 202, 404):
            assert isinstance(read(Reply(status, body)), Failed)
    assert isinstance(read(Reply(404, b"<html>not found</html>")), Failed)


def test_an_input_deleted_while_it_is_listed_is_no_problem_however_the_service_says_so() -> None:
    service = Service(app(40, 2))

    def delete() -> None:
        if "/annotations" in service.requests[-1].path:
            service.held.pop("i-0017", None)

    service.churn = delete  # type: ignore[method-assign]
    service.refuse_what_is_missing = True
    service.per_page_max = 30
    found = [found for _, found in walked(service, Selection())]
    assert {row.key for one in found for row in one.rows} >= set(all_of(service.held))
    assert [problem for one in found for problem in one.problems] == []


def test_an_input_that_is_deleted_between_two_of_its_pages_is_no_problem_either() -> None:
    for answers in range(2, 9):
        service = Service({"i": ["a", "b", "c"]}, per_page_max=2)
        service.refuse_what_is_missing = True

        def delete(service: Service = service, answers: int = answers) -> None:
            if len(service.requests) == answers:
                service.held.pop("i", None)

        service.churn = delete  # type: ignore[method-assign]
        assert [
            problem for _, found in walked(service, Selection()) for problem in found.problems
        ] == []


def test_an_input_that_is_there_but_cannot_be_listed_is_a_problem() -> None:
    """The code says that something is missing; the look-up of the input shows that it
    is not the input.
    """
    service = Service(app(3, 2))
    answer = service._answer

    def refuse(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        return (
            service._failed(404, 11101)
            if path == "/annotations" and "i-0001" in query["input_ids"]
            else answer(path, query, sent)
        )

    service._answer = refuse  # type: ignore[method-assign,assignment]
    found = [found for _, found in walked(service, Selection())]
    assert [row.key[0] for one in found for row in one.rows] == ["i-0000"] * 2 + ["i-0002"] * 2
    assert [(p.what, "CONN_DOES_NOT_EXIST" in p.reason) for one in found for p in one.problems] == [
        ("input i-0001", True)
    ]


def test_an_input_gone_each_time_it_is_listed_and_there_when_asked_for_is_asked_again() -> None:
    """Others delete it and make it again, each time between two questions."""
    service = Service({"i": ["a"]})
    service.refuse_what_is_missing = True

    def flicker() -> None:
        about_annotations = "/annotations" in service.requests[-1].path
        if len(service.requests) > 7:
            service.held.pop("i", None)  # for good
        elif about_annotations:
            service.held["i"] = ["a"]
        else:
            service.held.pop("i", None)

    service.churn = flicker  # type: ignore[method-assign]
    service.held.pop("i")
    found = [found for _, found in walked(service, Selection(input_ids=("i",)))]
    assert [
        problem
        for one in found
        for problem in one.problems
        if "no such input" not in problem.reason
    ] == []
    assert [row for one in found for row in one.rows] == []
    assert (
        sum(
            "/inputs" in request.path and "annotations" not in request.path
            for request in service.requests
        )
        > 2
    )


def test_an_input_that_is_refused_beside_its_annotations_is_a_problem_and_they_come() -> None:
    service = Service({"i": ["a"], "j": ["b"]})
    service.hits = all_of(service.held)
    answer = service._answer

    def refuse(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        return (
            service._failed(400, 11102)
            if path == "/inputs" and "j" in query["ids"]
            else answer(path, query, sent)
        )

    service._answer = refuse  # type: ignore[method-assign,assignment]
    found = [
        found
        for _, found in walked(service, Selection(pairs=(("i", "a"), ("j", "b")), with_inputs=True))
    ]
    assert [row.key for one in found for row in one.rows] == [("i", "a"), ("j", "b")]
    assert [
        (p.what, "CONN_INVALID_REQUEST" in p.reason) for one in found for p in one.problems
    ] == [("input j", True)]


def test_an_answer_about_other_inputs_does_not_make_one_that_is_refused_gone() -> None:
    service = Service(app(3, 2))
    answer = service._answer

    def unheeding(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        if path == "/annotations" and "i-0001" in query["input_ids"]:
            return service._failed(404, 11101)
        return answer(path, query | {"ids": ["i-0000"]} if path == "/inputs" else query, sent)

    service._answer = unheeding  # type: ignore[method-assign,assignment]
    found = [found for _, found in walked(service, Selection())]
    assert [problem.what for one in found for problem in one.problems] == ["input i-0001"]


def test_an_input_that_went_after_its_annotations_were_listed_is_no_problem() -> None:
    service = Service({"i": ["a"], "j": ["b"]})

    def delete() -> None:
        if "ids=" in service.requests[-1].path:
            service.held.pop("j", None)

    service.churn = delete  # type: ignore[method-assign]
    found = [
        found
        for _, found in walked(service, Selection(pairs=(("i", "a"), ("j", "b")), with_inputs=True))
    ]
    assert [row.key for one in found for row in one.rows] == [("i", "a"), ("j", "b")]
    assert [problem for one in found for problem in one.problems] == []


@pytest.mark.parametrize("per_page_max", [1, 3, 1000])
def test_annotations_that_a_page_has_no_room_for_are_not_taken_for_missing(
    per_page_max: int,
) -> None:
    service = Service(app(10, 2), per_page_max=per_page_max)
    pairs = (*all_of(service.held), ("i-0001", "nope"))
    ((_, found),) = walked(service, Selection(pairs=pairs))
    assert sorted(row.key for row in found.rows) == sorted(pairs[:-1])
    assert [(problem.what, problem.reason) for problem in found.problems] == [
        ("annotation nope of input i-0001", "there is no such annotation")
    ]


def test_a_service_that_does_not_heed_which_inputs_are_asked_for_doubles_nothing() -> None:
    service = Service(app(12, 2))
    answer = service._answer

    def all_of_them(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        return answer(
            path,
            query | {"input_ids": list(service.held)} if path == "/annotations" else query,
            sent,
        )

    service._answer = all_of_them  # type: ignore[method-assign,assignment]
    listed = keys(service, Selection(input_ids=("i-0003", "i-0007")))
    assert sorted(listed) == [key for key in all_of(service.held) if key[0] in ("i-0003", "i-0007")]
    assert sorted(keys(service)) == sorted(all_of(service.held))


@pytest.mark.parametrize("second", [404, 400])
def test_an_input_made_again_between_two_questions_comes_unless_refused_for_another_reason(
    second: int,
) -> None:
    """Gone when it is listed, there when it is asked for, and then listed, or refused
    in words that do not speak of missing.
    """
    service = Service({"i": ["a"]})
    service.refuse_what_is_missing = True
    answer, lists = service._answer, iter([404, 404, *([400] * 9 if second == 400 else [200] * 9)])

    def flicker(path: str, query: dict[str, list[str]], sent: dict[str, object]) -> Reply:
        code = next(lists) if path == "/annotations" else 200
        return (
            answer(path, query, sent)
            if code == 200
            else service._failed(code, 11101 if code == 404 else 11102)
        )

    service._answer = flicker  # type: ignore[method-assign,assignment]
    found = [found for _, found in walked(service, Selection(input_ids=("i",)))]
    assert [row.key for one in found for row in one.rows] == ([("i", "a")] if second == 404 else [])
    reasons = [problem.reason for one in found for problem in one.problems]
    assert ["CONN_INVALID_REQUEST" in reason for reason in reasons] == (
        [] if second == 404 else [True]
    )


def test_a_group_is_as_large_as_its_url_may_be_and_brings_what_the_list_would() -> None:
    """As `verify` and Spark ask, which make their own groups."""
    held = app(5, 2) | {"x" * 2500: ["a"], "y" * 2500: ["b"]}
    service = Service(held)
    listing = AnnotationListing("me", "app", Selection())
    ids, groups = list(held), []
    while ids:
        groups.append(listing.group_of(ids))
        del ids[: len(groups[-1])]
    assert [len(group) for group in groups] == [6, 1]
    found = [
        fetched(service, listing.unit(group, str(number))) for number, group in enumerate(groups)
    ]
    assert sorted(row.key for one in found for row in one.rows) == sorted(all_of(held))


def test_pairs_are_asked_in_urls_that_any_server_takes() -> None:
    held = {f"{n}" + "x" * 1200: ["a" * 600] for n in range(6)}
    service = Service(held)
    assert sorted(keys(service, Selection(pairs=tuple(all_of(held))))) == sorted(all_of(held))


def test_an_input_whose_id_makes_a_url_longer_than_servers_take_is_told_and_others_come() -> None:
    service = Service(app(2, 1))
    found = [
        found
        for _, found in walked(service, Selection(input_ids=("i-0000", "x" * 9_000, "i-0001")))
    ]
    assert [row.key[0] for one in found for row in one.rows] == ["i-0000", "i-0001"]
    assert ["servers take" in problem.reason for one in found for problem in one.problems] == [True]
