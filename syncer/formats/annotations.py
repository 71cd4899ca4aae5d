"""Labels as lines of a change log: the one place that knows both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import cast

import orjson
from msgspec import Struct

from syncer.formats.concepts import Concepts
from syncer.formats.faults import ImportRefused
from syncer.formats.ids import AnnotationIds, name_part
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
from syncer.formats.regions import FAULTS, NOT_A_NUMBER, PlacedShape, WireObject, make_region

LINE_BYTES_MAX = 16 << 20
"""A longer line is a bad line of a change log."""
UNNAMED_IMAGE = "an image without a name"
UNKNOWN_SIZE = "the size of the image is not known"
_DEPTH_MAX = 50
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
        self._ids = AnnotationIds(format_name)
        self._listed: tuple[tuple[Concept, ...], list[WireObject] | str] = (), []

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
        concepts = self._list_concepts(label)
        if isinstance(concepts, str):
            return Skipped(label.place, label.own_id, concepts, is_fault=True)
        lost: list[str] = []
        found = _list_regions(label, placed, lost)
        if isinstance(found, str):
            return Skipped(
                label.place, label.own_id, found, found in FAULTS or found is UNKNOWN_SIZE
            )
        info = self._describe(label, placed)
        try:
            lines, number = self._write(label, placed, found, concepts, info)
        except (TypeError, ValueError):
            try:
                tidy = cast(dict[str, JSON], _tidy(info))
                named = cast(list[WireObject], _tidy(cast(JSON, concepts)))
                lines, number = self._write(label, placed, found, named, tidy)
            except (TypeError, ValueError):
                return Skipped(label.place, label.own_id, "not JSON", is_fault=True)
        if any(len(line) > LINE_BYTES_MAX for line in lines):
            return Skipped(label.place, label.own_id, "no place", kind="line of more than 16 MiB")
        for concept in concepts:
            self._concepts.count(str(concept["id"]), len(lines))
        clamped = sum(each.is_clamped for each in found)
        return Converted(lines, placed, clamped, lost, number > 0 and bool(label.own_id))

    def close(self) -> None:
        """Forget the ids."""
        self._ids.close()

    def _list_concepts(self, label: Label) -> list[WireObject] | str:
        """Return them as the wire has them; those of the label before are at hand."""
        if self._listed[0] is not label.concepts:
            self._listed = label.concepts, self._make_concepts(label)
        return self._listed[1]

    def _make_concepts(self, label: Label) -> list[WireObject] | str:
        listed: list[WireObject] = []
        for concept in label.concepts:
            id = self._concepts.identify(concept.name)
            if not id:
                return "a category without a name"
            if not math.isfinite(concept.value):
                return NOT_A_NUMBER
            listed.append({"id": id, "name": concept.name, "value": concept.value})
        return listed

    def _describe(self, label: Label, placed: PlacedPicture) -> dict[str, JSON]:
        """Return what the annotation knows beside its data."""
        info: dict[str, JSON] = {"format": self._format}
        if label.own_id:
            info["own_id"] = label.own_id
        classes: list[JSON] = [each.own_id for each in label.concepts if each.own_id]
        if classes:
            info["class_id"] = classes[0] if len(classes) == 1 else classes
        if label.picture.frame is not None:
            info["frame"] = label.picture.frame
        if label.picture.stream:
            info["stream"] = label.picture.stream
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
        width, height = _scale(label, placed)
        if not has_place and label.box is not None and width:
            region = make_region(label.box, width, height)
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
        label_id, number = self._ids.name_label(placed.input_id, label.own_id, content)
        lines = []
        for part, region in enumerate(regions or [None]):
            id = label_id if len(regions) < 2 else name_part(label_id, part)
            about = info if len(regions) < 2 else {**info, "parts_of": label_id, "part": part}
            data: WireObject = {"concepts": concepts}
            if region is not None:
                data = {"regions": [{"id": id, "region_info": region.info, "data": data}]}
            if self._video and label.picture.frame is not None:
                data = {"frames": [{"frame_info": _time(label), "data": data}]}
            annotation = {
                "id": id,
                "input_id": placed.input_id,
                "data": data,
                "annotation_info": about,
            }
            lines.append(orjson.dumps({"op": "post", "annotation": annotation}, None, _NEWLINE))
        return lines, number


def _write_content(
    regions: list[PlacedShape], concepts: list[WireObject], info: dict[str, JSON]
) -> bytes:
    """Return what a label without an own id is known by."""
    shapes = [{**each.info, "mask": each.runs} if each.runs else each.info for each in regions]
    return orjson.dumps((shapes, concepts, info))


def _list_regions(label: Label, placed: PlacedPicture, lost: list[str]) -> list[PlacedShape] | str:
    """Return the regions of a label, or why it has none, though it has shapes."""
    if not label.shapes:
        return []
    width, height = _scale(label, placed)
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
        if label.box is not None and _carries_box(shape):
            region = _add_box(region, label.box, width, height, lost)
        regions.append(region)
    if not regions and label.box is not None and width:
        box = make_region(label.box, width, height)
        if isinstance(box, PlacedShape):
            regions.append(box)
    return regions or reasons[0] if reasons else regions


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


def _scale(label: Label, placed: PlacedPicture) -> tuple[float, float]:
    """Return width and height of the image in the unit of the label; 0, if unknown."""
    if label.measure is Measure.SHARES:
        return 1.0, 1.0
    return float(placed.width or 0), float(placed.height or 0)


def _split(shapes: tuple[Shape, ...]) -> Iterator[Shape | Point]:
    for shape in shapes:
        if isinstance(shape, Points):
            yield from shape.points
        else:
            yield shape


def _carries_box(shape: Shape | Point) -> bool:
    """Whether a box beside this shape has a place in its region."""
    return isinstance(shape, Mask | Keypoints)


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


def _tidy(value: JSON, depth: int = 0) -> JSON:
    """Return what JSON on the wire can hold: half a character becomes `?`, a number of
    more than 64 bits text.

    Raises ValueError for what is nested too deeply.
    """
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deeply")
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {str(_tidy(str(key))): _tidy(each, depth + 1) for key, each in value.items()}
        case list() | tuple():
            return [_tidy(each, depth + 1) for each in value]
        case int() if not -(1 << 63) <= value < 1 << 63:
            return str(value)
    return value
