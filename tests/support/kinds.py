"""Annotations of every kind, each in two contents, and other ways to write the same."""

from __future__ import annotations

from typing import Any

from syncer.protos import ENUMS, MESSAGES, Field, fields
from tests.support.annotations import PIXEL

Annotation = dict[str, Any]
ANOTHER_PIXEL = PIXEL.replace("mP4DwABAQEA", "mNgYGAAAAAE")
TREE = {"id": "tree", "value": 1}


def region(info: Annotation, *concepts: Annotation, **more: Any) -> Annotation:
    """Data with one region."""
    return {"regions": [{"region_info": info, "data": {"concepts": list(concepts)}, **more}]}


def box(top: Any, left: Any, bottom: Any, right: Any) -> Annotation:
    """A bounding box, its corners as given."""
    return {
        "bounding_box": {
            "top_row": top,
            "left_col": left,
            "bottom_row": bottom,
            "right_col": right,
        }
    }


KINDS: dict[str, tuple[Annotation, Annotation]] = {
    "concepts": (
        {"concepts": [TREE, {"id": "car", "value": 0}, {"id": "sky", "value": 0.1}]},
        {"concepts": [TREE, {"id": "car", "value": 1}, {"id": "sea", "value": 1 / 3}]},
    ),
    "concepts that come and go": (
        {"metadata": {"n": 1}},
        {"metadata": {"n": 1}, "concepts": [TREE]},
    ),
    "box": (region(box(0, 0.1, 1 / 3, 1), TREE), region(box(0, 0.2, 1 / 3, 1), TREE)),
    "box at the edge of float32": (
        region(box(1e-45, 1e-7, 0.1 + 2**-28, 16777217), TREE),
        region(box(1e-38, 2e-7, 0.1 - 2**-28, 16777219), TREE),
    ),
    "box of another concept": (
        region(box(0.1, 0.1, 0.2, 0.2), TREE),
        region(box(0.1, 0.1, 0.2, 0.2), {"id": "car", "value": 1}),
    ),
    "box with more to say": (
        region(box(0.1, 0.1, 0.2, 0.2), TREE, id="r", value=0.7, track_id="t"),
        region(box(0.1, 0.1, 0.2, 0.2), TREE, id="r", value=0.8, track_id="t"),
    ),
    "polygon": (
        region({"polygon": {"points": [{"row": 0, "col": 0.1}, {"row": 0.7, "col": 0}]}}, TREE),
        region({"polygon": {"points": [{"row": 0.7, "col": 0}, {"row": 0, "col": 0.1}]}}, TREE),
    ),
    "mask": (
        region({"mask": {"image": {"base64": PIXEL}}}, TREE),
        region({"mask": {"image": {"base64": PIXEL}}}, TREE, {"id": "car", "value": 1}, id="m"),
    ),
    "point": (
        region({"point": {"row": 0, "col": 0.1, "z": 3.3, "visibility": "VISIBLE"}}, TREE),
        region({"point": {"row": 0, "col": 0.1, "z": 0, "visibility": "NOT_VISIBLE"}}, TREE),
    ),
    "span": (
        region({"span": {"char_start": 0, "char_end": 5, "raw_text": "Hello"}}, TREE),
        region({"span": {"char_start": 0, "char_end": 4, "raw_text": "Hell"}}, TREE),
    ),
    "token": (
        region({"token": {"char_start": 0, "char_end": 5, "raw_text": "é\u0301"}}, TREE),
        region({"token": {"char_start": 1, "char_end": 5, "raw_text": "é\u0301"}}, TREE),
    ),
    "keypoints": (
        region(
            {
                "keypoint_locations": [
                    {"row": 0, "col": 0, "visibility": "NOT_PRESENT"},
                    {"row": 0.5, "col": 0.1, "visibility": "VISIBLE"},
                ],
                **box(0, 0, 1, 1),
            },
            {"id": "person", "value": 1, "keypoint_info": {"keypoint_names": ["a", "b"]}},
        ),
        region(
            {
                "keypoint_locations": [
                    {"row": 0, "col": 0, "visibility": "NOT_SET"},
                    {"row": 0.5, "col": 0.2, "visibility": "VISIBLE"},
                ],
                **box(0, 0, 1, 1),
            },
            {"id": "person", "value": 1, "keypoint_info": {"keypoint_names": ["a", "b"]}},
        ),
    ),
    "frame": (
        {"frames": [{"frame_info": {"time": 1500, "number": 45}, "data": region(box(0, 0, 1, 1))}]},
        {"frames": [{"frame_info": {"time": 0, "number": 0}, "data": region(box(0, 0, 1, 1))}]},
    ),
    "frame beyond 2^53": (
        {
            "frames": [
                {"frame_info": {"time": 2**53 + 1, "number": 1}, "data": {"concepts": [TREE]}}
            ]
        },
        {
            "frames": [
                {"frame_info": {"time": 2**53 + 2, "number": 1}, "data": {"concepts": [TREE]}}
            ]
        },
    ),
    "time segments": (
        {
            "time_segments": [
                {
                    "id": f"s{n}",
                    "time_info": {"begin_time": n / 3, "end_time": 1.1, "num_frames": n},
                    "data": {"concepts": [TREE]},
                }
                for n in range(3)
            ]
        },
        {
            "time_segments": [
                {"id": "s1", "time_info": {"begin_time": 0.7}, "data": {"concepts": [TREE]}}
            ]
        },
    ),
    "track": (
        {"tracks": [{"id": "t", "quality": 0.3, "time_info": {"begin_time": 0, "end_time": 0.1}}]},
        {"tracks": [{"id": "t", "quality": 0.4, "time_info": {"begin_time": 0, "end_time": 0.1}}]},
    ),
    "metadata": (
        {"metadata": {"n": 1, "big": 2**60 + 1, "deep": {"camelCase": [1, None, {}, "1", True]}}},
        {"metadata": {"n": "1", "big": 2**60 + 1, "deep": {"camelCase": [1, 0, [], "1", 1]}}},
    ),
    "metadata with nothing in it": (
        {"concepts": [TREE], "metadata": {"none": None, "empty": {}, "list": []}},
        {"concepts": [TREE], "metadata": {"none": 0, "empty": {"none": None}, "list": [[]]}},
    ),
    "place": (
        {"geo": {"geo_point": {"longitude": 0, "latitude": 51.123456789}}, "concepts": [TREE]},
        {"geo": {"geo_point": {"longitude": -180, "latitude": 0}}, "concepts": [TREE]},
    ),
    "text": (
        {"text": {"raw": "a"}, "concepts": [TREE]},
        {"text": {"raw": "b"}, "concepts": [TREE]},
    ),
    "numbers": (
        {"int_value": 2**63 - 1, "float_value": 0.1, "bool_value": True, "string_value": "1"},
        {"int_value": 2**63 - 2, "float_value": 0.2, "bool_value": True, "string_value": "2"},
    ),
    "vectors": (
        {"embeddings": [{"vector": [0.1, 0, 1 / 3], "num_dimensions": 3}]},
        {"embeddings": [{"vector": [0.1, 0, 2 / 3], "num_dimensions": 3}]},
    ),
    "colours": (
        {"colors": [{"raw_hex": "#fff", "value": 0}, {"raw_hex": "#000", "value": 0.1}]},
        {"colors": [{"raw_hex": "#000", "value": 0.1}, {"raw_hex": "#fff", "value": 0}]},
    ),
    "bytes": ({"bytes_value": "+/+/AA=="}, {"bytes_value": "AAA="}),
    "parts": (
        {"parts": [{"id": "p", "data": {"text": {"raw": "a"}}}, {"data": {"text": {"raw": "b"}}}]},
        {"parts": [{"id": "p", "data": {"text": {"raw": "c"}}}, {"data": {"text": {"raw": "b"}}}]},
    ),
    "concepts of one id": (
        {"concepts": [TREE, {"id": "tree", "value": 0}]},
        {"concepts": [TREE, {"id": "tree", "value": 0.5}]},
    ),
    "concepts by name": (
        {"concepts": [{"name": "tree", "value": 1}, {"name": "sea", "value": 0}]},
        {"concepts": [{"name": "tree", "value": 0}, {"name": "sea", "value": 0}]},
    ),
    "named concepts": (
        {"concepts": [{"id": "tree", "name": "A tree", "value": 1, "language": "en"}]},
        {"concepts": [{"id": "tree", "name": "A tree", "value": 0, "language": "en"}]},
    ),
    "info": ({"concepts": [TREE]}, {"concepts": [TREE]}),
    "status": ({"concepts": [TREE]}, {"concepts": [TREE]}),
    "of a task": ({"concepts": [TREE]}, {"concepts": [{"id": "tree", "value": 0}]}),
}
"""By name, the data of an annotation, and other data of the same one."""
MEMBERS: dict[str, tuple[Annotation, Annotation]] = {
    "info": (
        {"annotation_info": {"by": {"n": 0.1}, "list": [1, [2]]}},
        {"annotation_info": {"by": {"n": 0.2}, "list": [1, [2]]}},
    ),
    "status": (
        {"status": {"code": "ANNOTATION_PENDING"}},
        {"status": {"code": "ANNOTATION_AWAITING_REVIEW"}},
    ),
    "of a task": ({"task_id": "t"}, {"task_id": "t"}),
}
"""What annotations of these names have beside data."""

