"""Labels as lines of a change log: the one place that knows both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import cast

import orjson
from msgspec import Struct

from syncer.formats.concepts import Concepts, CountedConcept
from syncer.formats.faults import ImportRefused
from syncer.formats.ids import AnnotationIds, name_part, read_number
from syncer.formats.images import Images, PlacedPicture
from syncer.formats.labels import (
    JSON,
    Box,
    Concept,
    Keypoints,
    Label,
    Mask,
    Measure,
    Point,
    Points,
    Polygon,
    Shape,
    Skipped,
    TextSpan,
)
from syncer.formats.regions import (
    FAULTS,
    NOT_A_NUMBER,
    PlacedShape,
    WireObject,
    make_plain_region,
    make_region,
)

LINE_BYTES_MAX = 16 << 20
"""A longer line is a bad line of a change log."""
UNNAMED_IMAGE = "an image without a name"
UNKNOWN_SIZE = "the size of the image is not known"
_DEPTH_MAX = 50
_NAMED_MAX = 10_000
_NEWLINE = orjson.OPT_APPEND_NEWLINE


class Converted(Struct, frozen=True):
    """A label as lines."""

    lines: list[bytes]
    """Each with its line ending."""
    picture: PlacedPicture
    clamped: int
    """How many of its shapes were partly beyond the image."""
    lost: list[str]
    """The kinds of what has no place."""
    is_repeated: bool
    """Whether another label of this input has the same own id."""


class NamedConcepts(Struct, frozen=True):
    """The concepts of labels, which many labels share."""

    concepts: list[WireObject]
    counted: list[CountedConcept]
    class_id: JSON = None
    """The format's own id; several, where there are several."""
    fault: str = ""


