"""The counts of an import add up, of any file of any format, and so do its remarks."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.errors import UsageError
from syncer.formats import coco, concepts
from syncer.formats.registry import AUTO
from syncer.jobs.importing import report
from syncer.jobs.importing.health import look_for_faults
from syncer.jobs.importing.options import ImportOptions
from syncer.jobs.importing.report import Remark
from syncer.jobs.importing.run import open_import

EXAMPLES = Path(__file__).parents[2] / "examples"
FORMATS = {
    "coco": "coco",
    "yolo": "yolo",
    "voc": "voc",
    "cvat": "cvat",
    "labelstudio": "labelstudio",
    "openlabel": "openlabel",
    "csv": "tables",
}
PIECES = st.sampled_from(
    [b"", b"0", b"-1", b"NaN", b"1e999", b"9" * 30, b'"', b"{", b"]", b"<a>", b"</", b"\0", b"\xff"]
) | st.binary(max_size=4)
EDITS = st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1), st.integers(0, 40), PIECES))


class Sums:
    """Counts what an import says, apart from its report."""

    def __init__(self) -> None:
        self.lines = 0
        self.events: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()

    def write(self, line: bytes, /) -> None:
        assert json.loads(line)["op"] == "post"
        self.lines += 1

    def remark(self, remark: Remark) -> None:
        self.events[remark.event] += 1
        if remark.event == "lost" or remark.reason == "no place":
            self.kinds[remark.kind or remark.reason] += 1

    def label(self, *_: object) -> None:
        self.events["label"] += 1


def check_sums(format_name: str, path: Path, options: ImportOptions) -> None:
    sums = Sums()
    job = open_import(format_name, (path,), options)
    job.observe(sums)
    try:
        counts = job.run(sums)
    except UsageError:
        return
    assert counts.read == counts.converted + counts.left_out.total() + counts.skipped.total()
    assert (counts.written, counts.converted) == (sums.lines, sums.events["label"])
    assert counts.lost == sums.kinds
    assert {
        "skipped": counts.skipped.total(),
        "left_out": counts.left_out.total(),
        "clamped": counts.clamped.total(),
        "repeated": counts.repeated,
        "unreadable": counts.unreadable,
    } == {
        event: sums.events[event]
        for event in ("skipped", "left_out", "clamped", "repeated", "unreadable")
    }
    assert bool(counts.faults) == (counts.exit_code == 3)


@pytest.mark.parametrize("format_name", FORMATS)
@settings(deadline=None, max_examples=60)
@given(edits=EDITS, predictions=st.booleans(), size=st.sampled_from(["", "40x30"]))
def test_read_is_converted_left_out_and_skipped(
    tmp_path_factory: pytest.TempPathFactory,
    format_name: str,
    edits: list[tuple[int, float, int, bytes]],
    predictions: bool,
    size: str,
) -> None:
    folder = tmp_path_factory.mktemp("sums") / "set"
    shutil.copytree(EXAMPLES / FORMATS[format_name], folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, share, length, piece in edits:
        path = files[number % len(files)]
        data = path.read_bytes()
        at = int(share * len(data))
        path.write_bytes(data[:at] + piece + data[at + length :])
    options = ImportOptions(predictions=predictions, image_size=size)
    check_sums(format_name, folder, options)
    try:
        look_for_faults(open_import(format_name, (folder,), options))
        open_import(AUTO, (folder,), options)
    except UsageError:
        pass


def test_each_part_that_is_clamped_is_a_line_of_the_report(tmp_path: Path) -> None:
    """Wrong: the counts say two, and the report lists one."""
    ring = [-5, 0, 50, 0, 50, 50]
    label = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [ring, ring]}
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [label],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    check_sums("coco", tmp_path, ImportOptions())


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    """Wrong: its labels are not there, and nobody is told."""
    shutil.copytree(EXAMPLES / "voc", tmp_path / "set")
    (tmp_path / "set" / "gone.xml").symlink_to("nowhere.xml")
    counts = open_import("voc", (tmp_path / "set",), ImportOptions()).run(Sums())
    assert (counts.unreadable, counts.exit_code, counts.converted) == (1, 3, 3)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    for format_name in ("coco", AUTO):
        with pytest.raises(UsageError, match="neither a file nor a folder"):
            open_import(format_name, (tmp_path / "a.json",), ImportOptions())


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong: its labels are not there, and nobody is told."""
    shutil.copytree(EXAMPLES / "voc", tmp_path / "set")
    (tmp_path / "set" / "locked").mkdir()
    scan = os.scandir

    def scan_all_but_one(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scan_all_but_one)
    counts = open_import("voc", (tmp_path / "set",), ImportOptions()).run(Sums())
    assert (counts.unreadable, counts.exit_code, counts.converted) == (1, 3, 3)
    assert counts.notes == [f"{tmp_path / 'set' / 'locked'}: Permission denied"]


def test_names_without_end_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong: 370 MB for a table of 33 MB, in which each row has a class of its own."""
    monkeypatch.setattr(concepts, "HELD_BYTES_MAX", 5000)
    rows = "".join(f"a.jpg,class {number}\n" for number in range(20))
    (tmp_path / "a.csv").write_text(f"filename,concept\n{rows}")
    with pytest.raises(UsageError, match="more than 9 concepts"):
        open_import("csv", (tmp_path / "a.csv",), ImportOptions()).run(Sums())
    monkeypatch.setattr(coco, "CATEGORY_BYTES_MAX", 5000)
    categories = [{"id": n, "name": f"class {n}"} for n in range(20)]
    (tmp_path / "a.json").write_text(json.dumps({"images": [], "categories": categories}))
    with pytest.raises(UsageError, match="more than 7 categories"):
        open_import("coco", (tmp_path / "a.json",), ImportOptions()).run(Sums())
    monkeypatch.setattr(report, "KEYS_MAX", 3)
    tags = "".join(f"<shape{number} label='a'/>" for number in range(9))
    image = f"<image id='0' name='a.jpg'>{tags}</image>"
    (tmp_path / "a.xml").write_text(f"<annotations>{image}</annotations>")
    counts = open_import("cvat", (tmp_path / "a.xml",), ImportOptions()).run(Sums())
    assert counts.lost == {"shape0": 1, "shape1": 1, "shape2": 1, "others": 6}
