"""Label Studio's exports. What others get wrong is named where it is tested."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syncer.formats.labels import (
    Box,
    Concept,
    FileFault,
    InFile,
    Item,
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
    TextSpan,
)
from syncer.formats.labelstudio import LabelStudio
from syncer.formats.runs import expand
from tests.formats.test_brush import pack

SQUARE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}


def result(kind: str = "rectanglelabels", value: Any = None, **more: Any) -> dict[str, Any]:
    value = {**SQUARE, "rectanglelabels": ["Car"]} if value is None else value
    return {
        "id": "r1",
        "type": kind,
        "from_name": "label",
        "to_name": "image",
        "original_width": 200,
        "original_height": 100,
        "value": value,
        **more,
    }


def annotate(*results: Any, **more: Any) -> dict[str, Any]:
    return {"id": 5, "unique_id": "u-5", "completed_by": 3, "result": list(results), **more}


def task(*annotations: Any, **more: Any) -> dict[str, Any]:
    image = {"image": "/data/upload/2/a.jpg"}
    return {"id": 1, "data": image, "annotations": list(annotations), **more}


def write(folder: Path, value: Any) -> Path:
    file = folder / "export.json"
    file.write_text(json.dumps(value), "utf-8")
    return file


def read(folder: Path, value: Any, predictions: bool = False) -> list[Item]:
    """Return what is in one file, but for the file."""
    reader = LabelStudio(ReadOptions(predictions=predictions))
    file, *found = reader.read(write(folder, value))
    assert isinstance(file, InFile)
    return found


def read_all(folder: Path, *results: Any, **more: Any) -> list[Item]:
    return read(folder, [task(annotate(*results), **more)])


def read_label(folder: Path, *results: Any, **more: Any) -> Label:
    [label] = read_all(folder, *results, **more)
    assert isinstance(label, Label)
    return label


def labels_of(items: list[Item]) -> list[Label]:
    return [item for item in items if isinstance(item, Label)]


def test_percents_become_shares_and_ids_and_annotator_are_kept(tmp_path: Path) -> None:
    """Wrong: an id is made up at each run, and all is posted again."""
    assert read_label(tmp_path, result(origin="manual")) == Label(
        Picture("/data/upload/2/a.jpg", 200, 100),
        (Concept("Car"),),
        (Box(0.1, 0.2, 0.4, 0.6),),
        Measure.SHARES,
        "[0].annotations[0].result[0]",
        "u-5/r1",
        {"annotator": 3, "annotation_id": 5, "task_id": 1, "source": "manual"},
    )


def test_a_box_turns_about_its_upper_left_corner_and_in_pixels(tmp_path: Path) -> None:
    """Wrong: percents are turned as if width and height were of one length
    (label-studio#2293, #5223), or about the center, as CVAT turns them.
    """
    turned = {**SQUARE, "rotation": 90, "rectanglelabels": ["Car"]}
    [polygon] = read_label(tmp_path, result(value=turned)).shapes
    assert isinstance(polygon, Polygon)
    assert polygon.angle_degrees == 90
    # The box is 60 x 40 at 20, 20: turned, it goes 60 down and 40 to the left.
    pixels = [(x * 200, y * 100) for x, y in polygon.points]
    assert np.allclose(pixels, [(20, 20), (20, 80), (-20, 80), (-20, 20)], atol=1e-9)


def test_a_turned_box_is_where_the_vendor_has_it(tmp_path: Path) -> None:
    """The box of label-studio#5223, as label-studio-sdk 2.1.2 has it for YOLO OBB."""
    value = {
        "x": 43.11703266917582,
        "y": 84.45982849200068,
        "width": 2.306614434971254,
        "height": 2.5411620388151044,
        "rotation": 90.16978361018573,
        "rectanglelabels": ["jyz"],
    }
    box = result(value=value, original_width=1280, original_height=720)
    [polygon] = read_label(tmp_path, box).shapes
    assert isinstance(polygon, Polygon)
    expected = [
        (0.4311703266917582, 0.8445982849200067),
        (0.43110197527804883, 0.8856045837241788),
        (0.4168080015679654, 0.8855292820113376),
        (0.4168763529816747, 0.8445229832071656),
    ]
    assert np.allclose(polygon.points, expected, rtol=0, atol=1e-9)


def test_the_archive_of_an_export_is_to_be_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    file.write_bytes(b"PK\x03\x04rest")
    [_, fault] = LabelStudio(ReadOptions()).read(file)
    assert fault == FileFault(file, "it is a ZIP archive: unpack it first")


def test_a_turned_box_on_an_image_of_no_known_size_is_a_fault(tmp_path: Path) -> None:
    turned = {**SQUARE, "rotation": 9, "rectanglelabels": ["Car"]}
    [skipped, _] = read_all(tmp_path, result(value=turned, original_width=None))
    assert isinstance(skipped, Skipped)
    assert skipped.is_fault
    assert skipped.reason == "a rotated box needs the size of its image"


def test_polygons_and_keypoints(tmp_path: Path) -> None:
    ring = {"points": [[0, 0], [50, 0], [50, 100]], "closed": True, "polygonlabels": ["Road"]}
    label = read_label(tmp_path, result("polygonlabels", ring))
    assert label.shapes == (Polygon(((0, 0), (0.5, 0), (0.5, 1))),)
    assert label.concepts == (Concept("Road"),)
    point = {"x": 25, "y": 50, "width": 0.2, "keypointlabels": ["Eye"]}
    label = read_label(tmp_path, result("keypointlabels", point, parentID="r0"))
    assert label.shapes == (Points(((0.25, 0.5),)),)
    assert label.info["parent"] == "r0"


def test_a_brush_is_a_mask_on_an_image_that_is_not_square(tmp_path: Path) -> None:
    """Wrong: rows are taken for columns."""
    rows = [[0, 255, 255, 0, 0], [0, 0, 255, 0, 0], [0, 0, 0, 0, 9]]
    drawn = np.array(rows, dtype=np.uint8)
    rle = list(pack([word for alpha in drawn.flatten() for word in (1, 2, 3, int(alpha))]))
    value = {"format": "rle", "rle": rle, "brushlabels": ["Tree"]}
    brush = result("brushlabels", value, original_width=5, original_height=3)
    label = read_label(tmp_path, brush)
    [mask] = label.shapes
    assert isinstance(mask, Mask)
    assert (mask.width, mask.height) == (5, 3)
    assert expand(mask.runs) == (drawn != 0).tobytes(order="F")
    assert label.concepts == (Concept("Tree"),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"original_width": 6}, "a brush is not of its image's size"),
        ({"original_width": None}, "a brush needs the size of its image"),
        ({"original_width": 10**9}, "a mask has too many pixels"),
        ({"value": {"rle": "abc", "brushlabels": ["T"]}}, "a brush ends too early"),
        ({"value": {"rle": [300], "brushlabels": ["T"]}}, "a brush is not a list of bytes"),
        ({"value": {"rle": ["a"], "brushlabels": ["T"]}}, "a brush is not a list of bytes"),
    ],
)
def test_a_brush_that_is_no_mask_is_a_fault(tmp_path: Path, change: Any, reason: str) -> None:
    value = {"rle": list(pack([0] * 60)), "brushlabels": ["T"]}
    brush = result("brushlabels", value, original_width=5, original_height=3)
    [skipped, _] = read_all(tmp_path, {**brush, **change})
    assert isinstance(skipped, Skipped)
    assert (skipped.is_fault, skipped.reason) == (True, reason)


