"""CVAT for images and for video. What others get wrong is named where it is tested."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.formats.cvat import Cvat
from syncer.formats.labels import (
    Box,
    Concept,
    FileFault,
    InFile,
    Item,
    Keypoints,
    Label,
    Lost,
    Mask,
    Measure,
    Omitted,
    Picture,
    Points,
    Polygon,
    ReadOptions,
    Skipped,
)
from syncer.formats.runs import expand

BOX = '<box label="car" xtl="1" ytl="2" xbr="3.5" ybr="4"/>'


def write(folder: Path, inside: str) -> Path:
    file = folder / "annotations.xml"
    file.write_text(f"<annotations><version>1.1</version>{inside}</annotations>", "utf-8")
    return file


def read(folder: Path, inside: str) -> list[Item]:
    """Return what is in one file, but for the file."""
    file, *found = Cvat(ReadOptions()).read(write(folder, inside))
    assert isinstance(file, InFile)
    return found


def image(shapes: str, given: str = 'width="40" height="30"') -> str:
    return f'<image id="7" name="day 1/a.jpg" {given}>{shapes}</image>'


def read_label(folder: Path, shape: str, given: str = 'width="40" height="30"') -> Label:
    [label] = read(folder, image(shape, given))
    assert isinstance(label, Label)
    return label


def video(tracks: str, task: str = "", after: str = "") -> str:
    return f"<meta><task><id>5</id><name>v1</name>{task}</task>{after}</meta>{tracks}"


def track(*frames: str, given: str = 'id="0" label="car"') -> str:
    return f"<track {given}>{''.join(frames)}</track>"


def at(frame: int, given: str = 'outside="0" keyframe="1"') -> str:
    return f'<box frame="{frame}" xtl="1" ytl="2" xbr="3" ybr="4" {given}/>'


def frames_of(items: list[Item]) -> list[int | None]:
    return [item.picture.frame for item in items if isinstance(item, Label)]


def test_a_box_is_as_the_file_has_it(tmp_path: Path) -> None:
    assert read_label(tmp_path, BOX) == Label(
        Picture("day 1/a.jpg", 40, 30, own_id="7"),
        (Concept("car"),),
        (Box(1, 2, 3.5, 4),),
        Measure.PIXELS,
        "image 7, box 1",
    )


def test_attributes_occlusion_group_order_and_source_are_kept(tmp_path: Path) -> None:
    """Wrong: attributes are dropped (cvat#4764), 0003 becomes 3."""
    label = read_label(
        tmp_path,
        '<box label="car" xtl="1" ytl="2" xbr="3" ybr="4" occluded="1" z_order="-2"'
        ' group_id="4" source="auto"><attribute name="plate">0003</attribute>'
        '<attribute name="taxi">false</attribute><attribute name="note"/></box>',
    )
    assert label.info == {
        "attributes": {"plate": "0003", "taxi": "false", "note": ""},
        "occluded": True,
        "group": 4,
        "z_order": -2,
        "source": "auto",
    }


def test_a_rotated_box_turns_about_its_center_and_is_never_clamped_before(
    tmp_path: Path,
) -> None:
    """Wrong: the unrotated corners are clamped to the image first, as they lie beyond
    its edge (datumaro#1887), or the rotation is not shown at all (cvat#5881).
    """
    label = read_label(
        tmp_path,
        '<box label="car" xtl="10" ytl="-10" xbr="20" ybr="30" rotation="90.0"/>',
    )
    [polygon] = label.shapes
    assert isinstance(polygon, Polygon)
    assert polygon.angle_degrees == 90
    expected = [(35, 5), (35, 15), (-5, 15), (-5, 5)]
    assert np.allclose(polygon.points, expected, atol=1e-9)


def test_a_turn_is_clockwise_as_it_is_seen(tmp_path: Path) -> None:
    label = read_label(tmp_path, '<box label="c" xtl="0" ytl="0" xbr="20" ybr="10" rotation="30"/>')
    [polygon] = label.shapes
    assert isinstance(polygon, Polygon)
    assert polygon.points[1] == pytest.approx((10 + 8.660254 + 2.5, 5 + 5 - 4.330127))


@pytest.mark.parametrize("rotation", ["0", "0.00", "360", "-720"])
def test_a_whole_turn_leaves_a_box(tmp_path: Path, rotation: str) -> None:
    shape = f'<box label="c" xtl="0" ytl="0" xbr="2" ybr="1" rotation="{rotation}"/>'
    assert read_label(tmp_path, shape).shapes == (Box(0, 0, 2, 1),)


def test_polygons_and_points_are_pairs(tmp_path: Path) -> None:
    assert read_label(tmp_path, '<polygon label="a" points="1.5,2;3,4;-6,5e0"/>').shapes == (
        Polygon(((1.5, 2), (3, 4), (-6, 5))),
    )
    assert read_label(tmp_path, '<points label="a" points="1,2;3,4"/>').shapes == (
        Points(((1, 2), (3, 4))),
    )


def test_a_tag_is_of_the_whole_image(tmp_path: Path) -> None:
    assert read_label(tmp_path, '<tag label="night" source="manual"/>').shapes == ()


def test_a_shape_without_a_label_is_a_label_without_concepts(tmp_path: Path) -> None:
    assert read_label(tmp_path, '<polygon label="" points="1,2;3,4;6,5"/>').concepts == ()


def test_the_runs_of_a_mask_go_row_by_row_within_its_box(tmp_path: Path) -> None:
    """Wrong: read as COCO's, column by column, which shears all but square masks."""
    shape = '<mask label="a" rle="1, 4, 1" left="1" top="0" width="3" height="2"/>'
    [mask] = read_label(tmp_path, shape, 'width="4" height="3"').shapes
    assert isinstance(mask, Mask)
    drawn = np.frombuffer(expand(mask.runs), dtype=np.uint8).reshape((3, 4), order="F")
    assert drawn.tolist() == [[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_any_mask_is_drawn_where_it_was(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("mask")
    width, height = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 7))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    across = data.draw(st.integers(1, width - left))
    down = data.draw(st.integers(1, height - top))
    bits = st.lists(st.integers(0, 1), min_size=across * down, max_size=across * down)
    box = np.array(data.draw(bits), dtype=np.uint8).reshape((down, across))
    runs, bit = [0], 0
    for pixel in box.flatten():
        if pixel != bit:
            runs.append(0)
            bit = 1 - bit
        runs[-1] += 1
    shape = (
        f'<mask label="a" rle="{", ".join(map(str, runs))}" left="{left}" top="{top}"'
        f' width="{across}" height="{down}"/>'
    )
    [mask] = read_label(folder, shape, f'width="{width}" height="{height}"').shapes
    assert isinstance(mask, Mask)
    expected = np.zeros((height, width), dtype=np.uint8)
    expected[top : top + down, left : left + across] = box
    assert expand(mask.runs) == expected.tobytes(order="F")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ('rle="1, 4" left="0" top="0" width="3" height="2"', "do not fill its box"),
        ('rle="6" left="39" top="0" width="3" height="2"', "reaches beyond its image"),
        ('rle="9,-3" left="0" top="0" width="3" height="2"', "do not fill its box"),
        ('rle="six" left="0" top="0" width="3" height="2"', "are not numbers"),
        ('rle="6" left="0" top="0" width="3.5" height="2"', "not a whole number"),
        ('rle="6" left="0" top="0" width="nan" height="2"', "not a whole number"),
        ('rle="6" left="0" top="0" height="2"', "width is not a number"),
        ('rle="0" left="0" top="0" width="0" height="0"', None),
    ],
)
def test_a_mask_that_is_none_is_a_fault(tmp_path: Path, given: str, reason: str | None) -> None:
    found = read(tmp_path, image(f'<mask label="a" {given}/>'))
    if reason is None:
        assert isinstance(found[0], Label)
        return
    [skipped, _] = found
    assert isinstance(skipped, Skipped)
    assert skipped.is_fault
    assert reason in skipped.reason


