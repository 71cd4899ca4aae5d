"""YOLO: lines of every kind, and the folders that they come in. What others get wrong
is named where it is tested.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from syncer.formats.labels import (
    Box,
    Concept,
    FileFault,
    InFile,
    Item,
    Keypoints,
    Label,
    Measure,
    Noticed,
    Picture,
    Polygon,
    ReadOptions,
    Skipped,
)
from syncer.formats.yolo import NO_IMAGE, Yolo

NAMES = "train: images\nnames: [dog, cat, cow]\n"


def lay_out(folder: Path, **files: str) -> Path:
    """Write files by name: `__` for `/`, `_dot_` for the dot before an ending."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    return folder


def read(folder: Path, lines: str, data: str = NAMES) -> list[Item]:
    """Return the labels of one file, and what was skipped."""
    lay_out(folder, labels__a_dot_txt=lines, data_dot_yaml=data)
    found = Yolo(ReadOptions()).read(folder)
    return [item for item in found if not isinstance(item, InFile | Picture | Noticed)]


def read_label(folder: Path, lines: str, data: str = NAMES) -> Label:
    [label] = read(folder, lines, data)
    assert isinstance(label, Label)
    return label


def told(folder: Path) -> list[str]:
    found = Yolo(ReadOptions()).read(folder)
    return [item.text for item in found if isinstance(item, Noticed) and item.text != NO_IMAGE]


@pytest.mark.parametrize(
    "line", ["0 .5 .5 .25 .5", "0.0 0.5 5e-1 .25 .5", "\t0  .5 .5 .25 .5 \r\n"]
)
def test_five_numbers_are_a_box_about_its_centre(tmp_path: Path, line: str) -> None:
    label = read_label(tmp_path, line)
    assert label.shapes == (Box(0.375, 0.25, 0.625, 0.75),)
    assert label.measure is Measure.SHARES
    assert label.concepts == (Concept("dog", own_id="0"),)
    assert label.place == "line 1"


def test_a_sixth_number_is_a_confidence_and_told(tmp_path: Path) -> None:
    """Wrong: taken for a coordinate, or the line refused."""
    label = read_label(tmp_path, "0 .5 .5 .25 .5 .9\n")
    assert label.shapes == (Box(0.375, 0.25, 0.625, 0.75),)
    assert label.info == {"confidence": 0.9}
    assert told(tmp_path) == ["lines end with a confidence, which is kept beside the label"]


@pytest.mark.parametrize(
    ("tail", "info"),
    [
        ("7", {"track_id": "7"}),
        (".9 7", {"confidence": 0.9, "track_id": "7"}),
        ("1", {"confidence": 1.0}),
    ],
)
def test_a_whole_number_above_one_is_that_of_a_track(
    tmp_path: Path, tail: str, info: dict[str, object]
) -> None:
    """Wrong: six numbers with a track's read as a triangle."""
    label = read_label(tmp_path, f"0 .5 .5 .25 .5 {tail}")
    assert label.shapes == (Box(0.375, 0.25, 0.625, 0.75),)
    assert label.info == info


@pytest.mark.parametrize("tail", ["", " .9"])
def test_pairs_from_three_up_are_a_polygon(tmp_path: Path, tail: str) -> None:
    """Wrong: the first five numbers read as a box."""
    label = read_label(tmp_path, f"1 .1 .1 .5 .1 .5 .4{tail}")
    assert label.shapes == (Polygon(((0.1, 0.1), (0.5, 0.1), (0.5, 0.4))),)
    assert label.concepts[0].name == "cat"
    assert label.info == ({"confidence": 0.9} if tail else {})


def test_a_rotated_box_is_a_polygon_of_four_points(tmp_path: Path) -> None:
    """Wrong: dropped, as supervision did when saving."""
    label = read_label(tmp_path, "0 .2 .1 .9 .2 .8 .6 .1 .5")
    assert label.shapes == (Polygon(((0.2, 0.1), (0.9, 0.2), (0.8, 0.6), (0.1, 0.5))),)


