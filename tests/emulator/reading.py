"""What the official client sees of lists, searches, deletes, and of inputs, concepts
and datasets.
"""

from __future__ import annotations

from typing import Any

from clarifai_grpc.grpc.api.resources_pb2 import (
    Annotation,
    Concept,
    DatasetInput,
    Filter,
    Input,
    Query,
    Search,
    TimeRange,
)
from clarifai_grpc.grpc.api.service_pb2 import Pagination
from clarifai_grpc.grpc.api.status.status_pb2 import Status
from google.protobuf.timestamp_pb2 import Timestamp

from tests.emulator.official import Client
from tests.emulator.seen import concepts, delete, held, ids, patch, post, values

# --- reading --------------------------------------------------------------------------


def check_the_six_lists_of_the_guide(loaded: Client) -> None:
    mine = ["by-alice", "by-bob", "level"]
    assert ids(loaded("ListAnnotations", page=1, per_page=10)) == mine
    assert len(ids(loaded("ListAnnotations", list_all_annotations=True, page=1, per_page=10))) == 6
    assert ids(loaded("ListAnnotations", input_ids=["i1"])) == ["by-alice", "by-bob"]
    pairs = loaded(
        "ListAnnotations",
        input_ids=["i1", "i2", "i1"],
        ids=["by-model-1", "by-model-2", "not-there"],
    )
    assert ids(pairs) == ["by-model-1", "by-model-2"]
    assert ids(loaded("ListAnnotations", user_ids=["bob"])) == ["by-bob"]
    assert ids(loaded("ListAnnotations", model_version_ids=["mv-1", "mv-2"])) == [
        "by-model-1",
        "by-model-2",
    ]


def check_worker_filters_are_alternatives(loaded: Client) -> None:
    assert ids(loaded("ListAnnotations", user_ids=["bob"], model_version_ids=["mv-1"])) == [
        "by-bob",
        "by-model-1",
    ]
    assert ids(loaded("ListAnnotations", workflow_version_ids=["wf-1"])) == ["by-workflow"]


def check_what_a_model_made_names_its_model_and_cannot_be_patched(loaded: Client) -> None:
    made = held(loaded, "by-model-1")
    assert (
        made.worker.model.model_version.id,
        made.model_version_id,
        made.user_id,
        made.trusted,
    ) == ("mv-1", "mv-1", "", False)
    answer = loaded(
        "PatchAnnotations", annotations=[Annotation(id="by-model-1", input_id="i1")], action="merge"
    )
    assert answer.annotations[0].status.code == 24156


def check_workers_are_listed_once(loaded: Client) -> None:
    answer = loaded("ListAnnotationWorkers")
    assert [worker.WhichOneof("worker") for worker in answer.workers] == [
        "user",
        "user",
        "model",
        "model",
        "workflow",
    ]
    assert len(loaded("ListAnnotationWorkers", trusted_only=True).workers) == 2


def check_pages_hold_per_page_and_end_with_an_empty_one(client: Client) -> None:
    post(client, *[Annotation(id=f"a{number}", input_id="i1") for number in range(5)])
    pages = [ids(client("ListAnnotations", page=page, per_page=2)) for page in (1, 2, 3, 4)]
    assert pages == [["a0", "a1"], ["a2", "a3"], ["a4"], []]
    assert client.raw["annotations"] == []


def check_ids_need_as_many_input_ids(client: Client) -> None:
    answer = client("ListAnnotations", ids=["a", "b"], input_ids=["i1"])
    assert (answer.status.code, client.http_status, client.raw.get("annotations")) == (
        11102,
        400,
        [],
    )


def check_a_missing_annotation_is_not_found(client: Client) -> None:
    answer = client("GetAnnotation", input_id="i1", annotation_id="nope")
    assert (answer.status.code, client.http_status) == (11101, 404)
    assert "nope" in answer.status.details


def check_odd_ids_survive_the_query_string(client: Client) -> None:
    post(client, Annotation(id="a b&c=d", input_id="ü/1 +%"))
    assert ids(client("ListAnnotations", input_ids=["ü/1 +%"], ids=["a b&c=d"])) == ["a b&c=d"]


def check_tasks_and_statuses_filter(client: Client) -> None:
    post(
        client,
        Annotation(id="a", input_id="i1", task_id="t"),
        Annotation(id="b", input_id="i1", status=Status(code=24151)),
    )
    assert ids(client("ListAnnotations", task_id="t")) == ["a"]
    assert [
        row["id"]
        for row in client.send("GET", "/annotations?statuses.code=ANNOTATION_PENDING")[
            "annotations"
        ]
    ] == ["b"]
    # It sends no code: wire 2.1.
    assert ids(client("ListAnnotations", statuses=[Status(code=24151)])) == ["a", "b"]