def test_a_skeleton_has_its_points_in_their_places(tmp_path: Path) -> None:
    """Wrong: a point that is outside stands at 0,0 as if it were seen."""
    label = read_label(
        tmp_path,
        '<skeleton label="person" z_order="1">'
        '<points label="nose" outside="0" occluded="0" points="54.47,94.81"/>'
        '<points label="ear" outside="0" occluded="1" points="68,162">'
        '<attribute name="ring">yes</attribute></points>'
        '<points label="hand" outside="1" occluded="0" points="3,4"/>'
        '<attribute name="age">9</attribute></skeleton>',
    )
    assert label.concepts == (Concept("person"),)
    assert label.shapes == (
        Keypoints(("nose", "ear", "hand"), ((54.47, 94.81), (68, 162), (0, 0)), (2, 1, 0)),
    )
    assert label.info == {
        "attributes": {"age": "9"},
        "keypoint_attributes": {"ear": {"ring": "yes"}},
        "z_order": 1,
    }


@pytest.mark.parametrize("kind", ["polyline", "ellipse", "cuboid", "hologram"])
def test_what_the_wire_has_no_place_for_is_named(tmp_path: Path, kind: str) -> None:
    given = 'points="1,2;3,4" cx="1" cy="1" rx="1" ry="1"'
    found = read(tmp_path, image(f'<{kind} label="a" {given}/>'))
    assert found == [
        Skipped(f"image 7, {kind} 1", "", "no place", kind=kind),
        Picture("day 1/a.jpg", 40, 30, own_id="7"),
    ]


