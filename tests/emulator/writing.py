"""What the official client sees of posts and patches, as the protos, the guide and the
wire facts have it.
"""

from __future__ import annotations

import re

from clarifai_grpc.grpc.api.resources_pb2 import (
    Annotation,
    Concept,
    Data,
    Frame,
    FrameInfo,
    Image,
    Mask,
    Region,
    RegionInfo,
)
from clarifai_grpc.grpc.api.status.status_pb2 import Status

from tests.emulator.official import Client
from tests.emulator.seen import NINE_DIGITS, boxed, concepts, held, ids, patch, post, values

# --- posting --------------------------------------------------------------------------


def check_a_post_without_id_gets_one_with_owner_times_and_status(client: Client) -> None:
    (annotation,) = post(
        client, Annotation(input_id="i1", data=concepts(("tree", 1), ("water", 0)))
    ).annotations
    assert re.fullmatch("[0-9a-f]{32}", annotation.id)
    assert (annotation.status.code, annotation.user_id, annotation.worker.user.id) == (
        24150,
        "alice",
        "alice",
    )
    assert annotation.trusted
    assert values(annotation.data) == [("tree", 1.0), ("water", 0.0)]
    assert [(concept.name, concept.app_id) for concept in annotation.data.concepts] == [
        ("tree", "animals"),
        ("water", "animals"),
    ]
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
    """Over HTTP a missing value is 1 (wire 3.2); the official client writes all out,
    curl need not.
    """
    sent = {
        "annotations": [
            {
                "id": "a",
                "input_id": "i1",
                "data": {"concepts": [{"id": "tree"}, {"id": "water", "value": 0}]},
            }
        ]
    }
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
    (annotation,) = post(
        client, Annotation(id="a", input_id="v1", data=Data(frames=[frame]))
    ).annotations
    assert annotation.data.frames[0].frame_info.time == 1500
    assert client.raw["annotations"][0]["data"]["frames"][0]["frame_info"] == {
        "index": 0,
        "time": "1500",
        "number": 45,
    }


def check_masks_come_back_byte_for_byte(client: Client) -> None:
    picture = bytes(range(256))
    mask = Region(region_info=RegionInfo(mask=Mask(image=Image(base64=picture))))
    (annotation,) = post(
        client, Annotation(id="a", input_id="i1", data=Data(regions=[mask]))
    ).annotations
    assert annotation.data.regions[0].region_info.mask.image.base64 == picture


def check_coordinates_are_float32(client: Client) -> None:
    shown = client.send(
        "POST",
        "/annotations",
        {
            "annotations": [
                {
                    "id": "a",
                    "input_id": "i1",
                    "data": {"geo": {"geo_point": {"longitude": 0.123456789, "latitude": 0.1}}},
                }
            ]
        },
    )["annotations"][0]
    assert shown["data"]["geo"]["geo_point"] == {"longitude": 0.12345679, "latitude": 0.1}


def check_an_id_that_exists_is_refused_and_what_is_there_stays(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1))))
    again = client(
        "PostAnnotations",
        annotations=[Annotation(id="a", input_id="i1", data=concepts(("water", 1)))],
    )
    assert (again.status.code, client.http_status, client.raw.get("annotations")) == (
        40010,
        400,
        [],
    )
    assert values(held(client, "a").data) == [("tree", 1.0)]
    twice = client(
        "PostAnnotations",
        annotations=[Annotation(id="b", input_id="i1"), Annotation(id="b", input_id="i1")],
    )
    assert twice.status.code == 40010


def check_a_bad_item_fails_alone(client: Client) -> None:
    two = Data(regions=[Region(id="1"), Region(id="2")])
    answer = client(
        "PostAnnotations",
        annotations=[
            Annotation(id="good", input_id="i1"),
            Annotation(id="bad", input_id="i1", data=two),
        ],
    )
    assert (answer.status.code, client.http_status) == (10010, 200)
    assert [(item.id, item.status.code) for item in answer.annotations] == [
        ("good", 24150),
        ("bad", 24155),
    ]
    alone = client("PostAnnotations", annotations=[Annotation(id="bad", input_id="i1", data=two)])
    assert (alone.status.code, client.http_status, alone.annotations[0].status.code) == (
        10020,
        400,
        24155,
    )


def check_a_request_holds_1_to_128_annotations(client: Client) -> None:
    many = [Annotation(id=f"a{number}", input_id="i1") for number in range(129)]
    for batch in ([], many):
        answer = client("PostAnnotations", annotations=batch)
        assert (answer.status.code, client.http_status) == (11102, 400)
    assert len(post(client, *many[:128]).annotations) == 128


def check_an_annotation_can_be_assigned_to_another_user(client: Client) -> None:
    pending = Annotation(id="a", input_id="i1", user_id="bob", status=Status(code=24151))
    (annotation,) = post(client, pending).annotations
    assert (annotation.user_id, annotation.worker.user.id, annotation.status.code) == (
        "bob",
        "bob",
        24151,
    )
    assert annotation.status.description == "Annotation pending"


def check_camel_case_and_numeric_texts_are_taken(client: Client) -> None:
    sent = {
        "annotations": [
            {
                "id": "a",
                "inputId": "v1",
                "status": {"code": "24151"},
                "data": {"frames": [{"frameInfo": {"time": 7}}]},
            }
        ]
    }
    shown = client.send("POST", "/annotations", sent)["annotations"][0]
    assert (shown["input_id"], shown["status"]["code"]) == ("v1", 24151)
    assert shown["data"]["frames"][0]["frame_info"]["time"] == "7"


