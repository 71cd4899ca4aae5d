"""Annotations as tables: what stands in each of their columns.

An annotation holds at most one region and one frame (wire, 2.2), so a row is an
annotation. If it has several regions, the flat columns are of the first, and
`annotation` holds all of it. What is not of the wire's form keeps its ids and its JSON;
all else is null.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from syncer.core.moments import moment
from syncer.core.ports.pull import Column, Row
from syncer.remotes.clarifai.codes import number
from syncer.remotes.clarifai.columns import ANNOTATION, INPUT

INT64_MAX = (1 << 63) - 1

_NULL = msgspec.Raw(b"null")
Number = float | str | None
"""proto3 JSON may write a number as a string, as it does for NaN."""


class _Present(msgspec.Struct, gc=False):
    """A message of which only matters that it is there."""


class _WithId(msgspec.Struct, gc=False):
    id: str | None = None


class _ModelWorker(msgspec.Struct, gc=False):
    model_version: _WithId | None = None


class _Worker(msgspec.Struct, gc=False):
    user: _WithId | None = None
    model: _ModelWorker | None = None


class _StatusShape(msgspec.Struct, gc=False):
    code: int | str | None = None
    description: str | None = None


class _Concept(msgspec.Struct, gc=False):
    id: str | None = None
    value: Number = 1.0


class _Labelled(msgspec.Struct, gc=False):
    """Data of which only the concepts are read."""

    concepts: list[_Concept] | None = None


class _Box(msgspec.Struct, gc=False):
    top_row: float = 0.0
    left_col: float = 0.0
    bottom_row: float = 0.0
    right_col: float = 0.0


class _RegionInfo(msgspec.Struct, gc=False):
    bounding_box: _Box | None = None
    mask: _Present | None = None
    polygon: _Present | None = None
    point: _Present | None = None
    span: _Present | None = None
    token: _Present | None = None
    keypoint_locations: list[_Present] | None = None


class _Region(msgspec.Struct, gc=False):
    id: str | None = None
    region_info: _RegionInfo | None = None
    data: _Labelled | None = None
    value: Number = None
    track_id: str | None = None


class _FrameInfo(msgspec.Struct, gc=False):
    time: int | str | None = 0
    number: int | str | None = 0


class _FrameData(_Labelled, gc=False):
    regions: list[_Region] | None = None


class _FrameShape(msgspec.Struct, gc=False):
    frame_info: _FrameInfo | None = None
    data: _FrameData | None = None


class _TimeSegment(msgspec.Struct, gc=False):
    data: _Labelled | None = None


class _Data(_FrameData, gc=False):
    frames: list[_FrameShape] | None = None
    time_segments: list[_TimeSegment] | None = None


class _AnnotationShape(msgspec.Struct, gc=False):
    id: str | None = None
    input_id: str | None = None
    data: _Data | None = None
    annotation_info: msgspec.Raw = _NULL
    user_id: str | None = None
    model_version_id: str | None = None
    worker: _Worker | None = None
    status: _StatusShape | None = None
    created_at: str | None = None
    modified_at: str | None = None
    input_level: bool | None = False
    task_id: str | None = None


class _TextShape(msgspec.Struct, gc=False):
    raw: str | None = None
    url: str | None = None


class _Medium(msgspec.Struct, gc=False):
    url: str | None = None


class _InputData(msgspec.Struct, gc=False):
    image: _Medium | None = None
    video: _Medium | None = None
    audio: _Medium | None = None
    text: _TextShape | None = None
    metadata: msgspec.Raw = _NULL


class _InputShape(msgspec.Struct, gc=False):
    id: str | None = None
    data: _InputData | None = None
    dataset_ids: list[str] | None = None
    created_at: str | None = None
    modified_at: str | None = None
    status: _StatusShape | None = None


class _Joined(msgspec.Struct, gc=False):
    input: msgspec.Raw = _NULL
    annotation: msgspec.Raw = _NULL


_annotation = msgspec.json.Decoder(_AnnotationShape)
_input = msgspec.json.Decoder(_InputShape)
_joined = msgspec.json.Decoder(_Joined)
UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
"""The errors of decoding: not JSON, not UTF-8, nested too deep, or not of the wire's
form.
"""


class AnnotationLayout:
    """Lines that are annotations. Implements `syncer.core.ports.pull.Layout`."""

    columns: Sequence[Column] = ANNOTATION

    def values(self, row: Row) -> tuple[object, ...]:
        """One value a column.

        An annotation that is not of the wire's form keeps its ids and its JSON.
        """
        return _annotation_values(row.line, row.key)


class InputsLayout:
    """Lines that are `{"input": …, "annotation": … or null}`: a left join.

    Implements `syncer.core.ports.pull.Layout`.
    """

    columns: Sequence[Column] = INPUT + tuple(
        column for column in ANNOTATION if column.name != "input_id"
    )

    def values(self, row: Row) -> tuple[object, ...]:
        """One value a column; those of the annotation are null if its input has no
        annotation.
        """
        try:
            line = _joined.decode(row.line)
        except UNREADABLE:
            line = _Joined(msgspec.Raw(row.line))
        annotation = bytes(line.annotation)
        labels = _NONE if annotation == b"null" else _annotation_values(annotation, row.key)
        return (
            *_input_values(bytes(line.input), row.key[0]),
            *labels[:_INPUT_ID],
            *labels[_INPUT_ID + 1 :],
        )


_INPUT_ID = [column.name for column in ANNOTATION].index("input_id")
_NONE = (None,) * len(ANNOTATION)


def _annotation_values(json: bytes, key: tuple[str, ...]) -> tuple[object, ...]:
    whole = json.decode("utf-8", "replace")
    try:
        read = _annotation.decode(json)
    except UNREADABLE:
        return (key[-1], whole, None, key[0], *_NONE[4:])
    worker, status, data = read.worker, read.status or _StatusShape(), read.data or _Data()
    concepts = _concepts(data)
    return (
        read.id or None,
        whole,
        read.user_id or (worker.user.id if worker and worker.user else None) or None,
        read.input_id or None,
        moment(read.created_at),
        moment(read.modified_at),
        _code(read.status),
        status.description or None,
        read.input_level is True,
        read.model_version_id or _model_version(worker) or None,
        read.task_id or None,
        [concept.id or None for concept in concepts],
        [_float(concept.value, missing=1.0) for concept in concepts],
        *_region_values(data),
        *_frame_values(data),
        _json(read.annotation_info),
    )


def _region_values(data: _Data) -> tuple[object, ...]:
    """Return how many regions there are, and the first's id, type, value, track and
    box.
    """
    regions = _regions(data)
    if not regions:
        return (0, None, None, None, None, None, None, None, None)
    first = regions[0]
    info = first.region_info or _RegionInfo()
    about = (
        len(regions),
        first.id or None,
        _region_type(info),
        _float(first.value),
        first.track_id or None,
    )
    box = info.bounding_box
    return (
        (*about, None, None, None, None)
        if box is None
        else (*about, box.top_row, box.left_col, box.bottom_row, box.right_col)
    )


def _regions(data: _Data) -> Sequence[_Region]:
    """Those of the data, then those of its frames."""
    if not data.frames:
        return data.regions or ()
    return [
        *(data.regions or ()),
        *(region for frame in data.frames if frame.data for region in frame.data.regions or ()),
    ]


def _frame_values(data: _Data) -> tuple[int | None, int | None]:
    """The first frame's time and number."""
    if not data.frames:
        return (None, None)
    info = data.frames[0].frame_info or _FrameInfo()
    return (_int(info.time), _int(info.number))


