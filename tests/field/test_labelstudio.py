"""Exports of Label Studio, read here and by a few lines that know nothing of this."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from syncer.formats.labels import Box, Item, Label, Points, Polygon, ReadOptions
from syncer.formats.labelstudio import LabelStudio


def read(path: Path) -> list[Item]:
    return list(LabelStudio(ReadOptions()).read(path))


def list_pixels(label: Label) -> list[float]:
    """Return the numbers of a shape in pixels of its image."""
    [shape] = label.shapes
    width, height = label.picture.width or 0, label.picture.height or 0
    match shape:
        case Box():
            numbers = [shape.left, shape.top, shape.right, shape.bottom]
        case Polygon() | Points():
            numbers = [number for point in shape.points for number in point]
        case _:
            raise AssertionError(shape)
    return [number * (height if at % 2 else width) for at, number in enumerate(numbers)]


def read_plainly(file: Path) -> list[tuple[str, str, list[float]]]:
    """Return the id of the result, its class and its pixels."""
    found = []
    for task in json.loads(file.read_text("utf-8")):
        for annotation in task["annotations"]:
            for result in annotation["result"]:
                value: dict[str, Any] = result["value"]
                [name] = value[result["type"]]
                if "points" in value:
                    percents = [number for point in value["points"] for number in point]
                else:
                    percents = [value["x"], value["y"]]
                if "height" in value:
                    percents += [value["x"] + value["width"], value["y"] + value["height"]]
                size = (result["original_width"], result["original_height"])
                pixels = [each * size[at % 2] / 100 for at, each in enumerate(percents)]
                found.append((result["id"], name, pixels))
    return found


@pytest.mark.parametrize(
    ("name", "concepts"),
    [
        (
            "test_export_coco/data.json",
            {"rectangle_label": 1, "polygon_label": 1, "keypoint_label1": 1, "keypoint_label2": 1},
        ),
        ("test_export_json_min/data.json", {"Airplane": 1}),
        ("test_export_yolo/data.json", {"parasites": 2, "white": 4}),
        ("test_export_yolo/data_polygons.json", {"Airplane": 1}),
    ],
)
def test_exports_are_read_whole(shared: Path, name: str, concepts: dict[str, int]) -> None:
    file = shared / "data" / "formats" / "label-studio-sdk" / name
    assert LabelStudio(ReadOptions()).detect(file)
    _, *labels = read(file)
    expected = read_plainly(file)
    counted: Counter[str] = Counter()
    for label, (own_id, name, pixels) in zip(labels, expected, strict=True):
        assert isinstance(label, Label)
        assert label.own_id.endswith(f"/{own_id}")
        assert [concept.name for concept in label.concepts] == [name]
        assert list_pixels(label) == pytest.approx(pixels, abs=1e-6)
        counted[name] += 1
    assert counted == concepts


def test_annotations_of_two_people_stay_two(shared: Path) -> None:
    found = read(shared / "data/formats/label-studio-sdk/test_export_yolo/data.json")
    labels = [each for each in found if isinstance(each, Label)]
    assert [(label.picture.path, label.info["annotator"]) for label in labels] == [
        *[("/image1", 2)] * 2,
        *[("/image1", 1)] * 2,
        *[("/image2", 1)] * 2,
    ]
