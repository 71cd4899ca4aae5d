"""Conversions that other tools are known to get wrong, each from a made-up file to the
lines of the log. The wrong result is in the docstring of its test.

    VOC: where corners count from          test_voc_origin, test_voc_evidence
    VOC: decimals                          test_voc_decimals
    VOC: vertices of polygons              test_voc_polygon
    RLE goes down the columns              test_rle_is_column_major
    RLE only where iscrowd is set          test_rle_is_told_by_its_type
    polygons of fewer than three points    test_degenerate_polygons
    polygons of several parts              test_parts_are_not_bridged
    keypoints with v = 0                   test_absent_keypoints
    YOLO: a polygon read as a box          test_yolo_segment_is_no_box
    YOLO: rotated boxes dropped            test_yolo_rotated_box
    rotation in percents                   test_rotation_is_in_pixels
    CVAT: a rotated box is clamped first   test_cvat_rotated_box
    images lost on a round trip            test_images_are_counted, test_tracks_keep_ids
    EXIF                                   test_exif, and more in test_images.py
    OpenLABEL: centre, pairs, closed       test_openlabel
    boxes too small to be one              test_tiny_boxes
"""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from syncer.errors import UsageError
from syncer.jobs.importing.health import look_for_faults
from syncer.jobs.importing.options import ImportOptions
from syncer.jobs.importing.report import ImportReport, Remark
from syncer.jobs.importing.run import open_import
from tests.formats.test_images import make_image


class Came:
    """What an import came to."""

    def __init__(self, format_name: str, path: Path, **options: Any) -> None:
        self.annotations: list[dict[str, Any]] = []
        self.remarks: list[Remark] = []
        job = open_import(format_name, (path,), ImportOptions(**options))
        job.observe(self)
        self.report: ImportReport = job.run(self)

    def write(self, line: bytes, /) -> None:
        self.annotations.append(json.loads(line)["annotation"])

    def remark(self, remark: Remark) -> None:
        self.remarks.append(remark)

    def label(self, *_: object) -> None:
        pass

    @property
    def shapes(self) -> list[dict[str, Any]]:
        return [each["data"]["regions"][0]["region_info"] for each in self.annotations]

    @property
    def boxes(self) -> list[list[float]]:
        """Left, top, right and bottom."""
        sides = ("left_col", "top_row", "right_col", "bottom_row")
        return [[shape["bounding_box"][side] for side in sides] for shape in self.shapes]

    @property
    def polygons(self) -> list[list[tuple[float, float]]]:
        """Points from left and from top."""
        return [
            [(round(point["col"], 6), round(point["row"], 6)) for point in one["polygon"]["points"]]
            for one in self.shapes
        ]


