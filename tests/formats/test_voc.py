"""Pascal VOC, in the forms that tools write. What others get wrong is named where it is
tested.
"""

from __future__ import annotations

import math
import os
import random
from pathlib import Path

import pytest

from syncer.formats.folders import SAME_IMAGE
from syncer.formats.labels import (
    Box,
    FileFault,
    InFile,
    Item,
    Label,
    Lost,
    Noticed,
    Omitted,
    Picture,
    Points,
    Polygon,
    ReadOptions,
    Skipped,
)
from syncer.formats.voc import Voc, place_image

HEAD = "<filename>a.jpg</filename><size><width>100</width><height>50</height></size>"


def box(left: object, top: object, right: object, bottom: object) -> str:
    return (
        f"<bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox>"
    )


def thing(inside: str, name: str = "dog") -> str:
    return f"<object><name>{name}</name>{inside}</object>"


def read(folder: Path, inside: str, origin: int = 0) -> list[Item]:
    """Return what is in one file, but for the file and its image."""
    file = folder / "a.xml"
    file.write_text(f"<annotation>{inside}</annotation>", "utf-8")
    found = list(Voc(ReadOptions(voc_origin=origin)).read(file))
    assert isinstance(found[0], InFile)
    return [item for item in found[1:] if not isinstance(item, Picture)]


def read_label(folder: Path, inside: str, origin: int = 0) -> Label:
    [label] = read(folder, inside, origin)
    assert isinstance(label, Label)
    return label


@pytest.mark.parametrize("corners", [(1, 1, 100, 50), (0, 0, 99, 49), (90, 40, 140, 80)])
def test_corners_are_as_the_file_has_them(tmp_path: Path, corners: tuple[int, ...]) -> None:
    """Wrong: min - 1 for all, by which boxes that count from 0 begin at -1."""
    label = read_label(tmp_path, HEAD + thing(box(*corners)))
    assert label.shapes == (Box(*corners),)
    assert (label.picture.width, label.picture.height) == (100, 50)


def test_counted_from_one_the_minima_move_and_the_maxima_stay(tmp_path: Path) -> None:
    """Wrong: 1 taken from all four, by which a box over the first pixel has no area."""
    assert read_label(tmp_path, HEAD + thing(box(1, 1, 1, 1)), 1).shapes == (Box(0, 0, 1, 1),)


def test_decimals_are_read_whole(tmp_path: Path) -> None:
    """Wrong: int("48.5") ends the run, int(float("48.5")) moves the box."""
    label = read_label(tmp_path, HEAD + thing(box("48.5", "1e1", " 107.36900369003689 ", ".5")))
    assert label.shapes == (Box(48.5, 10.0, 107.36900369003689, 0.5),)


def test_minima_beyond_maxima_are_given_as_they_are(tmp_path: Path) -> None:
    assert read_label(tmp_path, HEAD + thing(box(9, 9, 1, 1))).shapes == (Box(9, 9, 1, 1),)


@pytest.mark.parametrize("size", ["0", "", "-3", "wide", "nan", "1e400"])
def test_a_size_that_the_tool_did_not_know_is_none(tmp_path: Path, size: str) -> None:
    """Wrong: division by the 0 that labelImg writes."""
    head = f"<size><width>{size}</width><height>50</height></size>"
    picture = read_label(tmp_path, head + thing(box(1, 2, 3, 4))).picture
    assert (picture.path, picture.width, picture.height) == ("a.jpg", None, 50)


def test_what_is_said_of_the_image_may_come_after_its_objects(tmp_path: Path) -> None:
    label = read_label(tmp_path, thing(box(1, 2, 3, 4)) + HEAD)
    assert label.picture == Picture("a.jpg", 100, 50, file=tmp_path / "a.jpg")


