"""COCO, in made-up files; each trap names what others make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as cocotools

from syncer.formats import coco, runs
from syncer.formats.coco import Coco
from syncer.formats.labels import (
    Box,
    FileFault,
    Keypoints,
    Label,
    Lost,
    Mask,
    Noticed,
    Polygon,
    ReadOptions,
    Skipped,
)

IMAGE = {"id": 1, "file_name": "train/a.jpg", "width": 4, "height": 3}
CATEGORY = {"id": 17, "name": "Cat"}
LABEL = {"id": 5, "image_id": 1, "category_id": 17, "bbox": [1, 0, 2, 3]}
RING = [0, 0, 4, 0, 4, 3]


def read(folder: Path, document: Any) -> list[Any]:
    path = folder / "instances.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return list(Coco(ReadOptions()).read(path))


def read_one(folder: Path, **annotation: Any) -> Any:
    annotation = {"id": 5, "image_id": 1, "category_id": 17, **annotation}
    found = read(folder, {"images": [IMAGE], "annotations": [annotation], "categories": [CATEGORY]})
    return next(each for each in found if isinstance(each, Label | Skipped))


def test_an_annotation_keeps_its_ids_and_all_that_it_says(tmp_path: Path):
    label = read_one(
        tmp_path, bbox=[1, 0, 2, 3], area=6, iscrowd=0, attributes={"color": "red"}, track_id=9
    )
    assert label.shapes == (Box(1, 0, 3, 3),)
    assert (label.own_id, label.place) == ("5", "annotations[0]")
    assert (label.concepts[0].name, label.concepts[0].own_id) == ("Cat", "17")
    assert label.info == {"area": 6, "attributes": {"color": "red"}, "track_id": 9}
    assert (label.picture.path, label.picture.width, label.picture.height) == ("train/a.jpg", 4, 3)


def test_the_lists_may_come_in_any_order(tmp_path: Path):
    annotation = {"id": 5, "image_id": 1, "category_id": 17, "bbox": [1, 0, 2, 3]}
    document = {
        "annotations": [annotation],
        "categories": [CATEGORY],
        "info": {},
        "images": [IMAGE],
    }
    assert any(isinstance(each, Label) for each in read(tmp_path, document))


def test_each_part_of_a_polygon_is_a_shape_and_none_is_bridged_to_the_next(tmp_path: Path):
    label = read_one(tmp_path, segmentation=[RING, [1, 1, 2, 1, 2, 2, 1, 2]], bbox=[0, 0, 4, 3])
    assert [len(each.points) for each in label.shapes] == [3, 4]
    assert label.box == Box(0, 0, 4, 3)


def test_a_polygon_of_four_numbers_is_not_a_box(tmp_path: Path):
    label = read_one(tmp_path, segmentation=[[0, 0, 4, 3]])
    assert label.shapes == (Polygon(((0, 0), (4, 3))),)


@pytest.mark.parametrize("crowd", [0, 1])
def test_masks_are_told_by_their_type_with_iscrowd_and_without(tmp_path: Path, crowd: int):
    """Others read them only where iscrowd is 1, or replace them by their outline."""
    pixels = np.array([[0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 0]], dtype=np.uint8)
    packed = cocotools.encode(np.asfortranarray(pixels))
    text = {"counts": packed["counts"].decode(), "size": [3, 4]}
    plain = {"counts": list(runs.shorten(bytes(pixels.flatten(order="F")))), "size": [3, 4]}
    for segmentation in (text, plain):
        label = read_one(tmp_path, segmentation=segmentation, iscrowd=crowd, bbox=[0, 0, 3, 3])
        (mask,) = label.shapes
        assert (mask.width, mask.height) == (4, 3)  # not square: columns first
        found = np.frombuffer(runs.expand(mask.runs), np.uint8).reshape((3, 4), order="F")
        assert (found == pixels).all()
        assert label.info.get("crowd") is (True if crowd else None)


def test_bare_counts_that_fill_the_image_are_a_mask_and_others_a_ring(tmp_path: Path):
    assert read_one(tmp_path, segmentation=[4, 4, 4]).shapes == (Mask(4, 3, (4, 4, 4)),)
    assert isinstance(read_one(tmp_path, segmentation=RING).shapes[0], Polygon)


def test_keypoints_keep_names_and_places_of_absent_ones(tmp_path: Path):
    """Others make points at 0, 0 of them."""
    category = {**CATEGORY, "keypoints": ["nose", "ear"]}
    annotation = {"id": 5, "image_id": 1, "category_id": 17, "keypoints": [1, 2, 2, 0, 0, 0]}
    annotation |= {"num_keypoints": 1, "bbox": [0, 0, 4, 3]}
    document = {"images": [IMAGE], "annotations": [annotation], "categories": [category]}
    (label,) = [each for each in read(tmp_path, document) if isinstance(each, Label)]
    assert label.shapes == (Keypoints(("nose", "ear"), ((1, 2), (0, 0)), (2, 0)),)
    assert label.box == Box(0, 0, 4, 3)


def test_keypoints_that_are_all_absent_are_lost_and_the_box_stays(tmp_path: Path):
    annotation = {"id": 5, "image_id": 1, "category_id": 17, "keypoints": [0] * 6}
    annotation |= {"bbox": [0, 0, 4, 3]}
    document = {"images": [IMAGE], "annotations": [annotation], "categories": [CATEGORY]}
    found = read(tmp_path, document)
    assert Lost("annotations[0]", "5", "keypoints that are all absent") in found
    assert [each.shapes for each in found if isinstance(each, Label)] == [(Box(0, 0, 4, 3),)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"image_id": 2}, "an image that is not defined"),
        ({"category_id": 2}, "a category that is not defined"),
        ({"category_id": None}, "a category that is not defined"),
        ({"bbox": [1, 2, 3]}, "a bbox of unknown form"),
        ({"bbox": [1, 2, "3", 4]}, "not a number"),
        ({"segmentation": "x"}, "a segmentation of unknown form"),
        ({"segmentation": {"counts": "\x7f", "size": [3, 4]}}, "not a compressed mask"),
        ({"segmentation": {"counts": [1.5], "size": [3, 4]}}, "not a number"),
        ({"segmentation": {"counts": [12], "size": ["a", 4]}}, "a mask without a size"),
        ({"keypoints": [1, 2]}, "keypoints that are not triples"),
    ],
)
def test_what_cannot_be_read_is_a_fault_with_its_reason(tmp_path: Path, fields, reason: str):
    found = read_one(tmp_path, **fields)
    assert found == Skipped("annotations[0]", "5", reason, is_fault=True)


@pytest.mark.parametrize("outline", [RING, [RING]])
def test_a_polygon_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outline: Any
):
    """Wrong: 7 MB of numbers took 384 MB."""
    monkeypatch.setattr(coco, "POINTS_MAX", 2)
    found = read_one(tmp_path, segmentation=outline)
    assert found == Skipped("annotations[0]", "5", "it has too many points", is_fault=True)


def test_captions_have_no_place(tmp_path: Path):
    found = read_one(tmp_path, caption="a cat")
    assert found == Skipped("annotations[0]", "5", "no place", kind="caption")


def test_nan_spoils_its_label_alone(tmp_path: Path):
    text = json.dumps({"images": [IMAGE], "annotations": ["HERE"], "categories": [CATEGORY]})
    labels = ",".join(
        f'{{"id": {n}, "image_id": 1, "category_id": 17, "bbox": [0, 0, {width}, 2]}}'
        for n, width in ((1, "NaN"), (2, "3"))
    )
    found = [
        each for each in read(tmp_path, text.replace('"HERE"', labels)) if isinstance(each, Label)
    ]
    assert [each.own_id for each in found] == ["1", "2"]


def test_ids_that_stand_for_two_images_are_named(tmp_path: Path):
    document = {"images": [IMAGE, {**IMAGE, "file_name": "b.jpg"}], "categories": [CATEGORY]}
    text = "two images have the id 1; the first one counts"
    assert Noticed("duplicate-image-id", text, "images[1]") in read(tmp_path, document)


@pytest.mark.parametrize("text", ["", "[]x", '{"images": [', "[1]", '{"annotations": [}'])
def test_a_file_that_is_not_coco_is_named(tmp_path: Path, text: str):
    assert any(isinstance(each, FileFault) for each in read(tmp_path, text))


def test_a_folder_is_read_file_by_file_and_others_are_left_alone(tmp_path: Path):
    (tmp_path / "other.json").write_text('{"x": 1}')
    read(tmp_path, {"images": [IMAGE], "annotations": [], "categories": [CATEGORY]})
    found = list(Coco(ReadOptions()).read(tmp_path))
    text = "it is not a COCO file, and was left alone"
    assert Noticed("other-format", text, file=tmp_path / "other.json") in found
    assert Coco(ReadOptions()).detect(tmp_path)
    assert not Coco(ReadOptions()).detect(tmp_path / "other.json")


@pytest.mark.parametrize("broken", [b"", b"\0\0\0\0", b'{"images": [', b"[1, 2", b"no JSON"])
def test_a_broken_file_in_a_folder_is_a_fault_and_not_another_format(tmp_path: Path, broken: bytes):
    (tmp_path / "broken.json").write_bytes(broken)
    read(tmp_path, {"images": [IMAGE], "annotations": [], "categories": [CATEGORY]})
    [fault] = [each for each in Coco(ReadOptions()).read(tmp_path) if isinstance(each, FileFault)]
    assert fault.file == tmp_path / "broken.json"


def test_names_and_ids_that_differ_in_half_a_character_are_not_one(tmp_path: Path):
    images = [
        {**IMAGE, "id": "\ud800", "file_name": "\ud800.jpg"},
        {**IMAGE, "id": "\ud801", "file_name": "\ud801.jpg"},
    ]
    labels = [{**LABEL, "image_id": "\ud800"}, {**LABEL, "image_id": "\ud801"}]
    document = {"images": images, "annotations": labels, "categories": [CATEGORY]}
    found = [each for each in read(tmp_path, document) if isinstance(each, Label)]
    assert [each.picture.path for each in found] == ["\ud800.jpg", "\ud801.jpg"]


def test_whole_numbers_with_a_point_are_ids_and_others_are_told(tmp_path: Path):
    labels = [{**LABEL, "id": 7.0, "image_id": float(IMAGE["id"])}, {**LABEL, "id": True}]
    found = read(tmp_path, {"images": [IMAGE], "annotations": labels, "categories": [CATEGORY]})
    assert [each.own_id for each in found if isinstance(each, Label)] == ["7", ""]
    assert [each.kind for each in found if isinstance(each, Lost)] == [
        "an id that is neither a number nor a text"
    ]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = (
    "id",
    "image_id",
    "category_id",
    "bbox",
    "segmentation",
    "keypoints",
    "caption",
    "name",
    "file_name",
    "width",
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(data=st.data())
def test_no_value_anywhere_makes_a_traceback(tmp_path: Path, data):
    def spoil(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, **data.draw(st.dictionaries(st.sampled_from(NAMES), ANY, max_size=2))}

    annotation = {"id": 5, "image_id": 1, "category_id": 17, "segmentation": [RING]}
    document = {
        "images": [spoil(IMAGE)],
        "annotations": [spoil(annotation), data.draw(ANY)],
        "categories": [spoil(CATEGORY)],
    }
    read(tmp_path, document)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(cut=st.integers(0, 400), junk=st.binary(max_size=4))
def test_no_bytes_make_a_traceback(tmp_path: Path, cut: int, junk: bytes):
    annotation = {"id": 5, "image_id": 1, "category_id": 17, "segmentation": [RING]}
    document = {"images": [IMAGE], "annotations": [annotation] * 2, "categories": [CATEGORY]}
    path = tmp_path / "broken.json"
    path.write_bytes(json.dumps(document).encode()[:cut] + junk)
    list(Coco(ReadOptions()).read(path))


@pytest.mark.parametrize("ring", [[*RING, 2], [[*RING, 2]], [RING, [*RING, 2]]])
def test_a_polygon_with_half_a_point_is_told(tmp_path: Path, ring: list[Any]):
    """Wrong: its last number is left out without a word."""
    assert read_one(tmp_path, segmentation=ring) == Skipped(
        "annotations[0]", "5", "a polygon that is not pairs", is_fault=True
    )


@pytest.mark.parametrize("document", [{}, {"info": {}}, {"annotations": None, "images": {}}, []])
def test_a_file_with_none_of_the_lists_is_told(tmp_path: Path, document: Any):
    """Wrong: an import of nothing ends as one of a whole file does."""
    assert isinstance(read(tmp_path, document)[-1], FileFault)


def test_a_file_without_annotations_is_told_and_one_with_an_empty_list_is_not(tmp_path: Path):
    for no_list in ({}, {"annotations": None}, {"annotations": {"0": LABEL}}):
        found = read(tmp_path, {"images": [IMAGE], **no_list})
        assert [each.code for each in found if isinstance(each, Noticed)] == ["no-annotations"]
    whole = {"images": [], "annotations": [], "categories": []}
    assert not any(isinstance(each, Noticed | FileFault) for each in read(tmp_path, whole))
