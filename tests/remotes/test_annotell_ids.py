"""Lists by ids: inputs by uuids, by type, request inputs, scenes, annotations, and the
guide's use case.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from syncer.core.ports.pull import Ask
from syncer.core.ports.wire import Reply, Request
from syncer.errors import Stopped, UsageError
from syncer.remotes.annotell import DocumentSelection, listing, neighbours
from syncer.remotes.annotell.asks import Asks
from tests.remotes.test_annotell_listing import BASE, STORAGE, from_fixtures, ok, selected
from tests.support import annotell
from tests.support.driving import Driver, problems_of, rows_of

DECF = "decf6479-d540-459f-b924-a12c2cecf3b5"
FIVE_DA4 = "5da4f44b-16cb-414a-8dbd-ff5e5afc309a"
KOGNIC = "https://input.app.kognic.com"
UUIDS = [str(UUID(int=number)) for number in range(1, 251)]


def exports(request: Request) -> Reply:
    """A1: one annotation of every input that is asked for."""
    (inputs,) = parse_qs(urlsplit(request.path).query)["inputs"]
    return ok(
        {
            "data": {
                uuid: [{"annotationId": int(UUID(uuid)), "exportContent": {"of": uuid}}]
                for uuid in inputs.split(",")
            }
        }
    )


# --- by input uuids -------------------------------------------------------------------


def test_the_fixtures_annotations_by_uuids_become_lines_with_their_content_untouched() -> None:
    driver = Driver(from_fixtures)
    target = f"/v1/annotations?inputs={DECF}%2C{FIVE_DA4}"
    rows = rows_of(
        Driver(lambda request: from_fixtures(Request("GET", target))).pulled(
            selected(input_uuids=(FIVE_DA4, DECF))
        )
    )
    raw = (annotell.FIXTURES / "v1_annotations_by_uuids.json").read_bytes()
    for row in rows:
        line = json.loads(row.line)
        assert (line["annotation_type"], line["created"]) == (None, None)
        assert row.key == (line["input_uuid"], str(line["annotation_id"]))
        assert row.line.partition(b',"content":')[2][:-1] in raw
    shown = annotell.read("v1_annotations_by_uuids.json")["data"]
    assert sum(len(exported) for exported in shown.values()) == len(rows)
    assert driver.asked == []


def test_inputs_are_asked_for_in_chunks_of_a_hundred_and_urls_that_any_server_takes() -> None:
    driver = Driver(exports)
    assert len(rows_of(driver.pulled(selected(input_uuids=tuple(UUIDS))))) == 250
    assert [asked.count("%2C") + 1 for asked in driver.asked] == [100, 100, 50]
    assert max(len(BASE) + len(asked) - len("GET ") for asked in driver.asked) < 4_000
    long = tuple(f"{number:03}" + "ä" * 100 for number in range(20))
    driver = Driver(lambda _: ok({"data": {}}))
    driver.pulled(selected(input_uuids=long))
    assert max(len(BASE) + len(asked) - len("GET ") for asked in driver.asked) < 4_000


@pytest.mark.parametrize("base_bytes", [20, 64, 300])
@pytest.mark.parametrize("name", ["x", "ä"])
def test_a_url_holds_as_many_inputs_as_there_is_room_for(name: str, base_bytes: int) -> None:
    base = "http://" + "h" * (base_bytes - 7)
    asks, uuids = Asks(base), [f"{number:03}" + name * 60 for number in range(80)]
    asked, more = (
        asks.exports_of(uuids[:count])
        for count in (len(asks.chunk(uuids)), len(asks.chunk(uuids)) + 1)
    )
    assert isinstance(asked, Ask)
    assert isinstance(more, Ask)
    assert len(base + asked.request.path) <= 4_000 < len(base + more.request.path) + len("%2C")


def test_no_inputs_ask_for_nothing_as_no_uuids_would_ask_for_everything() -> None:
    def nothing_created(request: Request) -> Reply:
        assert request.path.startswith("/v1/inputs?")
        return ok({"data": [{"internalId": DECF, "status": "processing"}]})

    driver = Driver(nothing_created)
    assert driver.pulled(selected(project="project-a", input_statuses=("created",))) == []
    assert len(driver.asked) == 1


def test_annotations_that_come_without_an_id_are_not_taken_for_one() -> None:
    content = [
        {"exportContent": {"n": 1}},
        {"exportContent": {"n": 2}},
        {"annotationId": 7, "exportContent": 3},
    ]
    rows = rows_of(
        Driver(lambda _: ok({"data": {DECF: content}})).pulled(selected(input_uuids=(DECF,)))
    )
    assert [json.loads(row.line)["content"] for row in rows] == [{"n": 1}, {"n": 2}, 3]


@pytest.mark.parametrize("data", [{"data": {}}, {"data": {DECF: []}}, []])
def test_inputs_without_annotations_are_no_problem_however_they_are_shown(data: Any) -> None:
    if data == []:
        data = {"data": {FIVE_DA4: [], DECF: []}}
    ((_, found),) = Driver(lambda _: ok(data)).pulled(selected(input_uuids=(DECF, FIVE_DA4)))
    assert (found.rows, found.problems) == ([], [])


def test_one_input_that_the_service_refuses_is_found_by_halving_and_the_others_come() -> None:
    def answer(request: Request) -> Reply:
        return (
            Reply(400, b'{"message":"no such input"}')
            if UUIDS[17] in request.path
            else exports(request)
        )

    driver = Driver(answer)
    done = driver.pulled(selected(input_uuids=tuple(UUIDS[:64])))
    assert len(rows_of(done)) == 63
    assert [(problem.what, problem.reason) for problem in problems_of(done)] == [
        (f"input {UUIDS[17]}", "HTTP 400: no such input")
    ]
    assert len(driver.asked) <= 1 + 2 * 6


def test_what_the_service_does_not_serve_is_not_asked_for_again_and_again() -> None:
    driver = Driver(lambda _: Reply(410, b""))
    assert len(problems_of(driver.pulled(selected(input_uuids=tuple(UUIDS[:64]))))) == 64
    assert len(driver.asked) == 1


def test_a_pull_by_ids_goes_on_behind_the_last_id_whatever_has_come_and_gone() -> None:
    first = Driver(exports).pulled(selected(input_uuids=tuple(UUIDS)), stop_behind=1)
    left = tuple(uuid for uuid in UUIDS if uuid != UUIDS[99])  # the very one
    rest = Driver(exports).pulled(selected(input_uuids=left), first[0][0].cursor)
    assert [row.key[0] for row in rows_of(first) + rows_of(rest)] == UUIDS


def test_uuids_that_were_given_twice_are_asked_for_once() -> None:
    assert len(rows_of(Driver(exports).pulled(selected(input_uuids=(DECF, DECF))))) == 1


def test_an_input_and_a_type_are_asked_for_by_themselves() -> None:
    driver = Driver(from_fixtures)
    done = driver.pulled(selected(input_uuids=(DECF,), annotation_types=("signs", "od")))
    (row,) = rows_of(done)
    raw = (annotell.FIXTURES / "v1_annotation_single.json").read_bytes()
    assert row.key == (DECF, "signs")
    assert row.line.partition(b',"content":')[2][:-1] in raw
    assert (
        json.loads(row.line)["content"]
        == annotell.read("v1_annotation_single.json")["data"]["content"]
    )
    assert [(problem.what, problem.reason) for problem in problems_of(done)] == [
        (f"input {DECF}, type od", "HTTP 404: Not found")
    ]
    assert driver.at_once == [2]


# --- the guide's use case -------------------------------------------------------------


def test_the_created_inputs_of_a_project_by_their_uuids_as_in_version_1_0() -> None:
    def answer(request: Request) -> Reply:
        return from_fixtures(request) if request.path.startswith("/v1/inputs") else exports(request)

    driver = Driver(answer)
    rows = rows_of(driver.pulled(selected(project="project-a", input_statuses=("created",))))
    assert driver.asked == [
        "GET /v1/inputs?project=project-a&invalidated=False",
        f"GET /v1/annotations?inputs={DECF}",
    ]
    assert [row.key[0] for row in rows] == [DECF]


def test_the_created_inputs_of_a_project_by_type() -> None:
    driver = Driver(from_fixtures)
    done = driver.pulled(
        selected(
            project="project-a", annotation_types=("signs",), input_statuses=("created", "pending")
        )
    )
    created = [
        one["internalId"]
        for one in annotell.read("v1_inputs.json")["data"]
        if one["status"] in ("created", "pending")
    ]
    assert [row.key[0] for row in rows_of(done)] == created
    assert driver.asked.count("GET /v1/inputs?project=project-a&invalidated=False") == 1
    assert len([asked for asked in driver.asked if STORAGE in asked]) == len(created)


def test_kognics_inputs_come_by_pages_and_their_annotations_by_type() -> None:
    driver = Driver(from_fixtures)
    selection = DocumentSelection(
        project="project-a", annotation_types=("signs",), input_statuses=("created",)
    )
    rows = rows_of(driver.pulled(listing(selection, "kognic", KOGNIC)))
    assert driver.asked[:2] == ["POST /v1/inputs/fetch", "POST /v1/inputs/fetch?cursorId=77"]
    assert len(rows) == 3


# --- Kognic's second API --------------------------------------------------------------


def kognic(path: str) -> Reply:
    """The fixtures, wherever their host is."""
    return from_fixtures(
        Request("GET", path.removeprefix("https://annotation-integration.app.kognic.com"))
    )


def test_the_annotation_of_a_request_input_of_a_scene_and_by_its_id() -> None:
    for selection, asked, count in (
        (DocumentSelection(input_uuids=(FIVE_DA4,)), f"/v2/inputs/{FIVE_DA4}/annotation", 1),
        (DocumentSelection(scene_uuids=(DECF,)), f"/v2/scenes/{DECF}/annotations", 2),
        (
            DocumentSelection(annotation_ids=("63698712-b18e-426b-9ad5-1b178cc29838",)),
            "https://annotation-integration.app.kognic.com/v1/annotations/63698712-b18e-426b-9ad5-1b178cc29838",
            1,
        ),
    ):
        driver = Driver(lambda request: kognic(request.path))
        rows = rows_of(driver.pulled(listing(selection, "kognic", KOGNIC)))
        assert driver.asked[0] == f"GET {asked}"
        assert len(rows) == count
        line = json.loads(rows[0].line)
        assert (line["input_uuid"], line["annotation_type"]) == (FIVE_DA4, None)
        assert line["annotation_id"] == "63698712-b18e-426b-9ad5-1b178cc29838"


@pytest.mark.parametrize(
    ("selection", "query"),
    [
        (DocumentSelection(input_uuids=("a",), iso_cuboids=True), "?useDefaultCartesian=true"),
        (DocumentSelection(scene_uuids=("a",), iso_cuboids=True), "?useDefaultCartesian=true"),
        (DocumentSelection(annotation_ids=("a",), iso_cuboids=True), "?isoBoxes=true"),
        (
            DocumentSelection(input_uuids=("a",), annotation_types=("t",), iso_cuboids=True),
            "?useDefaultCartesian=true",
        ),
    ],
)
def test_iso_cuboids_are_asked_for_as_each_address_has_it(
    selection: DocumentSelection, query: str
) -> None:
    driver = Driver(lambda _: Reply(404, b""))
    done = driver.pulled(listing(selection, "kognic", KOGNIC))
    assert driver.asked[0].endswith(query)
    assert len(problems_of(done)) == 1


def test_annotations_of_a_scene_that_are_of_one_input_all_come_even_if_their_urls_expire() -> None:
    """The list names neither type nor id: only their documents tell them apart."""
    signature = 0

    def answer(request: Request) -> Reply:
        nonlocal signature
        if request.path.startswith(STORAGE):
            name, _, signed = request.path.removeprefix(STORAGE).strip("/").partition("?")
            return (
                ok({"openlabel": {"metadata": {"uuid": name}}})
                if signed == "2"
                else Reply(400, b"")
            )
        signature += 1
        shown = [name if signature == 1 else {"a": "b", "b": "a"}[name] for name in ("a", "b", "a")]
        same = {"inputUuid": "i", "sceneUuid": "s", "requestUid": "r", "created": "t"}
        return ok({"data": [{**same, "uri": f"{STORAGE}/{name}?{signature}"} for name in shown]})

    done = Driver(answer).pulled(listing(DocumentSelection(scene_uuids=("s",)), "kognic", KOGNIC))
    assert sorted(json.loads(row.line)["annotation_id"] for row in rows_of(done)) == ["a", "b"]
    assert sorted(row.key for row in rows_of(done)) == [("i", "a"), ("i", "b")]
    assert (problems_of(done), done[0][1].duplicates) == ([], 1)


def test_an_expired_url_of_an_id_is_asked_for_anew_by_the_id() -> None:
    listed = 0

    def answer(request: Request) -> Reply:
        nonlocal listed
        if request.path.startswith(STORAGE):
            return Reply(400, b"") if "first" in request.path else ok({"openlabel": {}})
        listed += 1
        address = f"{STORAGE}x.json?{'first' if listed == 1 else 'second'}"
        return ok(
            {
                "data": {
                    "inputUuid": "a",
                    "sceneUuid": "s",
                    "requestUid": "r",
                    "created": "t",
                    "uri": address,
                }
            }
        )

    done = Driver(answer).pulled(listing(DocumentSelection(input_uuids=("a",)), "kognic", KOGNIC))
    assert (len(rows_of(done)), problems_of(done), listed) == (1, [], 2)
    listed = -5
    done = Driver(
        lambda request: answer(Request("GET", request.path.replace("second", "first")))
    ).pulled(listing(DocumentSelection(input_uuids=("a",)), "kognic", KOGNIC))
    assert [problem.what for problem in problems_of(done)] == ["input a"]


def test_what_was_completed_last_of_each_input_of_a_request() -> None:
    def answer(request: Request) -> Reply:
        path = request.path.removeprefix("https://order-execution.app.kognic.com")
        if path != request.path:
            cursor = "cursorId=c2" in path
            return ok(annotell.read(f"v2_request_inputs_page{'2_last' if cursor else '1'}.json"))
        return kognic(path)

    driver = Driver(answer)
    rows = rows_of(driver.pulled(listing(DocumentSelection(request_id="r/1"), "kognic", KOGNIC)))
    host = "https://order-execution.app.kognic.com/v2/request-inputs"
    assert driver.asked[:2] == [
        f"GET {host}?requestId=r%2F1",
        f"GET {host}?cursorId=c2&requestId=r%2F1",
    ]
    assert len(rows) == 1


def untyped(request: Request) -> Reply:
    """A project without annotation types: three request inputs, of which one has an
    annotation, and two scenes are known.
    """
    if request.path.endswith("/annotation-types"):
        return ok({"data": []})
    if request.path.startswith("/v2/scenes/query"):
        wanted = json.loads(request.body or b"")["sceneUuids"]
        known = {DECF: "created", "0edb8f59-a8ea-4c9b-aebb-a3caaa6f2ba3": "failed"}
        missing = Reply(404, b'{"message":"Not found"}')
        return (
            ok({"data": [{"uuid": uuid, "status": known[uuid]} for uuid in wanted]})
            if set(wanted) <= known.keys()
            else missing
        )
    return from_fixtures(request)


def test_a_kognic_project_without_types_is_read_by_its_request_inputs_annotated_or_not() -> None:
    driver = Driver(untyped)
    done = driver.pulled(listing(DocumentSelection(project="project-a"), "kognic", KOGNIC))
    assert driver.asked[1:3] == [
        "POST /v2/inputs/query",
        "POST /v2/inputs/query?cursorId=b2Zmc2V0OjI",
    ]
    assert [row.key[0] for row in rows_of(done)] == [FIVE_DA4]
    assert problems_of(done) == []


def test_there_the_status_is_that_of_the_scenes_and_a_missing_one_hides_no_other() -> None:
    driver = Driver(untyped)
    done = driver.pulled(
        listing(
            DocumentSelection(project="project-a", input_statuses=("created",)), "kognic", KOGNIC
        )
    )
    assert [row.key[0] for row in rows_of(done)] == [FIVE_DA4]
    assert len([asked for asked in driver.asked if asked.endswith("/annotation")]) == 1
    assert driver.asked.count("POST /v2/scenes/query") > 1


def test_inputs_that_cannot_be_listed_end_the_pull() -> None:
    with pytest.raises(Stopped, match="the inputs of project p: HTTP 404"):
        Driver(lambda _: Reply(404, b"")).pulled(selected(project="p", input_statuses=("created",)))


# --- hosts, and selections that mean nothing ------------------------------------------


def test_kognics_other_hosts_stand_beside_the_first_and_any_other_host_serves_all() -> None:
    assert neighbours(KOGNIC) == {
        "https://annotation-integration.app.kognic.com",
        "https://order-execution.app.kognic.com",
    }
    assert neighbours("http://127.0.0.1:8080") == frozenset()
    driver = Driver(lambda _: Reply(404, b""))
    driver.pulled(
        listing(DocumentSelection(annotation_ids=("a",)), "kognic", "http://127.0.0.1:8080")
    )
    assert driver.asked == ["GET /v1/annotations/a"]


@pytest.mark.parametrize(
    ("flavour", "selection", "why"),
    [
        ("annotell", DocumentSelection(), "nothing selected"),
        (
            "annotell",
            DocumentSelection(project="p", input_uuids=("a",)),
            "project and input_uuids selected",
        ),
        ("annotell", DocumentSelection(input_uuids=("a",), batch="b"), "name the project"),
        ("annotell", DocumentSelection(batch="b"), "a batch or an input status needs a project"),
        (
            "annotell",
            DocumentSelection(input_uuids=("a",), input_statuses=("created",)),
            "name the project",
        ),
        ("annotell", DocumentSelection(scene_uuids=("a",)), "flavour"),
        ("annotell", DocumentSelection(project="p", iso_cuboids=True), "flavour"),
        (
            "kognic",
            DocumentSelection(scene_uuids=("a",), annotation_types=("t",)),
            "annotation types need a project",
        ),
        (
            "annotell",
            DocumentSelection(input_uuids=FIVE_DA4),
            "input_uuids is '5da4f44b.*it must be a tuple of ids",
        ),
        (
            "annotell",
            DocumentSelection(input_uuids=("a", "")),
            "input_uuids is .*each a string that is not empty",
        ),
        (
            "annotell",
            DocumentSelection(project="p", annotation_types="signs"),
            "annotation_types is 'signs'",
        ),
        (
            "annotell",
            DocumentSelection(input_uuids=("a", ".."), annotation_types=("t",)),
            "input_uuids: the path of a URL cannot hold '..'",
        ),
        (
            "kognic",
            DocumentSelection(input_uuids=("a", "..")),
            "input_uuids: the path of a URL cannot hold '..'",
        ),
        (
            "annotell",
            DocumentSelection(project="a/.."),
            "project: the path of a URL cannot hold 'a/..'",
        ),
        (
            "annotell",
            DocumentSelection(project="p", annotation_types=("signs", "..")),
            "annotation_types: the path of a URL cannot hold '..'",
        ),
    ],
)
def test_a_selection_that_means_nothing_says_what_to_give(
    flavour: Any, selection: DocumentSelection, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        listing(selection, flavour, BASE)


def inputs_of_project(answer: Callable[[Request], Reply]) -> object:
    """A pull of the created inputs of a Kognic project without types: its inputs are
    listed by pages first.
    """
    return Driver(answer).pulled(
        listing(DocumentSelection(project="p", input_statuses=("created",)), "kognic", KOGNIC)
    )


def test_inputs_whose_pages_lead_in_circles_stop_the_pull() -> None:
    def circles(request: Request) -> Reply:
        if request.path.endswith("/annotation-types"):
            return ok({"data": []})
        return ok({"data": [{"uuid": "u", "sceneUuid": "s"}], "metadata": {"nextCursorId": 7}})

    with pytest.raises(Stopped, match="7"):
        inputs_of_project(circles)


def test_inputs_that_never_stop_changing_stop_the_pull_and_say_so() -> None:
    numbers = iter(range(10**6))

    def changing(request: Request) -> Reply:
        if request.path.endswith("/annotation-types"):
            return ok({"data": []})
        following = None if "cursorId" in request.path else 1
        return ok(
            {
                "data": [{"uuid": f"u-{next(numbers)}", "sceneUuid": "s"}],
                "metadata": {"nextCursorId": following},
            }
        )

    with pytest.raises(Stopped, match="kept changing"):
        inputs_of_project(changing)


def test_an_id_that_makes_a_url_longer_than_servers_take_is_told_and_the_others_come() -> None:
    driver = Driver(from_fixtures)
    done = driver.pulled(selected(input_uuids=("u" * 9_000, DECF), annotation_types=("signs",)))
    assert [row.key for row in rows_of(done)] == [(DECF, "signs")]
    assert ["servers take" in problem.reason for problem in problems_of(done)] == [True]
    assert len(driver.asked) == 1


def test_an_id_with_a_comma_is_told_where_it_would_stand_for_two_and_the_others_come() -> None:
    done = Driver(exports).pulled(selected(input_uuids=(UUIDS[0], "a,b", UUIDS[1])))
    assert sorted(row.key[0] for row in rows_of(done)) == UUIDS[:2]
    assert ["name an annotation type" in problem.reason for problem in problems_of(done)] == [True]