def test_the_box_of_a_part_is_not_that_of_its_object(tmp_path: Path) -> None:
    """Wrong: the first bndbox anywhere below the object."""
    part = f"<part><name>head</name>{box(5.5, 6, 7.5, 8)}</part>"
    whole, head = read(tmp_path, HEAD + thing(part + box(4, 5, 60, 70), "person"))
    assert isinstance(whole, Label)
    assert isinstance(head, Label)
    assert (whole.shapes, head.shapes) == ((Box(4, 5, 60, 70),), (Box(5.5, 6, 7.5, 8),))
    assert [each.concepts[0].name for each in (whole, head)] == ["person", "head"]
    assert head.info["part_of"] == "person"
    assert head.info["group"] == whole.info["group"]
    assert (whole.place, head.place) == ("object 1", "object 1, part 1")


def test_the_group_of_parts_does_not_hang_on_the_objects_before(tmp_path: Path) -> None:
    part = thing(f"<part><name>head</name>{box(5, 6, 7, 8)}</part>{box(4, 5, 6, 7)}")
    alone = read(tmp_path, HEAD + part)[0]
    after = read(tmp_path, HEAD + thing(box(1, 1, 2, 2)) + part)[1]
    assert isinstance(alone, Label)
    assert isinstance(after, Label)
    assert alone.info == after.info


def test_flags_are_kept_where_they_are_set_and_so_is_all_else_that_an_object_says(
    tmp_path: Path,
) -> None:
    """Wrong: labelformat and others drop all of it."""
    inside = (
        "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult>"
        "<occluded>Unspecified</occluded><trackid>007</trackid><confidence>0.75</confidence>"
        "<attributes><attribute><name>color</name><value>red</value></attribute></attributes>"
        "<actions><walking>1</walking><reading>0</reading></actions><breed> pug </breed>"
    )
    label = read_label(tmp_path, HEAD + thing(inside + box(1, 2, 3, 4), " dog "))
    assert label.concepts[0].name == "dog"
    assert label.info == {
        "pose": "Left",
        "truncated": True,
        "track_id": "007",
        "confidence": 0.75,
        "attributes": {"color": "red"},
        "actions": {"walking": True, "reading": False},
        "breed": "pug",
    }


def test_a_share_that_is_truncated_stays_a_number(tmp_path: Path) -> None:
    inside = "<truncated>0.5</truncated><difficult>true</difficult>"
    assert read_label(tmp_path, HEAD + thing(inside + box(1, 2, 3, 4))).info == {
        "truncated": 0.5,
        "difficult": True,
    }


def test_elements_with_elements_of_their_own_have_no_place(tmp_path: Path) -> None:
    inside = "<camera><lens>wide</lens></camera><parts><hasparts></hasparts></parts>"
    label, lost = read(tmp_path, HEAD + thing(inside + box(1, 2, 3, 4)))
    assert isinstance(label, Label)
    assert lost == Lost("object 1", "", "camera")


@pytest.mark.parametrize(
    "polygon",
    [
        "<x1>1</x1><y1>1</y1><x2>9</x2><y2>1</y2><x3>9</x3><y3>8.5</y3>",
        "<x2>9</x2><x1>1</x1><x3>9</x3><y1>1</y1><y2>1</y2><y3>8.5</y3>",
        "<pt><x>1</x><y>1</y></pt><pt><x>9</x><y>1</y></pt><pt><x>9</x><y>8.5</y></pt>",
        "<point><x>1</x><y>1</y></point><point><x>9</x><y>1</y></point>"
        "<point><x>9</x><y>8.5</y></point>",
    ],
)
def test_polygons_of_every_tool_are_read_and_every_vertex_moves_with_the_origin(
    tmp_path: Path, polygon: str
) -> None:
    """Wrong: 1 taken from the polygon, and not from the box beside it."""
    inside = HEAD + thing(box(1, 1, 9, 9) + f"<polygon>{polygon}</polygon>")
    label = read_label(tmp_path, inside)
    assert label.shapes == (Polygon(((1, 1), (9, 1), (9, 8.5))),)
    assert label.box == Box(1, 1, 9, 9)
    label = read_label(tmp_path, inside, origin=1)
    assert label.shapes == (Polygon(((0, 0), (8, 0), (8, 7.5))),)
    assert label.box == Box(0, 0, 9, 9)


