"""`syncer import`, from its options to its files and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli

IMAGES = [
    {"id": 1, "file_name": "a.jpg", "width": 100, "height": 50},
    {"id": 2, "file_name": "b.jpg", "width": 100, "height": 50},
]
CATEGORIES = [{"id": 1, "name": "Big Cat"}, {"id": 2, "name": "big cat"}]


def annotation(id: int, box: list[Any], **fields: Any) -> dict[str, Any]:
    return {"id": id, "image_id": 1, "category_id": 1, "bbox": box, **fields}


def write(path: Path, *annotations: dict[str, Any]) -> str:
    document = {"images": IMAGES, "annotations": annotations, "categories": CATEGORIES}
    path.write_text(json.dumps(document))
    return str(path)


GOOD = annotation(1, [0, 0, 50, 25])


def test_labels_become_a_log_and_the_counts_add_up(cli: Cli, tmp_path: Path) -> None:
    labels = write(
        tmp_path / "l.json",
        GOOD,
        annotation(2, [0, 0, 0, 5]),
        annotation(3, [90, 0, 50, 25], image_id=2),
        annotation(4, [0, 0, 9, 9], caption="x"),
        annotation(5, [0, 0, 9, 9], category_id=9),
    )
    came = cli("import", "auto", labels, "--out", "o.jsonl", "--report", "r.jsonl", "--json")
    value = came.json()
    notes = value.pop("notes")
    assert came.code == 3
    assert value == {
        "format": "coco",
        "files": 1,
        "images": 2,
        "read": 5,
        "converted": 2,
        "written": 2,
        "left_out": {},
        "skipped": {"no area": 1, "no place": 1, "a category that is not defined": 1},
        "clamped": {"beyond the image": 1},
        "lost": {"caption": 1},
        "repeated": 0,
        "unreadable": 0,
        "concepts": 1,
        "out": "o.jsonl",
    }
    assert notes == []
    lines = [json.loads(line) for line in Path("o.jsonl").read_text().splitlines()]
    assert [line["annotation"]["input_id"] for line in lines] == ["a", "b"]
    remarks = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert remarks[0] == {
        "event": "skipped",
        "file": labels,
        "place": "annotations[1]",
        "id": "2",
        "reason": "no area",
    }
    assert [each["event"] for each in remarks] == ["skipped", "clamped", "skipped", "skipped"]
    assert "a category that is not defined" in came.err


def test_twice_gives_the_same_bytes_and_another_label_changes_no_other_line(
    cli: Cli, tmp_path: Path
) -> None:
    other = annotation(7, [1, 1, 5, 5], image_id=2)
    for name, labels in (("1", [GOOD]), ("2", [GOOD]), ("3", [other, GOOD])):
        path = write(tmp_path / "l.json", *labels)
        assert cli("import", "coco", path, "--out", name).code == 0
    assert Path("1").read_bytes() == Path("2").read_bytes()
    assert set(Path("1").read_text().splitlines()) < set(Path("3").read_text().splitlines())


def test_a_file_that_is_named_twice_counts_once_and_that_is_said(cli: Cli, tmp_path: Path) -> None:
    labels = write(tmp_path / "l.json", GOOD)
    (tmp_path / "linked").symlink_to(tmp_path)
    came = cli("import", "coco", labels, f"{tmp_path}/linked/l.json", labels, "-n", "--json")
    value = came.json()
    assert (came.code, value["files"], value["read"], value["repeated"]) == (0, 1, 1, 0)
    assert f"{labels}: it was read before, and counts once" in value["notes"]


VOC = """<annotation><filename>a.jpg</filename><size><width>9</width><height>9</height></size>
<object><name>c</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>
</object></annotation>"""


@pytest.mark.parametrize(
    ("kind", "name", "text"), [("voc", "a.xml", VOC), ("yolo", "a.txt", "0 .5 .5 .2 .2\n")]
)
def test_a_file_for_each_image_that_is_named_twice_is_no_fault(
    kind: str, name: str, text: str, cli: Cli, tmp_path: Path
) -> None:
    """Two different files of one image are."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / name).write_text(text)
    came = cli("import", kind, f"{tmp_path}/set", f"{tmp_path}/set/{name}", "-n", "--json")
    value = came.json()
    assert (came.code, value["files"], value["read"], value["unreadable"]) == (0, 1, 1, 0)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / name).write_text(text)
    assert cli("import", kind, f"{tmp_path}/set", f"{tmp_path}/other", "-n").code == 3


def test_broken_files_in_a_folder_are_named_each(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "l.json", GOOD)
    (tmp_path / "empty.json").write_bytes(b"")
    (tmp_path / "short.json").write_bytes(b'{"images": [')
    (tmp_path / "other.json").write_text('{"x": 1}')
    came = cli("import", "coco", str(tmp_path), "-n", "--json", "--report", f"{tmp_path}/r.jsonl")
    value = came.json()
    assert (came.code, value["files"], value["unreadable"]) == (3, 1, 2)
    remarks = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(each["event"], Path(each["file"]).name) for each in remarks] == [
        ("unreadable", "empty.json"),
        ("noticed", "other.json"),
        ("unreadable", "short.json"),
    ]