def check_a_search_finds_by_status_time_and_concept(client: Client) -> None:
    post(client, Annotation(id="old", input_id="i1", data=concepts(("tree", 1))))
    between = held(client, "old").modified_at
    post(
        client,
        Annotation(id="new", input_id="i2", status=Status(code=24151), data=concepts(("tree", 0))),
    )

    def found(*filters: Filter) -> list[str]:
        answer = client("PostAnnotationsSearches", searches=[Search(query=Query(filters=filters))])
        assert answer.status.code == 10000
        assert [hit.input.id for hit in answer.hits] == [
            hit.annotation.input_id for hit in answer.hits
        ]
        return [hit.annotation.id for hit in answer.hits]

    assert found(Filter(annotation=Annotation(status=Status(code=24151)))) == ["new"]
    assert found(Filter(annotation=Annotation(status=Status(code=24151)), negate=True)) == ["old"]
    assert found(Filter(annotation=Annotation(data=concepts(("tree", 1))))) == ["old"]
    # Its ends are included.
    assert found(Filter(last_updated_time_range=TimeRange(end_time=between))) == ["old"]
    later = Timestamp()
    later.FromNanoseconds(between.ToNanoseconds() + 1)
    assert found(Filter(last_updated_time_range=TimeRange(start_time=later))) == ["new"]
    assert found() == ["old", "new"]
    page = client(
        "PostAnnotationsSearches",
        searches=[Search(query=Query())],
        pagination=Pagination(page=2, per_page=1),
    )
    assert [hit.annotation.id for hit in page.hits] == ["new"]


# --- deleting -------------------------------------------------------------------------


def check_one_is_deleted_and_once_more_is_no_error(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"), Annotation(id="b", input_id="i1"))
    for _ in range(2):
        assert client("DeleteAnnotation", input_id="i1", annotation_id="a").status.code == 10000
    assert ids(client("ListAnnotations", input_ids=["i1"])) == ["b"]


def check_pairs_are_deleted(client: Client) -> None:
    post(
        client,
        *[Annotation(id=id, input_id=input_id) for input_id in ("i1", "i2") for id in ("a", "b")],
    )
    delete(client, ids=["a", "b"], input_ids=["i1", "i2"])
    left = client("ListAnnotations")
    assert [(row.input_id, row.id) for row in left.annotations] == [("i1", "b"), ("i2", "a")]
    answer = client("DeleteAnnotations", ids=["a", "b"], input_ids=["i1"])
    assert (answer.status.code, client.http_status) == (11102, 400)


def check_without_ids_all_of_the_inputs_go_but_the_input_level_ones(client: Client) -> None:
    client("PostInputs", inputs=[Input(id="i1", data=concepts(("train", 1)))])
    post(
        client,
        Annotation(id="a", input_id="i1"),
        Annotation(id="b", input_id="i2"),
        Annotation(id="c", input_id="i3"),
    )
    delete(client, input_ids=["i1", "i2"])
    left = client("ListAnnotations").annotations
    assert [(row.input_id, row.input_level) for row in left] == [("i1", True), ("i3", False)]
    assert client("DeleteAnnotations").status.code == 11102


# --- inputs, concepts, datasets, codes ------------------------------------------------


def check_an_input_comes_with_its_input_level_annotation(client: Client) -> None:
    answer = client(
        "PostInputs", inputs=[Input(id="i1", data=concepts(("train", 1)), dataset_ids=["d"])]
    )
    assert (
        answer.status.code,
        answer.inputs[0].status.code,
        list(answer.inputs[0].dataset_ids),
    ) == (10000, 30001, ["d"])
    listed = client("ListAnnotations", input_ids=["i1"]).annotations
    assert [(row.input_level, values(row.data)) for row in listed] == [(True, [("train", 1.0)])]
    level = listed[0]
    patch(client, "merge", Annotation(id=level.id, input_id="i1", data=concepts(("boat", 0))))
    shown = client("GetInput", input_id="i1").input
    assert (shown.status.code, values(shown.data)) == (30000, [("train", 1.0), ("boat", 0.0)])
    client("PatchInputs", inputs=[Input(id="i1", data=concepts(("boat", 1)))], action="merge")
    assert values(held(client, level.id).data) == [("train", 1.0), ("boat", 1.0)]


def check_an_input_that_exists_is_an_error_of_its_item(client: Client) -> None:
    client("PostInputs", inputs=[Input(id="i1")])
    answer = client("PostInputs", inputs=[Input(id="i1"), Input(id="i2")])
    assert (answer.status.code, answer.inputs[0].status.details) == (
        10010,
        "Input has a duplicate ID.",
    )
    suffixed = client("PostInputs", inputs=[Input(id="i1")], input_id_conflict_resolution=2)
    assert (suffixed.status.code, suffixed.inputs[0].id[:3]) == (10000, "i1-")


def check_inputs_are_listed_streamed_counted_searched_and_deleted(client: Client) -> None:
    client(
        "PostInputs",
        inputs=[
            Input(id=f"i{number}", data=concepts(("even", 1 - number % 2))) for number in range(5)
        ],
    )
    post(client, Annotation(id="a", input_id="i3", status=Status(code=24151)))

    def of(answer: Any) -> list[str]:
        assert answer.status.code == 10000, answer.status
        return [item.id for item in answer.inputs]

    assert of(client("ListInputs", page=2, per_page=3)) == ["i3", "i4"]
    assert of(client("ListInputs", ids=["i4", "i0", "nope"])) == ["i4", "i0"]
    assert of(client("StreamInputs", per_page=2, last_id="i1")) == ["i2", "i3"]
    assert of(client("StreamInputs", per_page=2, order_by_id=True, descending=True)) == ["i4", "i3"]
    assert client("GetInputCount").counts.processed == 5
    even = Search(query=Query(filters=[Filter(input=Input(data=concepts(("even", 1))))]))
    assert [hit.input.id for hit in client("PostInputsSearches", searches=[even]).hits] == [
        "i0",
        "i2",
        "i4",
    ]
    pending = Search(
        query=Query(filters=[Filter(annotation=Annotation(status=Status(code=24151)))])
    )
    assert [hit.input.id for hit in client("PostInputsSearches", searches=[pending]).hits] == ["i3"]
    assert client("DeleteInput", input_id="i0").status.code == 10000
    client("DeleteInputs", ids=["i3", "i4"])
    assert of(client("ListInputs")) == ["i1", "i2"]
    assert client("GetInput", input_id="i3").status.code == 11101
    assert ids(client("ListAnnotations", input_ids=["i3"])) == []


def check_concepts_come_with_annotations_and_by_themselves(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1))))
    assert (
        client("PostConcepts", concepts=[Concept(id="car", name="Car")]).concepts[0].name == "Car"
    )
    again = client("PostConcepts", concepts=[Concept(id="tree")])
    assert (again.status.code, "duplicate" in again.status.details) == (40003, True)
    assert (
        client("PatchConcepts", concepts=[Concept(id="tree", name="Tree")], action="overwrite")
        .concepts[0]
        .name
        == "Tree"
    )
    assert [concept.id for concept in client("ListConcepts").concepts] == ["tree", "car"]
    assert client("GetConcept", concept_id="tree").concept.name == "Tree"
    assert client("GetConcept", concept_id="nope").status.code == 11101
    query = client("PostConceptsSearches", concept_query={"name": "c*"})
    assert [concept.id for concept in query.concepts] == ["car"]


