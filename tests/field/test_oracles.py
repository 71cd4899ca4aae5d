"""Boxes, polygons, masks and points are where other converters have them: counts and
sums by file, concept and kind of shape, which `make oracles` records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncer.formats.geometry import scale
from syncer.formats.labels import (
    Box,
    Keypoints,
    Label,
    Mask,
    Measure,
    Points,
    Polygon,
    ReadOptions,
    Skipped,
)
from syncer.formats.registry import make_reader

RECORDED: dict[str, list[float]] = {}
for _file in sorted((Path(__file__).parent / "oracles").glob("read_*.json")):
    RECORDED |= json.loads(_file.read_bytes())

SIZES: dict[str, Callable[[str], tuple[int, int] | None]] = {
    "formats/datumaro/yolo": lambda stem: (10, 5),
    "formats/labelformat/yolo": {"000000109005": (640, 428), "000000036086": (482, 640)}.get,
}
"""Of images whose labels are shares of them."""
COCO = "formats/datumaro/coco"
EXCERPTS = (
    "coco-excerpt/person_keypoints_train2017.json",
    "coco-excerpt/person_keypoints_val2017.json",
)
ALL_KINDS = frozenset(("box", "vertex", "mask", "point"))

CASES = [
    ("voc", "bccd-voc", "labelformat", {"box"}),
    ("voc", "bccd-voc", "globox", {"box"}),
    ("voc", "formats/datumaro/voc", "labelformat", {"box"}),
    ("yolo", "formats/datumaro/yolo", "globox", {"box"}),
    ("yolo", "formats/datumaro/yolo-obb", "datumaro", {"vertex"}),
    ("yolo", "formats/labelformat/yolo", "labelformat", {"vertex"}),
    ("cvat", "formats/datumaro/cvat-images", "datumaro", ALL_KINDS),
    ("cvat", "formats/datumaro/cvat-video", "datumaro", ALL_KINDS),
    ("coco", f"{COCO}/instances_train.json", "datumaro", ALL_KINDS),
    ("coco", "formats/labelformat/coco/instances.json", "labelformat", {"vertex", "mask"}),
    ("coco", "formats/labelformat/coco/instances.json", "supervision", {"box"}),
    *(
        ("coco", source, oracle, kinds)
        for source in (
            f"{COCO}/instances_val.json",
            f"{COCO}/person_keypoints_val.json",
            *EXCERPTS,
        )
        for oracle, kinds in (
            ("datumaro", ALL_KINDS),
            ("supervision", {"box"}),
            ("labelformat", {"vertex", "mask"}),
            ("faster-coco-eval", {"mask"}),
        )
        if oracle != "faster-coco-eval" or source not in EXCERPTS  # they have no masks
    ),
]


@pytest.mark.parametrize(("format_name", "source", "oracle", "kinds"), CASES)
def test_sums_are_those_of_another_converter(
    shared: Path, format_name: str, source: str, oracle: str, kinds: set[str]
) -> None:
    """Parts of VOC are in no other's: they drop them."""
    sums: dict[str, list[float]] = {}
    for item in make_reader(format_name, ReadOptions()).read(shared / "data" / source):
        assert not isinstance(item, Skipped) or item.reason == "no place"
        if not isinstance(item, Label) or "part_of" in item.info:
            continue
        concept = item.concepts[0].name if item.concepts else ""
        for kind, row in list_rows(item, source):
            key = f"{oracle} {source} {name_of(item)} {concept} {kind}"
            held = sums.setdefault(key, [0.0] * (len(row) + 1))
            sums[key] = [old + new for old, new in zip(held, (1.0, *row), strict=True)]
    theirs = {key: row for key, row in RECORDED.items() if key.startswith(f"{oracle} {source} ")}
    assert theirs
    ours = {key: row for key, row in sums.items() if key.rpartition(" ")[2] in kinds}
    assert sorted(ours) == sorted(theirs)
    for key, expected in theirs.items():
        assert ours[key] == pytest.approx(expected, rel=1e-6, abs=1e-6), key


def name_of(label: Label) -> str:
    """As the oracles name it: by the image's stem, or the frame."""
    frame = label.picture.frame
    return Path(label.picture.path).stem if frame is None else f"frame_{frame:06d}"


def list_rows(label: Label, source: str) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield kinds and numbers, in pixels."""
    size = None
    if label.measure is Measure.SHARES:
        size = SIZES[source](Path(label.picture.path).stem)
    width, height = size or (1, 1)
    shapes = [*label.shapes]
    if label.box is not None:
        shapes.append(label.box)
    for shape in shapes:
        match shape:
            case Box():
                yield (
                    "box",
                    (
                        shape.left * width,
                        shape.top * height,
                        shape.right * width,
                        shape.bottom * height,
                    ),
                )
            case Polygon():
                for point in scale(shape.points, 1 / width, 1 / height):
                    yield "vertex", point
            case Mask():
                yield "mask", (float(sum(shape.runs[1::2])),)
            case Points():
                for point in shape.points:
                    yield "point", point
            case Keypoints():
                for point, seen in zip(shape.points, shape.visibilities, strict=True):
                    if seen:
                        assert point is not None
                        yield "point", point
            case _:
                raise AssertionError(shape)


def test_no_other_converter_but_one_keeps_ids_or_attributes(shared: Path) -> None:
    """What they drop is kept here: the ids of COCO, and the tracks of CVAT."""
    source = "formats/datumaro/cvat-video"
    labels = [
        item
        for item in make_reader("cvat", ReadOptions()).read(shared / "data" / source)
        if isinstance(item, Label)
    ]
    assert [label.info["track_id"] for label in labels] == ["0", "1"]
    excerpt = shared / "data" / EXCERPTS[0]
    annotations = json.loads(excerpt.read_bytes())["annotations"]
    ids = [
        item.own_id
        for item in make_reader("coco", ReadOptions()).read(excerpt)
        if isinstance(item, Label)
    ]
    assert ids == [str(each["id"]) for each in annotations]