def test_several_polygons_are_parts_of_one_label(tmp_path: Path) -> None:
    ring = "<polygon><x1>1</x1><y1>1</y1><x2>9</x2><y2>1</y2><x3>9</x3><y3>8</y3></polygon>"
    assert len(read_label(tmp_path, HEAD + thing(ring + ring)).shapes) == 2


def test_a_rotated_box_is_turned_clockwise_by_radians(tmp_path: Path) -> None:
    turned = f"<cx>50</cx><cy>20</cy><w>10</w><h>4</h><angle>{math.pi / 2}</angle>"
    label = read_label(tmp_path, HEAD + thing(f"<robndbox>{turned}</robndbox>"))
    [polygon] = label.shapes
    assert isinstance(polygon, Polygon)
    assert polygon.angle_degrees == pytest.approx(90)
    expected = [(52, 15), (52, 25), (48, 25), (48, 15)]
    assert [xy for point in polygon.points for xy in point] == pytest.approx(
        [xy for point in expected for xy in point]
    )


def test_a_rotated_box_may_have_four_named_corners(tmp_path: Path) -> None:
    corners = {
        "left_top": (2, 1),
        "right_top": (9, 2),
        "right_bottom": (8, 6),
        "left_bottom": (1, 5),
    }
    inside = "".join(f"<x_{k}>{x}</x_{k}><y_{k}>{y}</y_{k}>" for k, (x, y) in corners.items())
    label = read_label(tmp_path, HEAD + thing(f"<robndbox>{inside}</robndbox>"))
    assert label.shapes == (Polygon(tuple(corners.values())),)


def test_the_point_of_an_action_is_a_part_of_its_label(tmp_path: Path) -> None:
    inside = box(1, 2, 3, 4) + "<point><x>2</x><y>3</y></point>"
    assert read_label(tmp_path, HEAD + thing(inside)).shapes == (Box(1, 2, 3, 4), Points(((2, 3),)))


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (f"<object>{box(1, 2, 3, 4)}</object>", "it has no name"),
        (thing(box(1, 2, 3, 4), "  "), "it has no name"),
        (thing(""), "it has no bndbox"),
        (thing("<bndbox><xmin>1</xmin></bndbox>"), "its bndbox has no ymin"),
        (thing(box("0,5", 1, 2, 3)), "a coordinate is not a number"),
        (thing(box("1_0", 1, 2, 3)), "a coordinate is not a number"),
        (thing(box("", 1, 2, 3)), "a coordinate is not a number"),
        (thing("<polygon><x1>1</x1></polygon>"), "its polygon has an x without its y"),
        (
            thing("<robndbox><cx>5</cx><cy>2</cy><w>1</w><h>4</h><angle>90</angle></robndbox>"),
            "its angle is not in radians",
        ),
    ],
)
def test_a_bad_object_is_skipped_as_a_fault_and_the_next_one_is_read(
    tmp_path: Path, inside: str, reason: str
) -> None:
    bad, good = read(tmp_path, HEAD + inside + thing(box(1, 2, 3, 4)))
    assert bad == Skipped("object 1", "", reason, is_fault=True)
    assert isinstance(good, Label)
    assert good.place == "object 2"


def test_what_is_not_finite_is_judged_elsewhere(tmp_path: Path) -> None:
    [shape] = read_label(tmp_path, HEAD + thing(box("nan", 1, "inf", 3))).shapes
    assert isinstance(shape, Box)
    assert math.isnan(shape.left)
    assert math.isinf(shape.right)