def test_shapes_in_another_unit_are_suspected(cli: Cli, tmp_path: Path) -> None:
    labels = write(
        tmp_path / "l.json", annotation(1, [300, 300, 9, 9]), annotation(2, [99, 0, 9, 9])
    )
    came = cli("import", "coco", labels, "-n", "--json")
    value = came.json()
    assert (came.code, value["skipped"]) == (0, {"outside the image": 1})
    assert value["notes"] == [
        "of 2 labels 2 shapes beyond the image: look at the unit of the numbers (pixels or shares)"
        " and the sizes of the images"
    ]


def test_a_dry_run_writes_nothing_and_a_log_may_be_packed(cli: Cli, tmp_path: Path) -> None:
    labels = write(tmp_path / "l.json", GOOD)
    assert cli("import", "coco", labels, "--dry-run", "--json").json()["written"] == 1
    assert cli("import", "coco", labels, "--dry-run", "--out", "o.jsonl").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.json"]
    assert cli("import", "coco", labels, "--out", "o.jsonl.gz").code == 0
    assert Path("o.jsonl.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_strict_stops_and_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    labels = write(tmp_path / "l.json", GOOD, annotation(5, [0, 0, 9, 9], category_id=9))
    Path("o.jsonl").write_text("before\n")
    came = cli("import", "coco", labels, "--out", "o.jsonl", "--strict")
    assert (came.code, Path("o.jsonl").read_text()) == (1, "before\n")
    assert "annotations[1]: a category that is not defined" in came.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.json", "o.jsonl"]


def test_standard_output_gets_all_lines_or_none(cli: Cli, tmp_path: Path) -> None:
    came = cli("import", "coco", write(tmp_path / "l.json", GOOD), "--out", "-")
    assert (came.code, came.out.count("\n")) == (0, 1)
    bad = write(tmp_path / "l.json", GOOD, annotation(5, [0, 0, 9, 9], category_id=9))
    came = cli("import", "coco", bad, "--out", "-", "--strict")
    assert (came.code, came.out) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["coco", "gone.json", "--out", "o"], "gone.json is not there"),
        (["coco", "--out", "o"], "name the label files"),
        (["coco", "l.json"], "--out is missing"),
        (["cocoa", "l.json", "--out", "o"], "'cocoa' is not a format"),
        (["auto", "x.json", "--out", "o"], "no format was recognised"),
        (["coco", "x.json", "--out", "o"], "nothing could be read"),
        (["coco", "l.json", "--out", "l.json"], "would be replaced"),
        (["coco", "l.json", "--out", "o", "--report", "o"], "are one file"),
        (["coco", "l.json", "--out", "-", "--json"], "both want standard output"),
        (["coco", "l.json", "--out", "o", "--health"], "--health writes nothing"),
        (["coco", "l.json", "--out", "o", "--image-size", "x"], "it must be WxH"),
        (["coco", "l.json", "--out", "o", "--images", "gone"], "it is not a folder"),
        (["coco", "l.json", "--out", "o", "--input-map", "gone"], "No such file"),
        (["coco", "l.json", "--out", "o", "--columns", "x"], "it must be NAME=COLUMN"),
        (
            ["coco", "l.json", "--out", "o", "--columns", "x=y"],
            "a name is one of input_id, filename",
        ),
        (["coco", "l.json", "--out", "."], "is a folder"),
        (["coco", "l.json", "--out", "o", "--id-length", "x"], "it must be a whole number"),
        (["coco", "l.json", "--out", "o", "--id-length", "5"], "it must be 16 or more"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    cli: Cli, tmp_path: Path, arguments: list[str], why: str
) -> None:
    write(tmp_path / "l.json", GOOD)
    Path("x.json").write_text("[")
    came = cli("import", *arguments)
    assert (came.code, came.out.strip() if "--json" not in arguments else "") == (2, "")
    assert why in came.err
    assert not Path("o").exists()


def test_a_report_on_standard_output_is_refused_as_it_was_typed(cli: Cli, tmp_path: Path) -> None:
    labels = write(tmp_path / "l.json", GOOD)
    came = cli("import", "coco", labels, "--out", "-", "--report", "-")
    assert came.code == 2
    assert "--report is -, and only the log can go to standard output" in came.err


