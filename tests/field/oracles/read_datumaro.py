"""COCO, CVAT and rotated boxes of YOLO as datumaro reads them, in an environment of its
own.

    python read_datumaro.py SHARED/data        prints the sums as JSON

It opens images that are not there: blank ones of their sizes are drawn.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

import datumaro as dm
from PIL import Image
from sums import Sums, write

OBB_SIZE = 10, 6


def draw(path: Path, width: int, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (width, height)).save(path)


def pairs(numbers: Iterable[float]) -> list[tuple[float, float]]:
    flat = [*numbers]
    return list(zip(flat[::2], flat[1::2], strict=True))


def add(sums: Sums, source: str, dataset: dm.Dataset) -> None:
    names = dataset.categories()[dm.AnnotationType.label].items
    for item in dataset:
        for shape in item.annotations:
            if shape.attributes.get("outside"):
                continue
            label = getattr(shape, "label", None)
            where = source, item.id, "" if label is None else names[label].name
            if isinstance(shape, dm.Bbox):
                left, top, width, height = shape.get_bbox()
                sums.box(*where, (left, top, left + width, top + height))
            elif shape.type is dm.AnnotationType.rotated_bbox:
                sums.polygon(*where, [(float(x), float(y)) for x, y in shape.as_polygon()])
            elif isinstance(shape, dm.Polygon):
                sums.polygon(*where, pairs(shape.points))
            elif isinstance(shape, dm.Mask):
                sums.mask(*where, float(shape.image.sum()))
            elif isinstance(shape, dm.Points):
                seen = shape.visibility
                points = zip(pairs(shape.points), seen, strict=True)
                sums.points(*where, [point for point, how in points if how.value])


def read_coco(sums: Sums, folder: Path, name: str, source: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "annotations").mkdir()
        shutil.copy(folder / name, root / "annotations")
        subset = Path(name).stem.rpartition("_")[2]
        for image in json.loads((folder / name).read_bytes())["images"]:
            draw(root / "images" / subset / image["file_name"], image["width"], image["height"])
        task = "coco_person_keypoints" if "keypoints" in name else "coco_instances"
        add(sums, source, dm.Dataset.import_from(str(root), task))


def read_cvat(sums: Sums, folder: Path, source: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "cvat"
        shutil.copytree(folder, root)
        [file] = root.glob("*.xml")
        for image in ET.parse(file).getroot().iter("image"):
            size = int(image.get("width", 0)), int(image.get("height", 0))
            draw(root / "images" / image.get("name", ""), *size)
        add(sums, source, dm.Dataset.import_from(str(root), "cvat"))


def read_rotated(sums: Sums, folder: Path, source: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "obb"
        shutil.copytree(folder, root)
        for file in root.glob("*/labelTxt/*.txt"):
            draw(file.parents[1] / "images" / f"{file.stem}.jpg", *OBB_SIZE)
        add(sums, source, dm.Dataset.import_from(str(root), "roboflow_yolo_obb"))


def main(data: Path) -> None:
    warnings.simplefilter("ignore")
    sums = Sums("datumaro")
    theirs = data / "formats" / "datumaro"
    for name in sorted(path.name for path in (theirs / "coco").glob("*.json")):
        if not name.startswith("labels"):
            read_coco(sums, theirs / "coco", name, f"formats/datumaro/coco/{name}")
    for path in sorted((data / "coco-excerpt").glob("*.json")):
        read_coco(sums, path.parent, path.name, f"coco-excerpt/{path.name}")
    for name in ("cvat-images", "cvat-video"):
        read_cvat(sums, theirs / name, f"formats/datumaro/{name}")
    read_rotated(sums, theirs / "yolo-obb", "formats/datumaro/yolo-obb")
    write(sums)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