class Annotations:
    """The lines of one run, which share ids, inputs and concepts.

    `format_name` is part of the ids. Raises ImportRefused where two images
    come to one input, and where a frame of a video has no time.
    """

    def __init__(
        self, format_name: str, images: Images, concepts: Concepts, *, video: bool = False
    ) -> None:
        self._format = format_name
        self._images = images
        self._concepts = concepts
        self._video = video
        self.ids = AnnotationIds(format_name)
        self._named: dict[tuple[Concept, ...], NamedConcepts] = {}

    def write_plain(self, label: Label) -> bytes | None:
        """Return the line of a label as nearly all are, in a fraction of the time.

        It has one box or polygon, wholly on an image that was met, and an id that is
        new there. None for any other: `convert` says what it comes to, and nothing of
        it was kept here.
        """
        picture, own_id, shapes = label.picture, label.own_id, label.shapes
        placed = self._images.find(picture)
        named = self._named.get(label.concepts)
        if placed is None or named is None or not own_id or len(shapes) != 1:
            return None
        if picture.frame is not None or picture.stream:
            return None
        if label.measure is Measure.SHARES:
            width = height = 1.0
        else:
            width, height = float(placed.width or 0), float(placed.height or 0)
        try:
            region = make_plain_region(shapes[0], width, height)
            if region is None or not named.class_id:
                return None
            key = self.ids.make_key(placed.input_id.encode(), own_id.encode())
            info: dict[str, object] = {
                "format": self._format,
                "own_id": own_id,
                "class_id": named.class_id,
            }
            info.update(label.info)
            if label.box is not None and type(shapes[0]) is Polygon:
                beside = make_region(label.box, width, height)
                if isinstance(beside, PlacedShape):
                    info.update(beside.info)
            id = key.hex()
            data = {"id": id, "region_info": region, "data": {"concepts": named.concepts}}
            annotation = {
                "id": id,
                "input_id": placed.input_id,
                "data": {"regions": [data]},
                "annotation_info": info,
            }
            line = orjson.dumps({"op": "post", "annotation": annotation}, None, _NEWLINE)
        except (TypeError, ValueError, OverflowError):
            return None
        if b"null" in line or len(line) > LINE_BYTES_MAX:
            return None
        if not self.ids.claim(key, read_number(own_id)):
            return None
        for concept in named.counted:
            concept.count += 1
        return line

    def convert(self, label: Label) -> Converted | Skipped:
        """Return the lines of a label, or why there are none."""
        try:
            return self._convert(label)
        except OverflowError:
            return Skipped(label.place, label.own_id, NOT_A_NUMBER, is_fault=True)

    def _convert(self, label: Label) -> Converted | Skipped:
        placed = self._images.place(label.picture)
        if placed is None:
            return Skipped(label.place, label.own_id, UNNAMED_IMAGE, is_fault=True)
        named = self._named.get(label.concepts) or self._name_concepts(label.concepts)
        if named.fault:
            return Skipped(label.place, label.own_id, named.fault, is_fault=True)
        if label.measure is Measure.SHARES:
            size = 1.0, 1.0
        else:
            size = float(placed.width or 0), float(placed.height or 0)
        lost: list[str] = []
        found = _list_regions(label, size, lost)
        if isinstance(found, str):
            return Skipped(
                label.place, label.own_id, found, found in FAULTS or found is UNKNOWN_SIZE
            )
        info = self._describe(label, named, size)
        try:
            lines, number = self._write(label, placed, found, named.concepts, info)
        except (TypeError, ValueError):
            return Skipped(label.place, label.own_id, "not JSON", is_fault=True)
        if any(b"null" in line for line in lines):
            lost += [f"{name}: {NOT_A_NUMBER}" for name in _list_nulled(info)]
        if max(map(len, lines)) > LINE_BYTES_MAX:
            return Skipped(label.place, label.own_id, "no place", kind="line of more than 16 MiB")
        for concept in named.counted:
            concept.count += len(lines)
        clamped = [each for each in found if each.is_clamped]
        return Converted(lines, placed, len(clamped), lost, number > 0 and bool(label.own_id))

    def find_named(self, concepts: tuple[Concept, ...]) -> NamedConcepts | None:
        """Return concepts that a label had before."""
        return self._named.get(concepts)

    def close(self) -> None:
        """Forget the ids."""
        self.ids.close()

    def _name_concepts(self, concepts: tuple[Concept, ...]) -> NamedConcepts:
        """Return them as the wire has them, and keep that at hand."""
        if len(self._named) >= _NAMED_MAX:
            self._named.clear()
        named = self._named[concepts] = self._list_concepts(concepts)
        return named

    def _list_concepts(self, concepts: tuple[Concept, ...]) -> NamedConcepts:
        listed: list[WireObject] = []
        counted: list[CountedConcept] = []
        for concept in concepts:
            id = self._concepts.identify(concept.name)
            if not id:
                return NamedConcepts([], [], fault="a category without a name")
            if not math.isfinite(concept.value):
                return NamedConcepts([], [], fault=NOT_A_NUMBER)
            listed.append({"id": id, "name": concept.name, "value": concept.value})
            counted.append(self._concepts.find(id))
        classes: list[JSON] = [each.own_id for each in concepts if each.own_id]
        return NamedConcepts(listed, counted, classes[0] if len(classes) == 1 else classes)

    def _describe(
        self, label: Label, named: NamedConcepts, size: tuple[float, float]
    ) -> dict[str, JSON]:
        """Return what the annotation knows beside its data."""
        info: dict[str, JSON] = {"format": self._format}
        if label.own_id:
            info["own_id"] = label.own_id
        if named.class_id:
            info["class_id"] = named.class_id
        picture = label.picture
        if picture.frame is not None:
            info["frame"] = picture.frame
        if picture.stream:
            info["stream"] = picture.stream
        info.update(label.info)
        has_place = label.box is None
        for shape in label.shapes:
            if isinstance(shape, Polygon):
                if shape.angle_degrees is not None:
                    info["angle_degrees"] = shape.angle_degrees
            elif isinstance(shape, Keypoints):
                has_place = True
                if shape.names:
                    info["keypoint_names"] = list(shape.names)
            elif isinstance(shape, Mask | Box):
                has_place = True
        if not has_place and label.box is not None and size[0]:
            region = make_region(label.box, *size)
            if isinstance(region, PlacedShape):
                info.update(cast(Mapping[str, JSON], region.info))
        return info

    def _write(
        self,
        label: Label,
        placed: PlacedPicture,
        regions: list[PlacedShape],
        concepts: list[WireObject],
        info: dict[str, JSON],
    ) -> tuple[list[bytes], int]:
        """Return the lines, and how many labels were like this one before."""
        content = b"" if label.own_id else _write_content(regions, concepts, info)
        label_id, number = self.ids.name_label(placed.input_id, label.own_id, content)
        is_frame = self._video and label.picture.frame is not None
        lines = []
        for part, region in enumerate(regions or (None,)):
            id, about = label_id, info
            if len(regions) > 1:
                id = name_part(label_id, part)
                about = {**info, "parts_of": label_id, "part": part}
            data: WireObject = {"concepts": concepts}
            if region is not None:
                data = {"regions": [{"id": id, "region_info": region.info, "data": data}]}
            if is_frame:
                data = {"frames": [{"frame_info": _time(label), "data": data}]}
            line = {
                "op": "post",
                "annotation": {
                    "id": id,
                    "input_id": placed.input_id,
                    "data": data,
                    "annotation_info": about,
                },
            }
            lines.append(_write_json(line, _NEWLINE))
        return lines, number