def test_maps_name_inputs_and_concepts(cli: Cli, tmp_path: Path) -> None:
    labels = write(tmp_path / "l.json", GOOD, annotation(2, [0, 0, 9, 9], image_id=2))
    Path("m.csv").write_text("\ufeffname,input_id\na.jpg,img-1\n")
    Path("c.json").write_text('{"Big Cat": "cat"}')
    came = cli(
        *("import", "coco", labels, "--out", "o", "--input-map", "m.csv"),
        *("--concept-map", "c.json", "--concepts-out", "c.jsonl"),
    )
    assert came.code == 0
    assert "not in --input-map, and named by --input-id: 1 image" in came.err
    found = [json.loads(line)["annotation"] for line in Path("o").read_text().splitlines()]
    assert [each["input_id"] for each in found] == ["img-1", "b"]
    assert json.loads(Path("c.jsonl").read_text()) == {"id": "cat", "name": "Big Cat", "lines": 2}


def test_a_name_that_is_no_unicode_is_written_as_the_lines_have_it(
    cli: Cli, tmp_path: Path
) -> None:
    labels = Path(write(tmp_path / "l.json", GOOD))
    labels.write_text(labels.read_text().replace("Big Cat", "c\\ud800"))
    came = cli("import", "coco", str(labels), "--out", "o", "--concepts-out", "c.jsonl")
    assert came.code == 0, came.err
    assert json.loads(Path("c.jsonl").read_text())["name"] == "c\\ud800"


def test_two_names_of_one_concept_are_named(cli: Cli, tmp_path: Path) -> None:
    labels = write(tmp_path / "l.json", GOOD, annotation(2, [0, 0, 9, 9], category_id=2))
    came = cli("import", "coco", labels, "--out", "o")
    assert '"Big Cat" and "big cat" both become the concept big-cat' in came.err


def test_health_finds_by_codes_and_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    assert cli("import", "coco", write(tmp_path / "l.json", GOOD), "--health").code == 0
    labels = write(
        tmp_path / "l.json",
        GOOD,
        annotation(1, [0, 0, 50, 25.1]),
        annotation(2, [0, 0, 0, 5]),
        annotation(3, [90, 0, 50, 25], image_id=2),
        annotation(4, [0, 0, 9, 9], image_id=7),
        annotation(5, [0, 0, 9, 9], category_id=9),
    )
    came = cli("import", "coco", labels, "--health", "--json")
    assert came.code == 3
    assert {each["code"]: each["count"] for each in came.json()["findings"]} == {
        "duplicate-id": 1,
        "near-double": 1,
        "no-area": 1,
        "out-of-bounds": 1,
        "undefined-image": 1,
        "undefined-category": 1,
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.json"]


def test_health_goes_on_where_an_import_would_be_refused(cli: Cli, tmp_path: Path) -> None:
    """Wrong: exit 2 at two images that come to one input, and no finding."""
    table = "filename,concept,xmin,ymin,xmax,ymax,width,height\n"
    for image in ("a/1.jpg", "b/1.jpg", "b/1.jpg", "c/2.jpg"):
        table += f"{image},cat,0,0,5,{len(table)},1000,1000\n"
    Path("l.csv").write_text(table)
    assert cli("import", "csv", "l.csv", "--dry-run").code == 2
    came = cli("import", "csv", "l.csv", "--health", "--json")
    (found,) = came.json()["findings"]
    assert (came.code, came.json()["labels"]) == (3, 4)
    assert (found["code"], found["count"]) == ("input-collision", 1)
    assert "a/1.jpg and b/1.jpg are both input 1" in found["examples"][0]


def test_health_of_a_video_without_a_rate_and_of_files_that_cannot_be_read_is_a_finding(
    cli: Cli, tmp_path: Path
) -> None:
    Path("v.xml").write_text(
        "<annotations><track label='car'><box frame='1' xtl='0' ytl='0' xbr='1' ybr='1'/>"
        "</track></annotations>"
    )
    size = ("--image-size", "9x9")
    came = cli("import", "cvat", "v.xml", "--video", "--health", "--json", *size)
    assert came.code == 3
    assert [each["code"] for each in came.json()["findings"]] == ["no-frame-rate"]
    Path("x.json").write_text("[")
    came = cli("import", "coco", "x.json", "--health", "--json")
    assert came.code == 3
    assert [each["code"] for each in came.json()["findings"]] == ["unreadable-file"]


def test_a_row_is_measured_by_the_size_that_it_says_itself(cli: Cli, tmp_path: Path) -> None:
    """Wrong: by the size of the row before, as the image is the same."""
    Path("l.csv").write_text(
        "filename,concept,xmin,ymin,xmax,ymax,width,height\n"
        "a.jpg,cat,0,0,50,50,100,100\na.jpg,cat,0,0,50,50,200,100\n"
    )
    came = cli("import", "csv", "l.csv", "--out", "o")
    assert "a.jpg is 100x100 in one place of the labels and 200x100 in another" in came.err
    lines = Path("o").read_text().splitlines()
    boxes = [json.loads(line)["annotation"]["data"]["regions"][0] for line in lines]
    rights = [each["region_info"]["bounding_box"]["right_col"] for each in boxes]
    assert rights == [0.5, 0.25]
