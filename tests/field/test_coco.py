"""COCO as others wrote it, read beside pycocotools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pycocotools import mask as cocotools

from syncer.formats.coco import Coco
from syncer.formats.labels import Box, Keypoints, Label, Mask, Polygon, ReadOptions, Skipped

FILES = (
    "coco-excerpt/person_keypoints_val2017.json",
    "coco-excerpt/person_keypoints_train2017.json",
    "formats/datumaro/coco/instances_train.json",
    "formats/datumaro/coco/instances_val.json",
    "formats/datumaro/coco/person_keypoints_train.json",
    "formats/datumaro/coco/person_keypoints_val.json",
    "formats/datumaro/coco/labels_train.json",
    "formats/labelformat/coco/instances.json",
)


@pytest.mark.parametrize("name", FILES)
def test_every_annotation_is_read_with_its_shapes_and_ids(shared: Path, name: str) -> None:
    path = shared / "data" / name
    annotations = json.loads(path.read_text())["annotations"]
    found = list(Coco(ReadOptions()).read(path))
    labels = [each for each in found if isinstance(each, Label)]
    assert not [each for each in found if isinstance(each, Skipped)]
    assert [each.own_id for each in labels] == [str(each["id"]) for each in annotations]
    for label, annotation in zip(labels, annotations, strict=True):
        check(label, annotation)


def check(label: Label, annotation: dict) -> None:
    polygons = [shape for shape in label.shapes if isinstance(shape, Polygon)]
    masks = [shape for shape in label.shapes if isinstance(shape, Mask)]
    segmentation = annotation.get("segmentation") or []
    if isinstance(segmentation, dict):
        height, width = segmentation["size"]
        counts = segmentation["counts"]
        packed = (
            cocotools.frPyObjects(segmentation, height, width)
            if isinstance(counts, list)
            else {"counts": counts.encode(), "size": [height, width]}
        )
        (mask,) = masks
        assert (mask.width, mask.height) == (width, height)
        assert sum(mask.runs[1::2]) == int(cocotools.area(packed))
    else:
        flat = [[number for point in each.points for number in point] for each in polygons]
        assert flat == segmentation
    if annotation.get("bbox"):
        x, y, width, height = annotation["bbox"]
        boxes = [shape for shape in label.shapes if isinstance(shape, Box)]
        assert (label.box or boxes[0]) == Box(x, y, x + width, y + height)
    points = [shape for shape in label.shapes if isinstance(shape, Keypoints)]
    assert sum(each > 0 for shape in points for each in shape.visibilities) == annotation.get(
        "num_keypoints", 0
    )