def test_choices_are_of_the_whole_image(tmp_path: Path) -> None:
    label = read_label(tmp_path, result("choices", {"choices": ["Day", "Rain"]}))
    assert label.shapes == ()
    assert label.concepts == (Concept("Day"), Concept("Rain"))


def test_a_taxonomy_is_a_path(tmp_path: Path) -> None:
    label = read_label(tmp_path, result("taxonomy", {"taxonomy": [["Animal", "Dog"], ["Toy"]]}))
    assert label.concepts == (Concept("Animal/Dog"), Concept("Toy"))


def test_results_of_one_region_become_one_label(tmp_path: Path) -> None:
    """Wrong: a label for each control tag: one car is counted three times."""
    label = read_label(
        tmp_path,
        result("choices", {**SQUARE, "choices": ["Taxi"]}, from_name="use"),
        result("textarea", {**SQUARE, "text": ["B-XY 1"]}, from_name="plate"),
        result("rating", {"rating": 4}, from_name="sharp"),
        result("rectangle", SQUARE),
        result("labels", {**SQUARE, "labels": ["Car"]}),
    )
    assert label.concepts == (Concept("Car"),)
    assert label.shapes == (Box(0.1, 0.2, 0.4, 0.6),)
    assert label.info["attributes"] == {"use": ["Taxi"], "plate": ["B-XY 1"], "sharp": 4}


