"""`python -m benchmarks.imports [MEGABYTES [ROUNDS]]`: CPU and memory of `syncer import
coco` beside ijson reading the same file, of 1,000 MB by default.

Alone means: every annotation is made an object, and nothing is done with it. The files
are as COCO's own: annotations come in any order of their images.

instances   a box and a polygon of 8 to 36 points, one in ten in two parts, one in a
            hundred a crowd
boxes       a box and its area, nothing else
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

from benchmarks.measured import cpu_of
from tests.support.processes import command

MEGABYTES = 1_000
BAR = 3.0
"""Times the CPU of ijson."""
MEMORY_MB = 200
CATEGORIES, LABELS_AN_IMAGE, FORMS = 80, 7, 997
ALONE = (
    "import ijson.backends.yajl2_c as ijson, sys\n"
    "with open(sys.argv[1], 'rb') as file:\n"
    "    for _ in ijson.items(file, 'annotations.item', use_float=True): pass\n"
)


def write_coco(path: Path, megabytes: float, kind: str) -> int:
    """Write a file of this size, and return how many labels it has.

    Shapes are out of some hundreds, as making each would take longer than all else.
    """
    chance = random.Random(14)
    forms = [_write_form(chance, kind) for _ in range(FORMS)]
    # an image takes some 290 bytes with its labels' share of it
    label_bytes = sum(map(len, forms)) / FORMS + 60 + 290 / LABELS_AN_IMAGE
    labels = int(megabytes * 1e6 / label_bytes)
    images = labels // LABELS_AN_IMAGE + 1
    with path.open("wb") as out:
        out.write(b'{"info":{"year":2017},"licenses":[],"images":[')
        _write_list(out.write, (_write_image(number) for number in range(images)))
        out.write(b'],"annotations":[')
        _write_list(
            out.write,
            (
                b'{%b,"image_id":%d,"category_id":%d,"id":%d}'
                % (
                    forms[number % FORMS],
                    chance.randrange(images) + 1,
                    number % CATEGORIES + 1,
                    900_000 + number,
                )
                for number in range(labels)
            ),
        )
        names = ({"id": n + 1, "name": f"Thing {n}", "supercategory": "s"} for n in range(80))
        out.write(b'],"categories":%b}' % orjson.dumps(list(names)))
    return labels


def _write_list(write: Callable[[bytes], object], items: Iterator[bytes]) -> None:
    for number, item in enumerate(items):
        write(b"," + item if number else item)


def _write_image(number: int) -> bytes:
    name = f"{number + 1:012}.jpg"
    return orjson.dumps(
        {
            "license": 4,
            "file_name": name,
            "coco_url": f"http://images.cocodataset.org/train2017/{name}",
            "height": 480,
            "width": 640,
            "date_captured": "2013-11-14 11:18:45",
            "flickr_url": "http://farm9.staticflickr.com/8186/8119368305_4e622c8349_z.jpg",
            "id": number + 1,
        }
    )


def _write_form(chance: random.Random, kind: str) -> bytes:
    """Return the members of an annotation that are its shape."""
    left, top = chance.uniform(0, 300), chance.uniform(0, 200)
    width, height = chance.uniform(9, 300), chance.uniform(9, 250)
    area = width * height / 2
    form: dict[str, object] = {}
    if kind == "instances":
        parts = 2 if chance.random() < 0.1 else 1
        form["segmentation"] = [
            [
                round(low + chance.random() * length, 2)
                for _ in range(chance.randint(8, 36))
                for low, length in ((left, width), (top, height))
            ]
            for _ in range(parts)
        ]
    form |= {"area": area, "iscrowd": 0}
    if kind == "instances" and chance.random() < 0.01:
        counts = [480 * 100, *[50, 430] * 60, 480 * 480]
        form |= {"segmentation": {"counts": counts, "size": [480, 640]}, "iscrowd": 1}
    form["bbox"] = [round(side, 2) for side in (left, top, width, height)]
    return orjson.dumps(form)[1:-1]


def beside(megabytes: int = MEGABYTES, rounds: int = 2) -> None:
    """Ends with 1 where a bar is missed. The best of some rounds of each, in turn."""
    is_missed = False
    print(
        "file         labels      MB   ijson, s   import, s   times (bar: 3)   µs a label   peak MB"
    )
    for kind in ("instances", "boxes"):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "instances.json"
            labels = write_coco(path, megabytes, kind)
            alone, ours, peaks = [], [], []
            for _ in range(rounds):
                alone.append(cpu_of([sys.executable, "-c", ALONE, str(path)])[0])
                out = str(Path(name) / "out.jsonl")
                seconds, size = cpu_of(command("import", "coco", str(path), "--out", out))
                ours.append(seconds)
                peaks.append(size >> 10)
            times = min(ours) / min(alone)
            print(
                f"{kind:10} {labels:8,} {path.stat().st_size / 1e6:7,.0f} {min(alone):10.2f}"
                f" {min(ours):11.2f} {times:16.2f} {min(ours) / labels * 1e6:12.1f}"
                f" {max(peaks):9}",
                flush=True,
            )
            is_missed |= times > BAR or max(peaks) >= MEMORY_MB
    if is_missed:
        sys.exit(1)


if __name__ == "__main__":
    beside(*map(int, sys.argv[1:]))
