"""OpenLABEL documents that others wrote, read here and by kognic-openlabel."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from kognic.openlabel.models import OpenLabelAnnotation

from syncer.formats.labels import Box, Item, Label, Lost, Picture, Polygon, ReadOptions, Skipped
from syncer.formats.openlabel import OpenLabelReader

NAME = "openlabel100_test_{}.json"


def read(path: Path) -> list[Item]:
    return list(OpenLabelReader(ReadOptions()).read(path))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("bbox_simple", {"Picture": 1, "Label": 7}),
        ("bbox_simple_attributes", {"Picture": 1, "Label": 7}),
        ("create_streams_simple", {"Picture": 20, "Lost": 4}),
        ("multi_value_attributes", {"Picture": 1, "Label": 1}),
        ("objects_without_data", {"Picture": 31, "Label": 42}),
        ("poly2d_definition", {"Picture": 1, "Label": 2}),
        ("polygon2D", {"Picture": 1, "Skipped": 2}),
    ],
)
def test_documents_are_read_whole_or_what_is_not_is_named(
    shared: Path, name: str, kinds: dict[str, int]
) -> None:
    found = read(shared / "data/formats/vcd" / NAME.format(name))
    assert Counter(type(item).__name__ for item in found) == {"InFile": 1, **kinds}


def read_by_kognic(file: Path) -> Iterator[tuple[str, str, list[float]]]:
    """Yield uid, type and numbers of each box, by the models of Kognic."""
    document = OpenLabelAnnotation.model_validate_json(file.read_bytes()).openlabel
    for uid, thing in (document.objects or {}).items():
        for box in (thing.object_data.bbox if thing.object_data else None) or []:
            yield str(uid), str(thing.type), [float(number) for number in box.val]


@pytest.mark.parametrize("name", ["bbox_simple", "bbox_simple_attributes"])
def test_boxes_are_those_that_kognic_reads(shared: Path, name: str) -> None:
    file = shared / "data/formats/vcd" / NAME.format(name)
    ours = []
    for label in read(file):
        if isinstance(label, Label):
            [box] = label.shapes
            assert isinstance(box, Box)
            center = [(box.left + box.right) / 2, (box.top + box.bottom) / 2]
            size = [box.right - box.left, box.bottom - box.top]
            ours.append((str(label.info["track_id"]), label.concepts[0].name, center + size))
    theirs = list(read_by_kognic(file))
    assert [each[:2] for each in ours] == [each[:2] for each in theirs]
    for (*_, mine), (*_, other) in zip(ours, theirs, strict=True):
        assert all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(mine, other, strict=True))


def test_the_polygons_that_vcd_writes_in_pairs_are_polygons(shared: Path) -> None:
    """Their own schema says that the numbers are flat."""
    found = read(shared / "data/formats/vcd" / NAME.format("poly2d_definition"))
    assert [label.shapes for label in found if isinstance(label, Label)] == [
        (Polygon(((0, 0), (1, 0), (1, 1), (0, 1))),),
        (Polygon(((0, 0), (2, 0), (1, 2))),),
    ]


def test_a_chain_code_is_named_and_an_open_line_is_not_a_polygon(shared: Path) -> None:
    found = read(shared / "data/formats/vcd" / NAME.format("polygon2D"))
    assert [(item.reason, item.kind) for item in found if isinstance(item, Skipped)] == [
        ("its points are in MODE_POLY2D_SRF6DCC", ""),
        ("no place", "open line"),
    ]


def test_sizes_and_streams_are_those_of_the_document(shared: Path) -> None:
    file = shared / "data/formats/vcd" / NAME.format("create_streams_simple")
    pictures = [item for item in read(file) if isinstance(item, Picture)]
    streams = orjson.loads(file.read_bytes())["openlabel"]["streams"]
    assert {each.stream: each.path for each in pictures} == {
        name: stream["uri"] for name, stream in streams.items()
    }
    assert {(each.width, each.height) for each in pictures} == {(640, 480)}
    assert {each.frame for each in pictures} == set(range(10))


def test_no_attribute_is_lost(shared: Path) -> None:
    found = read(shared / "data/formats/vcd")
    assert {item.kind for item in found if isinstance(item, Lost)} == {"coordinate system"}