def test_a_ring_is_not_closed_twice(tmp_path: Path) -> None:
    label = read_label(tmp_path, "0 .2 .1 .9 .2 .8 .6 .1 .5 .2 .1")
    [shape] = label.shapes
    assert isinstance(shape, Polygon)
    assert len(shape.points) == 4


def test_what_is_beyond_the_image_is_given_as_it_is(tmp_path: Path) -> None:
    label = read_label(tmp_path, "0 0.5 0.5 1.5 0.5")
    assert label.shapes == (Box(-0.25, 0.25, 1.25, 0.75),)


POSE = NAMES + "kpt_shape: [2, 3]\nkpt_names:\n  0: [nose, tail]\n"


@pytest.mark.parametrize("tail", ["", " .9"])
def test_keypoints_keep_their_visibility_and_the_box_beside_them(tmp_path: Path, tail: str) -> None:
    """Wrong: a hidden point told as one at 0, 0."""
    label = read_label(tmp_path, f"0 .5 .5 .5 .5 .3 .4 2 0 0 0{tail}", POSE)
    names = ("nose", "tail")
    assert label.shapes == (Keypoints(names, ((0.3, 0.4), (0.0, 0.0)), (2, 0)),)
    assert label.box == Box(0.25, 0.25, 0.75, 0.75)
    assert label.info == ({"confidence": 0.9} if tail else {})


def test_keypoints_without_a_visibility_are_absent_where_they_are_nowhere(
    tmp_path: Path,
) -> None:
    data = NAMES + "kpt_shape: [3, 2]\n"
    label = read_label(tmp_path, "1 .5 .5 .5 .5 .3 .4 0 0 -1 .2", data)
    [shape] = label.shapes
    assert isinstance(shape, Keypoints)
    assert (shape.names, shape.visibilities) == ((), (2, 0, 0))


def test_confidences_in_the_place_of_visibilities_are_kept(tmp_path: Path) -> None:
    label = read_label(tmp_path, "0 .5 .5 .5 .5 .3 .4 .87 0 0 0", POSE)
    [shape] = label.shapes
    assert isinstance(shape, Keypoints)
    assert shape.visibilities == (2, 0)
    assert label.info == {"keypoint_confidences": [0.87, 0.0]}


def test_a_box_among_keypoints_is_a_box_and_the_file_is_named(tmp_path: Path) -> None:
    keypoints, box = read(tmp_path, "0 .5 .5 .5 .5 .3 .4 2 0 0 0\n0 .5 .5 .5 .5\n", POSE)
    assert isinstance(keypoints, Label)
    assert isinstance(box, Label)
    assert box.shapes == (Box(0.25, 0.25, 0.75, 0.75),)
    [text] = told(tmp_path)
    assert text.startswith("it mixes keypoints and boxes; ")


def test_a_file_that_mixes_boxes_and_polygons_is_named_and_each_line_is_what_it_is(
    tmp_path: Path,
) -> None:
    """Wrong: polygons read as boxes."""
    lines = "0 .5 .5 .5 .5\n0 .1 .1 .5 .1 .5 .4\n0 .5 .5 .5 .5\n"
    shapes = [type(item.shapes[0]) for item in read(tmp_path, lines) if isinstance(item, Label)]
    assert shapes == [Box, Polygon, Box]
    [text] = told(tmp_path)
    assert text.startswith("it mixes boxes and polygons; ")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0,5 .5 .2 .2", "a number is not one"),
        ("0 .5 .5 .2 1_0", "a number is not one"),
        ("dog .5 .5 .2 .2", "a number is not one"),
        ("-1 .5 .5 .2 .2", "its class is not a whole number"),
        ("0.5 .5 .5 .2 .2", "its class is not a whole number"),
        ("nan .5 .5 .2 .2", "its class is not a whole number"),
        ("inf .5 .5 .2 .2", "its class is not a whole number"),
        ("0", "too few numbers after its class"),
        ("0 5", "too few numbers after its class"),
        ("0 .5 .5 .2", "too few numbers after its class"),
        (
            "0 .5 .5 .2 .2 -3",
            "its last number is neither a confidence nor the number of a track",
        ),
        (
            "0 .5 .5 .2 .2 nan",
            "its last number is neither a confidence nor the number of a track",
        ),
        (
            "0 .5 .5 .5 .5 .3 .4 2 .6 .7 1",
            "keypoints, and no kpt_shape in a data.yaml",
        ),
        ("0 " + "5" * (1 << 20), "its line is too long"),
        ("\udcff", "its line is not text"),
    ],
)
def test_a_bad_line_is_skipped_as_a_fault_and_the_next_one_is_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    lay_out(tmp_path, data_dot_yaml=NAMES)
    file = tmp_path / "labels" / "a.txt"
    file.parent.mkdir()
    file.write_bytes(f"{line}\n1 .5 .5 .2 .2".encode("utf-8", "surrogateescape"))
    found = [i for i in Yolo(ReadOptions()).read(tmp_path) if isinstance(i, Label | Skipped)]
    assert found[0] == Skipped("line 1", "", reason, is_fault=True)
    assert isinstance(found[1], Label)
    assert found[1].place == "line 2"