@pytest.mark.parametrize(
    "shape",
    [
        '<box label="a" xtl="1" ytl="x" xbr="3" ybr="4"/>',
        '<box label="a" xtl="1" xbr="3" ybr="4"/>',
        '<box label="a" xtl="1_0" ytl="2" xbr="3" ybr="4"/>',
        '<box label="a" xtl="1" ytl="2" xbr="3" ybr="4" rotation="inf"/>',
        '<polygon label="a" points="1,2;3"/>',
        '<polygon label="a" points="1,2,3;4,5,6;7,8,9"/>',
    ],
)
def test_what_is_no_number_is_a_fault_and_the_next_shape_is_read(
    tmp_path: Path, shape: str
) -> None:
    skipped, label = read(tmp_path, image(shape + BOX))
    assert isinstance(skipped, Skipped)
    assert skipped.is_fault
    assert isinstance(label, Label)
    assert label.place == "image 7, box 2"


def test_an_image_without_labels_counts_too(tmp_path: Path) -> None:
    assert read(tmp_path, image("", "")) == [Picture("day 1/a.jpg", own_id="7")]


def test_images_of_a_project_are_told_apart_by_their_subsets(tmp_path: Path) -> None:
    """Wrong: both are img.jpg, and the labels of two images come to one."""
    found = read(
        tmp_path,
        '<image id="0" name="img.jpg" subset="train"/><image id="1" name="img.jpg" subset="val"/>',
    )
    assert [item.path for item in found if isinstance(item, Picture)] == [
        "train/img.jpg",
        "val/img.jpg",
    ]