def test_a_keypoint_stays_a_point_where_choices_stand_before_it(tmp_path: Path) -> None:
    place = {"x": 25, "y": 50, "width": 0.2}
    label = read_label(
        tmp_path,
        result("choices", {**place, "choices": ["left"]}, from_name="side"),
        result("keypointlabels", {**place, "keypointlabels": ["Eye"]}),
    )
    assert label.shapes == (Points(((0.25, 0.5),)),)
    assert label.concepts == (Concept("Eye"),)
    assert label.info["attributes"] == {"side": ["left"]}


def test_a_rectangle_without_a_height_is_a_fault(tmp_path: Path) -> None:
    value = {"x": 1, "y": 2, "width": 3, "rectanglelabels": ["Car"]}
    [skipped, _] = read_all(tmp_path, result(value=value))
    assert isinstance(skipped, Skipped)
    assert skipped.is_fault


def test_labels_of_a_task_without_data_are_of_its_number(tmp_path: Path) -> None:
    [label] = read(tmp_path, [{"id": 8, "annotations": [annotate(result())]}])
    assert isinstance(label, Label)
    assert label.picture.path == "task-8"


def test_a_region_that_has_but_choices_has_them_as_its_classes(tmp_path: Path) -> None:
    label = read_label(tmp_path, result("choices", {**SQUARE, "choices": ["Taxi"]}))
    assert label.concepts == (Concept("Taxi"),)
    assert label.shapes == (Box(0.1, 0.2, 0.4, 0.6),)


def test_two_regions_of_one_id_stay_two(tmp_path: Path) -> None:
    other = {**SQUARE, "x": 11, "rectanglelabels": ["Car"]}
    found = read_all(tmp_path, result(), result(value=other))
    assert [label.own_id for label in labels_of(found)] == ["u-5/r1", "u-5/r1"]


def test_what_is_said_of_a_region_may_come_before_and_without_its_place(tmp_path: Path) -> None:
    label = read_label(
        tmp_path, result("choices", {"choices": ["Taxi"]}, from_name="use"), result()
    )
    assert label.shapes == (Box(0.1, 0.2, 0.4, 0.6),)
    assert label.concepts == (Concept("Car"),)
    assert label.info["attributes"] == {"use": ["Taxi"]}


def test_many_results_of_one_id_take_no_longer_than_others(tmp_path: Path) -> None:
    """Wrong: each is compared with all before it, which takes hours."""
    results = [result(value={**SQUARE, "x": at, "rectanglelabels": ["a"]}) for at in range(5_000)]
    alike = [result(id=None) for _ in range(5_000)]
    assert len(labels_of(read_all(tmp_path, *results, *alike))) == 10_000


def test_text_spans(tmp_path: Path) -> None:
    """They are of a task that shows a text: it is named by its number."""
    value = {"start": 4, "end": 9, "text": "quick", "labels": ["Adjective"]}
    span = {"id": "s", "type": "labels", "from_name": "l", "to_name": "text", "value": value}
    label = read_label(tmp_path, span, data={"text": "The quick fox"})
    assert label.shapes == (TextSpan(4, 9, "quick"),)
    assert label.picture == Picture("task-1")


def test_spans_of_html_count_over_the_whole_text(tmp_path: Path) -> None:
    value = {
        "start": "/p[1]/text()[1]",
        "end": "/p[2]/text()[1]",
        "startOffset": 4,
        "endOffset": 9,
        "globalOffsets": {"start": 14, "end": 39},
        "hypertextlabels": ["Name"],
    }
    span = {"id": "s", "type": "hypertextlabels", "to_name": "text", "value": value}
    label = read_label(tmp_path, span, data={"text": "<p>some html</p>"})
    assert label.shapes == (TextSpan(14, 39, ""),)