def test_a_line_of_keypoints_has_the_numbers_that_kpt_shape_asks_for(tmp_path: Path) -> None:
    [bad] = read(tmp_path, "0 .5 .5 .5 .5 .3 .4 2", POSE)
    reason = "not as many numbers as kpt_shape asks for"
    assert bad == Skipped("line 1", "", reason, is_fault=True)


def test_where_kpt_shape_cannot_be_read_only_boxes_are(tmp_path: Path) -> None:
    data = NAMES + "kpt_shape: many\n"
    bad, good = read(tmp_path, "0 .5 .5 .5 .5 .3 .4 2\n0 .5 .5 .5 .5 .9\n", data)
    assert isinstance(bad, Skipped)
    assert isinstance(good, Label)
    assert "kpt_shape should be" in told(tmp_path)[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_do_on_any_system(tmp_path: Path, end: str) -> None:
    """Wrong: two boxes on one line, read as a polygon."""
    lines = f"\ufeff0 .5 .5 .2 .2{end}{end}1 .5 .5 .2 .2{end}"
    assert [item.place for item in read(tmp_path, lines) if isinstance(item, Label)] == [
        "line 1",
        "line 3",
    ]


def test_dota_has_pixels_a_name_and_how_difficult_it_is(tmp_path: Path) -> None:
    lines = "imagesource:GoogleEarth\ngsd:0.1\n1 2 9 2 9 7 1 7 small ship 1\n1 2 9 2 9 7 1 7 3 0\n"
    lay_out(tmp_path, labelTxt__a_dot_txt=lines)
    ship, numbered = (i for i in Yolo(ReadOptions()).read(tmp_path) if isinstance(i, Label))
    assert ship.shapes == (Polygon(((1, 2), (9, 2), (9, 7), (1, 7))),)
    assert ship.measure is Measure.PIXELS
    assert ship.concepts == (Concept("small ship"),)
    assert (ship.info, numbered.info) == ({"difficult": True}, {})
    assert numbered.concepts == (Concept("3"),)
    assert ship.place == "line 3"


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ("names: [dog, cat]", ["dog", "cat", "class-5"]),
        ("names:\n  0: dog\n  5: cow", ["dog", "class-1", "cow"]),
        ("names: {0: 'no', 1: on, 5: 007}", ["no", "on", "007"]),
        ("names: [no, ' ', 1e3]", ["no", "class-1", "class-5"]),
    ],
)
def test_names_are_a_list_or_a_mapping_and_stay_text(
    tmp_path: Path, data: str, names: list[str]
) -> None:
    """Wrong: `no` read as False, names of a mapping counted from 0."""
    lines = "0 .5 .5 .2 .2\n1 .5 .5 .2 .2\n5 .5 .5 .2 .2\n"
    found = read(tmp_path, lines, data)
    assert [item.concepts[0].name for item in found if isinstance(item, Label)] == names


