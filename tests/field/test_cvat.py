"""CVAT files of others, read here and by a few lines that know nothing of this."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from syncer.formats.cvat import Cvat
from syncer.formats.labels import (
    Box,
    FileFault,
    Item,
    Label,
    Omitted,
    Points,
    Polygon,
    ReadOptions,
    Skipped,
)


def read(folder: Path) -> list[Item]:
    return list(Cvat(ReadOptions()).read(folder))


def list_numbers(label: Label) -> tuple[float, ...]:
    [shape] = label.shapes
    match shape:
        case Box():
            return shape.left, shape.top, shape.right, shape.bottom
        case Polygon() | Points():
            return tuple(number for point in shape.points for number in point)
    raise AssertionError(shape)


def read_plainly(file: Path) -> list[tuple[str, str, tuple[float, ...]]]:
    """Return image or frame, label and numbers of all that is drawn, but for lines."""
    found = []
    for holder in ET.parse(file).getroot():
        for shape in holder if holder.tag in ("image", "track") else ():
            if shape.tag == "polyline" or shape.get("outside") == "1":
                continue
            keys = ("xtl", "ytl", "xbr", "ybr")
            text = shape.get("points") or ",".join(shape.get(key, "") for key in keys)
            numbers = tuple(float(number) for number in text.replace(";", ",").split(","))
            where = holder.get("name") or shape.get("frame") or ""
            found.append((where, shape.get("label", holder.get("label", "")), numbers))
    return found


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("cvat-images", {"Label": 3, "Skipped": 1}),
        ("cvat-video", {"Label": 2, "Omitted": 4, "Skipped": 1}),
    ],
)
def test_files_of_cvat_are_read_whole(shared: Path, name: str, kinds: dict[str, int]) -> None:
    folder = shared / "data" / "formats" / "datumaro" / name
    [file] = folder.glob("*.xml")
    found = read(folder)
    assert Cvat(ReadOptions()).detect(folder)
    counted = Counter(type(each).__name__ for each in found)
    assert {
        kind: counted[kind] for kind in ("Label", "Omitted", "Skipped") if counted[kind]
    } == kinds
    assert not [each for each in found if isinstance(each, FileFault)]
    assert {each.kind for each in found if isinstance(each, Skipped)} == {"polyline"}
    assert {each.rule for each in found if isinstance(each, Omitted)} <= {"outside"}
    labels = [each for each in found if isinstance(each, Label)]
    shown = [
        (
            label.picture.path if label.picture.frame is None else str(label.picture.frame),
            label.concepts[0].name if label.concepts else "",
            list_numbers(label),
        )
        for label in labels
    ]
    assert shown == read_plainly(file)


def test_what_datumaro_drops_of_a_video_is_kept(shared: Path) -> None:
    """The frame of the video where a step leaves some out, and the file that it is."""
    found = read(shared / "data" / "formats" / "datumaro" / "cvat-video")
    box, points = (each for each in found if isinstance(each, Label))
    assert (box.picture.path, box.picture.frame) == ("t.mp4", 10)
    assert (box.picture.width, box.picture.height) == (25, 20)
    assert box.info == {"track_id": "0", "keyframe": True, "occluded": True}
    assert points.info["attributes"] == {"hgl": "hgkf"}