@pytest.mark.parametrize(
    ("kind", "value", "named"),
    [
        ("ellipselabels", {"x": 1, "y": 1, "radiusX": 3, "radiusY": 4}, "ellipse"),
        ("polygonlabels", {"points": [[1, 2], [3, 4]], "closed": False}, "open line"),
        ("vectorlabels", {"vertices": []}, "vector"),
        ("bitmask", {"imageDataURL": "data:image/png;base64,AA"}, "bitmask"),
        ("labels", {"start": 0.5, "end": 1.5, "channel": 0}, "span of time"),
        ("timelinelabels", {"ranges": [{"start": 1, "end": 2}]}, "span of time"),
        ("paragraphlabels", {"start": "1", "end": "2"}, "span of a document's parts"),
        ("textarea", {"text": ["a caption"]}, "textarea"),
        ("rating", {"rating": 4}, "rating"),
    ],
)
def test_what_the_wire_has_no_place_for_is_named(
    tmp_path: Path, kind: str, value: Any, named: str
) -> None:
    place = "[0].annotations[0].result[0]"
    skipped, picture = read_all(tmp_path, result(kind, value))
    assert skipped == Skipped(place, "u-5/r1", "no place", kind=named)
    assert picture == Picture("/data/upload/2/a.jpg")


def test_relations_are_lost_and_said_to_be(tmp_path: Path) -> None:
    relation = {"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "right"}
    lost, label = read_all(tmp_path, result(), relation)
    assert lost == Lost("[0].annotations[0].result[1]", "", "relation")
    assert isinstance(label, Label)


def test_several_annotators_are_told_apart(tmp_path: Path) -> None:
    """Wrong: the last annotation alone is taken."""
    mail = {"id": 8, "email": "b@example.com", "first_name": "B"}
    found = read(
        tmp_path,
        [
            task(
                annotate(result()),
                annotate(result(), id=6, unique_id="u-6", completed_by=mail, ground_truth=True),
            )
        ],
    )
    first, second = labels_of(found)
    assert (first.own_id, second.own_id) == ("u-5/r1", "u-6/r1")
    assert (first.info["annotator"], second.info["annotator"]) == (3, "b@example.com")
    assert second.info["ground_truth"] is True


def test_without_a_unique_id_the_annotation_is_known_by_its_number(tmp_path: Path) -> None:
    [label] = read(tmp_path, [task({"id": 9, "result": [result()]})])
    assert isinstance(label, Label)
    assert label.own_id == "9/r1"


def test_what_was_cancelled_drafted_or_predicted_is_left_out_and_counted(
    tmp_path: Path,
) -> None:
    """Wrong: predictions become labels that nobody drew."""
    found = read(
        tmp_path,
        [
            task(
                annotate(result(), was_cancelled=True),
                drafts=[{"id": 2, "result": [result(), result(id="r2")]}],
                predictions=[{"id": 4, "result": [result("ellipselabels", {"radiusX": 1})]}, 17],
            )
        ],
    )
    assert [(item.rule, item.own_id) for item in found if isinstance(item, Omitted)] == [
        ("cancelled", "u-5/r1"),
        ("draft", "drafts-2/r1"),
        ("draft", "drafts-2/r2"),
        ("prediction", "predictions-4/r1"),
    ]
    assert found[-1] == Picture("/data/upload/2/a.jpg")


def test_predictions_are_taken_where_they_are_asked_for(tmp_path: Path) -> None:
    model = {
        "id": 4,
        "model_version": "v2",
        "score": 0.5,
        "result": [result(), result(id="r2", score=0.9)],
    }
    first, second = read(tmp_path, [task(predictions=[model])], predictions=True)
    assert isinstance(first, Label)
    assert isinstance(second, Label)
    assert first.info["prediction"] is True
    assert first.info["model_version"] == "v2"
    assert (first.info["confidence"], second.info["confidence"]) == (0.5, 0.9)


def test_times_are_not_kept_as_they_change_with_each_click(tmp_path: Path) -> None:
    """Else a re-export would change lines of labels that nobody touched."""
    once = read(tmp_path, [task(annotate(result(), updated_at="2025", lead_time=1))])
    again = read(tmp_path, [task(annotate(result(), updated_at="2026", lead_time=2))])
    assert once == again


def test_keyframes_of_a_video_are_labels_of_their_frames(tmp_path: Path) -> None:
    value = {
        "framesCount": 100,
        "duration": 4.0,
        "labels": ["Man"],
        "sequence": [
            {"frame": 1, "enabled": True, "rotation": 0, **SQUARE, "time": 0.04},
            {"frame": 9, "enabled": False, **SQUARE, "x": 11},
            {"frame": None, **SQUARE},
        ],
    }
    video = {"id": "v", "type": "videorectangle", "to_name": "video", "value": value}
    found = read_all(tmp_path, video, data={"video": "s3://bucket/a/b.mp4"})
    first, second = labels_of(found)
    assert first.picture == Picture("s3://bucket/a/b.mp4", frame=1, fps=25)
    assert first.shapes == (Box(0.1, 0.2, 0.4, 0.6),)
    assert first.concepts == (Concept("Man"),)
    assert first.info["track_id"] == "v"
    assert (first.own_id, second.own_id) == ("u-5/v@1", "u-5/v@9")
    [lost] = [item for item in found if isinstance(item, Lost)]
    assert (lost.own_id, lost.kind) == ("u-5/v@1", "frames between keyframes")
    [skipped] = [item for item in found if isinstance(item, Skipped)]
    assert skipped.reason == "a frame has no number"


@pytest.mark.parametrize(
    "url",
    [
        "/data/upload/29/example.png",
        "/data/local-files/?d=day%201/a.jpg",
        "s3://bucket/a/b.jpg",
        "https://cdn.example/show?id=7",
        "a.jpg",
        "plain",
    ],
)
def test_the_picture_is_named_as_the_task_names_it(tmp_path: Path, url: str) -> None:
    assert read_label(tmp_path, result(), data={"image": url}).picture.path == url


def test_an_image_within_the_task_has_no_name_but_the_number_of_the_task(tmp_path: Path) -> None:
    data = {"image": "data:image/png;base64,AAAA"}
    assert read_label(tmp_path, result(), data=data).picture.path == "task-1"


def test_the_picture_is_the_one_that_the_control_tag_is_for(tmp_path: Path) -> None:
    data = {"left": "/l.jpg", "right": "/r.jpg", "pages": ["/p0.jpg", "/p1.jpg"]}
    assert read_label(tmp_path, result(to_name="right"), data=data).picture.path == "/r.jpg"
    many = result(to_name="pages", item_index=1)
    assert read_label(tmp_path, many, data=data).picture.path == "/p1.jpg"
    data = {"image_url": "/i.jpg", "source": "https://example.com/"}
    assert read_label(tmp_path, result(), data=data).picture.path == "/i.jpg"


def test_a_picture_that_could_be_several_is_a_fault(tmp_path: Path) -> None:
    data = {"left": "/l.jpg", "right": "/r.jpg"}
    skipped, picture = read_all(tmp_path, result(), data=data)
    assert isinstance(skipped, Skipped)
    assert skipped.is_fault
    assert picture == Picture("task-1")


def test_a_task_without_labels_counts_too(tmp_path: Path) -> None:
    assert read(tmp_path, [task()]) == [Picture("/data/upload/2/a.jpg")]


def test_files_of_a_target_storage_are_annotations_with_their_tasks(tmp_path: Path) -> None:
    stored = annotate(result(), task={"id": 1, "data": {"image": "/a.jpg"}})
    [label] = read(tmp_path, stored)
    assert isinstance(label, Label)
    assert (label.picture.path, label.own_id) == ("/a.jpg", "u-5/r1")


def short(**found: Any) -> dict[str, Any]:
    return {
        "image": "/data/upload/2/a.jpg",
        "weather": "sunny",
        "id": 1,
        **found,
        "annotator": 3,
        "annotation_id": 5,
        "created_at": "2025",
        "updated_at": "2025",
        "lead_time": 1.5,
    }


def test_the_short_form_has_the_same_labels(tmp_path: Path) -> None:
    value = {**SQUARE, "rectanglelabels": ["Car"], "original_width": 200, "original_height": 100}
    [label] = read(tmp_path, [short(label=[value])])
    assert label == Label(
        Picture("/data/upload/2/a.jpg", 200, 100),
        (Concept("Car"),),
        (Box(0.1, 0.2, 0.4, 0.6),),
        Measure.SHARES,
        "[0].annotations[0].result[0]",
        "",
        {"annotator": 3, "annotation_id": 5, "task_id": 1},
    )


def test_choices_of_the_short_form_are_what_stands_after_the_id(tmp_path: Path) -> None:
    """Wrong: the task's own data, sunny, becomes a label."""
    found = labels_of(read(tmp_path, [short(mood="good", signs=[{"choices": ["a", "b"]}])]))
    assert [label.concepts for label in found] == [
        (Concept("good"),),
        (Concept("a"), Concept("b")),
    ]


def test_a_long_text_of_the_short_form_was_not_chosen(tmp_path: Path) -> None:
    skipped, _ = read(tmp_path, [short(caption="a car " * 20)])
    assert isinstance(skipped, Skipped)
    assert skipped.kind == "textarea"


def test_the_short_form_merges_what_is_said_of_one_region(tmp_path: Path) -> None:
    size = {"original_width": 200, "original_height": 100}
    boxes = [{**SQUARE, **size, "rectanglelabels": ["Car"]}] * 2
    use = [{**SQUARE, **size, "choices": ["Taxi"]}]
    first, second = labels_of(read(tmp_path, [short(label=boxes, use=use)]))
    assert first.info["attributes"] == {"use": ["Taxi"]}
    assert "attributes" not in second.info


def test_the_shortest_form_has_but_data_and_regions(tmp_path: Path) -> None:
    value = {**SQUARE, "rectanglelabels": ["Car"]}
    [label] = labels_of(read(tmp_path, [{"image": "https://a.example/b.jpg", "tag": [value]}]))
    assert label.picture == Picture("https://a.example/b.jpg")


@pytest.mark.parametrize(
    "value", [{"x": "1", "y": 2, "width": 3, "height": 4}, {"x": True}, {"points": [[1, 2, 3]]}]
)
def test_what_is_no_number_is_a_fault_and_the_next_is_read(tmp_path: Path, value: Any) -> None:
    skipped, label = read_all(tmp_path, result(value=value), result(id="r2"))
    assert isinstance(skipped, Skipped)
    assert skipped.is_fault
    assert isinstance(label, Label)


@pytest.mark.parametrize(
    "value", [3, "task", None, [1], [[]], {"data": 1}, {"data": {}, "annotations": 4}, {}]
)
def test_what_is_no_task_makes_no_traceback(tmp_path: Path, value: Any) -> None:
    assert read(tmp_path, value)
    assert read(tmp_path, [value, task(annotate(result()))])


def test_labels_before_a_fault_are_read_and_the_fault_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps([task(annotate(result()))])[:-1] + ", {", "utf-8")
    _, label, fault = LabelStudio(ReadOptions()).read(file)
    assert isinstance(label, Label)
    assert isinstance(fault, FileFault)
    assert fault.reason == "it ends within its JSON"