def test_a_class_without_a_name_is_told_once(tmp_path: Path) -> None:
    """Wrong: the label dropped, or the run ended."""
    assert len(read(tmp_path, "9 .5 .5 .2 .2\n9 .4 .5 .2 .2\n")) == 2
    assert told(tmp_path) == ["class 9 has no name, and becomes class-9"]


def test_no_names_at_all_are_told_once(tmp_path: Path) -> None:
    lay_out(tmp_path, a_dot_txt="9 .5 .5 .2 .2\n8 .5 .5 .2 .2\n")
    assert told(tmp_path) == [
        "no data.yaml or classes.txt names the classes: class 0 becomes class-0"
    ]


def test_names_may_be_in_a_file_of_lines(tmp_path: Path) -> None:
    lay_out(tmp_path, labels__classes_dot_txt="dog\n\ncow\n", labels__a_dot_txt="2 .5 .5 .2 .2")
    [label] = (i for i in Yolo(ReadOptions()).read(tmp_path) if isinstance(i, Label))
    assert label.concepts == (Concept("cow", own_id="2"),)


def test_files_that_name_classes_otherwise_are_told(tmp_path: Path) -> None:
    lay_out(tmp_path, classes_dot_txt="dog\ncow\n")
    assert read_label(tmp_path, "1 .5 .5 .2 .2").concepts[0].name == "cat"
    assert told(tmp_path) == ["its classes are not those of data.yaml, which are taken"]


def test_the_nearest_file_names_the_classes(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        data_dot_yaml=NAMES,
        one__labels__a_dot_txt="0 .5 .5 .2 .2",
        two__data_dot_yaml="names: [wolf]",
        two__labels__b_dot_txt="0 .5 .5 .2 .2",
    )
    found = [i for i in Yolo(ReadOptions()).read(tmp_path) if isinstance(i, Label)]
    assert [label.concepts[0].name for label in found] == ["dog", "wolf"]


@pytest.mark.parametrize("part", ["train/labels", "train/labels/a.txt", "data.yaml", "."])
def test_names_are_found_from_any_part_of_a_data_set(tmp_path: Path, part: str) -> None:
    lay_out(tmp_path, data_dot_yaml=NAMES, train__labels__a_dot_txt="0 .5 .5 .2 .2")
    [label] = (i for i in Yolo(ReadOptions()).read(tmp_path / part) if isinstance(i, Label))
    assert label.concepts[0].name == "dog"


def test_names_are_found_from_within_the_folder_of_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path, data_dot_yaml=NAMES, labels__a_dot_txt="0 .5 .5 .2 .2")
    monkeypatch.chdir(tmp_path / "labels")
    [label] = (i for i in Yolo(ReadOptions()).read(Path()) if isinstance(i, Label))
    assert label.concepts[0].name == "dog"
    assert label.picture.path == "a.jpg"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("names: [", "line 1 is not YAML"),
        ("[" * 10_000, "is not YAML"),
        ("x" * (1 << 21), "it is larger than 1 MiB"),
        ("names: /etc/passwd", "names should be a list, or a mapping from numbers to names"),
        ("names: {dog: 0}", "names should be a list, or a mapping from numbers to names"),
    ],
)
def test_labels_whose_data_file_cannot_be_read_get_no_name_that_is_made_up(
    tmp_path: Path, data: str, reason: str
) -> None:
    """Wrong: class-0, another concept than the one that the file names."""
    fault, skipped = read(tmp_path, "0 .5 .5 .2 .2", data)
    assert isinstance(fault, FileFault)
    assert fault.reason.endswith(reason)
    assert skipped == Skipped("line 1", "", "the names of its classes cannot be read", True)


def test_no_file_is_read_because_a_data_file_names_it(tmp_path: Path) -> None:
    data = "names: [dog]\ntrain: /etc\npath: /\nx: !!python/name:os.system\n"
    assert read_label(tmp_path, "0 .5 .5 .2 .2", data).concepts[0].name == "dog"