def test_labels_that_were_deleted_in_labelme_are_left_out(tmp_path: Path) -> None:
    inside = "<deleted>1</deleted><id>3</id><polygon><pt><x>1</x><y>1</y></pt></polygon>"
    head = "<imagesize><nrows>50</nrows><ncols>100</ncols></imagesize>"
    file = tmp_path / "a.xml"
    file.write_text(f"<annotation>{head}{thing(inside)}</annotation>")
    _, picture, left = Voc(ReadOptions()).read(file)
    assert picture == Picture("a.jpg", 100, 50, file=tmp_path / "a.jpg")
    assert left == Omitted("object 1", "3", "deleted")


def test_masks_in_images_of_their_own_are_told(tmp_path: Path) -> None:
    """Once, however many files say so."""
    for name in ("a", "b"):
        text = f"<annotation>{HEAD.replace('a.jpg', name)}<segmented>1</segmented></annotation>"
        (tmp_path / f"{name}.xml").write_text(text)
    [told] = (i for i in Voc(ReadOptions()).read(tmp_path) if isinstance(i, Noticed))
    assert "SegmentationObject" in told.text


def test_an_image_without_objects_counts_too(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(f"<annotation>{HEAD}</annotation>")
    assert list(Voc(ReadOptions()).read(tmp_path)) == [
        InFile(file),
        Picture("a.jpg", 100, 50, file=tmp_path / "a.jpg"),
    ]


@pytest.mark.parametrize(
    ("name", "folders", "path"),
    [
        ("a.jpg", (), "a.jpg"),
        ("a.jpg", ("left",), "left/a.jpg"),
        ("a.jpg", ("VOC2007", "Annotations"), "VOC2007/JPEGImages/a.jpg"),
        ("b/a.jpg", ("VOC2007", "Annotations", "b"), "VOC2007/JPEGImages/b/a.jpg"),
        ("b\\a.jpg", (), "b/a.jpg"),
        ("./b//a.jpg", (), "b/a.jpg"),
        ("/home/pi/a.jpg", (), "a.jpg"),
        ("C:\\pictures\\a.jpg", ("left",), "left/a.jpg"),
        ("../secret/a.jpg", (), "a.jpg"),
        ("", ("left",), "left/x.jpg"),
        ("..", (), "x.jpg"),
        ("/", (), "x.jpg"),
    ],
)
def test_the_image_is_named_by_the_file_and_its_folders(
    name: str, folders: tuple[str, ...], path: str
) -> None:
    """Wrong: the bare name, by which labels of `b/1.jpg` land on `a/1.jpg`."""
    assert "/".join(place_image(name, Path("x.xml"), folders)) == path


def test_a_folder_is_read_in_order_and_a_bad_file_does_not_end_it(tmp_path: Path) -> None:
    label = f"<annotation>{HEAD}{thing(box(1, 2, 3, 4))}"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.XML").write_text(label + "</annotation>")
    (tmp_path / "a.xml").write_text(label + thing("") + "</anno")
    (tmp_path / "b.xml").write_text("<annotations/>")
    (tmp_path / "c.xml").write_bytes(b"")
    (tmp_path / "._e.xml").write_bytes(b"left by an archive")
    (tmp_path / "notes.txt").write_text("not XML")
    found = list(Voc(ReadOptions()).read(tmp_path))
    places = [item.path.name for item in found if isinstance(item, InFile)]
    assert places == ["a.xml", "b.xml", "c.xml", "a.XML"]
    assert [type(item).__name__ for item in found] == [
        *("InFile", "Picture", "Label", "Skipped", "FileFault"),  # what came before the break
        *("InFile", "FileFault", "InFile", "FileFault", "InFile", "Picture", "Label"),
    ]
    faults = [item.reason for item in found if isinstance(item, FileFault)]
    assert faults[1] == "its root is <annotations>, not <annotation>"
    assert faults[0].startswith("it is not XML: ")


def test_a_copy_that_still_names_the_first_image_is_told(tmp_path: Path) -> None:
    """Wrong: labels of two images on one, and nobody is told."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_text(f"<annotation>{HEAD}</annotation>")
    [told] = (i for i in Voc(ReadOptions()).read(tmp_path) if isinstance(i, Noticed))
    assert told == Noticed("other-image-name", "its filename is a.jpg: its labels go to that image")


def test_a_pipe_among_the_files_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.xml")
    assert list(Voc(ReadOptions()).read(tmp_path)) == []


def test_the_image_is_looked_for_in_jpegimages(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "Annotations"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_text(f"<annotation>{HEAD}</annotation>")
    [picture] = (i for i in Voc(ReadOptions()).read(tmp_path) if isinstance(i, Picture))
    assert picture.path == "set/JPEGImages/a.jpg"
    assert picture.file == tmp_path / "set" / "JPEGImages" / "a.jpg"


@pytest.mark.parametrize("ending", ["", "1.xml"])
def test_of_two_paths_with_the_same_file_the_second_one_is_a_bad_file(
    tmp_path: Path, ending: str
) -> None:
    """Wrong: labels of `val/1.jpg` on `train/1.jpg`."""
    reader = Voc(ReadOptions())
    for name in ("train", "val"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.xml").write_text(f"<annotation>{HEAD}</annotation>")
    list(reader.read(tmp_path / "train" / ending))
    second = tmp_path / "val" / "1.xml"
    reason = f"{tmp_path / 'train' / '1.xml'} {SAME_IMAGE}"
    assert list(reader.read(tmp_path / "val" / ending)) == [
        InFile(second),
        FileFault(second, reason),
    ]


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<annotation><filename>&b;</filename></annotation>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>'


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        OUTSIDE,
        "<annotation>" + "<a>" * 100_000,
        "<annotation>" + thing("<a/>" * 200_000),
        "<annotation><object><name>" + "x" * 5_000_000,
        '<?xml version="1.0" encoding="gbk"?><annotation/>',
        '<?xml version="1.0" encoding="no-such"?><annotation/>',
        "<annotation>\0</annotation>",
        "{}",
    ],
)
def test_a_hostile_file_is_a_bad_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.xml"
    file.write_text(text)
    assert isinstance(list(Voc(ReadOptions()).read(file))[-1], FileFault)
    assert not Voc(ReadOptions()).detect(file)


def test_a_file_that_is_not_there_is_a_bad_file(tmp_path: Path) -> None:
    file = tmp_path / "none.xml"
    assert list(Voc(ReadOptions()).read(file)) == [
        InFile(file),
        FileFault(file, "No such file or directory"),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_bytes_make_a_traceback(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    part = f"<part><name>head</name>{box(5, 6, 7, 8)}</part>"
    things = thing(part + box(4, 5, 6, 7)) + thing("<robndbox><cx>1</cx></robndbox>")
    whole = f"<annotation>{HEAD}{things}</annotation>".encode()
    file = tmp_path / "a.xml"
    for _ in range(50):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            start = chance.randrange(len(data))
            piece = chance.choice([b"", b"<", b"</object>", b"\xff\xfe", b"nan", b"1e999", b"<x>"])
            data[start : start + chance.randrange(30)] = piece
        file.write_bytes(bytes(data))
        items = list(Voc(ReadOptions(voc_origin=1)).read(file))
        assert isinstance(items[0], InFile)


def test_voc_is_told_from_the_other_kinds_of_xml(tmp_path: Path) -> None:
    reader = Voc(ReadOptions())
    assert not reader.detect(tmp_path)
    (tmp_path / "a.xml").write_text("<annotations><meta/></annotations>")
    assert not reader.detect(tmp_path)
    assert not reader.detect(tmp_path / "a.xml")
    (tmp_path / "b.xml").write_text(f"<annotation>{HEAD}</annotation>")
    assert reader.detect(tmp_path)
    assert reader.detect(tmp_path / "b.xml")
    assert not reader.detect(tmp_path / "none")
