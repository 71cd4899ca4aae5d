"""The counts of an import add up, of any file of any format, and so do its remarks."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.errors import UsageError
from syncer.formats import coco_tables, concepts
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

    def write(self, lines: bytes, /) -> None:
        for line in lines.splitlines():
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
    monkeypatch.setattr(coco_tables, "CATEGORY_BYTES_MAX", 5000)
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


def write_track(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    box = "<box frame='1' outside='0' xtl='0' ytl='0' xbr='1' ybr='1'/>"
    path.write_text(f"<annotations><track id='0' label='car'>{box}</track></annotations>")
    return path


def write_texts(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    result = {"type": "choices", "value": {"choices": ["good"]}}
    tasks = [{"data": {"text": text}, "annotations": [{"result": [result]}]} for text in "ab"]
    path.write_text(json.dumps(tasks))
    return path


@pytest.mark.parametrize(
    ("format_name", "name", "write"),
    [("cvat", "annotations.xml", write_track), ("labelstudio", "export.json", write_texts)],
)
def test_what_is_named_by_its_file_alone_is_not_one_in_two_files(
    tmp_path: Path, format_name: str, name: str, write: Callable[[Path], Path]
) -> None:
    """Wrong: labels of two videos, or of two texts, go to one input in silence."""
    first, second = (write(tmp_path / folder / name) for folder in "ab")
    options = ImportOptions(image_size="9x9")
    with pytest.raises(UsageError, match=r"a/.* and b/.* are both input"):
        open_import(format_name, (tmp_path,), options).run(Sums())
    counts = open_import(format_name, (first, second), options).run(Sums())
    assert (counts.unreadable, counts.exit_code) == (1, 3)
    alone = open_import(format_name, (first,), options).run(Sums())
    assert alone.images == alone.read == counts.read
    assert alone.converted == counts.converted > 0


def test_a_rate_beyond_all_numbers_is_none(tmp_path: Path) -> None:
    """Wrong: an internal error."""
    frame = {"frame": 1, "x": 1, "y": 1, "width": 5, "height": 5}
    value = {"labels": ["a"], "duration": 1, "framesCount": 10**400, "sequence": [frame]}
    result = {"id": "v", "type": "videorectangle", "value": value}
    task = {"id": 1, "data": {"video": "a.mp4"}, "annotations": [{"result": [result]}]}
    (tmp_path / "a.json").write_text(json.dumps([task]))
    assert open_import("labelstudio", (tmp_path,), ImportOptions()).run(Sums()).converted == 1


def test_a_label_file_may_have_the_longest_name(tmp_path: Path) -> None:
    """Wrong: the name of its image would be too long, and it is not read."""
    (tmp_path / f"{'a' * 251}.txt").write_text("0 .5 .5 .1 .1")
    assert open_import("yolo", (tmp_path,), ImportOptions()).run(Sums()).converted == 1


def test_a_file_of_a_folder_that_cannot_be_read_is_no_other_format(tmp_path: Path) -> None:
    """Wrong: it is said not to be a COCO file, and the exit code is 0."""
    shutil.copytree(EXAMPLES / "coco", tmp_path / "set")
    (tmp_path / "set" / "gone.json").symlink_to("nowhere.json")
    counts = open_import("coco", (tmp_path / "set",), ImportOptions()).run(Sums())
    assert (counts.unreadable, counts.exit_code) == (1, 3)