def write(path: Path, content: str | dict[str, Any] | list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def voc(path: Path, *objects: str, size: str = "100") -> Path:
    sizes = f"<size><width>{size}</width><height>{size}</height></size>"
    named = "".join(f"<object><name>cell</name>{each}</object>" for each in objects)
    return write(path / "a.xml", f"<annotation>{sizes}{named}</annotation>")


def bndbox(*sides: float | str) -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    tags = (f"<{name}>{side}</{name}>" for name, side in zip(names, sides, strict=True))
    return f"<bndbox>{''.join(tags)}</bndbox>"


def coco(path: Path, *annotations: dict[str, Any], width: int = 100, height: int = 100) -> Path:
    image = {"id": 1, "file_name": "a.jpg", "width": width, "height": height}
    numbered = [
        {"id": n, "image_id": 1, "category_id": 1, **each} for n, each in enumerate(annotations)
    ]
    category = {"id": 1, "name": "cat", "keypoints": ["nose", "tail"]}
    document = {"images": [image], "categories": [category], "annotations": numbered}
    return write(path / "a.json", document)


def read_mask(shape: dict[str, Any], width: int) -> list[str]:
    """Return the rows of a mask as 0 and 1."""
    png = base64.b64decode(shape["mask"]["image"]["base64"])
    data = zlib.decompress(png[png.index(b"IDAT") + 4 : png.index(b"IEND") - 8])
    rows = [data[at + 1 : at + 1 + width] for at in range(0, len(data), width + 1)]
    return ["".join("1" if pixel else "0" for pixel in row) for row in rows]


# --- Pascal VOC -----------------------------------------------------------------------


def test_voc_origin(tmp_path: Path) -> None:
    """Wrong: 1 is taken from all corners, by which a box is a pixel too narrow (right
    0.09); or from the minima of files that count from 0 (left 0.0 by default).
    """
    file = voc(tmp_path, bndbox(1, 1, 10, 10))
    assert Came("voc", file).boxes == [[0.01, 0.01, 0.1, 0.1]]
    assert Came("voc", file, voc_origin=1).boxes == [[0.0, 0.0, 0.1, 0.1]]


def test_voc_evidence(tmp_path: Path) -> None:
    """Wrong: nobody is told what the corners hint at; a box at -1 ends the run."""
    for lowest, codes in ((1, ["one-based"]), (0, [])):
        objects = [bndbox(lowest, 1, 40 + n, 40) for n in range(20)]
        file = voc(tmp_path, *objects, bndbox(60, 60, 100, 100))
        health = look_for_faults(open_import("voc", (file,), ImportOptions()))
        assert [code for code in health.codes if code != "near-double"] == codes
    came = Came("voc", voc(tmp_path, bndbox(-1, 1, 10, 10), bndbox(90, 90, 101, 100)))
    assert came.boxes == [[0.0, 0.01, 0.1, 0.1], [0.9, 0.9, 1.0, 1.0]]
    assert came.report.clamped == {"beyond the image": 2}


def test_voc_decimals(tmp_path: Path) -> None:
    """Wrong: an error, or 48."""
    file = voc(tmp_path, bndbox("48.5", "1.25", "191.0", "107.36900369003689"), size="200")
    assert Came("voc", file).boxes == [[0.2425, 0.00625, 0.955, 107.36900369003689 / 200]]


def test_voc_polygon(tmp_path: Path) -> None:
    """Wrong: vertices are moved and boxes are not, or the other way round."""
    corners = "<x1>1</x1><y1>1</y1><x2>11</x2><y2>1</y2><x3>11</x3><y3>21</y3>"
    file = voc(tmp_path, f"<polygon>{corners}</polygon>")
    assert Came("voc", file).polygons == [[(0.01, 0.01), (0.11, 0.01), (0.11, 0.21)]]
    assert Came("voc", file, voc_origin=1).polygons == [[(0.0, 0.0), (0.1, 0.0), (0.1, 0.2)]]


# --- COCO -----------------------------------------------------------------------------

DRAWN = ["010", "011"]
WRITTEN = {
    "counts as a list": {"size": [2, 3], "counts": [2, 2, 1, 1]},
    "counts as text": {"size": [2, 3], "counts": "221O"},
}


@pytest.mark.parametrize("form", WRITTEN)
def test_rle_is_column_major(tmp_path: Path, form: str) -> None:
    """Wrong: rows are taken for columns, or the size for width and height."""
    file = coco(tmp_path, {"segmentation": WRITTEN[form]}, width=3, height=2)
    (shape,) = Came("coco", file).shapes
    assert read_mask(shape, 3) == DRAWN
    mask = '<mask label="cat" rle="1,1,2,2" left="0" top="0" width="3" height="2"/>'
    image = f'<image id="0" name="a.jpg" width="3" height="2">{mask}</image>'
    (shape,) = Came("cvat", write(tmp_path / "a.xml", f"<annotations>{image}</annotations>")).shapes
    assert read_mask(shape, 3) == ["010", "011"]


def test_rle_is_told_by_its_type(tmp_path: Path) -> None:
    """Wrong: a KeyError without iscrowd; a mask of one object refused, or its outline
    taken for it; a polygon with iscrowd taken for a mask; bare counts for a polygon.
    """
    mask, ring = WRITTEN["counts as text"], [[0, 0, 2, 0, 2, 2]]
    came = Came(
        "coco",
        coco(
            tmp_path,
            {"segmentation": mask},
            {"segmentation": mask, "iscrowd": 0},
            {"segmentation": mask, "iscrowd": 1},
            {"segmentation": ring, "iscrowd": 1},
            {"segmentation": [2, 2, 1, 1]},
            width=3,
            height=2,
        ),
    )
    assert [[*shape] for shape in came.shapes] == [["mask"]] * 3 + [["polygon"], ["mask"]]
    crowds = [each["annotation_info"].get("crowd") for each in came.annotations]
    assert crowds == [None, None, True, True, None]


def test_degenerate_polygons(tmp_path: Path) -> None:
    """Wrong: four numbers are read as a box, or end the run."""
    came = Came(
        "coco",
        coco(
            tmp_path,
            {"segmentation": [[10, 10, 50, 50]]},
            {"segmentation": [[10, 10]]},
            {"segmentation": [[10, 10, 50, 50]], "bbox": [10, 10, 20, 20]},
            {"segmentation": [[0, 0, 50, 0, 50, 50]]},
        ),
    )
    assert came.report.skipped == {"fewer than three points": 2}
    assert [[*shape] for shape in came.shapes] == [["bounding_box"], ["polygon"]]
    assert came.report.lost == {"polygon: fewer than three points": 1}


def test_parts_are_not_bridged(tmp_path: Path) -> None:
    """Wrong: one ring of six points, with a bridge between its parts."""
    parts = [[0, 0, 10, 0, 10, 10], [50, 50, 60, 50, 60, 60]]
    came = Came("coco", coco(tmp_path, {"segmentation": parts}))
    assert [len(ring) for ring in came.polygons] == [3, 3]
    groups = [each["annotation_info"]["parts_of"] for each in came.annotations]
    assert groups[0] == groups[1] not in {each["id"] for each in came.annotations}
    assert (came.report.converted, came.report.written) == (1, 2)


def test_absent_keypoints(tmp_path: Path) -> None:
    """Wrong: a point at 0, 0, or names that are one place off."""
    came = Came(
        "coco",
        coco(
            tmp_path,
            {"keypoints": [0, 0, 0, 50, 20, 1]},
            {"keypoints": [0, 0, 0, 0, 0, 0], "bbox": [0, 0, 50, 50]},
        ),
    )
    first, second = came.shapes
    assert first["keypoint_locations"] == [
        {"row": 0.0, "col": 0.0, "visibility": "NOT_PRESENT"},
        {"row": 0.2, "col": 0.5, "visibility": "NOT_VISIBLE"},
    ]
    assert came.annotations[0]["annotation_info"]["keypoint_names"] == ["nose", "tail"]
    assert [*second] == ["bounding_box"]
    assert came.report.lost == {"keypoints that are all absent": 1}


# --- YOLO -----------------------------------------------------------------------------


def test_yolo_segment_is_no_box(tmp_path: Path) -> None:
    """Wrong: its first four numbers are a box, and the fifth is a confidence."""
    came = Came("yolo", write(tmp_path / "a.txt", "0 .1 .2 .5 .2 .5 .6\n"))
    assert came.polygons == [[(0.1, 0.2), (0.5, 0.2), (0.5, 0.6)]]


def test_yolo_rotated_box(tmp_path: Path) -> None:
    """Wrong: the line is refused, as it has more than five numbers, or dropped."""
    came = Came("yolo", write(tmp_path / "a.txt", "0 .3 .1 .5 .3 .3 .5 .1 .3\n"))
    assert came.polygons == [[(0.3, 0.1), (0.5, 0.3), (0.3, 0.5), (0.1, 0.3)]]
    assert came.report.skipped == {}


# --- rotation -------------------------------------------------------------------------


def test_rotation_is_in_pixels(tmp_path: Path) -> None:
    """Wrong: percents are turned, by which the box is 20 wide and 20 high of anything
    ((0.5, 0.7), (0.3, 0.7), …); or it is turned about its center.
    """
    value = {"x": 50, "y": 50, "width": 20, "height": 20, "rotation": 90}
    result = {
        "id": "r",
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": 200,
        "original_height": 100,
        "value": {**value, "rectanglelabels": ["car"]},
    }
    task = {"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"id": 2, "result": [result]}]}
    came = Came("labelstudio", write(tmp_path / "a.json", [task]))
    assert came.polygons == [[(0.5, 0.5), (0.5, 0.9), (0.4, 0.9), (0.4, 0.5)]]
    assert came.annotations[0]["annotation_info"]["angle_degrees"] == 90


def cvat(path: Path, content: str, size: str = 'width="100" height="100"') -> Path:
    images = f'<image id="0" name="a.jpg" {size}>{content}</image>'
    return write(path / "a.xml", f"<annotations>{images}</annotations>")


def test_cvat_rotated_box(tmp_path: Path) -> None:
    """Wrong: the corners are those of a box that is clamped to the image before it is
    turned (height 80, not 100), or not turned at all.
    """
    box = '<box label="a" xtl="40" ytl="-20" xbr="60" ybr="80" rotation="90"/>'
    came = Came("cvat", cvat(tmp_path, box))
    assert came.polygons == [[(1.0, 0.2), (1.0, 0.4), (0.0, 0.4), (0.0, 0.2)]]
    assert came.report.clamped == {}


# --- images and tracks ----------------------------------------------------------------


def test_images_are_counted(tmp_path: Path) -> None:
    """Wrong: an image without labels is gone, or two of one name become one."""
    images = [
        {"id": n, "file_name": name, "width": 9, "height": 9}
        for n, name in enumerate(("a/1.jpg", "a/2.jpg", "b/3.jpg"))
    ]
    document: dict[str, Any] = {"images": images, "categories": [], "annotations": []}
    file = write(tmp_path / "a.json", document)
    assert Came("coco", file).report.images == 3
    images[2]["file_name"] = "b/1.jpg"
    write(file, document)
    with pytest.raises(UsageError, match=r"a/1\.jpg and b/1\.jpg are both input 1"):
        Came("coco", file)
    assert Came("coco", file, input_id="path").report.images == 3


def test_tracks_keep_ids(tmp_path: Path) -> None:
    """Wrong: tracks are numbered again, from 0."""
    box = '<box frame="3" outside="0" xtl="1" ytl="1" xbr="5" ybr="5"/>'
    track = f'<track id="17" label="car">{box}</track>'
    file = write(tmp_path / "a.xml", f"<annotations>{track}</annotations>")
    (annotation,) = Came("cvat", file, image_size="9x9").annotations
    assert annotation["annotation_info"]["track_id"] == "17"
    assert annotation["annotation_info"]["frame"] == 3


@pytest.mark.parametrize(
    ("said", "right"),
    [("", 0.5), ('width="40" height="30"', 0.375), ('width="30" height="40"', 0.5)],
)
def test_exif(tmp_path: Path, said: str, right: float) -> None:
    """Wrong: the sides of an image that was taken upright are swapped, and nobody is
    told that labels and image contradict each other.
    """
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(make_image("jpg", 6))
    file = cvat(tmp_path, '<box label="a" xtl="0" ytl="0" xbr="15" ybr="30"/>', said)
    came = Came("cvat", file, images=tmp_path / "images")
    assert came.boxes[0][2] == right
    noticed = [each.kind for each in came.remarks]
    assert noticed == (["size-contradiction"] if said.startswith('width="40"') else [])


# --- OpenLABEL ------------------------------------------------------------------------


def test_openlabel(tmp_path: Path) -> None:
    """Wrong: the first two numbers of a box are its corner; points in pairs, or without
    a word of whether they are closed, are refused; chain codes are read as points.
    """
    shapes = {
        "bbox": [{"name": "b", "val": [50, 50, 20, 10]}],
        "poly2d": [
            {"name": "p", "val": [[0, 0], [10, 0], [10, 10]]},
            {"name": "q", "val": [0, 0, 10, 0, 10, 10], "closed": True},
            {"name": "c", "val": ["5", "1", "mBIIOI"], "mode": "MODE_POLY2D_SRF6DCC"},
        ],
    }
    document = {"objects": {"0": {"name": "x", "type": "car", "object_data": shapes}}}
    file = write(tmp_path / "a.json", {"openlabel": document})
    came = Came("openlabel", file, image_size="100x100")
    assert came.shapes[0]["bounding_box"] == {
        "top_row": 0.45,
        "left_col": 0.4,
        "bottom_row": 0.55,
        "right_col": 0.6,
    }
    assert [len(shape["polygon"]["points"]) for shape in came.shapes[1:]] == [3, 3]
    assert came.report.skipped == {"its points are in MODE_POLY2D_SRF6DCC": 1}
    assert came.report.exit_code == 3


# --- boxes ----------------------------------------------------------------------------


def test_tiny_boxes(tmp_path: Path) -> None:
    """Wrong: boxes of no width are left out, and nobody hears of it; or they are sent,
    and the whole request is refused.
    """
    narrow = bndbox(10, 10, 10 + 1e-7, 20)
    came = Came("voc", voc(tmp_path, bndbox(5, 5, 5, 9), narrow, bndbox(5, 5, 6, 6)))
    assert came.report.skipped == {"no area": 2}
    assert [(each.place, each.reason) for each in came.remarks] == [
        ("object 1", "no area"),
        ("object 2", "no area"),
    ]
    assert came.boxes == [[0.05, 0.05, 0.06, 0.06]]
    assert came.report.exit_code == 0
