"""Labels as lines of a change log."""

from __future__ import annotations

import base64
import math
from pathlib import Path

import numpy as np
import orjson
import pytest

from syncer.errors import UsageError
from syncer.formats.annotations import Annotations, Converted
from syncer.formats.concepts import Concepts
from syncer.formats.images import ImageOptions, Images
from syncer.formats.labels import (
    Box,
    Concept,
    Keypoints,
    Label,
    Mask,
    Measure,
    Picture,
    Points,
    Polygon,
    Shape,
    Skipped,
    TextSpan,
)

PICTURE = Picture("a/cat.jpg", 200, 100)


def make(**options) -> Annotations:
    video = options.pop("video", False)
    return Annotations(
        "coco", Images(ImageOptions(video=video, **options)), Concepts(), video=video
    )


def label(*shapes: Shape, **fields) -> Label:
    fields = {"picture": PICTURE, "concepts": (Concept("Big Cat"),), "own_id": "7", **fields}
    return Label(shapes=shapes, place="annotations[0]", **fields)


def convert(one: Label, **options) -> list[dict]:
    came = make(**options).convert(one)
    assert isinstance(came, Converted), came
    return [orjson.loads(line)["annotation"] for line in came.lines]


def skip(one: Label, **options) -> tuple[str, bool]:
    came = make(**options).convert(one)
    assert isinstance(came, Skipped)
    return came.reason, came.is_fault


def region(annotation: dict) -> dict:
    return annotation["data"]["regions"][0]["region_info"]


def test_a_box_is_shares_of_its_image_and_all_values_are_written_out():
    (one,) = convert(label(Box(20, 10, 100, 50), info={"occluded": True}))
    assert one == {
        "id": one["id"],
        "input_id": "cat",
        "data": {
            "regions": [
                {
                    "id": one["id"],
                    "region_info": {
                        "bounding_box": {
                            "top_row": 0.1,
                            "left_col": 0.1,
                            "bottom_row": 0.5,
                            "right_col": 0.5,
                        }
                    },
                    "data": {"concepts": [{"id": "big-cat", "name": "Big Cat", "value": 1.0}]},
                }
            ]
        },
        "annotation_info": {"format": "coco", "own_id": "7", "occluded": True},
    }
    assert len(one["id"]) == 32


def test_what_is_beyond_the_image_is_clamped_and_counted():
    came = make().convert(label(Box(-20, 10, 300, 50)))
    assert isinstance(came, Converted)
    assert came.clamped == 1
    assert region(orjson.loads(came.lines[0])["annotation"])["bounding_box"] == {
        "top_row": 0.1,
        "left_col": 0.0,
        "bottom_row": 0.5,
        "right_col": 1.0,
    }


def test_a_corner_that_only_rounding_put_beyond_the_image_is_not_counted():
    came = make().convert(label(Box(0, 0, 200 + 1e-12, 100)))
    assert isinstance(came, Converted)
    assert came.clamped == 0


def test_a_number_that_json_does_not_have_is_told_as_lost():
    info = {"score": math.nan, "sizes": {"area": [math.inf]}, "checked": None, "group": 1}
    came = make().convert(label(Box(0, 0, 9, 9), info=info))
    assert isinstance(came, Converted)
    assert came.lost == ["score: not a number", "sizes: not a number"]


@pytest.mark.parametrize(
    ("shape", "reason", "is_fault"),
    [
        (Box(5, 5, 5, 9), "no area", False),
        (Box(9, 5, 5, 9), "corners in the wrong order", False),
        (Box(-9, 5, -1, 9), "outside the image", False),
        (Box(5, 100, 9, 120), "outside the image", False),
        (Polygon(((-9, 1), (-1, 1), (-1, 9))), "outside the image", False),
        (Box(5, 5, 5 + 1e-9, 9), "no area", False),
        (Box(math.nan, 5, 9, 9), "not a number", True),
        (Box(0, 5, math.inf, 9), "not a number", True),
        (Box(0, 0, 10**400, 9), "not a number", True),
        (Polygon(((0, 0), (5, 5))), "fewer than three points", False),
        (Polygon(((0, 0), (5, 5), (10, 10))), "no area", False),
        (Polygon(((0, 0), (5, math.nan), (10, 0))), "not a number", True),
        (Polygon(((0, 0), (math.inf, 5), (10, 0))), "not a number", True),
        (Points(((math.nan, 1),)), "not a number", True),
        (Keypoints((), ((0, 0),), (0,)), "no point", False),
        (Mask(4, 3, (12,)), "no area", False),
        (Mask(4, 3, (5, 2)), "a mask that does not fill its size", True),
        (TextSpan(4, 4, ""), "no characters", False),
    ],
)
def test_what_is_not_a_shape_is_skipped_with_its_reason(shape, reason, is_fault):
    assert skip(label(shape)) == (reason, is_fault)


