"""What the columns of a table are read from, and that they are the documented ones."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from syncer.core.moments import moment
from syncer.core.ports.pull import Column, Layout, Row
from syncer.remotes.annotell.layout import DocumentLayout
from syncer.remotes.clarifai.layout import AnnotationLayout, InputsLayout
from tests.remotes.made import fixture

SCHEMA = Path(__file__).parents[2] / "docs" / "schema.md"
NOTHING = {"concept_ids": [], "concept_values": [], "input_level": False, "region_count": 0}
"""What an annotation without any data has beside nulls."""


def record(layout: Layout, line: bytes, key: tuple[str, ...] = ("input", "id")) -> dict[str, Any]:
    """A row by its columns, without nulls."""
    values = zip(layout.columns, layout.values(Row(key, line)), strict=True)
    return {column.name: value for column, value in values if value is not None}


def annotated(**annotation: Any) -> dict[str, Any]:
    """The columns of an annotation, without nulls and without its JSON."""
    found = record(AnnotationLayout(), json.dumps(annotation).encode())
    del found["annotation"]
    return found


def listed(name: str, id: str) -> bytes:
    """An annotation of a wire fixture's answer."""
    body = fixture(name)["response"]["body"]
    annotations = body.get("annotations") or [hit["annotation"] for hit in body["hits"]]
    (found,) = [annotation for annotation in annotations if annotation["id"] == id]
    return json.dumps(found).encode()


# --- annotations ----------------------------------------------------------------------


def test_a_box_of_the_wire_is_read_into_its_columns() -> None:
    """With its concept and its maker."""
    line = listed("list_all", "lbl-0002")
    assert {
        "annotation_id": "lbl-0002",
        "annotation": line.decode(),
        "annotation_user_id": "labeler-2",
        "input_id": "img-0002",
        "annotation_created_at": datetime(2025, 1, 1, 12, 0, 1, 568082, tzinfo=UTC),
        "annotation_modified_at": datetime(2025, 1, 1, 12, 0, 1, 568082, tzinfo=UTC),
        "status": 24150,
        "status_description": "Annotation success",
        "input_level": False,
        "concept_ids": ["bike"],
        "concept_values": [1.0],
        "region_count": 1,
        "region_id": "9fdbf9a5984568ee1afc3da24989a30c",
        "region_type": "bounding_box",
        "top_row": 0.0,
        "left_col": 0.0,
        "bottom_row": 0.5,
        "right_col": 0.5,
    } == record(AnnotationLayout(), line)


def test_a_models_annotation_has_its_version_and_its_confidence_and_no_user() -> None:
    """As the wire lists one."""
    found = record(
        AnnotationLayout(), listed("list_by_model_version_ids", "ae7be26cdaa742ca148068d5ac90eaca")
    )
    assert ("mv-1", 0.97) == (found["model_version_id"], found["region_value"])
    assert "annotation_user_id" not in found
    assert (
        "mv-2" == annotated(worker={"model": {"model_version": {"id": "mv-2"}}})["model_version_id"]
    )


def test_a_user_is_the_annotations_own_or_its_workers() -> None:
    """`user_id` is deprecated, and only `worker` may be there."""
    assert "a" == annotated(user_id="a", worker={"user": {"id": "b"}})["annotation_user_id"]
    assert "b" == annotated(worker={"user": {"id": "b"}})["annotation_user_id"]


@pytest.mark.parametrize(
    ("name", "id", "expected"),
    [
        ("post_polygon_mask_point_span", "lbl-poly", "polygon"),
        ("post_polygon_mask_point_span", "lbl-mask", "mask"),
        ("post_polygon_mask_point_span", "lbl-point", "point"),
        ("post_polygon_mask_point_span", "lbl-span", "span"),
    ],
)
def test_regions_of_other_forms_have_a_type_and_no_box(name: str, id: str, expected: str) -> None:
    """Masks included, on which the official reader fails."""
    found = record(AnnotationLayout(), listed(name, id))
    assert (expected, 1, False) == (found["region_type"], found["region_count"], "top_row" in found)