@pytest.mark.parametrize("text", ["", "  ", "[" * 300_000, "nope", "[1e999]", "[NaN]", "\xff["])
def test_what_is_no_json_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(text.encode("latin-1"))
    found = list(LabelStudio(ReadOptions()).read(tmp_path))
    assert isinstance(found[-1], FileFault | Picture | Skipped)
    assert not LabelStudio(ReadOptions()).detect(file)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("\ufeff" + json.dumps([task(annotate(result()))]), "utf-8")
    assert labels_of(list(LabelStudio(ReadOptions()).read(file)))


def test_a_task_that_is_no_json_is_a_fault_and_the_next_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    good = json.dumps(task(annotate(result())))
    file.write_text('[{"data": {1}}, {"data": NaN, "annotations": []}, ' + good + "]", "utf-8")
    _, skipped, picture, label = LabelStudio(ReadOptions()).read(file)
    assert isinstance(skipped, Skipped)
    assert (skipped.place, skipped.is_fault) == ("[0]", True)
    assert isinstance(picture, Picture)
    assert isinstance(label, Label)


def test_one_object_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b'{"data": "' + b"x" * (17 << 20) + b'"}')
    *_, fault = LabelStudio(ReadOptions()).read(file)
    assert isinstance(fault, FileFault)
    assert "more than 16 MiB" in fault.reason