def test_the_parts_of_a_label_are_lines_of_one_group():
    ring = ((0, 0), (20, 0), (20, 20))
    first, second = convert(label(Polygon(ring), Polygon(ring)))
    assert first["id"] != second["id"]
    assert (first["annotation_info"]["part"], second["annotation_info"]["part"]) == (0, 1)
    assert first["annotation_info"]["parts_of"] == second["annotation_info"]["parts_of"]


def test_a_degenerate_part_is_lost_and_the_good_one_stays():
    came = make().convert(label(Polygon(((0, 0), (1, 1))), Polygon(((0, 0), (20, 0), (20, 20)))))
    assert isinstance(came, Converted)
    assert (len(came.lines), came.lost) == (1, ["polygon: fewer than three points"])


def test_a_degenerate_polygon_beside_a_good_box_leaves_the_box():
    came = make().convert(label(Polygon(((0, 0), (1, 1))), box=Box(0, 0, 20, 10)))
    assert isinstance(came, Converted)
    assert "bounding_box" in region(orjson.loads(came.lines[0])["annotation"])
    assert came.lost == ["polygon: fewer than three points"]


def test_a_rotated_box_keeps_its_angle():
    (one,) = convert(label(Polygon(((0, 0), (20, 5), (10, 20)), angle_degrees=30)))
    assert one["annotation_info"]["angle_degrees"] == 30


def test_keypoints_have_absent_ones_in_their_places_and_their_box_beside_them():
    points = Keypoints(("nose", "ear", "eye"), ((20, 10), (0, 0), (40, 50)), (2, 0, 1))
    (one,) = convert(label(points, box=Box(0, 0, 100, 100)))
    assert region(one)["keypoint_locations"] == [
        {"row": 0.1, "col": 0.1, "visibility": "VISIBLE"},
        {"row": 0.0, "col": 0.0, "visibility": "NOT_PRESENT"},
        {"row": 0.5, "col": 0.2, "visibility": "NOT_VISIBLE"},
    ]
    assert region(one)["bounding_box"]["right_col"] == 0.5
    assert one["annotation_info"]["keypoint_names"] == ["nose", "ear", "eye"]


def test_a_mask_is_an_image_with_rows_and_columns_in_their_places():
    """Not square: a mask that is read row by row would be another one."""
    (one,) = convert(label(Mask(4, 3, (1, 2, 7, 1, 1)), picture=Picture("cat.jpg")))
    data = base64.b64decode(region(one)["mask"]["image"]["base64"])
    pixels = decode_png(data)
    wanted = np.array([0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0]).reshape((3, 4), order="F")
    assert (pixels == wanted * 255).all()


def decode_png(data: bytes) -> np.ndarray:
    import struct
    import zlib

    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    begin = data.index(b"IDAT")
    (size,) = struct.unpack(">I", data[begin - 4 : begin])
    rows = zlib.decompress(data[begin + 4 : begin + 4 + size])
    return np.frombuffer(rows, np.uint8).reshape((height, width + 1))[:, 1:]


def test_points_are_a_line_each_and_choices_need_no_region_and_no_size():
    assert len(convert(label(Points(((1, 1), (2, 2)))))) == 2
    (one,) = convert(label(picture=Picture("cat.jpg")))
    assert one["data"] == {"concepts": [{"id": "big-cat", "name": "Big Cat", "value": 1.0}]}


def test_shares_need_no_size():
    one = label(Box(0.1, 0.2, 0.3, 0.4), measure=Measure.SHARES, picture=Picture("cat.jpg"))
    assert region(convert(one)[0])["bounding_box"]["bottom_row"] == 0.4


def test_an_image_of_no_known_size_makes_a_fault_and_the_option_gives_it_one():
    one = label(Box(20, 10, 100, 50), picture=Picture("cat.jpg", 0, 0))
    assert skip(one) == ("the size of the image is not known", True)
    assert region(convert(one, size=(200, 100))[0])["bounding_box"]["right_col"] == 0.5


def test_the_own_id_makes_the_id_and_the_content_does_not():
    one, moved = label(Box(0, 0, 9, 9)), label(Box(1, 0, 9, 9))
    assert convert(one)[0]["id"] == convert(moved)[0]["id"]
    assert convert(one)[0]["id"] != convert(label(Box(0, 0, 9, 9), own_id="8"))[0]["id"]