@pytest.mark.parametrize(
    ("info", "expected"),
    [({"token": {}}, "token"), ({"keypoint_locations": [{"row": 0.1}]}, "keypoints"), ({}, None)],
)
def test_rarer_forms_have_a_type(info: dict[str, Any], expected: str | None) -> None:
    """None where the region does not say what it is."""
    assert expected == annotated(data={"regions": [{"region_info": info}]}).get("region_type")


def test_a_coordinate_that_a_box_leaves_out_is_zero() -> None:
    """proto3 leaves zeros out; without a box there is no coordinate."""
    found = annotated(data={"regions": [{"region_info": {"bounding_box": {"bottom_row": 1}}}]})
    assert (0.0, 0.0, 1.0, 0.0) == tuple(
        found[name] for name in ("top_row", "left_col", "bottom_row", "right_col")
    )


def test_a_frame_of_a_video_has_its_time_and_its_regions() -> None:
    """Its time comes as text, since it is of 64 bits."""
    found = record(AnnotationLayout(), listed("post_video_frame_and_time_segment", "lbl-frame"))
    assert (1500, 45, "bounding_box", "trk-1", ["car"]) == tuple(
        found[name]
        for name in ("frame_time_ms", "frame_number", "region_type", "track_id", "concept_ids")
    )


def test_concepts_are_gathered_from_every_place() -> None:
    """Data, regions, frames, regions of frames, time segments, in this order; a value
    that is left out is 1.
    """
    concept = lambda id, **value: {"concepts": [{"id": id, **value}]}  # noqa: E731
    data = {
        **concept("data", value=0),
        "regions": [{"data": concept("region")}, {}],
        "frames": [
            {
                "data": {
                    **concept("frame", value="0.5"),
                    "regions": [{"data": concept("frame-region", value=None)}],
                }
            },
            {},
        ],
        "time_segments": [{"data": concept("segment", value=0.25)}],
    }
    found = annotated(data=data)
    assert ["data", "region", "frame", "frame-region", "segment"] == found["concept_ids"]
    assert [0.0, 1.0, 0.5, 1.0, 0.25] == found["concept_values"]
    assert 3 == found["region_count"]


def test_a_value_that_is_no_number_is_null_and_its_concept_stays() -> None:
    """A string of a number is one, as proto3 JSON allows."""
    found = annotated(
        data={"concepts": [{"id": "a", "value": "much"}, {"id": "b", "value": "0.25"}]}
    )
    assert (["a", "b"], [None, 0.25]) == (found["concept_ids"], found["concept_values"])


def test_an_annotation_of_little_is_mostly_null() -> None:
    """Of lists and flags, which are empty and false."""
    assert {"annotation_id": "a", "input_id": "i", **NOTHING} == annotated(id="a", input_id="i")
    assert {"annotation_id": "a", "input_id": "i", **NOTHING} == annotated(
        id="a", input_id="i", data=None, status=None, worker=None, user_id=""
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (24151, 24151),
        ("24151", 24151),
        ("ANNOTATION_PENDING", 24151),
        ("NEW_CODE", None),
        (2**80, None),
    ],
)
def test_a_status_is_a_number_however_it_comes(code: object, expected: int | None) -> None:
    """The service is documented to write numbers, and in one place a name."""
    assert expected == annotated(status={"code": code}).get("status")


@pytest.mark.parametrize(
    ("time", "expected"),
    [(2**63 - 1, 2**63 - 1), (str(2**63 - 1), 2**63 - 1), (2**64 - 1, None), ("soon", None)],
)
def test_a_frames_time_past_int64_is_null(time: object, expected: int | None) -> None:
    """It is unsigned at the service; `annotation` keeps it."""
    assert expected == annotated(data={"frames": [{"frame_info": {"time": time}}]}).get(
        "frame_time_ms"
    )


