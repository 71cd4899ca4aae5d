"""Requests as the official protos read them."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from clarifai_grpc.grpc.api import service_pb2
from google.protobuf import json_format

from syncer.core.change import Change, Verb
from syncer.remotes.clarifai import Clarifai
from tests.remotes.made import CLARIFAI, change, changes, fixture

POSTED = [
    "post_concepts_client_id",
    "post_bounding_boxes",
    "post_polygon_mask_point_span",
    "post_video_frame_and_time_segment",
]
PATCHED = [
    "patch_merge_concepts",
    "patch_overwrite_bounding_box",
    "patch_remove_concepts",
    "patch_status",
]
ODD_ID = "a/b ?&#%é=+"


@pytest.mark.parametrize("name", POSTED)
def test_a_post_is_what_the_official_client_sends(name: str) -> None:
    wire = fixture(name)["request"]
    request = CLARIFAI.encode(
        "post", [change(annotation) for annotation in wire["body"]["annotations"]]
    )
    assert (request.method, request.path) == (wire["method"], wire["path"])
    assert request.body is not None
    sent = json_format.Parse(request.body, service_pb2.PostAnnotationsRequest())
    wanted = json_format.ParseDict(wire["body"], service_pb2.PostAnnotationsRequest())
    assert sent.annotations == wanted.annotations


@pytest.mark.parametrize("name", PATCHED)
def test_a_patch_is_what_the_official_client_sends(name: str) -> None:
    wire = fixture(name)["request"]
    verb: Verb = wire["body"]["action"]
    request = CLARIFAI.encode(
        verb, [change(annotation, verb) for annotation in wire["body"]["annotations"]]
    )
    assert (request.method, request.path) == (wire["method"], wire["path"])
    assert request.body is not None
    sent = json_format.Parse(request.body, service_pb2.PatchAnnotationsRequest())
    wanted = json_format.ParseDict(wire["body"], service_pb2.PatchAnnotationsRequest())
    assert (sent.action, sent.annotations) == (wanted.action, wanted.annotations)


def test_a_delete_sends_pairs_of_ids_in_equal_order() -> None:
    wire = fixture("delete_bulk_by_ids")["request"]
    pairs = zip(wire["body"]["input_ids"], wire["body"]["ids"], strict=True)
    request = CLARIFAI.encode(
        "delete", changes(*(f"{input_id}/{id}" for input_id, id in pairs), verb="delete")
    )
    assert (request.method, request.path) == (wire["method"], wire["path"])
    assert request.body is not None
    sent = json_format.Parse(request.body, service_pb2.DeleteAnnotationsRequest())
    assert (list(sent.ids), list(sent.input_ids)) == (
        wire["body"]["ids"],
        wire["body"]["input_ids"],
    )


def test_only_the_delete_of_whole_inputs_sends_input_ids_without_ids() -> None:
    request = CLARIFAI.encode("delete_input", changes("i1/", "i2/", verb="delete_input"))
    assert json.loads(request.body or b"") == {"input_ids": ["i1", "i2"]}


@pytest.mark.parametrize("batch", [[], changes("i1/a", "i1/", verb="delete")])
def test_a_delete_never_goes_out_without_all_its_ids(batch: list[Change]) -> None:
    with pytest.raises(AssertionError):
        CLARIFAI.encode("delete", batch)


def test_what_was_written_is_sent_byte_for_byte() -> None:
    sent = changes("a", "b")
    sent[0].raw, sent[0].at, sent[0].to = (
        b'{"op":"post","annotation":{ "id" : "a", "input_id":"i" }}',
        26,
        -1,
    )
    request = CLARIFAI.encode("post", sent)
    assert (
        request.body
        == b'{"annotations":[{ "id" : "a", "input_id":"i" },{"id":"b","input_id":"i"}]}'
    )


def test_every_part_of_a_path_is_quoted() -> None:
    request = Clarifai("me/you", "app 1?").encode("post", changes("a"))
    assert request.path == "/v2/users/me%2Fyou/apps/app%201%3F/annotations"


def test_a_look_up_asks_by_pairs_for_all_annotations_on_one_page() -> None:
    request = CLARIFAI.look_up(changes(f"i1/{ODD_ID}", "i 2/b"))
    url = urlsplit(request.path)
    assert (request.method, url.path, request.body) == (
        "GET",
        "/v2/users/demo-owner/apps/demo-app/annotations",
        None,
    )
    assert parse_qsl(url.query) == [
        *(("ids", id) for id in (ODD_ID.rpartition("/")[2], "b")),
        *(("input_ids", input_id) for input_id in ("i1/" + ODD_ID.rpartition("/")[0], "i 2")),
        ("list_all_annotations", "true"),
        ("page", "1"),
        ("per_page", "2"),
    ]


def test_a_look_up_of_inputs_asks_by_ids() -> None:
    url = urlsplit(CLARIFAI.inputs_look_up(["i/1", "i2"]).path)
    assert url.path == "/v2/users/demo-owner/apps/demo-app/inputs"
    assert parse_qsl(url.query) == [("ids", "i/1"), ("ids", "i2"), ("page", "1"), ("per_page", "2")]


@pytest.mark.parametrize("length", [1, 8, 32, 200, 1900, 5000])
def test_a_look_up_is_as_large_as_its_url_may_be_and_no_larger(length: int) -> None:
    batch = [
        change({"id": f"{number:0{length}}", "input_id": "ü" * (length // 8)})
        for number in range(150)
    ]
    size = CLARIFAI.look_up_size(batch)
    assert 1 <= size <= 128
    assert size == 1 or len(CLARIFAI.look_up(batch[:size]).path) <= 3_800
    assert size == 128 or len(CLARIFAI.look_up(batch[: size + 1]).path) > 3_790


@pytest.mark.parametrize(("beyond", "size"), [(0, 100), (1, 99)])
def test_a_look_up_may_fill_its_url_to_the_last_byte(beyond: int, size: int) -> None:
    batch = changes(*(f"i/{number}" for number in range(100)))
    room = 3_800 - len(CLARIFAI.look_up(batch).path)
    batch[-1] = change({"id": "99" + "x" * (room + beyond), "input_id": "i"})
    assert CLARIFAI.look_up_size(batch) == size