def test_nc_that_does_not_fit_is_told(tmp_path: Path) -> None:
    read(tmp_path, "0 .5 .5 .2 .2", NAMES + "nc: 4")
    assert told(tmp_path) == ["nc is 4, and there are 3 names"]


def test_images_are_found_beside_the_labels_and_those_without_labels_count(
    tmp_path: Path,
) -> None:
    lay_out(
        tmp_path,
        train__labels__deep__a_dot_txt="0 .5 .5 .2 .2",
        train__images__deep__a_dot_JPG="",
        train__images__deep__b_dot_png="",
        train__images__deep__notes_dot_txt="",
        val__labels__a_dot_b_dot_txt="",
    )
    found = [i.path for i in Yolo(ReadOptions()).read(tmp_path) if isinstance(i, Picture)]
    assert found == ["train/images/deep/a.JPG", "train/images/deep/b.png", "val/images/a.b.jpg"]


def test_labels_may_stand_beside_their_images(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        obj_dot_names="dog\n",
        train_dot_txt="data/obj_train_data/a.jpg\n",
        README_dot_txt="0 read me",
        obj_train_data__a_dot_txt="0 .5 .5 .2 .2",
        obj_train_data__a_dot_jpg="",
        obj_train_data__train_dot_txt="0 .5 .5 .2 .2",
    )
    found = [i for i in Yolo(ReadOptions()).read(tmp_path) if isinstance(i, Label)]
    assert [label.picture.path for label in found] == [
        "obj_train_data/a.jpg",
        "obj_train_data/train.jpg",
    ]
    assert found[0].concepts[0].name == "dog"


def test_texts_beside_folders_of_labels_are_not_labels(tmp_path: Path) -> None:
    lay_out(tmp_path, labels__a_dot_txt="0 .5 .5 .2 .2", notes_dot_txt="for people")
    found = list(Yolo(ReadOptions()).read(tmp_path))
    assert [item.path.name for item in found if isinstance(item, InFile)] == ["a.txt"]


def test_an_image_that_is_not_there_is_taken_for_a_jpg_and_told_once(tmp_path: Path) -> None:
    lay_out(tmp_path, labels__a_dot_b_dot_txt="", labels__c_dot_txt="", images__d_dot_txt="")
    found = list(Yolo(ReadOptions()).read(tmp_path))
    assert [i.path for i in found if isinstance(i, Picture)] == ["images/a.b.jpg", "images/c.jpg"]
    assert [i.text for i in found if isinstance(i, Noticed)] == [NO_IMAGE]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    lay_out(tmp_path, far__labels__a_dot_txt="0 .5 .5 .2 .2", set__images__a_dot_jpg="")
    (tmp_path / "set" / "labels").symlink_to(tmp_path / "far" / "labels")
    (tmp_path / "far" / "labels" / "again").symlink_to(tmp_path / "set")
    found = [i for i in Yolo(ReadOptions()).read(tmp_path / "set") if isinstance(i, Label)]
    assert [label.picture.path for label in found] == ["images/a.jpg"]


def test_the_image_of_pixels_is_where_its_size_is_from(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        labelTxt__a_dot_txt="1 2 9 2 9 7 1 7 ship 1",
        labels__b_dot_txt="0 .5 .5 .2 .2",
        images__a_dot_png="",
        images__b_dot_png="",
    )
    found = [i for i in Yolo(ReadOptions()).read(tmp_path) if isinstance(i, Label)]
    assert [label.picture.file for label in found] == [tmp_path / "images" / "a.png", None]


def test_of_two_paths_with_the_same_file_the_second_one_is_a_bad_file(tmp_path: Path) -> None:
    """Wrong: labels of `val/images/1.jpg` on `train/images/1.jpg`."""
    lay_out(
        tmp_path,
        train__labels__1_dot_txt="0 .5 .5 .2 .2",
        val__labels__1_dot_txt="0 .5 .5 .2 .2",
        val__labels__2_dot_txt="0 .5 .5 .2 .2",
    )
    reader = Yolo(ReadOptions())
    first, second = ([*reader.read(tmp_path / name / "labels")] for name in ("train", "val"))
    assert [type(item).__name__ for item in first if not isinstance(item, Noticed)] == [
        *("InFile", "Picture", "Label")
    ]
    assert [type(item).__name__ for item in second] == [
        *("InFile", "FileFault", "InFile", "Picture", "Label")
    ]