def test_a_track_is_a_label_in_each_frame_where_it_is_inside(tmp_path: Path) -> None:
    """Wrong: the box that ends a track, outside, stays for one frame more; the track,
    its keyframes and its group are lost (datumaro#206).
    """
    found = read(
        tmp_path,
        video(
            track(
                at(0),
                at(1, 'outside="0" keyframe="0" occluded="1"'),
                at(2, 'outside="1" keyframe="1"'),
                given='id="3" label="car" group_id="2" source="manual"',
            ),
            "<original_size><width>25</width><height>20</height></original_size>",
            "<source>t.mp4</source>",
        ),
    )
    first, second, outside = found
    assert isinstance(first, Label)
    assert isinstance(second, Label)
    assert first.picture == Picture("t.mp4", 25, 20, 0)
    assert first.place == "track 3, frame 0, box 1"
    assert first.concepts == (Concept("car"),)
    assert first.info == {
        "track_id": "3",
        "keyframe": True,
        "group": 2,
        "source": "manual",
    }
    assert second.picture.frame == 1
    assert second.info["keyframe"] is False
    assert second.info["occluded"] is True
    assert outside == Omitted("track 3, frame 2, box 3", "", "outside")


def test_a_skeleton_whose_points_are_all_outside_is_outside(tmp_path: Path) -> None:
    points = '<points label="{}" outside="1" points="1,2"/>'
    shape = f'<skeleton frame="0">{points.format("a")}{points.format("b")}</skeleton>'
    [found] = read(tmp_path, video(track(shape)))
    assert isinstance(found, Omitted)


STEPS = (
    "<start_frame>10</start_frame><stop_frame>19</stop_frame><frame_filter>step=3</frame_filter>"
)


def test_frames_of_a_filtered_video_are_those_of_the_video(tmp_path: Path) -> None:
    assert frames_of(read(tmp_path, video(track(at(10), at(13), at(16)), STEPS))) == [10, 13, 16]


def test_frames_that_are_counted_among_those_used_become_those_of_the_video(
    tmp_path: Path,
) -> None:
    """Wrong: the step is ignored, and labels land on other frames (cvat#764)."""
    found = read(tmp_path, video(track(at(0), at(1), at(2)), STEPS))
    assert frames_of(found) == [10, 13, 16]


def test_one_frame_beside_those_used_does_not_move_all_the_others(tmp_path: Path) -> None:
    found = read(tmp_path, video(track(at(10), at(13), at(14)), STEPS))
    assert frames_of(found) == [10, 13, 14]


def test_the_frame_after_the_last_that_ends_a_track_says_nothing_of_the_count(
    tmp_path: Path,
) -> None:
    found = read(tmp_path, video(track(at(19), at(20, 'outside="1"')), STEPS))
    assert frames_of(found) == [19]


def test_frames_that_the_file_leaves_to_interpolation_are_named(tmp_path: Path) -> None:
    found = read(tmp_path, video(track(at(0), at(8), at(9, 'outside="1"'))))
    assert [item for item in found if isinstance(item, Lost)] == [
        Lost("track 0, frame 0, box 1", "", "frames between keyframes")
    ]
    after_a_gap = read(tmp_path, video(track(at(0), at(1, 'outside="1"'), at(8))))
    assert not [item for item in after_a_gap if isinstance(item, Lost)]


def test_tracks_of_a_project_are_of_the_videos_of_their_tasks(tmp_path: Path) -> None:
    tasks = "".join(
        f"<task><id>{number}</id><source>{name}</source></task>"
        for number, name in ((1, "a.mp4"), (2, "b.mp4"))
    )
    found = read(
        tmp_path,
        f"<meta><project><id>9</id><tasks>{tasks}</tasks></project></meta>"
        + track(at(0), given='id="0" label="x" task_id="2" subset="val"')
        + track(at(0), given='id="1" label="x" task_id="1" subset="val"'),
    )
    paths = [item.picture.path for item in found if isinstance(item, Label)]
    assert paths == ["val/b.mp4", "val/a.mp4"]


def test_a_track_without_a_video_is_of_its_task_or_file(tmp_path: Path) -> None:
    [label] = read(tmp_path, video(track(at(0))))
    assert isinstance(label, Label)
    assert label.picture.path == "v1"
    [label] = read(tmp_path, track(at(0)))
    assert isinstance(label, Label)
    assert label.picture.path == "annotations"