LEFT_OUT = ("Concept", "BoundingBox", "Point", "GeoPoint", "Span", "Token", "TimeInfo")
"""Messages in which a missing number has one meaning."""


def every_kind(content: int) -> list[Annotation]:
    """One annotation of each kind, on a few inputs; `content`: 0 or 1, which of two."""
    return [
        {
            "id": f"k{number}",
            "input_id": f"input-{number % 3}",
            "data": data[content],
            **MEMBERS.get(name, ({}, {}))[content],
        }
        for number, (name, data) in enumerate(KINDS.items())
    ]


def respell(message: Annotation, type_: str = "Annotation") -> Annotation:
    """The same message as another program may write it: camelCase, numbers as texts,
    enums as numbers, items with ids in another order, defaults left out, nulls.
    """
    known = {field.name: field for field in fields(MESSAGES[type_])}
    written: Annotation = {}
    for name, value in reversed(message.items()):
        field = known[name]
        if type_ in LEFT_OUT and value == _default(field):
            continue
        written[name if name == "input_id" else _camel(name)] = _respell_field(field, value)
    if type_ == "Data":
        written |= {"regions": written.get("regions"), "heatmaps": []}
    return written


def _default(field: Field) -> object:
    if field.default is not None:
        return field.default
    return None if field.type in ("struct", "bool") or field.type in MESSAGES else 0


def _respell_field(field: Field, value: Any) -> Any:
    if field.repeated:
        items = [_respell_one(field, item) for item in value]
        ids = [item.get("id") if isinstance(item, dict) else None for item in value]
        is_named = all(ids) and len({*ids}) == len(ids)
        return items[::-1] if is_named else items
    return _respell_one(field, value)


def _respell_one(field: Field, value: Any) -> Any:
    if field.type in MESSAGES:
        return respell(value, field.type)
    if field.type in ENUMS:
        return ENUMS[field.type].get(value, value)
    if field.type in ("int64", "uint64", "float", "double"):
        return str(value)
    if field.type == "bytes":
        return value.rstrip("=").replace("+", "-").replace("/", "_")
    return float(value) if field.type.endswith("32") else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
