"""Pascal VOC and YOLO as other converters read them, in an environment of their own.

    python read_boxes.py SHARED/data        prints the sums as JSON

YOLO's images are not there, so blank ones of their sizes are drawn: the converters open
them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from globox import AnnotationSet
from labelformat.formats import PascalVOCObjectDetectionInput, YOLOv8InstanceSegmentationInput
from PIL import Image
from sums import Sums, write

DATUMARO_SIZE = 10, 5


def read_voc_by_labelformat(sums: Sums, folder: Path, source: str, names: str) -> None:
    for image in PascalVOCObjectDetectionInput(folder, names).get_labels():
        for each in image.objects:
            box = each.box
            edges = [box.xmin, box.ymin, box.xmax, box.ymax]
            sums.box(source, image.image.filename, each.category.name, edges)


def add_boxes(sums: Sums, source: str, annotations: AnnotationSet) -> None:
    for annotation in annotations:
        for box in annotation.boxes:
            edges = [box.xmin, box.ymin, box.xmax, box.ymax]
            sums.box(source, annotation.image_id, str(box.label), edges)


def draw_images(labels: Path, images: Path, sizes: dict[str, tuple[int, int]]) -> None:
    images.mkdir(parents=True)
    for file in labels.glob("*.txt"):
        size = sizes.get(file.stem, DATUMARO_SIZE)
        Image.new("L", size).save(images / f"{file.stem}.jpg")


def read_yolo_by_globox(sums: Sums, folder: Path, source: str) -> None:
    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]
    for part in ("train", "val"):
        with tempfile.TemporaryDirectory() as scratch:
            labels = folder / part / "labels"
            images = Path(scratch) / "images"
            draw_images(labels, images, {})
            read = AnnotationSet.from_yolo_v5(labels, image_folder=images, image_extension=".jpg")
            read.map_labels({str(number): name for number, name in enumerate(names)})
            add_boxes(sums, source, read)


def read_segments_by_labelformat(sums: Sums, folder: Path, source: str) -> None:
    coco = json.loads((folder / "coco" / "instances.json").read_bytes())
    sizes = {
        Path(each["file_name"]).stem: (each["width"], each["height"]) for each in coco["images"]
    }
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "yolo"
        shutil.copytree(folder / "yolo", root)
        draw_images(root / "labels", root / "images", sizes)
        reader = YOLOv8InstanceSegmentationInput(root / "dataset.yaml", "train")
        for image in reader.get_labels():
            for each in image.objects:
                for ring in each.segmentation.polygons:
                    sums.polygon(source, image.image.filename, each.category.name, ring)


def main(data: Path) -> None:
    labelformat, globox = Sums("labelformat"), Sums("globox")
    cells, theirs = data / "bccd-voc", data / "formats" / "datumaro"
    read_voc_by_labelformat(labelformat, cells, "bccd-voc", "WBC,RBC,Platelets")
    add_boxes(globox, "bccd-voc", AnnotationSet.from_pascal_voc(cells))
    read_voc_by_labelformat(labelformat, theirs / "voc", "formats/datumaro/voc", "cat,person")
    read_yolo_by_globox(globox, theirs / "yolo", "formats/datumaro/yolo")
    own = data / "formats" / "labelformat"
    read_segments_by_labelformat(labelformat, own, "formats/labelformat/yolo")
    write(labelformat, globox)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