def test_labels_before_a_fault_are_read_and_the_fault_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(f"<annotations>{image(BOX)}{image(BOX)}<image", "utf-8")
    *found, fault = Cvat(ReadOptions()).read(file)
    assert len([item for item in found if isinstance(item, Label)]) == 2
    assert isinstance(fault, FileFault)
    assert "it is not XML" in fault.reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        "<annotation></annotation>",
        '<!DOCTYPE a [<!ENTITY b "x">]><annotations>&b;</annotations>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotations>&b;</annotations>',
        "<annotations>" + "<image>" * 100_000,
        '<?xml version="1.0" encoding="martian"?><annotations/>',
    ],
)
def test_what_is_no_file_of_cvat_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.xml"
    file.write_text(text, "utf-8")
    found = list(Cvat(ReadOptions()).read(tmp_path))
    assert isinstance(found[-1], FileFault)
    assert not Cvat(ReadOptions()).detect(file) or "<image>" in text


def test_the_archive_that_cvat_exports_is_to_be_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    file.write_bytes(b"PK\x03\x04rest")
    [_, fault] = Cvat(ReadOptions()).read(file)
    assert fault == FileFault(file, "it is a ZIP archive: unpack it first")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    [_, fault] = Cvat(ReadOptions()).read(tmp_path / "none.xml")
    assert fault == FileFault(tmp_path / "none.xml", "No such file or directory")
    assert not Cvat(ReadOptions()).detect(tmp_path / "none.xml")


def test_files_and_folders_of_cvat_are_known_by_their_root(tmp_path: Path) -> None:
    file = write(tmp_path, image(BOX))
    assert Cvat(ReadOptions()).detect(file)
    assert Cvat(ReadOptions()).detect(tmp_path)


def test_memory_does_not_grow_with_one_image_that_has_everything(tmp_path: Path) -> None:
    file = write(tmp_path, image(BOX * 60_000))
    tracemalloc.start()
    try:
        count = sum(1 for _ in Cvat(ReadOptions()).read(file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 60_001
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ('<mask label="a" rle="' + "1," * 1_100_000 + '"/>', "left is not a number"),
        (
            '<mask label="a" left="0" top="0" width="9" height="9" rle="'
            + "1," * 1_100_000
            + '"/>',
            "a mask has too many runs",
        ),
        ('<polygon label="a" points="' + "1,2;" * 310_000 + '"/>', "it has too many points"),
    ],
)
def test_a_shape_that_would_fill_the_memory_is_refused(
    tmp_path: Path, shape: str, reason: str
) -> None:
    skipped, _ = read(tmp_path, image(shape))
    assert isinstance(skipped, Skipped)
    assert reason in skipped.reason


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (image("<skeleton>" + "<points/>" * 11_000 + "</skeleton>"), "more than 10,000 parts"),
        (image('<polygon points="' + "1,2;" * 2_200_000 + '"/>'), "larger than 8 MiB"),
    ],
)
def test_a_file_that_would_fill_the_memory_is_refused(
    tmp_path: Path, inside: str, reason: str
) -> None:
    fault = read(tmp_path, inside)[-1]
    assert isinstance(fault, FileFault)
    assert reason in fault.reason


def test_no_bytes_make_a_traceback(tmp_path: Path) -> None:
    whole = write(
        tmp_path,
        video(track(at(0), at(8)), STEPS)
        + image('<mask label="a" rle="6" left="0" top="0" width="3" height="2"/>' + BOX),
    ).read_bytes()
    chance = random.Random(3)
    file = tmp_path / "fuzz.xml"
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            start = chance.randrange(len(data))
            patch = chance.choice([b"", b"-9", b"1e9", b"\xff", b"<", b'"', b"nan", b"\0"])
            data[start : start + chance.randrange(6)] = patch
        file.write_bytes(data)
        Cvat(ReadOptions()).detect(file)
        assert list(Cvat(ReadOptions()).read(file))
