"""What the official client sees of the service, as the protos, the guide and the wire facts have it.

A check takes the client of an empty app, called `client`, or of an app that holds `MADE_BY_A_MODEL`, called `loaded`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from clarifai_grpc.grpc.api.resources_pb2 import (
    Annotation,
    BoundingBox,
    Concept,
    Data,
    DatasetInput,
    Filter,
    Frame,
    FrameInfo,
    Image,
    Input,
    Mask,
    Query,
    Region,
    RegionInfo,
    Search,
    TimeRange,
)
from clarifai_grpc.grpc.api.service_pb2 import Pagination
from clarifai_grpc.grpc.api.status.status_pb2 import Status
from google.protobuf.timestamp_pb2 import Timestamp

from tests.emulator.official import Client

Check = Callable[[Client], None]
NINE_DIGITS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
MADE_BY_A_MODEL: list[dict[str, Any]] = [
    {"id": "by-alice", "input_id": "i1", "data": {"concepts": [{"id": "tree", "value": 1}]}},
    {"id": "by-bob", "input_id": "i1", "user_id": "bob"},
    {"id": "by-model-1", "input_id": "i1", "model_version_id": "mv-1"},
    {"id": "by-model-2", "input_id": "i2", "worker": {"model": {"model_version": {"id": "mv-2"}}}},
    {"id": "by-workflow", "input_id": "i2", "worker": {"workflow": {"version": {"id": "wf-1"}}}},
    {"id": "level", "input_id": "i2", "input_level": True, "data": {"text": {"raw": "hello"}}},
]


def concepts(*values: tuple[str, float]) -> Data:
    return Data(concepts=[Concept(id=id, value=value) for id, value in values])


def boxed(id: str = "", *values: tuple[str, float], box: tuple[float, float, float, float] = (0, 0, 0.5, 0.5)) -> Data:
    top, left, bottom, right = box
    where = RegionInfo(bounding_box=BoundingBox(top_row=top, left_col=left, bottom_row=bottom, right_col=right))
    return Data(regions=[Region(id=id, region_info=where, data=concepts(*values))])


def post(client: Client, *annotations: Annotation) -> Any:
    answer = client("PostAnnotations", annotations=annotations)
    assert answer.status.code == 10000, answer.status
    return answer


def ids(answer: Any) -> list[str]:
    assert answer.status.code == 10000, answer.status
    return [annotation.id for annotation in answer.annotations]


def held(client: Client, id: str, input_id: str = "i1") -> Any:
    answer = client("GetAnnotation", input_id=input_id, annotation_id=id)
    assert answer.status.code == 10000, answer.status
    return answer.annotation


def values(data: Any) -> list[tuple[str, float]]:
    return [(concept.id, concept.value) for concept in data.concepts]


# --- posting ------------------------------------------------------------------------------------------------------


def check_a_post_without_id_gets_one_with_owner_times_and_status(client: Client) -> None:
    (annotation,) = post(client, Annotation(input_id="i1", data=concepts(("tree", 1), ("water", 0)))).annotations
    assert re.fullmatch("[0-9a-f]{32}", annotation.id)
    assert (annotation.status.code, annotation.user_id, annotation.worker.user.id) == (24150, "alice", "alice")
    assert annotation.trusted
    assert values(annotation.data) == [("tree", 1.0), ("water", 0.0)]
    assert [(concept.name, concept.app_id) for concept in annotation.data.concepts] == [("tree", "animals"), ("water", "animals")]
    assert held(client, annotation.id) == annotation


def check_times_have_nine_digits(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"))
    shown = client.raw["annotations"][0]
    assert NINE_DIGITS.fullmatch(shown["created_at"])
    assert NINE_DIGITS.fullmatch(shown["modified_at"])


def check_codes_are_integers(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"))
    assert client.raw["status"]["code"] == 10000
    assert client.raw["annotations"][0]["status"]["code"] == 24150


def check_a_concept_without_value_is_there_and_one_with_zero_is_not(client: Client) -> None:
    """Over HTTP a missing value is 1 (wire 3.2); the official client writes all out, curl need not."""
    sent = {"annotations": [{"id": "a", "input_id": "i1", "data": {"concepts": [{"id": "tree"}, {"id": "water", "value": 0}]}}]}
    shown = client.send("POST", "/annotations", sent)["annotations"][0]["data"]["concepts"]
    assert [concept.get("value") for concept in shown] == [1, 0]


def check_a_missing_coordinate_is_zero_and_shown(client: Client) -> None:
    """The official client leaves zeros out of what it sends, and wants them back."""
    post(client, Annotation(id="a", input_id="i1", data=boxed()))
    box = client.raw["annotations"][0]["data"]["regions"][0]["region_info"]["bounding_box"]
    assert box == {"top_row": 0, "left_col": 0, "bottom_row": 0.5, "right_col": 0.5}


def check_a_region_without_id_gets_one(client: Client) -> None:
    (annotation,) = post(client, Annotation(id="a", input_id="i1", data=boxed())).annotations
    assert re.fullmatch("[0-9a-f]{32}", annotation.data.regions[0].id)


def check_times_of_frames_are_texts(client: Client) -> None:
    frame = Frame(frame_info=FrameInfo(time=1500, number=45), data=boxed("r", ("car", 1)))
    (annotation,) = post(client, Annotation(id="a", input_id="v1", data=Data(frames=[frame]))).annotations
    assert annotation.data.frames[0].frame_info.time == 1500
    assert client.raw["annotations"][0]["data"]["frames"][0]["frame_info"] == {"index": 0, "time": "1500", "number": 45}


def check_masks_come_back_byte_for_byte(client: Client) -> None:
    picture = bytes(range(256))
    mask = Region(region_info=RegionInfo(mask=Mask(image=Image(base64=picture))))
    (annotation,) = post(client, Annotation(id="a", input_id="i1", data=Data(regions=[mask]))).annotations
    assert annotation.data.regions[0].region_info.mask.image.base64 == picture


def check_coordinates_are_float32(client: Client) -> None:
    shown = client.send(
        "POST",
        "/annotations",
        {"annotations": [{"id": "a", "input_id": "i1", "data": {"geo": {"geo_point": {"longitude": 0.123456789, "latitude": 0.1}}}}]},
    )["annotations"][0]
    assert shown["data"]["geo"]["geo_point"] == {"longitude": 0.12345679, "latitude": 0.1}


def check_an_id_that_exists_is_refused_and_what_is_there_stays(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1))))
    again = client("PostAnnotations", annotations=[Annotation(id="a", input_id="i1", data=concepts(("water", 1)))])
    assert (again.status.code, client.http_status, client.raw.get("annotations")) == (40010, 400, [])
    assert values(held(client, "a").data) == [("tree", 1.0)]
    twice = client("PostAnnotations", annotations=[Annotation(id="b", input_id="i1"), Annotation(id="b", input_id="i1")])
    assert twice.status.code == 40010


def check_a_bad_item_fails_alone(client: Client) -> None:
    two = Data(regions=[Region(id="1"), Region(id="2")])
    answer = client("PostAnnotations", annotations=[Annotation(id="good", input_id="i1"), Annotation(id="bad", input_id="i1", data=two)])
    assert (answer.status.code, client.http_status) == (10010, 200)
    assert [(item.id, item.status.code) for item in answer.annotations] == [("good", 24150), ("bad", 24155)]
    alone = client("PostAnnotations", annotations=[Annotation(id="bad", input_id="i1", data=two)])
    assert (alone.status.code, client.http_status, alone.annotations[0].status.code) == (10020, 400, 24155)


def check_a_request_holds_1_to_128_annotations(client: Client) -> None:
    many = [Annotation(id=f"a{number}", input_id="i1") for number in range(129)]
    for batch in ([], many):
        answer = client("PostAnnotations", annotations=batch)
        assert (answer.status.code, client.http_status) == (11102, 400)
    assert len(post(client, *many[:128]).annotations) == 128


def check_an_annotation_can_be_assigned_to_another_user(client: Client) -> None:
    pending = Annotation(id="a", input_id="i1", user_id="bob", status=Status(code=24151))
    (annotation,) = post(client, pending).annotations
    assert (annotation.user_id, annotation.worker.user.id, annotation.status.code) == ("bob", "bob", 24151)
    assert annotation.status.description == "Annotation pending"


def check_camel_case_and_numeric_texts_are_taken(client: Client) -> None:
    sent = {"annotations": [{"id": "a", "inputId": "v1", "status": {"code": "24151"}, "data": {"frames": [{"frameInfo": {"time": 7}}]}}]}
    shown = client.send("POST", "/annotations", sent)["annotations"][0]
    assert (shown["input_id"], shown["status"]["code"]) == ("v1", 24151)
    assert shown["data"]["frames"][0]["frame_info"]["time"] == "7"


def check_a_body_that_is_not_its_message_is_refused(client: Client) -> None:
    for bad in ({"annotations": {}}, {"annotations": [{"input_id": 7}]}, {"annotations": [{"status": {"code": "NO_SUCH"}}]}, []):
        assert client.send("POST", "/annotations", bad)["status"]["code"] == 11100


# --- patching -----------------------------------------------------------------------------------------------------


def patch(client: Client, action: str, *annotations: Annotation, **fields: Any) -> Any:
    answer = client("PatchAnnotations", annotations=annotations, action=action, **fields)
    assert answer.status.code == 10000, answer.status
    return answer.annotations[0]


def check_merge_changes_and_adds_concepts(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1), ("water", 0))))
    before = held(client, "a")
    changed = patch(client, "merge", Annotation(id="a", input_id="i1", data=concepts(("water", 1), ("car", 0))))
    assert values(changed.data) == [("tree", 1.0), ("water", 1.0), ("car", 0.0)]
    assert held(client, "a") == changed
    assert changed.created_at == before.created_at
    assert changed.modified_at.ToNanoseconds() > before.modified_at.ToNanoseconds()


def check_merge_reaches_into_the_region_of_an_id(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=boxed("r", ("tree", 1))))
    inner = Data(regions=[Region(id="r", data=concepts(("car", 1)))])
    (region,) = patch(client, "merge", Annotation(id="a", input_id="i1", data=inner)).data.regions
    assert (region.id, region.region_info.bounding_box.bottom_row) == ("r", 0.5)
    assert values(region.data) == [("tree", 1.0), ("car", 1.0)]


def check_overwrite_replaces_all_data(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=Data(concepts=[Concept(id="gone", value=1)], regions=boxed("r").regions)))
    moved = boxed("r", ("tree", 1), box=(0.25, 0.25, 0.75, 0.75))
    changed = patch(client, "overwrite", Annotation(id="a", input_id="i1", data=moved))
    assert values(changed.data) == []
    (region,) = changed.data.regions
    assert (region.region_info.bounding_box.top_row, values(region.data)) == (0.25, [("tree", 1.0)])


def check_remove_takes_away_by_id(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1), ("water", 0))))
    changed = patch(client, "remove", Annotation(id="a", input_id="i1", data=concepts(("water", 0))))
    assert values(changed.data) == [("tree", 1.0)]


def check_remove_deletes_what_has_become_empty_where_that_is_asked_for(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1))), Annotation(id="b", input_id="i1", data=concepts(("x", 1))))
    patch(client, "remove", Annotation(id="a", input_id="i1", data=concepts(("tree", 1))))
    patch(client, "remove", Annotation(id="b", input_id="i1", data=concepts(("x", 1))), delete_if_empty_data=True)
    assert ids(client("ListAnnotations", input_ids=["i1"])) == ["a"]


def check_a_status_can_be_patched_alone(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", status=Status(code=24151), data=concepts(("tree", 1))))
    changed = patch(client, "merge", Annotation(id="a", input_id="i1", status=Status(code=24150)))
    assert (changed.status.code, changed.status.description) == (24150, "Annotation success")
    assert values(changed.data) == [("tree", 1.0)]


def check_a_patch_of_what_is_missing_fails_its_item(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"))
    both = [Annotation(id="a", input_id="i1", data=concepts(("x", 1))), Annotation(id="nope", input_id="i1")]
    answer = client("PatchAnnotations", annotations=both, action="merge")
    assert (answer.status.code, [item.status.code for item in answer.annotations]) == (10010, [24150, 11101])


def check_an_unknown_action_is_refused(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"))
    answer = client("PatchAnnotations", annotations=[Annotation(id="a", input_id="i1")], action="append")
    assert (answer.status.code, client.http_status) == (11102, 400)


def check_lists_without_ids_are_appended_to_and_empty_ones_replace(client: Client) -> None:
    """Metadata too; null changes nothing (wire 2.3)."""
    sent = {"id": "a", "input_id": "i1", "data": {"metadata": {"list": [1], "object": {"x": 1}, "kept": 1}}}
    client.send("POST", "/annotations", {"annotations": [sent]})
    changes = {"id": "a", "input_id": "i1", "data": {"metadata": {"list": [2], "object": {}, "kept": None}}}
    shown = client.send("PATCH", "/annotations", {"action": "merge", "annotations": [changes]})["annotations"][0]
    assert shown["data"]["metadata"] == {"list": [1, 2], "object": {}, "kept": 1}
    gone = {"id": "a", "input_id": "i1", "data": {"metadata": {"kept": True, "object": False}}}
    shown = client.send("PATCH", "/annotations", {"action": "remove", "annotations": [gone]})["annotations"][0]
    assert shown["data"]["metadata"] == {"list": [1, 2], "object": False}


def check_the_status_of_a_task_can_be_patched(client: Client) -> None:
    marked = [
        Annotation(id=f"a{n}", input_id="i1", task_id="t", user_id=user, status=Status(code=24151)) for n, user in enumerate(("bob", "eve"))
    ]
    post(client, *marked, Annotation(id="other", input_id="i1", status=Status(code=24151)))
    answer = client("PatchAnnotationsStatus", task_id="t", user_ids=["bob"], status_codes=[24151], status_code=24150, action="overwrite")
    assert (answer.status.code, answer.updated_count, list(answer.user_ids)) == (10000, 1, ["bob"])
    assert [held(client, id).status.code for id in ("a0", "a1", "other")] == [24150, 24151, 24151]


# --- reading ------------------------------------------------------------------------------------------------------


def check_the_six_lists_of_the_guide(loaded: Client) -> None:
    mine = ["by-alice", "by-bob", "level"]
    assert ids(loaded("ListAnnotations", page=1, per_page=10)) == mine
    assert len(ids(loaded("ListAnnotations", list_all_annotations=True, page=1, per_page=10))) == 6
    assert ids(loaded("ListAnnotations", input_ids=["i1"])) == ["by-alice", "by-bob"]
    pairs = loaded("ListAnnotations", input_ids=["i1", "i2", "i1"], ids=["by-model-1", "by-model-2", "not-there"])
    assert ids(pairs) == ["by-model-1", "by-model-2"]
    assert ids(loaded("ListAnnotations", user_ids=["bob"])) == ["by-bob"]
    assert ids(loaded("ListAnnotations", model_version_ids=["mv-1", "mv-2"])) == ["by-model-1", "by-model-2"]


def check_worker_filters_are_alternatives(loaded: Client) -> None:
    assert ids(loaded("ListAnnotations", user_ids=["bob"], model_version_ids=["mv-1"])) == ["by-bob", "by-model-1"]
    assert ids(loaded("ListAnnotations", workflow_version_ids=["wf-1"])) == ["by-workflow"]


def check_what_a_model_made_names_its_model_and_cannot_be_patched(loaded: Client) -> None:
    made = held(loaded, "by-model-1")
    assert (made.worker.model.model_version.id, made.model_version_id, made.user_id, made.trusted) == ("mv-1", "mv-1", "", False)
    answer = loaded("PatchAnnotations", annotations=[Annotation(id="by-model-1", input_id="i1")], action="merge")
    assert answer.annotations[0].status.code == 24156


def check_workers_are_listed_once(loaded: Client) -> None:
    answer = loaded("ListAnnotationWorkers")
    assert [worker.WhichOneof("worker") for worker in answer.workers] == ["user", "user", "model", "model", "workflow"]
    assert len(loaded("ListAnnotationWorkers", trusted_only=True).workers) == 2


def check_pages_hold_per_page_and_end_with_an_empty_one(client: Client) -> None:
    post(client, *[Annotation(id=f"a{number}", input_id="i1") for number in range(5)])
    pages = [ids(client("ListAnnotations", page=page, per_page=2)) for page in (1, 2, 3, 4)]
    assert pages == [["a0", "a1"], ["a2", "a3"], ["a4"], []]
    assert client.raw["annotations"] == []


def check_ids_need_as_many_input_ids(client: Client) -> None:
    answer = client("ListAnnotations", ids=["a", "b"], input_ids=["i1"])
    assert (answer.status.code, client.http_status, client.raw.get("annotations")) == (11102, 400, [])


def check_a_missing_annotation_is_not_found(client: Client) -> None:
    answer = client("GetAnnotation", input_id="i1", annotation_id="nope")
    assert (answer.status.code, client.http_status) == (11101, 404)
    assert "nope" in answer.status.details


def check_odd_ids_survive_the_query_string(client: Client) -> None:
    post(client, Annotation(id="a b&c=d", input_id="ü/1 +%"))
    assert ids(client("ListAnnotations", input_ids=["ü/1 +%"], ids=["a b&c=d"])) == ["a b&c=d"]


def check_tasks_and_statuses_filter(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", task_id="t"), Annotation(id="b", input_id="i1", status=Status(code=24151)))
    assert ids(client("ListAnnotations", task_id="t")) == ["a"]
    assert [row["id"] for row in client.send("GET", "/annotations?statuses.code=ANNOTATION_PENDING")["annotations"]] == ["b"]
    assert ids(client("ListAnnotations", statuses=[Status(code=24151)])) == ["a", "b"]  # it sends no code: wire 2.1


def check_a_search_finds_by_status_time_and_concept(client: Client) -> None:
    post(client, Annotation(id="old", input_id="i1", data=concepts(("tree", 1))))
    between = held(client, "old").modified_at
    post(client, Annotation(id="new", input_id="i2", status=Status(code=24151), data=concepts(("tree", 0))))

    def found(*filters: Filter) -> list[str]:
        answer = client("PostAnnotationsSearches", searches=[Search(query=Query(filters=filters))])
        assert answer.status.code == 10000
        assert [hit.input.id for hit in answer.hits] == [hit.annotation.input_id for hit in answer.hits]
        return [hit.annotation.id for hit in answer.hits]

    assert found(Filter(annotation=Annotation(status=Status(code=24151)))) == ["new"]
    assert found(Filter(annotation=Annotation(status=Status(code=24151)), negate=True)) == ["old"]
    assert found(Filter(annotation=Annotation(data=concepts(("tree", 1))))) == ["old"]
    assert found(Filter(last_updated_time_range=TimeRange(end_time=between))) == ["old"]  # its ends are included
    later = Timestamp()
    later.FromNanoseconds(between.ToNanoseconds() + 1)
    assert found(Filter(last_updated_time_range=TimeRange(start_time=later))) == ["new"]
    assert found() == ["old", "new"]
    page = client("PostAnnotationsSearches", searches=[Search(query=Query())], pagination=Pagination(page=2, per_page=1))
    assert [hit.annotation.id for hit in page.hits] == ["new"]


# --- deleting -----------------------------------------------------------------------------------------------------


def delete(client: Client, **fields: Any) -> None:
    answer = client("DeleteAnnotations", **fields)
    assert answer.status.code == 10000, answer.status


def check_one_is_deleted_and_once_more_is_no_error(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"), Annotation(id="b", input_id="i1"))
    for _ in range(2):
        assert client("DeleteAnnotation", input_id="i1", annotation_id="a").status.code == 10000
    assert ids(client("ListAnnotations", input_ids=["i1"])) == ["b"]


def check_pairs_are_deleted(client: Client) -> None:
    post(client, *[Annotation(id=id, input_id=input_id) for input_id in ("i1", "i2") for id in ("a", "b")])
    delete(client, ids=["a", "b"], input_ids=["i1", "i2"])
    left = client("ListAnnotations")
    assert [(row.input_id, row.id) for row in left.annotations] == [("i1", "b"), ("i2", "a")]
    answer = client("DeleteAnnotations", ids=["a", "b"], input_ids=["i1"])
    assert (answer.status.code, client.http_status) == (11102, 400)


def check_without_ids_all_of_the_inputs_go_but_the_input_level_ones(client: Client) -> None:
    client("PostInputs", inputs=[Input(id="i1", data=concepts(("train", 1)))])
    post(client, Annotation(id="a", input_id="i1"), Annotation(id="b", input_id="i2"), Annotation(id="c", input_id="i3"))
    delete(client, input_ids=["i1", "i2"])
    left = client("ListAnnotations").annotations
    assert [(row.input_id, row.input_level) for row in left] == [("i1", True), ("i3", False)]
    assert client("DeleteAnnotations").status.code == 11102


# --- inputs, concepts, datasets, codes ----------------------------------------------------------------------------


def check_an_input_comes_with_its_input_level_annotation(client: Client) -> None:
    answer = client("PostInputs", inputs=[Input(id="i1", data=concepts(("train", 1)), dataset_ids=["d"])])
    assert (answer.status.code, answer.inputs[0].status.code, list(answer.inputs[0].dataset_ids)) == (10000, 30001, ["d"])
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
    assert (answer.status.code, answer.inputs[0].status.details) == (10010, "Input has a duplicate ID.")
    suffixed = client("PostInputs", inputs=[Input(id="i1")], input_id_conflict_resolution=2)
    assert (suffixed.status.code, suffixed.inputs[0].id[:3]) == (10000, "i1-")


def check_inputs_are_listed_streamed_counted_searched_and_deleted(client: Client) -> None:
    client("PostInputs", inputs=[Input(id=f"i{number}", data=concepts(("even", 1 - number % 2))) for number in range(5)])
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
    assert [hit.input.id for hit in client("PostInputsSearches", searches=[even]).hits] == ["i0", "i2", "i4"]
    pending = Search(query=Query(filters=[Filter(annotation=Annotation(status=Status(code=24151)))]))
    assert [hit.input.id for hit in client("PostInputsSearches", searches=[pending]).hits] == ["i3"]
    assert client("DeleteInput", input_id="i0").status.code == 10000
    client("DeleteInputs", ids=["i3", "i4"])
    assert of(client("ListInputs")) == ["i1", "i2"]
    assert client("GetInput", input_id="i3").status.code == 11101
    assert ids(client("ListAnnotations", input_ids=["i3"])) == []


def check_concepts_come_with_annotations_and_by_themselves(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1))))
    assert client("PostConcepts", concepts=[Concept(id="car", name="Car")]).concepts[0].name == "Car"
    again = client("PostConcepts", concepts=[Concept(id="tree")])
    assert (again.status.code, "duplicate" in again.status.details) == (40003, True)
    assert client("PatchConcepts", concepts=[Concept(id="tree", name="Tree")], action="overwrite").concepts[0].name == "Tree"
    assert [concept.id for concept in client("ListConcepts").concepts] == ["tree", "car"]
    assert client("GetConcept", concept_id="tree").concept.name == "Tree"
    assert client("GetConcept", concept_id="nope").status.code == 11101
    query = client("PostConceptsSearches", concept_query={"name": "c*"})
    assert [concept.id for concept in query.concepts] == ["car"]


def check_datasets_hold_inputs(client: Client) -> None:
    client("PostInputs", inputs=[Input(id="i1", dataset_ids=["d"]), Input(id="i2")])
    client("PostDatasetInputs", dataset_id="d", dataset_inputs=[DatasetInput(input=Input(id="i2"))])
    assert [dataset.id for dataset in client("ListDatasets").datasets] == ["d"]
    assert [row.input.id for row in client("ListDatasetInputs", dataset_id="d").dataset_inputs] == ["i1", "i2"]
    assert client("GetDatasetInput", dataset_id="d", input_id="i2").dataset_input.input.id == "i2"
    client("DeleteDatasetInputs", dataset_id="d", input_ids=["i1"])
    assert [row.input.id for row in client("ListDatasetInputs", dataset_id="d").dataset_inputs] == ["i2"]
    assert client("ListDatasetInputs", dataset_id="nope").status.code == 11101


def check_status_codes_are_told(client: Client) -> None:
    assert client("GetStatusCode", status_code_id="24150").status.description == "Annotation success"
    assert 40010 in [status.code for status in client("ListStatusCodes").statuses]


def check_me_is_the_owner_of_the_token(client: Client) -> None:
    (annotation,) = post(Client(client.url, "me", "mine"), Annotation(id="a", input_id="i1")).annotations
    assert annotation.user_id not in ("", "me")
    assert ids(Client(client.url, annotation.user_id, "mine")("ListAnnotations", user_ids=["me"])) == ["a"]


def check_what_labels_do_not_need_says_so(client: Client) -> None:
    assert client("ListAnnotationTracks", input_id="i1").status.code == 10000
    assert client("PostTrackAnnotationsSearches", input_id="i1").status.code == 10000
    assert client("PostAnnotationTracks", input_id="i1").status.code == 10040


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]
LOADED = [check for check in CHECKS if "loaded" in check.__annotations__]
EMPTY = [check for check in CHECKS if "client" in check.__annotations__]
