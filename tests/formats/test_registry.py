"""The format of label files, found out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from syncer.errors import UsageError
from syncer.formats.labels import ReadOptions
from syncer.formats.registry import detect_format

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = {
    name: EXAMPLES / name for name in ("coco", "yolo", "voc", "cvat", "labelstudio", "openlabel")
}


@pytest.mark.parametrize("name", FOLDERS)
def test_each_example_is_of_its_format(name: str) -> None:
    assert detect_format((FOLDERS[name],), ReadOptions()) == name


def make_hostile(folder: Path) -> None:
    """Leave what must not be taken for labels, waited for or stumbled over."""
    folder.mkdir()
    for ending in ("json", "xml", "txt", "csv", "jsonl", "parquet", "yaml"):
        os.mkfifo(folder / f"pipe.{ending}")
        (folder / f"gone.{ending}").symlink_to("nowhere")
        (folder / f"folder.{ending}").mkdir()
        (folder / f"empty.{ending}").touch()
        (folder / f"zeros.{ending}").write_bytes(bytes(5000))
        (folder / f"depth.{ending}").write_bytes(b"[" * 100_000)
        (folder / f"tags.{ending}").write_bytes(b"<a>" * 100_000)
    (folder / "loop").symlink_to(folder)
    (folder / ".hidden.json").write_text('{"images": [], "annotations": []}')


@pytest.mark.parametrize("name", FOLDERS)
def test_labels_among_hostile_files_are_recognised(tmp_path: Path, name: str) -> None:
    make_hostile(tmp_path / "z")
    with pytest.raises(UsageError, match="no format was recognised"):
        detect_format((tmp_path / "z",), ReadOptions())
    shutil.copytree(FOLDERS[name], tmp_path / "a")
    assert detect_format((tmp_path,), ReadOptions()) == name


def test_several_formats_are_named_and_none_is_chosen(tmp_path: Path) -> None:
    """Wrong: "no format was recognised" in two folders of a format each."""
    shutil.copytree(FOLDERS["coco"], tmp_path / "a")
    shutil.copytree(FOLDERS["voc"], tmp_path / "b")
    with pytest.raises(UsageError, match="may be coco or voc: name the format"):
        detect_format((tmp_path,), ReadOptions())
    with pytest.raises(UsageError, match=r"not of one format: \S+a coco, \S+b voc; import them"):
        detect_format((tmp_path / "a", tmp_path / "b"), ReadOptions())