def check_datasets_hold_inputs(client: Client) -> None:
    client("PostInputs", inputs=[Input(id="i1", dataset_ids=["d"]), Input(id="i2")])
    client("PostDatasetInputs", dataset_id="d", dataset_inputs=[DatasetInput(input=Input(id="i2"))])
    assert [dataset.id for dataset in client("ListDatasets").datasets] == ["d"]
    assert [row.input.id for row in client("ListDatasetInputs", dataset_id="d").dataset_inputs] == [
        "i1",
        "i2",
    ]
    assert client("GetDatasetInput", dataset_id="d", input_id="i2").dataset_input.input.id == "i2"
    client("DeleteDatasetInputs", dataset_id="d", input_ids=["i1"])
    assert [row.input.id for row in client("ListDatasetInputs", dataset_id="d").dataset_inputs] == [
        "i2"
    ]
    assert client("ListDatasetInputs", dataset_id="nope").status.code == 11101


def check_status_codes_are_told(client: Client) -> None:
    assert (
        client("GetStatusCode", status_code_id="24150").status.description == "Annotation success"
    )
    assert 40010 in [status.code for status in client("ListStatusCodes").statuses]


def check_me_is_the_owner_of_the_token(client: Client) -> None:
    (annotation,) = post(
        Client(client.url, "me", "mine"), Annotation(id="a", input_id="i1")
    ).annotations
    assert annotation.user_id not in ("", "me")
    assert ids(
        Client(client.url, annotation.user_id, "mine")("ListAnnotations", user_ids=["me"])
    ) == ["a"]


def check_the_user_of_a_token_is_told(client: Client) -> None:
    """Who that is, is also who made what this token posts."""
    mine = Client(client.url, "me", "mine")
    (annotation,) = post(mine, Annotation(id="b", input_id="i1")).annotations
    user = mine("GetUser").user
    assert (user.id, user.primary_email) == (annotation.user_id, "")


def check_what_labels_do_not_need_says_so(client: Client) -> None:
    assert client("ListAnnotationTracks", input_id="i1").status.code == 10000
    assert client("PostTrackAnnotationsSearches", input_id="i1").status.code == 10000
    assert client("PostAnnotationTracks", input_id="i1").status.code == 10040