def _region_type(info: _RegionInfo) -> str | None:
    if info.bounding_box is not None:
        return "bounding_box"
    for name in ("mask", "polygon", "point", "span", "token"):
        if getattr(info, name) is not None:
            return name
    return "keypoints" if info.keypoint_locations else None


def _concepts(data: _Data) -> list[_Concept]:
    """All concepts, place by place."""
    places: list[_Labelled | None] = [data]
    if data.regions:
        places += [region.data for region in data.regions]
    for frame in data.frames or ():
        if frame.data is not None:
            places += [frame.data, *(region.data for region in frame.data.regions or ())]
    if data.time_segments:
        places += [segment.data for segment in data.time_segments]
    return [
        concept
        for place in places
        if place is not None and place.concepts
        for concept in place.concepts
    ]


def _model_version(worker: _Worker | None) -> str | None:
    version = worker.model.model_version if worker and worker.model else None
    return version.id if version else None


def _input_values(json: bytes, input_id: str) -> tuple[object, ...]:
    whole = json.decode("utf-8", "replace")
    try:
        read = _input.decode(json)
    except UNREADABLE:
        return (input_id, whole, *[None] * (len(INPUT) - 2))
    data, status = read.data or _InputData(), read.status or _StatusShape()
    media = (
        ("image", data.image),
        ("video", data.video),
        ("audio", data.audio),
        ("text", data.text),
    )
    name, medium = next(
        ((name, medium) for name, medium in media if medium is not None), (None, None)
    )
    return (
        read.id or None,
        whole,
        name,
        medium.url or None if medium else None,
        data.text.raw or None if data.text else None,
        _json(data.metadata),
        read.dataset_ids or [],
        moment(read.created_at),
        moment(read.modified_at),
        _code(read.status),
        status.description or None,
    )


def _json(raw: msgspec.Raw) -> str | None:
    text = bytes(raw)
    return None if text == b"null" else text.decode("utf-8", "replace")


def _code(status: _StatusShape | None) -> int | None:
    code = None if status is None else number(status.code)
    return code if code is not None and -INT64_MAX <= code <= INT64_MAX else None


def _float(value: Number, missing: float | None = None) -> float | None:
    """A number, or a string of one, as proto3 JSON allows; null is a field that is not
    set.
    """
    if type(value) is float:
        return value
    try:
        return missing if value is None else float(value)
    except ValueError:
        return None


def _int(value: int | str | None) -> int | None:
    """An integer that int64 holds, or a string of one: proto3 JSON writes 64-bit
    integers as strings.
    """
    try:
        whole = None if value is None else int(value)
    except ValueError:
        return None
    return whole if whole is not None and -INT64_MAX <= whole <= INT64_MAX else None
