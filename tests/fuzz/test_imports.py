"""Label files that are made to fill the memory, or to take for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import measured
from tests.support.processes import ENVIRONMENT, ROOT, command

pytestmark = pytest.mark.proof
SECONDS_MAX = 60
"""Of the processor."""
MEMORY_KB_MAX = 200_000
DEPTH = 300_000
NESTED = "[" * DEPTH + "]" * DEPTH
MANY = 5_000_000


def write_coco(outline: str, width: str = "640", height: str = "480") -> str:
    image = f'{{"id":1,"file_name":"a.jpg","width":{width},"height":{height}}}'
    annotation = f'{{"id":1,"image_id":1,"category_id":1,"segmentation":{outline}}}'
    categories = '[{"id":1,"name":"c"}]'
    return f'{{"images":[{image}],"categories":{categories},"annotations":[{annotation}]}}'


def write_runs(counts: str, size: str = "[480,640]") -> str:
    return f'{{"size":{size},"counts":{counts}}}'


def write_cvat(shape: str, width: int = 640) -> str:
    image = f'<image id="0" name="a.jpg" width="{width}" height="9">'
    return f"<annotations>{image}{shape}</image></annotations>"


def write_tasks(value: str) -> str:
    head = '"id":"r","type":"brushlabels","from_name":"l","to_name":"image"'
    size = '"original_width":2000000000,"original_height":2000000000'
    annotations = f'[{{"id":1,"result":[{{{head},{size},"value":{value}}}]}}]'
    return f'[{{"id":1,"data":{{"image":"/a.jpg"}},"annotations":{annotations}}}]'


def write_brush(numbers: str) -> str:
    return write_tasks(f'{{"format":"rle","rle":[{numbers}],"brushlabels":["c"]}}')


def write_document(frames: str) -> str:
    objects = '{"0":{"name":"","type":"car"}}'
    return f'{{"openlabel":{{"objects":{objects},"frames":{frames}}}}}'


def write_outline(numbers: str) -> str:
    data = f'{{"poly2d":[{{"name":"p","val":[{numbers}]}}]}}'
    return write_document(f'{{"0":{{"objects":{{"0":{{"object_data":{data}}}}}}}}}')


WIDE = '<mask label="c" rle="4000000000" left="0" top="0" width="2000000000" height="2"/>'
FILES: dict[str, Callable[[], str]] = {
    "coco deep.json": lambda: write_coco(NESTED),
    "coco large.json": lambda: write_coco("[[" + "1.5," * MANY + "1]]"),
    "coco points.json": lambda: write_coco("[[" + "1.5,2," * 700_000 + "1]]"),
    "coco runs.json": lambda: write_coco(write_runs("[" + "0," * 2_000_000 + "1]")),
    "coco text.json": lambda: write_coco(write_runs('"' + "0" * 3_000_000 + '"')),
    "coco pixels.json": lambda: write_coco(
        write_runs("[4e18]", "[2000000000,2000000000]"), "2e9", "2e9"
    ),
    "cvat deep.xml": lambda: "<annotations>" + "<a>" * DEPTH,
    "cvat large.xml": lambda: write_cvat(
        '<polygon label="c" points="' + "1.5,2;" * 4_000_000 + '"/>'
    ),
    "cvat pixels.xml": lambda: write_cvat(WIDE, 2_000_000_000),
    "labelstudio deep.json": lambda: write_tasks(NESTED),
    "labelstudio large.json": lambda: write_brush("1," * 2 * MANY + "1"),
    "labelstudio pixels.json": lambda: write_brush("255,255,255,255,1"),
    "openlabel deep.json": lambda: write_document(NESTED),
    "openlabel large.json": lambda: write_outline("1.5," * MANY + "1"),
    "yolo large.txt": lambda: "0 " + "0.5 " * MANY,
    "yolo many.txt": lambda: ("0 " + "0.5 0.25 " * 30_000 + "\n") * 40,
}


@pytest.mark.parametrize("name", FILES)
def test_no_label_file_hangs_fills_the_memory_or_makes_a_traceback(
    tmp_path: Path, name: str
) -> None:
    """Wrong: a mask, a polygon or a nesting that is made before it is judged."""
    form, file = name.split()
    path = tmp_path / "labels" / file
    path.parent.mkdir()
    path.write_text(FILES[name]())
    ran = command("import", form, str(path), "--out", str(tmp_path / "out.jsonl"))
    done = subprocess.run(
        [sys.executable, "-I", measured.__file__, os.devnull, *ran],
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=4 * SECONDS_MAX,
        check=True,
    )
    status, seconds, kilobytes = json.loads(done.stdout.splitlines()[-1])
    assert b"Traceback" not in done.stderr
    assert status >> 8 in (0, 2, 3), done.stderr
    assert seconds < SECONDS_MAX
    assert kilobytes < MEMORY_KB_MAX