def test_files_that_are_named_one_by_one_tell_no_more_than_their_folder(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        data_dot_yaml=NAMES + "nc: 5",
        labels__1_dot_txt="9 .5 .5 .2 .2",
        labels__2_dot_txt="9 .5 .5 .2 .2",
    )
    reader = Yolo(ReadOptions())
    found = [i for n in (1, 2) for i in reader.read(tmp_path / "labels" / f"{n}.txt")]
    assert [i.text for i in found if isinstance(i, Noticed)] == [
        "nc is 5, and there are 3 names",
        NO_IMAGE,
        "class 9 has no name, and becomes class-9",
    ]


@pytest.mark.parametrize(
    ("files", "is_yolo"),
    [
        ({}, False),
        ({"data_dot_yaml": NAMES}, False),
        ({"labels__a_dot_txt": "0 .5 .5 .2 .2"}, True),
        ({"labels__a_dot_txt": "", "labels__b_dot_txt": "0 .5 .5 .2 .2"}, True),
        ({"labels__a_dot_txt": "0 .5 .5 .5 .5 .3 .4 2 .6 .7 1"}, True),
        ({"labelTxt__a_dot_txt": "gsd:0.1\n1 2 9 2 9 7 1 7 ship 1"}, True),
        ({"a_dot_txt": "A story of five words"}, False),
        ({"a_dot_txt": "12 260 177 491 376"}, False),
        ({"a_dot_json": "{}"}, False),
    ],
)
def test_yolo_is_told_from_other_texts(
    tmp_path: Path, files: dict[str, str], is_yolo: bool
) -> None:
    assert Yolo(ReadOptions()).detect(lay_out(tmp_path, **files)) == is_yolo


def test_a_data_file_and_a_file_of_labels_are_yolo_by_themselves(tmp_path: Path) -> None:
    lay_out(tmp_path, data_dot_yaml=NAMES, a_dot_txt="0 .5 .5 .2 .2", b_dot_yaml="x: [")
    reader = Yolo(ReadOptions())
    assert reader.detect(tmp_path / "data.yaml")
    assert reader.detect(tmp_path / "a.txt")
    assert not reader.detect(tmp_path / "b.yaml")
    assert not reader.detect(tmp_path / "none")


def test_a_file_that_is_not_there_is_a_bad_file(tmp_path: Path) -> None:
    file = tmp_path / "none.txt"
    assert list(Yolo(ReadOptions()).read(file)) == [
        InFile(file),
        FileFault(file, "No such file or directory"),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_bytes_make_a_traceback(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = {
        "data.yaml": POSE.encode(),
        "labels/a.txt": b"0 .5 .5 .5 .5 .3 .4 2 0 0 0 .9\n1 .5 .5 .2 .2 7\n2 .1 .1 .5 .1 .5 .4\n",
        "labelTxt/a.txt": b"gsd:0.1\n1 2 9 2 9 7 1 7 ship 1\n",
    }
    pieces = [
        b"",
        b"\n",
        b"\r",
        b" ",
        b"nan",
        b"1e999",
        b"\xff",
        b"[",
        b": ",
        b"-",
        b"&a *a ",
        b"\0",
    ]
    for _ in range(30):
        for name, content in whole.items():
            data = bytearray(content)
            for _ in range(chance.randrange(1, 6)):
                start = chance.randrange(len(data) + 1)
                data[start : start + chance.randrange(8)] = chance.choice(pieces)
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(bytes(data))
        items = list(Yolo(ReadOptions()).read(tmp_path))
        assert sum(isinstance(item, InFile) and item.path.suffix == ".txt" for item in items) == 2
