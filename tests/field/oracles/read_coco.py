"""COCO as faster-coco-eval, labelformat and supervision read it, in an environment of
their own.

    python read_coco.py SHARED/data        prints the sums as JSON

labelformat reads only files in which each annotation says whether it is a crowd.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import supervision
from faster_coco_eval import COCO
from labelformat.formats import COCOInstanceSegmentationInput
from labelformat.model.multipolygon import MultiPolygon
from sums import Sums, write


def read_by_faster_coco_eval(sums: Sums, file: Path, source: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(file))
    for annotation in coco.loadAnns(coco.getAnnIds()):
        image = coco.loadImgs([annotation["image_id"]])[0]
        concept = coco.loadCats([annotation["category_id"]])[0]["name"]
        where = source, image["file_name"], concept
        if isinstance(annotation.get("segmentation"), dict):
            sums.mask(*where, float(coco.annToMask(annotation).sum()))


def read_by_supervision(sums: Sums, file: Path, source: str) -> None:
    read = supervision.DetectionDataset.from_coco("", str(file))
    for path in read.image_paths:
        boxes = read.annotations[path]
        for edges, number in zip(boxes.xyxy, boxes.class_id, strict=True):
            sums.box(source, path, read.classes[number], [float(edge) for edge in edges])


def read_by_labelformat(sums: Sums, file: Path, source: str) -> None:
    for image in COCOInstanceSegmentationInput(file).get_labels():
        for each in image.objects:
            where = source, image.image.filename, each.category.name
            if isinstance(each.segmentation, MultiPolygon):
                for ring in each.segmentation.polygons:
                    sums.polygon(*where, ring)
            else:
                sums.mask(*where, float(each.segmentation.get_binary_mask().sum()))


def main(data: Path) -> None:
    sums = {name: Sums(name) for name in ("faster-coco-eval", "supervision", "labelformat")}
    files = [
        *sorted((data / "coco-excerpt").glob("*.json")),
        *sorted((data / "formats" / "datumaro" / "coco").glob("[!l]*.json")),
        data / "formats" / "labelformat" / "coco" / "instances.json",
    ]
    for file in files:
        source = str(file.relative_to(data))
        annotations = json.loads(file.read_bytes())["annotations"]
        read_by_faster_coco_eval(sums["faster-coco-eval"], file, source)
        read_by_supervision(sums["supervision"], file, source)
        if all("iscrowd" in each for each in annotations):
            read_by_labelformat(sums["labelformat"], file, source)
    write(*sums.values())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
