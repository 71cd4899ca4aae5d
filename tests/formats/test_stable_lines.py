"""The same source gives the same bytes, and a label that is added, removed or moved
changes no line but its own.
"""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.label_lines import count_changed, list_lines

Drawn = tuple[str, int, int]
DRAWN = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(4, 6)), min_size=1, max_size=7
)
"""Labels by image, left edge and right edge; a few are alike on purpose."""


def write_cvat_images(path: Path, drawn: list[tuple[int, Drawn]]) -> None:
    images = ""
    for name in "ab":
        shapes = "".join(
            f'<box label="car" xtl="{left}" ytl="1" xbr="{right}" ybr="2"/>'
            for _, (image, left, right) in drawn
            if image == name
        )
        images += f'<image id="0" name="{name}.jpg" width="9" height="9">{shapes}</image>'
    path.write_text(f"<annotations>{images}</annotations>", "utf-8")


def write_cvat_video(path: Path, drawn: list[tuple[int, Drawn]]) -> None:
    tracks = "".join(
        f'<track id="{number}" label="car"><box frame="{"ab".index(image)}" outside="0"'
        f' xtl="{left}" ytl="1" xbr="{right}" ybr="2"/></track>'
        for number, (image, left, right) in drawn
    )
    size = "<original_size><width>9</width><height>9</height></original_size>"
    head = f"<meta><task><id>1</id>{size}</task></meta>"
    path.write_text(f"<annotations>{head}{tracks}</annotations>", "utf-8")


def write_coco(path: Path, drawn: list[tuple[int, Drawn]], *, named: bool = True) -> None:
    images = [
        {"id": number, "file_name": f"{name}.jpg", "width": 9, "height": 9}
        for number, name in enumerate("ab")
    ]
    annotations = [
        {"image_id": "ab".index(image), "category_id": 1, "bbox": [left, 1, right - left, 1]}
        | ({"id": number} if named else {})
        for number, (image, left, right) in drawn
    ]
    categories = [{"id": 1, "name": "car"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content), "utf-8")


def write_label_studio(path: Path, drawn: list[tuple[int, Drawn]]) -> None:
    tasks = []
    for name in "ab":
        results = [
            {
                "id": f"r{number}",
                "type": "rectanglelabels",
                "from_name": "label",
                "to_name": "image",
                "value": {
                    "x": left,
                    "y": 1,
                    "width": right - left,
                    "height": 1,
                    "rectanglelabels": ["car"],
                },
            }
            for number, (image, left, right) in drawn
            if image == name
        ]
        annotation = {"id": 1, "unique_id": f"u-{name}", "result": results}
        tasks.append({"id": 1, "data": {"image": f"/{name}.jpg"}, "annotations": [annotation]})
    path.write_text(json.dumps(tasks), "utf-8")


def write_voc(folder: Path, drawn: list[tuple[int, Drawn]]) -> None:
    folder.mkdir(exist_ok=True)
    for name in "ab":
        objects = "".join(
            f"<object><name>car</name><bndbox><xmin>{left}</xmin><ymin>1</ymin>"
            f"<xmax>{right}</xmax><ymax>2</ymax></bndbox></object>"
            for _, (image, left, right) in drawn
            if image == name
        )
        size = "<size><width>9</width><height>9</height></size>"
        (folder / f"{name}.xml").write_text(f"<annotation>{size}{objects}</annotation>")


def write_yolo(folder: Path, drawn: list[tuple[int, Drawn]]) -> None:
    folder.mkdir(exist_ok=True)
    for name in "ab":
        lines = [
            f"0 {(left + right) / 20} .5 {(right - left) / 10} .2"
            for _, (image, left, right) in drawn
            if image == name
        ]
        (folder / f"{name}.txt").write_text("\n".join(lines))


def write_openlabel(path: Path, drawn: list[tuple[int, Drawn]]) -> None:
    objects = {}
    frames: dict[str, dict[str, object]] = {
        "0": {"frame_properties": {}, "objects": {}},
        "1": {"frame_properties": {}, "objects": {}},
    }
    for number, (image, left, right) in drawn:
        val = [(left + right) / 2, 1.5, right - left, 1]
        data = {"bbox": [{"name": "box", "val": val}]}
        objects[str(number)] = {"name": "", "type": "car"}
        in_frame = frames[str("ab".index(image))]["objects"]
        assert isinstance(in_frame, dict)
        in_frame[str(number)] = {"object_data": data}
    size = {"stream_properties": {"width_px": 9, "height_px": 9}}
    document = {"frames": frames, "objects": objects, "streams": {"CAM": size}}
    path.write_text(json.dumps({"openlabel": document}), "utf-8")


def list_rows(drawn: list[tuple[int, Drawn]]) -> list[dict[str, object]]:
    return [
        {
            "filename": f"{image}.jpg",
            "concept": "car",
            "width": 9,
            "height": 9,
            "xmin": left,
            "ymin": 1,
            "xmax": right,
            "ymax": 2,
        }
        for _, (image, left, right) in drawn
    ]


def write_csv(path: Path, drawn: list[tuple[int, Drawn]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list_rows([(0, ("a", 1, 4))])[0].keys())
        writer.writeheader()
        writer.writerows(list_rows(drawn))


def write_parquet(path: Path, drawn: list[tuple[int, Drawn]]) -> None:
    schema = pa.Table.from_pylist(list_rows([(0, ("a", 1, 4))])).schema
    pq.write_table(pa.Table.from_pylist(list_rows(drawn), schema), path)


FORMS = {
    "coco": ("coco", "a.json", write_coco),
    "coco-unnamed": ("coco", "a.json", partial(write_coco, named=False)),
    "openlabel": ("openlabel", "a.json", write_openlabel),
    "csv": ("csv", "a.csv", write_csv),
    "parquet": ("parquet", "a.parquet", write_parquet),
    "images": ("cvat", "a.xml", write_cvat_images),
    "video": ("cvat", "a.xml", write_cvat_video),
    "export": ("labelstudio", "a.json", write_label_studio),
    "voc": ("voc", "set", write_voc),
    "yolo": ("yolo", "set", write_yolo),
}


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=50)
@given(drawn=DRAWN, data=st.data())
def test_one_label_more_or_less_or_elsewhere_changes_its_own_line(
    tmp_path_factory: pytest.TempPathFactory, form: str, drawn: list[Drawn], data: st.DataObject
) -> None:
    """Wrong: ids by the place in the file, by which all labels after it change."""
    format_name, file, write = FORMS[form]
    path = tmp_path_factory.mktemp(form) / file
    labels = list(enumerate(drawn))

    def list_lines_of(chosen: list[tuple[int, Drawn]]) -> list[bytes]:
        write(path, chosen)
        return list_lines(format_name, path)

    before = list_lines_of(labels)
    assert list_lines_of(labels) == before
    assert len(set(before)) == len(before) == len(drawn)
    at = data.draw(st.integers(0, len(drawn) - 1))
    assert count_changed(before, list_lines_of(labels[:at] + labels[at + 1 :])) == (1, 0)
    shuffled = data.draw(st.permutations(labels))
    assert count_changed(before, list_lines_of(shuffled)) == (0, 0)
    number, (image, left, _) = labels[at]
    moved = [*labels[:at], (number, (image, left, 8)), *labels[at + 1 :]]
    assert count_changed(before, list_lines_of(moved)) == (1, 1)
