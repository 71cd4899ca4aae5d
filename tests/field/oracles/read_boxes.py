"""Pascal VOC and YOLO as other converters read them, in an environment of their own.

    python read_boxes.py SHARED/data        prints the sums as JSON

Of boxes: how many, and the sums of their edges in pixels; of polygons: how many points,
and the sums of x and y. By file and concept. YOLO's images are not there, so blank ones
of their sizes are drawn: the converters open them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import yaml
from globox import AnnotationSet
from labelformat.formats import PascalVOCObjectDetectionInput, YOLOv8InstanceSegmentationInput
from PIL import Image

Sums = dict[str, list[float]]
DATUMARO_SIZE = 10, 5


def add(sums: Sums, stem: str, concept: str, numbers: list[float]) -> None:
    held = sums.setdefault(f"{stem} {concept}", [0.0] * (len(numbers) + 1))
    held[0] += 1
    for place, number in enumerate(numbers, 1):
        held[place] += number


def read_voc_by_labelformat(folder: Path, names: str) -> Sums:
    sums: Sums = {}
    for image in PascalVOCObjectDetectionInput(folder, names).get_labels():
        for each in image.objects:
            box = each.box
            edges = [box.xmin, box.ymin, box.xmax, box.ymax]
            add(sums, Path(image.image.filename).stem, each.category.name, edges)
    return sums


def sum_up(annotations: AnnotationSet) -> Sums:
    sums: Sums = {}
    for annotation in annotations:
        for box in annotation.boxes:
            edges = [box.xmin, box.ymin, box.xmax, box.ymax]
            add(sums, Path(annotation.image_id).stem, str(box.label), edges)
    return sums


def draw_images(labels: Path, images: Path, sizes: dict[str, tuple[int, int]]) -> None:
    images.mkdir(parents=True)
    for file in labels.glob("*.txt"):
        size = sizes.get(file.stem, DATUMARO_SIZE)
        Image.new("L", size).save(images / f"{file.stem}.jpg")


def read_yolo_by_globox(folder: Path) -> Sums:
    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]
    found: Sums = {}
    for part in ("train", "val"):
        with tempfile.TemporaryDirectory() as scratch:
            labels = folder / part / "labels"
            images = Path(scratch) / "images"
            draw_images(labels, images, {})
            read = AnnotationSet.from_yolo_v5(labels, image_folder=images, image_extension=".jpg")
            read.map_labels({str(number): name for number, name in enumerate(names)})
            found |= sum_up(read)
    return found


def read_segments_by_labelformat(folder: Path) -> Sums:
    coco = json.loads((folder / "coco" / "instances.json").read_bytes())
    sizes = {
        Path(each["file_name"]).stem: (each["width"], each["height"]) for each in coco["images"]
    }
    sums: Sums = defaultdict(lambda: [0.0, 0.0, 0.0])
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "yolo"
        shutil.copytree(folder / "yolo", root)
        draw_images(root / "labels", root / "images", sizes)
        reader = YOLOv8InstanceSegmentationInput(root / "dataset.yaml", "train")
        for image in reader.get_labels():
            for each in image.objects:
                for ring in each.segmentation.polygons:
                    for x, y in ring:
                        stem = Path(image.image.filename).stem
                        add(sums, stem, each.category.name, [x, y])
    return dict(sums)


def main(data: Path) -> None:
    cells = data / "bccd-voc"
    by_two = [
        read_voc_by_labelformat(cells, "WBC,RBC,Platelets"),
        sum_up(AnnotationSet.from_pascal_voc(cells)),
    ]
    assert by_two[0] == by_two[1], "the oracles disagree"
    datumaro = data / "formats" / "datumaro"
    found = {
        "voc bccd-voc": by_two[0],
        "voc formats/datumaro/voc": read_voc_by_labelformat(datumaro / "voc", "cat,person"),
        "yolo formats/datumaro/yolo": read_yolo_by_globox(datumaro / "yolo"),
        "yolo formats/labelformat/yolo": read_segments_by_labelformat(
            data / "formats" / "labelformat"
        ),
    }
    rows = [
        json.dumps({f"{source} {key}": [round(number, 6) for number in sums[key]]})[1:-1]
        for source, sums in found.items()
        for key in sorted(sums)
    ]
    sys.stdout.write("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