def test_what_is_not_of_the_wires_form_keeps_its_ids_and_its_json() -> None:
    """One odd annotation is no reason to lose a table."""
    for line in (
        b'{"data":[]}',
        b'{"data":{"regions":[null]}}',
        b"[1]",
        b"{",
        b'{"id":"\xff"}',
        b'{"a":' * 3000,
    ):
        assert {
            "annotation_id": "id",
            "input_id": "input",
            "annotation": line.decode(errors="replace"),
        } == record(AnnotationLayout(), line)


NAMES = [
    "id",
    "data",
    "regions",
    "region_info",
    "bounding_box",
    "concepts",
    "frames",
    "frame_info",
    "status",
    "worker",
    "annotation",
]
NESTED = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=20,
)


@given(st.binary() | NESTED.map(lambda value: json.dumps(value).encode()))
def test_no_line_makes_a_layout_fail(line: bytes) -> None:
    """And every value is of its column's type."""
    types = {
        "string": str,
        "bool": bool,
        "int64": int,
        "double": float,
        "timestamp": datetime,
        "list<string>": list,
        "list<double>": list,
    }
    for layout in (AnnotationLayout(), InputsLayout()):
        for column, value in zip(layout.columns, layout.values(Row(("i", "a"), line)), strict=True):
            assert value is None or type(value) is types[column.type], column


# --- inputs ---------------------------------------------------------------------------


def test_an_input_is_joined_with_its_annotation() -> None:
    """All columns of both, the input's id once."""
    whole = json.dumps(fixture("post_inputs_with_concepts")["response"]["body"]["inputs"][0])
    annotation = listed("list_all", "lbl-0002")
    found = record(
        InputsLayout(), b'{"input":' + whole.encode() + b',"annotation":' + annotation + b"}"
    )
    time = datetime(2025, 1, 1, 12, 0, 0, 1, tzinfo=UTC)
    assert {
        "input_id": "img-0009",
        "input": whole,
        "medium": "image",
        "url": "https://samples.clarifai.com/metro-north.jpg",
        "dataset_ids": ["ds-1"],
        "input_created_at": time,
        "input_modified_at": time,
        "input_status": 30001,
        "input_status_description": "Download pending",
        **{
            name: value
            for name, value in record(AnnotationLayout(), annotation).items()
            if name != "input_id"
        },
    } == found
    names = [column.name for column in InputsLayout().columns]
    assert len(names) == len(set(names))


def test_an_input_without_annotations_has_nulls_for_them() -> None:
    """A left join keeps it."""
    found = record(
        InputsLayout(),
        b'{"input":{"id":"i","data":{"text":{"raw":"Hello"},"metadata":{"k":'
        b' 1.0}}},"annotation":null}',
    )
    text = '{"id":"i","data":{"text":{"raw":"Hello"},"metadata":{"k": 1.0}}}'
    assert {
        "input_id": "i",
        "input": text,
        "medium": "text",
        "text": "Hello",
        "metadata": '{"k": 1.0}',
        "dataset_ids": [],
    } == found


@pytest.mark.parametrize("medium", ["image", "video", "audio", "text"])
def test_every_medium_has_its_url(medium: str) -> None:
    """In one column."""
    line = json.dumps(
        {"input": {"id": "i", "data": {medium: {"url": "https://x/y"}}}, "annotation": None}
    ).encode()
    assert (medium, "https://x/y") == tuple(
        record(InputsLayout(), line)[name] for name in ("medium", "url")
    )


def test_an_odd_input_keeps_its_id_its_json_and_its_annotation() -> None:
    """Each half is read by itself."""
    found = record(InputsLayout(), b'{"input":{"data":7},"annotation":{"id":"a"}}', ("i", "a"))
    assert ("i", '{"data":7}', "a", '{"id":"a"}') == tuple(
        found[name] for name in ("input_id", "input", "annotation_id", "annotation")
    )


# --- documents ------------------------------------------------------------------------


