"""`syncer.import_labels`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import syncer
from syncer import labels as values


def write(path: Path, count: int = 1) -> Path:
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 50}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 25]} for n in range(count)
        ],
        "categories": [{"id": 1, "name": "Cat"}],
    }
    path.write_text(json.dumps(document))
    return path


def collect(labels: syncer.ImportedLabels) -> list[Any]:
    async def run() -> list[Any]:
        return [json.loads(line) async for line in labels]

    return anyio.run(run)


def test_lines_of_a_change_log_come_and_the_report_counts_them(tmp_path: Path) -> None:
    labels = syncer.import_labels("auto", write(tmp_path / "a.json", 1200))
    lines = collect(labels)
    assert len(lines) == labels.report.written == labels.report.read == 1200
    assert lines[0]["annotation"]["input_id"] == "a"


class Mine:
    """A format of a user."""

    def detect(self, path: Path) -> bool:
        return True

    def read(self, path: Path) -> Iterator[values.Item]:
        yield values.InFile(path)
        yield values.Label(
            values.Picture("b.jpg"),
            (values.Concept("x"),),
            (values.Box(0, 0, 1, 0.5),),
            values.Measure.SHARES,
            own_id="1",
        )


def test_a_reader_of_a_user_yields_labels_as_values(tmp_path: Path) -> None:
    (line,) = collect(syncer.import_labels(Mine(), write(tmp_path / "a.json")))
    assert line["annotation"]["annotation_info"] == {"format": "mine", "own_id": "1"}


def test_nothing_comes_where_strict_meets_a_bad_label(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", 2)
    path.write_text(path.read_text().replace('"id": 1, "image_id": 1', '"id": 1, "image_id": 2'))
    with pytest.raises(syncer.BadLabelFound, match=r"annotations\[1\]"):
        collect(syncer.import_labels("coco", path, strict=True))


def test_errors_and_notes_name_arguments(tmp_path: Path) -> None:
    document = json.loads(write(tmp_path / "a.json").read_text())
    names = [{"id": n, "file_name": f"{n}/a.jpg", "width": 9, "height": 9} for n in (1, 2)]
    (tmp_path / "a.json").write_text(json.dumps({**document, "images": names}))
    with pytest.raises(syncer.UsageError, match=r"give input_id path, or an input_map$"):
        collect(syncer.import_labels("coco", tmp_path / "a.json"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"input_id": "x"}, "argument input_id"),
        ({"voc_origin": 2}, "argument voc_origin"),
        ({"video": 1}, "argument video"),
        ({"image_size": (0, 1)}, "argument image_size: is (0, 1)"),
        ({"image_size": "nope"}, "argument image_size: is 'nope'"),
        ({"columns": {"x": "y"}}, "columns x="),
        ({"images": "nowhere"}, "images nowhere: it is not a folder"),
        ({"images": ""}, "argument images"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(tmp_path: Path, options: Any, why: str) -> None:
    with pytest.raises(syncer.UsageError, match=f"^{re.escape(why)}"):
        syncer.import_labels("coco", write(tmp_path / "a.json"), **options)


def test_labels_come_once(tmp_path: Path) -> None:
    labels = syncer.import_labels("coco", write(tmp_path / "a.json"))
    collect(labels)
    with pytest.raises(syncer.UsageError, match="imported already"):
        collect(labels)


def test_an_import_that_is_cancelled_ends_soon(tmp_path: Path) -> None:
    labels = syncer.import_labels("coco", write(tmp_path / "a.json", 20_000))

    async def run() -> None:
        with anyio.move_on_after(0.05):
            async for _ in labels:
                break

    anyio.run(run)
    assert labels.report.read < 20_000