def _write_content(
    regions: list[PlacedShape], concepts: list[WireObject], info: dict[str, JSON]
) -> bytes:
    """Return what a label without an own id is known by."""
    shapes = [{**each.info, "mask": each.runs} if each.runs else each.info for each in regions]
    return _write_json([shapes, concepts, info])


def _write_json(value: object, option: int | None = None) -> bytes:
    """Raises TypeError, ValueError for what no JSON can hold."""
    try:
        return orjson.dumps(value, None, option)
    except (TypeError, ValueError):
        return orjson.dumps(_tidy(cast(JSON, value)), None, option)


def _list_regions(
    label: Label, size: tuple[float, float], lost: list[str]
) -> list[PlacedShape] | str:
    """Return the regions of a label, or why it has none, though it has shapes."""
    width, height = size
    box = label.box
    regions: list[PlacedShape] = []
    reasons: list[str] = []
    for shape in _split(label.shapes):
        if not width and not isinstance(shape, Mask | TextSpan):
            reasons.append(UNKNOWN_SIZE)
            continue
        region = make_region(shape, width, height)
        if isinstance(region, str):
            reasons.append(region)
            lost.append(f"{_name_shape(shape)}: {region}")
            continue
        if box is not None and isinstance(shape, Mask | Keypoints):
            region = _add_box(region, box, width, height, lost)
        regions.append(region)
    if not regions and reasons and box is not None and width:
        beside = make_region(box, width, height)
        if isinstance(beside, PlacedShape):
            return [beside]
    return reasons[0] if reasons and not regions else regions


def _add_box(
    region: PlacedShape, box: Box, width: float, height: float, lost: list[str]
) -> PlacedShape:
    if not width:
        lost.append(f"box: {UNKNOWN_SIZE}")
        return region
    beside = make_region(box, width, height)
    if isinstance(beside, str):
        lost.append(f"box: {beside}")
        return region
    is_clamped = region.is_clamped or beside.is_clamped
    return PlacedShape({**beside.info, **region.info}, is_clamped, region.runs)


def _split(shapes: tuple[Shape, ...]) -> Iterable[Shape | Point]:
    """Return the shapes, and each of several points by itself."""
    if Points not in map(type, shapes):
        return shapes
    split = (shape.points if isinstance(shape, Points) else (shape,) for shape in shapes)
    return chain.from_iterable(split)


def _name_shape(shape: Shape | Point) -> str:
    return "point" if isinstance(shape, tuple) else type(shape).__name__.lower()


def _time(label: Label) -> WireObject:
    picture = label.picture
    if not picture.fps or not math.isfinite(picture.fps) or picture.fps < 0:
        raise ImportRefused(
            "no-frame-rate",
            f"--video needs the frames per second of {picture.path}, which the labels do not say:"
            " leave --video out, and each frame is an input",
        )
    number = picture.frame or 0
    return {"number": number, "time": round(number * 1000 / picture.fps)}


def _list_nulled(info: Mapping[str, JSON]) -> list[str]:
    """Return the names of what JSON has no number for, and is written as null."""
    return [name for name, value in info.items() if _holds_no_number(value)]


def _holds_no_number(value: JSON) -> bool:
    match value:
        case float():
            return not math.isfinite(value)
        case dict():
            return any(map(_holds_no_number, value.values()))
        case list() | tuple():
            return any(map(_holds_no_number, value))
        case _:
            return False


def _tidy(value: JSON, depth: int = 0) -> JSON:
    """Return what JSON on the wire can hold: half a character becomes its code, a
    number of more than 64 bits text.

    Raises ValueError for what is nested too deeply.
    """
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deeply")
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {str(_tidy(str(key))): _tidy(each, depth + 1) for key, each in value.items()}
        case list() | tuple():
            return [_tidy(each, depth + 1) for each in value]
        case int() if not -(1 << 63) <= value < 1 << 63:
            return str(value)
    return value
