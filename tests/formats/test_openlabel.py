"""OpenLABEL 1.0: documents of ASAM's schema, of Kognic and of vcd, and what a pull of
Annotell wrote. What others get wrong is named where it is tested.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from syncer.formats import json_walk, openlabel_labels
from syncer.formats.labels import (
    Box,
    Concept,
    FileFault,
    InFile,
    Item,
    Label,
    Lost,
    Omitted,
    Picture,
    Points,
    Polygon,
    ReadOptions,
    Skipped,
)
from syncer.formats.names import canonicalize
from syncer.formats.openlabel import OpenLabelReader
from syncer.formats.tables import CsvLabels, ParquetLabels

Json = dict[str, Any]


def bbox(*val: object, **more: object) -> Json:
    return {"bbox": [{"name": "shape", "val": list(val), **more}]}


def thing(data: Json | None = None, type_: str = "Car", **more: object) -> Json:
    return {
        "name": "car1",
        "type": type_,
        **({} if data is None else {"object_data": data}),
        **more,
    }


def document(**sections: object) -> Json:
    return {"openlabel": {"metadata": {"schema_version": "1.0.0"}, **sections}}


def read_all(path: Path) -> list[Item]:
    return [
        item for item in OpenLabelReader(ReadOptions()).read(path) if not isinstance(item, InFile)
    ]


@pytest.fixture(params=["at once", "in pieces"])
def read(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Json], list[Item]]:
    """What is in a document but for its images, read in both ways."""
    if request.param == "in pieces":
        monkeypatch.setattr(json_walk, "SMALL_BYTES_MAX", 0)

    def read_document(content: Json) -> list[Item]:
        file = tmp_path / "scene.json"
        file.write_bytes(orjson.dumps(content))
        return [item for item in read_all(file) if not isinstance(item, Picture)]

    return read_document


Read = Callable[[Json], list[Item]]


def read_label(read: Read, content: Json) -> Label:
    [label] = read(content)
    assert isinstance(label, Label)
    return label


def read_polygon(read: Read, **poly2d: object) -> Item:
    found = read(document(objects={"0": thing({"poly2d": [{"name": "p", **poly2d}]})}))
    return found[0]


# --- shapes ---------------------------------------------------------------------------


def test_a_box_is_given_by_its_center_not_by_a_corner(read: Read) -> None:
    label = read_label(read, document(objects={"0": thing(bbox(960, 540, 192, 108))}))
    assert label.shapes == (Box(864, 486, 1056, 594),)  # not 960, 540, 1152, 648
    assert label.concepts == (Concept("Car"),)
    assert label.place == "objects.0.bbox[0]"


def test_a_box_beyond_the_image_is_not_clamped_here(read: Read) -> None:
    label = read_label(read, document(objects={"0": thing(bbox(1910, 1075, 40, 30))}))
    assert label.shapes == (Box(1890, 1060, 1930, 1090),)


def test_a_rotated_box_turns_from_x_to_y_and_keeps_its_angle(read: Read) -> None:
    data = {"rbbox": [{"name": "r", "val": [10, 20, 8, 4, 1.5707963267948966]}]}
    [polygon] = read_label(read, document(objects={"0": thing(data)})).shapes
    assert isinstance(polygon, Polygon)
    assert polygon.angle_degrees == pytest.approx(90)
    # its upper left corner (6, 18) comes to the upper right, not to the lower left
    assert polygon.points[0] == pytest.approx((12, 16))


@pytest.mark.parametrize("val", [[0, 0, 2, 0, 1, 2], [[0, 0], [2, 0], [1, 2]]])
def test_a_polygon_is_flat_as_the_schema_says_or_in_pairs_as_vcd_writes_it(
    read: Read, val: object
) -> None:
    label = read_polygon(read, val=val, mode="MODE_POLY2D_ABSOLUTE", closed=True)
    assert isinstance(label, Label)
    assert label.shapes == (Polygon(((0, 0), (2, 0), (1, 2))),)


def test_a_polygon_that_does_not_say_whether_it_is_closed_is_one(read: Read) -> None:
    """The example of the docs of Kognic has no `closed`; their own models refuse it."""
    assert isinstance(read_polygon(read, val=[0, 0, 2, 0, 1, 2]), Label)


@pytest.mark.parametrize("mode", ["MODE_POLY2D_SRF6DCC", "MODE_POLY2D_RS6FCC"])
def test_a_chain_code_is_refused_by_its_name_and_never_read_as_points(
    read: Read, mode: str
) -> None:
    found = read_polygon(read, val=["5", "5", "1", "mBIIOIII"], mode=mode, closed=True)
    assert isinstance(found, Skipped)
    assert (found.reason, found.is_fault) == (f"its points are in {mode}", True)


HOLE = {"boolean": [{"name": "is_hole", "val": True}]}
SPLINE = {"text": [{"name": "interpolation_method", "val": "natural-cubic-spline"}]}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("open line", {"closed": False}),
        ("curve", {"closed": False, "attributes": SPLINE}),
        ("curve", {"attributes": SPLINE}),
        ("hole", {"closed": True, "attributes": HOLE}),
    ],
)
def test_a_line_and_a_hole_have_no_place_and_do_not_become_polygons(
    read: Read, kind: str, more: Json
) -> None:
    found = read_polygon(read, val=[0, 0, 2, 0, 1, 2], **more)
    assert isinstance(found, Skipped)
    assert (found.reason, found.kind, found.is_fault) == ("no place", kind, False)


def test_a_closed_curve_is_the_polygon_of_its_points_and_the_curve_is_reported_lost(
    read: Read,
) -> None:
    entry = {"name": "p", "val": [0, 0, 2, 0, 1, 2], "closed": True, "attributes": SPLINE}
    label, lost = read(document(objects={"0": thing({"poly2d": [entry]})}))
    assert isinstance(label, Label)
    assert isinstance(lost, Lost)
    assert lost.kind == "curve"


def test_a_point_is_a_point(read: Read) -> None:
    data = {"point2d": [{"name": "lamp", "val": [300.53, 286.4396]}]}
    assert read_label(read, document(objects={"0": thing(data)})).shapes == (
        Points(((300.53, 286.4396),)),
    )


@pytest.mark.parametrize(
    "kind", ["cuboid", "poly3d", "point3d", "mesh", "mat", "image", "binary", "area_reference"]
)
def test_what_is_not_of_an_image_is_named_and_its_object_does_not_become_a_tag(
    read: Read, kind: str
) -> None:
    [found] = read(document(objects={"0": thing({kind: [{"name": "c", "val": [1.0] * 10}]})}))
    assert isinstance(found, Skipped)
    assert (found.reason, found.kind, found.own_id) == ("no place", kind, f"0/{kind}/c")


@pytest.mark.parametrize(
    "entry",
    [
        {"val": [1, 2, 3]},
        {"val": [1, 2, 3, "4"]},
        {"val": [1, 2, 3, True]},
        {"val": None},
        {},
        "text",
        {"val": [1, 2, 3, 10**400]},
    ],
)
def test_a_box_without_four_numbers_is_skipped_and_the_next_one_read(
    tmp_path: Path, entry: object
) -> None:
    file = tmp_path / "scene.json"
    data = {"bbox": [entry, {"name": "b", "val": [2, 2, 2, 2]}]}
    file.write_text(json.dumps(document(objects={"0": thing(data)})))
    _, bad, good = read_all(file)
    assert isinstance(bad, Skipped)
    assert bad.is_fault
    assert isinstance(good, Label)


# --- what is said of them -------------------------------------------------------------


def test_attributes_of_the_shape_the_frame_and_the_object_are_kept(read: Read) -> None:
    said = {"text": [{"name": "color", "val": "red"}], "vec": [{"name": "v", "val": [1, 2]}]}
    of_shape = {"num": [{"name": "age", "val": 3}], "text": [{"name": "color", "val": "blue"}]}
    in_frame = {**bbox(5, 5, 2, 2, attributes=of_shape), "boolean": [{"name": "wet", "val": True}]}
    content = document(
        frames={"0": {"objects": {"7": {"object_data": in_frame}}}}, objects={"7": thing(said)}
    )
    info = read_label(read, content).info
    assert info["attributes"] == {
        "age": 3,
        "color": "blue",
        "wet": True,
        "object.color": "red",
        "v": [1, 2],
    }
    assert (info["track_id"], info["name"]) == ("7", "car1")


def test_what_an_attribute_says_of_itself_is_kept_and_what_has_no_place_is_counted(
    read: Read,
) -> None:
    entry = {"name": "color", "val": "Blue", "locked": False}
    light = {
        "name": "light",
        "val": "on",
        "attributes": {"boolean": [{"name": "sure", "val": False}]},
    }
    deep = {"name": "deep", "val": [[1]]}
    label, lost = read(document(objects={"0": thing({"text": [entry, light], "vec": [deep]})}))
    assert isinstance(label, Label)
    assert label.info["attributes"] == {
        "color": {"val": "Blue", "locked": False},
        "light": "on",
        "light.sure": False,
    }
    assert lost == Lost("objects.0", "0", "attribute")


@pytest.mark.parametrize(("said", "value"), [(0.85, 0.85), (0, 1.0), (85, 1.0), (True, 1.0)])
def test_a_confidence_is_the_value_of_the_concept_where_it_can_be_one(
    read: Read, said: float, value: float
) -> None:
    confidence = {"num": [{"name": "confidence", "val": said}]}
    label = read_label(
        read, document(objects={"0": thing(bbox(5, 5, 2, 2, attributes=confidence))})
    )
    assert label.concepts == (Concept("Car", value),)
    assert label.info["attributes"] == {"confidence": said}


def test_relations_actions_and_contexts_are_reported_lost_one_by_one(read: Read) -> None:
    found = read(document(relations={"0": {}, "1": {}}, actions={"0": {}}, contexts={}))
    assert [item.kind for item in found if isinstance(item, Lost)] == [
        "relation",
        "relation",
        "action",
    ]


def test_an_object_without_any_shape_is_a_label_of_the_whole_image(read: Read) -> None:
    label = read_label(read, document(objects={"0": thing(type_="#Rain")}))
    assert (label.shapes, label.concepts) == ((), (Concept("#Rain"),))


@pytest.mark.parametrize(
    ("objects", "reason"),
    [({}, "its object is not defined"), ({"0": {"name": "x"}}, "its object has no type")],
)
def test_a_shape_of_an_object_that_is_not_defined_is_a_fault(
    read: Read, objects: Json, reason: str
) -> None:
    content = document(frames={"0": {"objects": {"0": {"object_data": bbox(5, 5, 2, 2)}}}})
    content["openlabel"]["objects"] = objects
    [found] = read(content)
    assert isinstance(found, Skipped)
    assert (found.reason, found.is_fault) == (reason, True)


# --- images, frames and streams -------------------------------------------------------


def size(width: int, height: int) -> Json:
    return {"intrinsics_pinhole": {"width_px": width, "height_px": height}}


def stream(of: str) -> Json:
    return {"text": [{"name": "stream", "val": of}]}


def in_frames(*frames: str, of: str = "CAM") -> Json:
    data = bbox(5, 5, 2, 2, attributes=stream(of))
    return {frame: {"objects": {"0": {"object_data": data}}} for frame in frames}


def test_one_frame_and_one_stream_are_one_image_with_its_own_name_and_size(read: Read) -> None:
    content = document(
        frames=in_frames("0"),
        objects={"0": thing()},
        streams={
            "CAM": {"type": "camera", "uri": "img/a.jpg", "stream_properties": size(1920, 1080)},
            "LIDAR": {"type": "lidar"},
        },
    )
    assert read_label(read, content).picture == Picture("img/a.jpg", 1920, 1080)


def test_several_frames_and_streams_are_an_image_each_and_the_uid_is_their_track(
    read: Read,
) -> None:
    content = document(
        frames={**in_frames("0", of="left"), **in_frames("12", of="right")},
        objects={"0": thing()},
        streams={"left": {"type": "camera"}, "right": {"type": "camera"}},
    )
    first, second = read(content)
    assert isinstance(first, Label)
    assert isinstance(second, Label)
    assert first.picture == Picture("scene.json", None, None, 0, "left")
    assert second.picture == Picture("scene.json", None, None, 12, "right")
    assert first.info["track_id"] == second.info["track_id"] == "0"
    assert (first.own_id, second.own_id) == ("0/0/bbox/shape", "12/0/bbox/shape")


def test_the_size_and_the_address_of_a_frame_go_before_those_of_its_stream(read: Read) -> None:
    frames = in_frames("0")
    frames["0"]["frame_properties"] = {
        "timestamp": 40,
        "external_id": "f0",
        "streams": {"CAM": {"uri": "f0.png", "stream_properties": size(64, 48)}},
    }
    content = document(
        frames=frames,
        objects={"0": thing()},
        streams={"CAM": {"uri": "v.mp4", "stream_properties": size(640, 480)}},
    )
    label = read_label(read, content)
    assert label.picture == Picture("f0.png", 64, 48)
    assert (label.info["timestamp"], label.info["frame_id"]) == (40, "f0")


def test_a_box_that_names_none_of_several_streams_is_not_placed_by_a_guess(read: Read) -> None:
    content = document(
        objects={"0": thing(bbox(5, 5, 2, 2))},
        streams={"left": {"type": "camera"}, "right": {"type": "camera"}},
    )
    [found] = read(content)
    assert isinstance(found, Skipped)
    assert (found.reason, found.is_fault) == ("it names no stream", True)


def test_the_coordinate_system_of_a_shape_or_an_object_names_its_stream(read: Read) -> None:
    streams = {"left": {"type": "camera"}, "right": {"type": "camera"}}
    of_shape = thing(bbox(5, 5, 2, 2, coordinate_system="right"))
    of_object = thing(bbox(5, 5, 2, 2), coordinate_system="left")
    found = read(document(objects={"0": of_shape, "1": of_object}, streams=streams))
    assert [item.picture.stream for item in found if isinstance(item, Label)] == ["right", "left"]


def test_a_box_in_a_stream_of_points_does_not_land_on_the_camera(read: Read) -> None:
    content = document(
        frames=in_frames("0", of="LIDAR"),
        objects={"0": thing()},
        streams={"CAM": {"type": "camera"}, "LIDAR": {"type": "lidar"}},
    )
    [found] = read(content)
    assert isinstance(found, Skipped)
    assert found.kind == "shape in a stream without images"


def test_what_holds_for_an_object_holds_in_each_frame_of_its_intervals(read: Read) -> None:
    content = document(
        frames={str(number): {} for number in range(5)},
        objects={
            "0": thing(bbox(5, 5, 2, 2), frame_intervals=[{"frame_start": 1, "frame_end": 2}]),
            "1": thing(frame_intervals=[{"frame_start": 4, "frame_end": 4}], type_="Rain"),
        },
    )
    found = [item for item in read(content) if isinstance(item, Label)]
    assert [(item.concepts[0].name, item.picture.frame) for item in found] == [
        ("Car", 1),
        ("Car", 2),
        ("Rain", 4),
    ]


def test_frames_that_only_intervals_tell_of_are_counted(read: Read) -> None:
    content = document(
        objects={"0": thing(bbox(5, 5, 2, 2))}, frame_intervals=[{"frame_start": 3, "frame_end": 4}]
    )
    found = [item for item in read(content) if isinstance(item, Label)]
    assert [item.picture.frame for item in found] == [3, 4]


def test_more_frames_than_can_be_meant_are_a_fault_and_not_a_run_without_end(read: Read) -> None:
    endless = [{"frame_start": 0, "frame_end": 10**15}]
    [found] = read(document(objects={"0": thing(bbox(5, 5, 2, 2))}, frame_intervals=endless))
    assert isinstance(found, Skipped)
    assert (found.reason, found.is_fault) == ("its frames are too many", True)


def test_a_frame_that_is_not_a_number_is_a_fault(read: Read) -> None:
    [found] = read(document(frames=in_frames("first"), objects={"0": thing()}))
    assert isinstance(found, Skipped)
    assert found.reason == "its frame is not a number"


def test_an_object_that_a_frame_only_describes_is_not_a_label_of_its_image(read: Read) -> None:
    said = {"object_data": {"text": [{"name": "light", "val": "on"}]}}
    frames = {**in_frames("0"), "1": {"objects": {"0": said}}, "2": {"objects": {"0": {}}}}
    label, lost = read(document(frames=frames, objects={"0": thing()}))
    assert isinstance(label, Label)
    assert isinstance(lost, Lost)
    assert lost.place == "frames.1.objects.0"


def test_objects_outside_of_frames_do_not_make_labels_without_end(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openlabel_labels, "SPREAD_MAX", 5)
    objects = {str(number): thing(bbox(5, 5, 2, 2)) for number in range(2)}
    *labels, last = read(document(frames={str(number): {} for number in range(4)}, objects=objects))
    assert len(labels) == 4
    assert isinstance(last, Skipped)
    assert (last.reason, last.is_fault) == ("its frames are too many", True)


@pytest.mark.parametrize(
    ("times", "fps"),
    [
        ([0, 33, 67, 100], pytest.approx(30)),
        ([0, 100, 200, 300], 10),
        ([0, 100, 250, 300], None),
        ([5, 105, 205, 305], None),
        (["a", "b", "c", "d"], None),
        ([0, 0, 0, 0], None),
    ],
)
def test_frames_have_a_rate_where_their_times_do(
    read: Read, times: list[object], fps: float | None
) -> None:
    frames = in_frames("0", "1", "2", "3")
    for number, time in enumerate(times):
        frames[str(number)]["frame_properties"] = {"timestamp": time}
    content = document(frames=frames, objects={"0": thing()})
    first, *_ = read(content)
    assert isinstance(first, Label)
    assert first.picture.fps is None  # milliseconds, seconds or frames: nobody says
    content["openlabel"]["metadata"]["kognic_format_version"] = "2.2"
    first, *_ = read(content)
    assert isinstance(first, Label)
    assert first.picture.fps == fps


def test_images_without_labels_are_named_too(tmp_path: Path) -> None:
    file = tmp_path / "scene.json"
    streams = {"left": {}, "right": {}, "LIDAR": {"type": "lidar"}}
    file.write_bytes(
        orjson.dumps(document(frames={"0": {}, "1": {"objects": {}}}, streams=streams))
    )
    assert [(item.frame, item.stream) for item in read_all(file) if isinstance(item, Picture)] == [
        (0, "left"),
        (0, "right"),
        (1, "left"),
        (1, "right"),
    ]


def test_the_order_of_keys_changes_nothing(read: Read) -> None:
    content = document(frames=in_frames("0", "1"), objects={"0": thing()}, streams={"CAM": {}})
    turned = {"openlabel": dict(reversed(content["openlabel"].items()))}
    assert read(content) == read(turned)


@pytest.mark.parametrize("change", ["added", "removed", "moved"])
def test_a_label_that_is_added_removed_or_moved_changes_no_other(read: Read, change: str) -> None:
    boxes = {str(number): thing(bbox(number, 5, 2, 2)) for number in range(4)}
    other = dict(boxes)
    if change == "added":
        other = {"9": thing(bbox(1, 1, 1, 1)), **other}
    elif change == "removed":
        del other["0"]
    else:
        other["0"] = thing(bbox(7, 7, 2, 2))
    before, after = (
        {
            item.own_id: (item.shapes, item.info)
            for item in read(document(objects=each))
            if isinstance(item, Label)
        }
        for each in (boxes, other)
    )
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == {"9/bbox/shape" if change == "added" else "0/bbox/shape"}


# --- files ----------------------------------------------------------------------------

LINE = {"input_uuid": "in-1", "annotation_type": "boxes", "created": None, "annotation_id": "a"}
CONTENT = document(
    frames=in_frames("0"),
    objects={"0": thing()},
    streams={"CAM": {"uri": "img/a.jpg", "stream_properties": size(100, 50)}},
)
TOMBSTONE = {"input_uuid": "in-2", "annotation_type": "boxes", "deleted": True}


def write_jsonl(path: Path) -> None:
    lines = [{**LINE, "content": CONTENT}, TOMBSTONE, {**LINE, "content": {"shapes": []}}]
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def rows() -> list[Json]:
    text = orjson.dumps(CONTENT).decode()
    return [
        {**LINE, "content": text, "openlabel_uuid": None, "deleted": False},
        {**LINE, **TOMBSTONE, "content": None, "openlabel_uuid": None},
        {**LINE, "content": '{"shapes":[]}', "openlabel_uuid": None, "deleted": False},
    ]


def write_csv(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows()[0].keys())
        writer.writeheader()
        for row in rows():
            writer.writerow({**row, "deleted": "true" if row["deleted"] else "false"})


def as_table() -> pa.Table:
    columns = {key: [row[key] for row in rows()] for key in rows()[0]}
    return pa.table(
        {
            **columns,
            "created": pa.array([None] * 3, pa.string()),
            "openlabel_uuid": pa.array([None] * 3, pa.string()),
        }
    )


def write_parquet(path: Path) -> None:
    pq.write_table(as_table(), path)


def write_delta(path: Path) -> None:
    write_deltalake(path, as_table())


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("p.jsonl", write_jsonl),
        ("p.jsonl.gz", write_jsonl),
        ("p.csv", write_csv),
        ("p.parquet", write_parquet),
        ("p.delta", write_delta),
    ],
)
def test_what_was_pulled_is_read_in_each_of_its_forms_and_keeps_the_id_of_the_input(
    tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path / name)
    assert OpenLabelReader(ReadOptions()).detect(tmp_path / name)
    assert not ParquetLabels(ReadOptions()).detect(tmp_path / name)
    assert not CsvLabels(ReadOptions()).detect(tmp_path / name)
    picture, label, gone, bad = read_all(tmp_path / name)
    assert picture == Picture("img/a.jpg", 100, 50, input_id="in-1")
    assert isinstance(label, Label)
    assert label.picture == picture
    assert label.own_id == "boxes/0/bbox/shape"
    assert label.info["annotation_type"] == "boxes"
    assert isinstance(gone, Omitted)
    assert (gone.own_id, gone.rule) == ("in-2", "deleted")
    assert isinstance(bad, Skipped)
    assert "not an OpenLABEL document" in bad.reason
    assert bad.is_fault


def test_lines_that_are_not_of_a_pull_are_faults_and_the_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    good = orjson.dumps({**LINE, "content": CONTENT})
    file.write_bytes(b'{"a":1}\nnot JSON\n\n\xff\n' + b"[" * 100_000 + b"\n" + good + b"\n")
    found = read_all(file)
    assert [type(item).__name__ for item in found] == ["Skipped"] * 4 + ["Picture", "Label"]


@pytest.mark.parametrize("lines", [3, 5000])
def test_lines_of_which_none_is_of_a_pull_are_one_fault_of_the_file(
    tmp_path: Path, lines: int
) -> None:
    (tmp_path / "p.jsonl").write_bytes(b'{"op":"post"}\n' * lines)
    [fault] = read_all(tmp_path)
    assert isinstance(fault, FileFault)
    assert fault.reason == "it has no line of `syncer pull annotell`"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b'{"openlabel": {', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1, 2]", "not an OpenLABEL document"),
        (b'{"vcd": {}}', "not an OpenLABEL document"),
        (b'{"openlabel": 5}', "not an object"),
        (b'{"openlabel": {"objects": [1]}}', "not an object"),
        (b'{"openlabel": {"frames": "x"}}', "not an object"),
    ],
)
@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_file_that_is_not_a_document_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, reason: str, small: int
) -> None:
    monkeypatch.setattr(json_walk, "SMALL_BYTES_MAX", small)
    (tmp_path / "a.json").write_bytes(data)
    (tmp_path / "b.json").write_bytes(orjson.dumps(CONTENT))
    fault, *others = read_all(tmp_path)
    assert isinstance(fault, FileFault)
    assert (fault.file, reason in fault.reason) == (tmp_path / "a.json", True), fault
    assert [type(item) for item in others] == [Picture, Label]


def test_numbers_that_are_none_do_not_end_a_document_that_python_wrote(tmp_path: Path) -> None:
    file = tmp_path / "scene.json"
    objects = {"0": thing(bbox(float("nan"), 5, 2, 2)), "1": thing(bbox(5, 5, 2, 2))}
    file.write_text(json.dumps(document(objects=objects)))
    assert [type(item) for item in read_all(file)] == [Picture, Label, Label]


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_numbers_that_are_none_are_told_where_they_are_and_nothing_else_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    """Wrong: of a document of more than 4 MiB all labels are lost for one NaN."""
    monkeypatch.setattr(json_walk, "SMALL_BYTES_MAX", small)
    file = tmp_path / "scene.json"
    said = {**bbox(5, 5, 2, 2)}
    said["bbox"][0]["attributes"] = {
        "num": [{"name": "a", "val": math.inf}, {"name": "b", "val": 1}],
        "text": [{"name": 'NaN "\\', "val": ": NaN, Infinity"}],
    }
    objects = {
        "0": thing(bbox(math.nan, 5, 2, 2)),
        "1": thing(bbox(5, 5, -math.inf, 2)),
        "2": thing(bbox(5, 5, 1e300, 2)),
        "NaN": thing(said),
    }
    file.write_text(json.dumps(document(objects=objects)).replace("1e+300", "1e+999"))
    found = read_all(file)
    boxes = [item.shapes[0] for item in found if isinstance(item, Label)]
    assert [[*map(math.isfinite, (box.left, box.right))] for box in boxes] == [
        [False, False],
        [False, False],
        [False, False],
        [True, True],
    ]
    attributes = found[-2].info["attributes"]
    assert attributes == {"b": 1, 'NaN "\\': ": NaN, Infinity"}
    assert isinstance(found[-1], Lost)


def test_a_large_document_that_breaks_off_says_at_which_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_walk, "SMALL_BYTES_MAX", 0)
    file = tmp_path / "scene.json"
    text = json.dumps(document(objects={"0": thing(bbox(5, 5, 2, 2))})) + " " * 200_000
    for broken, byte in ((text + "?", len(text) + 1), (text.rstrip()[:-1], len(text.rstrip()) - 1)):
        file.write_text(broken)
        [fault] = read_all(file)
        assert isinstance(fault, FileFault)
        assert f"byte {byte}: " in fault.reason
        assert "\n" not in fault.reason


def test_one_piece_that_is_too_large_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_walk, "SMALL_BYTES_MAX", 0)
    monkeypatch.setattr(json_walk, "PIECE_BYTES_MAX", 1 << 18)
    file = tmp_path / "scene.json"
    many = [{"name": "b", "val": [2, 2, 2, 2]}] * 20_000
    file.write_bytes(orjson.dumps(document(objects={"0": thing({"bbox": many})})))
    [fault] = read_all(file)
    assert isinstance(fault, FileFault)
    assert "larger than" in fault.reason


def test_documents_of_one_name_in_two_folders_are_not_one_image(tmp_path: Path) -> None:
    for folder in ("a%20b", "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scene.json").write_bytes(
            orjson.dumps(document(objects={"0": thing()}))
        )
    found = [item for item in read_all(tmp_path) if isinstance(item, Label)]
    paths = [canonicalize(item.picture.path) for item in found]
    assert paths == ["a%20b/scene.json", "c/scene.json"]
    reader = OpenLabelReader(ReadOptions())
    assert not [item for item in reader.read(tmp_path / "a%20b") if isinstance(item, FileFault)]
    [fault] = [item for item in reader.read(tmp_path / "c") if isinstance(item, FileFault)]
    assert "seems to be of the same image" in fault.reason


def test_only_a_document_or_a_pull_is_taken_for_openlabel(tmp_path: Path) -> None:
    detect = OpenLabelReader(ReadOptions()).detect
    files = {
        "coco.json": b'{"images": []}',
        "x.jsonl": b'{"op":"post"}',
        "x.csv": b"filename,concept\n",
        "x.parquet": b"not one",
        "x.jsonl.gz": b"not one",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        assert not detect(tmp_path / name)
    assert not detect(tmp_path)
    assert not detect(tmp_path / "missing.json")
    (tmp_path / "z.json").write_bytes(b'\xef\xbb\xbf {"openlabel": {}}')
    assert detect(tmp_path)


def test_no_bytes_make_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(14)
    whole = orjson.dumps(
        {
            **CONTENT["openlabel"],
            "objects": {
                "0": thing(bbox(1, 2, 3, 4)),
                "1": thing(
                    {"poly2d": [{"val": [1, 2]}]},
                    frame_intervals=[{"frame_start": 0, "frame_end": 1}],
                ),
            },
        }
    )
    whole = b'{"openlabel":' + whole + b"}"
    values = [b"null", b"[]", b"{}", b'""', b"-1", b"1e999", b'"x"', b"true", b"[[]]", b'{"a":[]}']
    for round_ in range(600):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            if rng.random() < 0.5:
                data[at] = rng.randrange(256)
            else:  # another value in the place of what follows a colon
                colons = [i for i, byte in enumerate(data) if byte == ord(":")]
                start = rng.choice(colons) + 1
                data[start : start + rng.randint(1, 12)] = rng.choice(values)
        monkeypatch.setattr(json_walk, "SMALL_BYTES_MAX", (0, 1 << 20)[round_ % 2])
        file = tmp_path / "scene.json"
        file.write_bytes(bytes(data))
        for item in read_all(file):
            assert not isinstance(item, Label) or item.concepts[0].name