def check_a_body_that_is_not_its_message_is_refused(client: Client) -> None:
    for bad in (
        {"annotations": {}},
        {"annotations": [{"input_id": 7}]},
        {"annotations": [{"status": {"code": "NO_SUCH"}}]},
        [],
    ):
        assert client.send("POST", "/annotations", bad)["status"]["code"] == 11100


# --- patching -------------------------------------------------------------------------


def check_merge_changes_and_adds_concepts(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1), ("water", 0))))
    before = held(client, "a")
    changed = patch(
        client, "merge", Annotation(id="a", input_id="i1", data=concepts(("water", 1), ("car", 0)))
    )
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
    post(
        client,
        Annotation(
            id="a",
            input_id="i1",
            data=Data(concepts=[Concept(id="gone", value=1)], regions=boxed("r").regions),
        ),
    )
    moved = boxed("r", ("tree", 1), box=(0.25, 0.25, 0.75, 0.75))
    changed = patch(client, "overwrite", Annotation(id="a", input_id="i1", data=moved))
    assert values(changed.data) == []
    (region,) = changed.data.regions
    assert (region.region_info.bounding_box.top_row, values(region.data)) == (0.25, [("tree", 1.0)])


def check_remove_takes_away_by_id(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1", data=concepts(("tree", 1), ("water", 0))))
    changed = patch(
        client, "remove", Annotation(id="a", input_id="i1", data=concepts(("water", 0)))
    )
    assert values(changed.data) == [("tree", 1.0)]


def check_remove_deletes_what_has_become_empty_where_that_is_asked_for(client: Client) -> None:
    post(
        client,
        Annotation(id="a", input_id="i1", data=concepts(("tree", 1))),
        Annotation(id="b", input_id="i1", data=concepts(("x", 1))),
    )
    patch(client, "remove", Annotation(id="a", input_id="i1", data=concepts(("tree", 1))))
    patch(
        client,
        "remove",
        Annotation(id="b", input_id="i1", data=concepts(("x", 1))),
        delete_if_empty_data=True,
    )
    assert ids(client("ListAnnotations", input_ids=["i1"])) == ["a"]


def check_a_status_can_be_patched_alone(client: Client) -> None:
    post(
        client,
        Annotation(id="a", input_id="i1", status=Status(code=24151), data=concepts(("tree", 1))),
    )
    changed = patch(client, "merge", Annotation(id="a", input_id="i1", status=Status(code=24150)))
    assert (changed.status.code, changed.status.description) == (24150, "Annotation success")
    assert values(changed.data) == [("tree", 1.0)]


def check_a_patch_of_what_is_missing_fails_its_item(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"))
    both = [
        Annotation(id="a", input_id="i1", data=concepts(("x", 1))),
        Annotation(id="nope", input_id="i1"),
    ]
    answer = client("PatchAnnotations", annotations=both, action="merge")
    assert (answer.status.code, [item.status.code for item in answer.annotations]) == (
        10010,
        [24150, 11101],
    )


def check_an_unknown_action_is_refused(client: Client) -> None:
    post(client, Annotation(id="a", input_id="i1"))
    answer = client(
        "PatchAnnotations", annotations=[Annotation(id="a", input_id="i1")], action="append"
    )
    assert (answer.status.code, client.http_status) == (11102, 400)


def check_lists_without_ids_are_appended_to_and_empty_ones_replace(client: Client) -> None:
    """Metadata too; null changes nothing (wire 2.3)."""
    sent = {
        "id": "a",
        "input_id": "i1",
        "data": {"metadata": {"list": [1], "object": {"x": 1}, "kept": 1}},
    }
    client.send("POST", "/annotations", {"annotations": [sent]})
    changes = {
        "id": "a",
        "input_id": "i1",
        "data": {"metadata": {"list": [2], "object": {}, "kept": None}},
    }
    shown = client.send("PATCH", "/annotations", {"action": "merge", "annotations": [changes]})[
        "annotations"
    ][0]
    assert shown["data"]["metadata"] == {"list": [1, 2], "object": {}, "kept": 1}
    gone = {"id": "a", "input_id": "i1", "data": {"metadata": {"kept": True, "object": False}}}
    shown = client.send("PATCH", "/annotations", {"action": "remove", "annotations": [gone]})[
        "annotations"
    ][0]
    assert shown["data"]["metadata"] == {"list": [1, 2], "object": False}


def check_the_status_of_a_task_can_be_patched(client: Client) -> None:
    marked = [
        Annotation(id=f"a{n}", input_id="i1", task_id="t", user_id=user, status=Status(code=24151))
        for n, user in enumerate(("bob", "eve"))
    ]
    post(client, *marked, Annotation(id="other", input_id="i1", status=Status(code=24151)))
    answer = client(
        "PatchAnnotationsStatus",
        task_id="t",
        user_ids=["bob"],
        status_codes=[24151],
        status_code=24150,
        action="overwrite",
    )
    assert (answer.status.code, answer.updated_count, list(answer.user_ids)) == (10000, 1, ["bob"])
    assert [held(client, id).status.code for id in ("a0", "a1", "other")] == [24150, 24151, 24151]
