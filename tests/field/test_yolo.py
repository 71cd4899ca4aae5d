"""YOLO as others wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncer.formats.geometry import measure_area, scale
from syncer.formats.labels import Box, Label, Measure, Polygon, ReadOptions, Skipped
from syncer.formats.yolo import Yolo


def read(folder: Path) -> list[Label]:
    items = list(Yolo(ReadOptions()).read(folder))
    assert not [item for item in items if isinstance(item, Skipped)]
    return [item for item in items if isinstance(item, Label)]


@pytest.mark.parametrize("part", ["", "data.yaml"])
def test_boxes_of_datumaro_have_whole_edges(shared: Path, part: str) -> None:
    """In pixels, as its images of 10 x 5 have them."""
    labels = read(shared / "data" / "formats" / "datumaro" / "yolo" / part)
    boxes = []
    for label in labels:
        [box] = label.shapes
        assert isinstance(box, Box)
        edges = (box.left * 10, box.top * 5, box.right * 10, box.bottom * 5)
        boxes.append((label.picture.path, label.concepts[0].name, edges))
    assert boxes == [
        ("train/images/train_001.jpg", "label_0", pytest.approx((2, 1, 5, 2))),
        ("train/images/train_002.jpg", "label_1", pytest.approx((0, 0, 2, 4))),
        ("val/images/val_001.jpg", "label_0", pytest.approx((0, 0, 1, 2))),
        ("val/images/val_001.jpg", "label_1", pytest.approx((0, 0, 9, 1))),
    ]


def test_rotated_boxes_of_datumaro_are_polygons_in_pixels(shared: Path) -> None:
    labels = read(shared / "data" / "formats" / "datumaro" / "yolo-obb")
    assert {label.measure for label in labels} == {Measure.PIXELS}
    assert [(label.concepts[0].name, *label.shapes) for label in labels] == [
        ("label_0", Polygon(((0, 0), (0, 2), (2, 2), (2, 0)))),
        ("label_1", Polygon(((1, 1), (1, 5), (5, 5), (5, 1)))),
        ("label_0", Polygon(((0, 0), (0, 1), (1, 1), (1, 0)))),
        ("label_1", Polygon(((1, 2), (1, 5), (10, 5), (10, 2)))),
    ]


@pytest.mark.parametrize("part", ["", "labels", "dataset.yaml"])
def test_segments_of_labelformat_are_those_that_it_has_as_coco(shared: Path, part: str) -> None:
    """The same polygons in pixels, with the areas that COCO gives."""
    folder = shared / "data" / "formats" / "labelformat"
    coco = json.loads((folder / "coco" / "instances.json").read_bytes())
    sizes = {Path(each["file_name"]).stem: each for each in coco["images"]}
    names = {each["id"]: each["name"] for each in coco["categories"]}
    theirs = {(each["image_id"], names[each["category_id"]]): each for each in coco["annotations"]}
    labels = read(folder / "yolo" / part)
    assert len(labels) == len(theirs) == 3
    for label in labels:
        [polygon] = label.shapes
        assert isinstance(polygon, Polygon)
        image = sizes[Path(label.picture.path).stem]
        points = scale(polygon.points, 1 / image["width"], 1 / image["height"])
        annotation = theirs[image["id"], label.concepts[0].name]
        [ring] = annotation["segmentation"]
        assert [x for point in points for x in point] == pytest.approx(ring, abs=1e-3)
        assert measure_area(points) == pytest.approx(annotation["area"], rel=1e-5)