def test_without_an_own_id_equal_labels_get_ids_of_their_own():
    lines = make()
    one, other = label(Box(0, 0, 9, 9), own_id=""), label(Box(1, 0, 9, 9), own_id="")
    ids = [
        orjson.loads(lines.convert(each).lines[0])["annotation"]["id"] for each in (one, one, other)
    ]
    assert len(set(ids)) == 3
    assert convert(other)[0]["id"] == ids[2]


def test_an_own_id_that_comes_twice_on_an_input_is_noticed():
    lines = make()
    assert not lines.convert(label(Box(0, 0, 9, 9))).is_repeated
    assert lines.convert(label(Box(0, 0, 9, 8))).is_repeated


def test_half_a_character_and_a_huge_number_do_not_end_the_import():
    info = {"note": "\ud800", "n": 10**30, "nan": math.nan}
    (one,) = convert(label(Box(0, 0, 9, 9), info=info, concepts=(Concept("a\udfff"),)))
    assert one["annotation_info"]["n"] == str(10**30)


def test_what_json_has_no_form_for_changes_nothing_of_the_id():
    """Wrong: named once more where the first line could not be written."""
    lines = make()
    came = lines.convert(label(Box(0, 0, 9, 9), info={"note": "\ud800"}))
    assert isinstance(came, Converted)
    assert not came.is_repeated
    [one] = [orjson.loads(line)["annotation"]["id"] for line in came.lines]
    assert one == convert(label(Box(0, 0, 9, 9)))[0]["id"]


def test_frames_are_inputs_of_their_own_or_frames_of_one():
    picture = Picture("clips/drive.mp4", 200, 100, frame=50, stream="left", fps=25)
    (one,) = convert(label(Box(0, 0, 20, 10), picture=picture))
    assert (one["input_id"], one["annotation_info"]["frame"]) == ("drive-50-left", 50)
    (two,) = convert(label(Box(0, 0, 20, 10), picture=picture), video=True)
    assert two["input_id"] == "drive-left"
    assert two["data"]["frames"][0]["frame_info"] == {"number": 50, "time": 2000}


def test_a_video_without_a_rate_is_an_error_that_says_so():
    picture = Picture("drive.mp4", 200, 100, frame=50)
    with pytest.raises(UsageError, match="frames per second"):
        make(video=True).convert(label(Box(0, 0, 20, 10), picture=picture))


def test_two_images_of_one_name_in_two_folders_are_refused_by_both_paths():
    lines = make()
    lines.convert(label(Box(0, 0, 9, 9)))
    with pytest.raises(UsageError, match=r"a/cat\.jpg and b/cat\.png are both input cat"):
        lines.convert(label(Box(0, 0, 9, 9), picture=Picture("b/cat.png", 200, 100)))
    lines = make(rule="path")
    lines.convert(label(Box(0, 0, 9, 9)))
    lines.convert(label(Box(0, 0, 9, 9), picture=Picture("b/cat.png", 200, 100)))


@pytest.mark.parametrize("key", ["a/cat.jpg", "cat.jpg", "cat"])
def test_a_map_knows_images_by_path_name_or_stem(key: str):
    one = label(Box(0, 0, 9, 9), picture=Picture("a\\cat.jpg", 200, 100))
    assert convert(one, input_map={key: "img-1"})[0]["input_id"] == "img-1"


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("x/e\u0301 a.jpg", "\u00e9 a"),
        ("x/a%20b.jpg", "a b"),
        ("https://h/p/c%20d.png?k=v", "c d"),
        ("./a.b.jpg", "a.b"),
    ],
)
def test_names_are_canonical(path: str, stem: str):
    assert convert(label(picture=Picture(path)))[0]["input_id"] == stem


def test_the_head_of_an_image_gives_its_size_and_contradictions_are_named(tmp_path: Path):
    (tmp_path / "cat.gif").write_bytes(b"GIF89a" + bytes((100, 0, 50, 0)) + bytes(10))
    one = label(Box(0, 0, 50, 50), picture=Picture("cat.gif"))
    assert region(convert(one, folder=tmp_path)[0])["bounding_box"]["right_col"] == 0.5
    came = make(folder=tmp_path).convert(
        label(Box(0, 0, 50, 50), picture=Picture("cat.gif", 50, 100))
    )
    assert isinstance(came, Converted)
    assert (
        "50x100 as the labels say, and 100x50 as the image says: width and height are swapped"
        in came.picture.contradiction
    )
    assert region(orjson.loads(came.lines[0])["annotation"])["bounding_box"]["right_col"] == 1.0
