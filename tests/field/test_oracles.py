"""Boxes and polygons are where other converters have them: counts and sums by file and
concept, which `make oracles` records.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from syncer.formats.labels import Box, Label, Measure, Polygon, ReadOptions
from syncer.formats.registry import make_reader

RECORDED: dict[str, list[float]] = json.loads(
    (Path(__file__).parent / "oracles" / "read_boxes.json").read_bytes()
)
SIZES = {
    "yolo formats/datumaro/yolo": lambda stem: (10, 5),
    "yolo formats/labelformat/yolo": {"000000109005": (640, 428), "000000036086": (482, 640)}.get,
}


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("voc bccd-voc", 4888),
        ("voc formats/datumaro/voc", 2),
        ("yolo formats/datumaro/yolo", 4),
        ("yolo formats/labelformat/yolo", 3),
    ],
)
def test_sums_are_those_of_other_converters(shared: Path, source: str, count: int) -> None:
    """Parts of VOC are not in theirs: they drop them."""
    format_name, folder = source.split()
    sums: dict[str, list[float]] = {}
    labels = 0
    for item in make_reader(format_name, ReadOptions()).read(shared / "data" / folder):
        if isinstance(item, Label) and "part_of" not in item.info:
            labels += 1
            key = f"{source} {Path(item.picture.path).stem} {item.concepts[0].name}"
            for row in list_rows(item, source):
                held = sums.setdefault(key, [0.0] * len(row))
                sums[key] = [old + new for old, new in zip(held, row, strict=True)]
    theirs = {key: value for key, value in RECORDED.items() if key.startswith(f"{source} ")}
    assert labels == count
    assert sums.keys() == theirs.keys()
    for key, expected in theirs.items():
        assert sums[key] == pytest.approx(expected, rel=1e-6, abs=1e-6), key


def list_rows(label: Label, source: str) -> list[list[float]]:
    """Return 1 and the edges of a box, or 1, x and y of each point; in pixels."""
    width, height = 1.0, 1.0
    if label.measure is Measure.SHARES:
        width, height = SIZES[source](Path(label.picture.path).stem)
    [shape] = label.shapes
    if isinstance(shape, Box):
        edges = shape.left * width, shape.top * height, shape.right * width, shape.bottom * height
        return [[1.0, *edges]]
    assert isinstance(shape, Polygon)
    return [[1.0, x * width, y * height] for x, y in shape.points]
