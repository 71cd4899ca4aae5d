"""What a pull of Annotell or Kognic believes: which answers mean that something is not
there, and what all others are. No network.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncer.core.ports.pull import Found
from syncer.core.ports.wire import Reply, Request
from syncer.errors import Stopped
from syncer.remotes.annotell import DocumentSelection, listing
from tests.remotes.test_annotell_listing import STORAGE, Service, ok, selected
from tests.support.driving import Driver, NoAnswer, problems_of, rows_of

KOGNIC = "https://input.app.kognic.com"
NOT_FOUND = Reply(404, b'{"message":"Not found"}')
HOSTS = [
    Reply(404, b""),
    Reply(404, b"<html>404 Not Found</html>"),
    Reply(405, b""),
    Reply(410, b'{"message":"Gone"}'),
]
"""What a host says of an address that it does not know."""


class Untyped:
    """A Kognic project without annotation types: an input of each of these scenes, each
    with an annotation.
    """

    def __init__(self, scenes: dict[str, str]) -> None:
        """`scenes`: the status of each."""
        self.scenes = scenes
        self.missing: set[str] = set()
        self.refusal: Reply | None = NOT_FOUND
        """Of a query that names a scene which is missing; None where it is left out."""
        self.unannotated: dict[str, Reply] = {}

    def __call__(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        if request.path.startswith(STORAGE):
            return ok({"openlabel": {"metadata": {"uuid": path}}})
        if path.endswith("/annotation-types"):
            return ok({"data": []})
        if path == "/v2/inputs/query":
            return ok(
                {
                    "data": [
                        {"uuid": f"input-{scene}", "sceneUuid": scene} for scene in self.scenes
                    ],
                    "metadata": {},
                }
            )
        if path == "/v2/scenes/query":
            wanted = json.loads(request.body or b"")["sceneUuids"]
            if self.missing & set(wanted) and self.refusal is not None:
                return self.refusal
            return ok(
                {
                    "data": [
                        {"uuid": scene, "status": self.scenes[scene]}
                        for scene in wanted
                        if scene not in self.missing
                    ]
                }
            )
        uuid = path.split("/")[3]
        return self.unannotated.get(uuid) or ok(
            {"data": {"inputUuid": uuid, "created": "t", "uri": f"{STORAGE}{uuid}.json"}}
        )

    def created(self) -> list[tuple[Any, Found]]:
        """A pull of the inputs whose scenes are created."""
        return Driver(self).pulled(
            listing(DocumentSelection(project="p", input_statuses=("created",)), "kognic", KOGNIC)
        )


def many(count: int = 250) -> Untyped:
    return Untyped(
        {f"s-{number:03}": "created" if number % 2 else "processing" for number in range(count)}
    )


def test_a_scene_that_the_service_says_is_missing_has_no_status_and_the_others_have() -> None:
    service = many()
    service.missing = {"s-001", "s-002", "s-249"}
    done = service.created()
    assert sorted(row.key[0] for row in rows_of(done)) == [
        f"input-s-{number:03}" for number in range(3, 249, 2)
    ]
    assert problems_of(done) == []


@pytest.mark.parametrize("status", [400, 422])
def test_a_scene_that_is_refused_by_itself_leaves_its_input_unreadable_and_the_others_come(
    status: int,
) -> None:
    service = many()
    service.missing = {"s-001", "s-002"}
    service.refusal = Reply(status, b'{"message":"Validation failed"}')
    done = service.created()
    assert len(rows_of(done)) == 124
    assert sorted((problem.what, problem.reason) for problem in problems_of(done)) == [
        (
            f"input input-{scene}",
            f"the status of its scene {scene} is not known: HTTP {status}: Validation failed",
        )
        for scene in ("s-001", "s-002")
    ]


def test_a_scene_that_an_answer_leaves_out_is_not_taken_for_missing() -> None:
    service = many()
    service.missing = {"s-001"}
    service.refusal = None
    done = service.created()
    assert len(rows_of(done)) == 124
    assert [problem.reason for problem in problems_of(done)] == [
        "the status of its scene s-001 is not known: the answer leaves it out"
    ]


@pytest.mark.parametrize(
    "refusal",
    [
        *HOSTS,
        Reply(409, b'{"message":"Conflict"}'),
        Reply(400, b'{"message":"x"}'),
        Reply(413, b""),
        Reply(422, b""),
        NOT_FOUND,
    ],
)
def test_a_query_of_scenes_that_is_refused_whatever_it_asks_for_stops_the_pull(
    refusal: Reply,
) -> None:
    """Once, any refusal but a 404 was read as: no scene has that status; and the pull
    ended whole.
    """
    service = many()
    service.missing = set(service.scenes)
    service.refusal = refusal
    with pytest.raises(
        Stopped, match=rf"refused to list the scenes of project p: .*HTTP {refusal.status}"
    ):
        service.created()


def test_a_gateways_404_is_asked_again() -> None:
    service = many()
    service.missing = {"s-001"}
    service.refusal = Reply(404, b'{"code":5,"message":"Not Found","details":[]}')
    with pytest.raises(NoAnswer, match="a gateway's"):
        service.created()


@pytest.mark.parametrize("status", [413, 414, 431])
def test_a_query_of_scenes_that_is_too_long_is_halved(status: int) -> None:
    service = many()

    def short(request: Request) -> Reply:
        long = (
            request.path.startswith("/v2/scenes")
            and len(json.loads(request.body or b"")["sceneUuids"]) > 30
        )
        return Reply(status, b"") if long else service(request)

    done = Driver(short).pulled(
        listing(DocumentSelection(project="p", input_statuses=("created",)), "kognic", KOGNIC)
    )
    assert (len(rows_of(done)), problems_of(done)) == (125, [])


@pytest.mark.parametrize(("reply", "told"), [(NOT_FOUND, False), *((host, True) for host in HOSTS)])
def test_an_input_without_an_annotation_is_no_problem_only_where_the_service_says_so(
    reply: Reply, told: bool
) -> None:
    service = many(20)
    service.unannotated = {"input-s-003": reply}
    done = Driver(service).pulled(listing(DocumentSelection(project="p"), "kognic", KOGNIC))
    assert len(rows_of(done)) == 19
    assert [problem.what for problem in problems_of(done)] == (
        ["input input-s-003"] if told else []
    )


# --- inputs and their statuses --------------------------------------------------------


@pytest.mark.parametrize("known", [[], ["u-000", "u-001"]])
def test_an_annotation_whose_input_the_project_does_not_list_is_not_left_out_in_silence(
    known: list[str],
) -> None:
    """An empty list of inputs does not empty the pull."""
    service = Service(4)

    def answer(request: Request) -> Reply:
        if not request.path.startswith("/v1/inputs"):
            return service(request)
        return ok(
            {
                "data": [
                    {"internalId": uuid, "status": "created" if uuid == "u-000" else "failed"}
                    for uuid in known
                ]
            }
        )

    done = Driver(answer).pulled(
        selected(project="project-a", annotation_types=("signs",), input_statuses=("created",))
    )
    assert [row.key[0] for row in rows_of(done)] == [uuid for uuid in known if uuid == "u-000"]
    assert [problem.what for problem in problems_of(done)] == [
        f"input {uuid}, type signs" for uuid in service.ids if uuid not in known
    ]


def test_an_input_that_is_completed_without_an_annotation_is_told() -> None:
    def answer(request: Request) -> Reply:
        inputs = [
            {"id": "i-1", "status": "completed"},
            {"id": "i-2", "status": "in_progress", "lastCompletedAnnotationId": None},
        ]
        return ok({"data": inputs, "metadata": {}})

    done = Driver(answer).pulled(listing(DocumentSelection(request_id="r"), "kognic", KOGNIC))
    assert [(problem.what, problem.reason) for problem in problems_of(done)] == [
        ("annotation of input i-1", "it is completed, but the service names no annotation of it")
    ]


@pytest.mark.parametrize("reply", [NOT_FOUND, *HOSTS])
def test_an_annotation_that_an_input_names_as_completed_and_that_cannot_be_had_is_told(
    reply: Reply,
) -> None:
    """It stands on another host, which may not know the address."""

    def answer(request: Request) -> Reply:
        if "/v1/annotations/" in request.path:
            return reply
        return ok(
            {
                "data": [{"id": "i-1", "status": "completed", "lastCompletedAnnotationId": "a-1"}],
                "metadata": {},
            }
        )

    done = Driver(answer).pulled(listing(DocumentSelection(request_id="r"), "kognic", KOGNIC))
    assert [problem.what for problem in problems_of(done)] == ["annotation a-1"]


# --- pages where there are none -------------------------------------------------------

PAGED = {"metadata": {"nextCursorId": 2}}


@pytest.mark.parametrize(
    ("address", "data", "selection"),
    [
        ("/annotation-types", ["signs"], DocumentSelection(project="p")),
        (
            "/v1/inputs?",
            [{"internalId": "a", "status": "created"}],
            DocumentSelection(project="p", input_statuses=("created",)),
        ),
    ],
)
def test_a_list_that_names_a_next_page_where_there_are_no_pages_is_not_taken_for_whole(
    address: str, data: list[Any], selection: DocumentSelection
) -> None:
    def answer(request: Request) -> Reply:
        return ok({"data": data, **PAGED}) if address in request.path else Service(0)(request)

    with pytest.raises(Stopped, match=r"names a next page \(2\)"):
        Driver(answer).pulled(listing(selection, "annotell", KOGNIC))


@pytest.mark.parametrize(
    ("data", "selection"),
    [
        (
            [{"inputUuid": "i", "created": "t", "uri": f"{STORAGE}i.json"}],
            DocumentSelection(scene_uuids=("s",)),
        ),
        ({"a": [{"annotationId": 1, "exportContent": {}}]}, DocumentSelection(input_uuids=("a",))),
    ],
)
def test_annotations_that_name_a_next_page_where_there_are_no_pages_are_told(
    data: Any, selection: DocumentSelection
) -> None:
    flavour: Any = "kognic" if selection.scene_uuids else "annotell"
    done = Driver(lambda _: ok({"data": data, **PAGED})).pulled(listing(selection, flavour, KOGNIC))
    assert [problem.reason for problem in problems_of(done)] == [
        "the answer names a next page (2), where none was known to be"
    ]


# --- inputs by pages ------------------------------------------------------------------


def test_inputs_of_pages_that_shift_while_they_are_listed_are_read_until_two_passes_agree() -> None:
    """The cursor is a place in the list: what is taken out before it moves others."""
    inputs = [f"i-{number}" for number in range(9)]
    asked = 0

    def answer(request: Request) -> Reply:
        nonlocal asked
        url = urlsplit(request.path)
        if not request.path.startswith("/v1/inputs/fetch"):
            return Service(0)(request) if "project-a" in request.path else ok({"data": {}})
        asked += 1
        start = int(parse_qs(url.query).get("cursorId", ["0"])[0])
        rows = [{"internalId": uuid, "status": "created"} for uuid in inputs[start : start + 2]]
        reply = ok(
            {
                "data": rows,
                "metadata": {"nextCursorId": start + 2 if start + 2 < len(inputs) else None},
            }
        )
        if asked in (2, 7):
            del inputs[0]
        return reply

    service = Service(9)
    service.ids = [f"i-{number}" for number in range(9)]
    project = listing(
        DocumentSelection(
            project="project-a", annotation_types=("signs",), input_statuses=("created",)
        ),
        "kognic",
        KOGNIC,
    )
    done = Driver(
        lambda request: (
            answer(request) if request.path.startswith("/v1/inputs/fetch") else service(request)
        )
    ).pulled(project)
    assert {row.key[0] for row in rows_of(done)} >= set(inputs)
    assert problems_of(done) == []


# --- answers about something else -----------------------------------------------------


def test_annotations_of_inputs_that_were_not_asked_for_are_not_taken() -> None:
    """As if a proxy cut the query off, which then asks for all of the organisation."""
    everything = {
        uuid: [{"annotationId": number, "exportContent": {}}] for number, uuid in enumerate("abcd")
    }
    done = Driver(lambda _: ok({"data": everything})).pulled(selected(input_uuids=("a", "c")))
    assert [row.key[0] for row in rows_of(done)] == ["a", "c"]


def test_inputs_of_which_an_answer_about_others_says_nothing_are_told() -> None:
    """As if the service wrote their ids in another way: their annotations are there."""
    done = Driver(lambda _: ok({"data": {"a": [{"annotationId": 1, "exportContent": {}}]}})).pulled(
        selected(input_uuids=("A", "b"))
    )
    assert rows_of(done) == []
    assert [(problem.what, problem.reason) for problem in problems_of(done)] == [
        (f"input {uuid}", "the answer is about others, such as a") for uuid in ("A", "b")
    ]


def test_an_annotation_that_was_not_asked_for_is_a_problem() -> None:
    other = {"inputUuid": "b", "annotationType": "t", "created": "c", "content": {"openlabel": {}}}
    done = Driver(lambda _: ok({"data": other})).pulled(
        selected(input_uuids=("a",), annotation_types=("t",))
    )
    assert (rows_of(done), [problem.what for problem in problems_of(done)]) == (
        [],
        ["input a, type t"],
    )