def test_a_documents_content_is_its_bytes() -> None:
    """Spaces, order and digits as they came."""
    content = (
        '{ "openlabel" : {"metadata":{"uuid":"u-1","schema_version":"1.0.0"},\n"n": 1.0e2, "café":'
        " null } }"
    )
    line = (
        '{"input_uuid":"i","annotation_type":"signs","created":"2022-05-12T12:20:49.123456Z","annotation_id":7,"content":'
        + content
        + "}"
    )
    assert {
        "input_uuid": "i",
        "annotation_type": "signs",
        "created": datetime(2022, 5, 12, 12, 20, 49, 123456, tzinfo=UTC),
        "annotation_id": "7",
        "content": content,
        "openlabel_uuid": "u-1",
        "deleted": False,
    } == record(DocumentLayout(), line.encode())


def test_a_tombstone_has_no_content() -> None:
    """It says what is gone."""
    line = (
        b'{"input_uuid":"i","annotation_type":"signs",'
        b'"created":"2022-05-12T12:20:49Z","deleted":true}'
    )
    time = datetime(2022, 5, 12, 12, 20, 49, tzinfo=UTC)
    assert {
        "input_uuid": "i",
        "annotation_type": "signs",
        "created": time,
        "deleted": True,
    } == record(DocumentLayout(), line)


@pytest.mark.parametrize(
    "content",
    [
        b"[1,2]",
        b'"text"',
        b'{"shapes":{}}',
        b'{"openlabel":null}',
        b'{"openlabel":{"metadata":{"uuid":7}}}',
    ],
)
def test_a_document_that_is_no_openlabel_is_kept(content: bytes) -> None:
    """Those of version 1.0 are the client's own format."""
    found = record(
        DocumentLayout(),
        b'{"input_uuid":"i","annotation_type":null,"created":null,"annotation_id":null,"content":'
        + content
        + b"}",
    )
    assert {"input_uuid": "i", "content": content.decode(), "deleted": False} == found


# --- times ----------------------------------------------------------------------------


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 9), st.data())
def test_a_time_is_the_one_that_the_official_parser_reads_cut_to_microseconds(
    time: datetime, digits: int, data: st.DataObject
) -> None:
    """Of any number of digits, zeros first included."""
    fraction = data.draw(st.integers(0, 10**digits - 1))
    text = (
        time.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
        + (f".{fraction:0{digits}d}" if digits else "")
        + "Z"
    )
    official = Timestamp()
    official.FromJsonString(text)
    assert time.replace(microsecond=official.nanos // 1000) == moment(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-01T02:00:00+02:00", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2025-01-01T00:00:00", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2025-01-01t00:00:00z", datetime(2025, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+02:00", None),
        ("2025-02-30T00:00:00Z", None),
        ("now", None),
        ("", None),
        (None, None),
        (12, None),
    ],
)
def test_times_of_other_forms(text: object, expected: datetime | None) -> None:
    """Offsets, none at all, small letters; what is no time is null."""
    assert expected == moment(text)


# --- documentation --------------------------------------------------------------------


def documented(heading: str) -> list[tuple[str, str, str]]:
    """The table under a heading of docs/schema.md."""
    section = SCHEMA.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| `([\w<>]+)` \| (.+) \|$", section, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("Annotations of Clarifai", AnnotationLayout().columns),
        (
            "Inputs with their annotations",
            InputsLayout().columns[: -len(AnnotationLayout().columns) + 1],
        ),
        ("Documents of Annotell and Kognic", DocumentLayout().columns),
    ],
)
def test_the_documented_columns_are_those_that_there_are(
    heading: str, columns: Sequence[Column]
) -> None:
    """Names, types and words, in order."""
    assert [(column.name, column.type, column.doc) for column in columns] == documented(heading)


def test_the_first_columns_are_those_that_users_of_the_official_package_know() -> None:
    """`annotation_id, annotation, annotation_user_id, input_id, annotation_created_at,
    annotation_modified_at`.
    """
    expected = [
        "annotation_id",
        "annotation",
        "annotation_user_id",
        "input_id",
        "annotation_created_at",
        "annotation_modified_at",
    ]
    assert expected == [column.name for column in AnnotationLayout().columns[:6]]