def test_a_task_of_too_many_parts_is_a_fault_and_the_next_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    crowd = '{"data": {}, "x": [' + "[]," * 310_000 + "[]]}"
    file.write_text(f"[{crowd}, {json.dumps(task(annotate(result())))}]", "utf-8")
    _, skipped, label = LabelStudio(ReadOptions()).read(file)
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("more than 300,000 lists and objects")
    assert isinstance(label, Label)


def test_values_that_are_nested_too_deep_are_cut(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    label = read_label(tmp_path, result(meta={"text": deep}))
    assert str(label.info["meta"]).count("[") < 10


@pytest.mark.parametrize(
    "value",
    [
        [task(annotate(result()))],
        task(annotate()),
        [short(label=[])],
        annotate(result(), task={"id": 1, "data": {}}),
    ],
)
def test_exports_are_known_by_their_first_task(tmp_path: Path, value: Any) -> None:
    assert LabelStudio(ReadOptions()).detect(write(tmp_path, value))
    assert LabelStudio(ReadOptions()).detect(tmp_path)


@pytest.mark.parametrize(
    "value", [{"images": [], "annotations": []}, [{"image_id": 1}], {}, [], {"openlabel": {}}]
)
def test_other_files_of_json_are_not_taken_for_exports(tmp_path: Path, value: Any) -> None:
    assert not LabelStudio(ReadOptions()).detect(write(tmp_path, value))


def test_no_bytes_make_a_traceback(tmp_path: Path) -> None:
    rle = list(pack([0, 0, 0, 0, 1, 1, 1, 1]))
    brush = {"rle": rle, "brushlabels": ["T"], "labels": ["U"]}
    whole = json.dumps(
        [
            task(
                annotate(
                    result(),
                    result("brushlabels", brush, original_width=2, original_height=1),
                    result("choices", {**SQUARE, "choices": ["a"]}, from_name="use"),
                    result("videorectangle", {"sequence": [{"frame": 1, **SQUARE}]}),
                ),
                predictions=[annotate(result())],
            ),
            short(label=[{**SQUARE, "rectanglelabels": ["Car"]}], mood="good"),
        ]
    ).encode()
    chance = random.Random(4)
    patches = [b"", b"-9", b"1e99", b"\xff", b"{", b'"', b"null", b"[]", b"{}", b"true", b'"a"']
    file = tmp_path / "fuzz.json"
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            start = chance.randrange(len(data))
            data[start : start + chance.randrange(6)] = chance.choice(patches)
        file.write_bytes(data)
        LabelStudio(ReadOptions(predictions=True)).detect(file)
        assert list(LabelStudio(ReadOptions(predictions=True)).read(file))


def test_no_value_of_any_type_makes_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(6)
    values = [None, True, -1, 2.5, "x", "", [], [[]], [None], {}, {"x": 1}, 10**30, ["a", 1]]

    def spoil(value: Any) -> Any:
        if chance.random() < 0.08:
            return chance.choice(values)
        if isinstance(value, dict):
            return {key: spoil(member) for key, member in value.items()}
        if isinstance(value, list):
            return [spoil(member) for member in value]
        return value

    sequence = {"sequence": [{"frame": 1, **SQUARE}], "framesCount": 3, "duration": 1}
    whole = [
        task(
            annotate(
                result(),
                result("polygonlabels", {"points": [[1, 2], [3, 4]], "polygonlabels": ["a"]}),
                result("brushlabels", {"rle": list(pack([0] * 8)), "brushlabels": ["T"]}),
                result("videorectangle", sequence),
                result("taxonomy", {"taxonomy": [["a", "b"]]}, meta={"text": ["x"]}),
                result("hypertextlabels", {"globalOffsets": {"start": 1, "end": 2}}),
            ),
            drafts=[annotate(result())],
            predictions=[annotate(result(), score=1)],
        ),
        short(label=[{**SQUARE, "rectanglelabels": ["Car"]}], mood="good", more=["a", "b"]),
    ]
    for _ in range(600):
        assert read(tmp_path, spoil(whole), predictions=True) is not None
