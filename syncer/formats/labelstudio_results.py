"""The results that annotators left on a task, as labels.

A region has a result for each control tag that says something about it, all of one id:
its class, and choices, ratings or texts. These become one label.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from syncer.formats.brush import unpack_brush
from syncer.formats.faults import BadLabel, NoPlace
from syncer.formats.geometry import list_corners, rotate
from syncer.formats.labels import (
    JSON,
    Box,
    Concept,
    Item,
    Label,
    Lost,
    Mask,
    Measure,
    Picture,
    Point,
    Points,
    Polygon,
    Shape,
    Skipped,
    TextSpan,
)
from syncer.formats.labelstudio_tasks import Object, find_path
from syncer.formats.runs import PIXELS_MAX, turn_rows

__all__ = ["ResultGroup", "group_results"]

GEOMETRY = (
    *("x", "y", "width", "height", "rotation", "radiusX", "radiusY", "points", "vertices"),
    *("rle", "imageDataURL", "sequence", "ranges", "start", "end", "startOffset", "endOffset"),
)
"""The keys of a value that say where it is."""
DRAWN = {"rectangle", "polygon", "keypoint", "ellipse", "brush", "bitmask", "vector"} | {
    "videorectangle"
}
INFO_DEPTH_MAX = 8


@dataclass(slots=True)
class ResultGroup:
    """The results of one id in one annotation."""

    place: str
    own_id: str
    results: list[Object] = field(default_factory=list)

    def convert(self, data: Object, task_path: str, info: dict[str, JSON]) -> Iterator[Item]:
        """Yield the label, or why there is none.

        `task_path` is the path where the task shows no file; `info` holds what is known
        of the annotation as a whole.
        """
        try:
            yield from self._convert(data, task_path, info)
        except BadLabel as error:
            yield Skipped(self.place, self.own_id, str(error), is_fault=True)
        except NoPlace as error:
            yield Skipped(self.place, self.own_id, "no place", kind=str(error))

    def _convert(self, data: Object, task_path: str, info: dict[str, JSON]) -> Iterator[Item]:
        main = min(self.results, key=_rank)
        width, height = (_read_size(main, key) for key in ("original_width", "original_height"))
        item = main.get("item_index")
        item = item if type(item) is int else 0
        is_picture = width is not None or "sequence" in main["value"]
        path = find_path(data, _read_text(main, "to_name"), item, is_picture)
        picture = Picture(path or task_path, width, height)
        concepts, attributes = self._read_values()
        info = {**info, **_read_info(main)}
        if attributes:
            info["attributes"] = attributes
        label = Label(
            picture, concepts, (), Measure.SHARES, self.place, own_id=self.own_id, info=info
        )
        if not _has_geometry(main):
            if not concepts:
                raise NoPlace(_read_kind(main))
            yield label
        elif isinstance(main["value"].get("sequence"), list):
            yield from _convert_sequence(label, main["value"])
        else:
            yield replace(label, shapes=(_read_shape(main, picture),))

    def _read_values(self) -> tuple[tuple[Concept, ...], dict[str, JSON]]:
        """Return the classes, and what else is said, by control tag."""
        names: list[str] = []
        attributes: dict[str, JSON] = {}
        is_region = any(map(_has_geometry, self.results))
        for result in sorted(self.results, key=_is_of_choices):
            value, kind = result["value"], _read_kind(result)
            if kind.endswith("labels") or kind == "videorectangle":
                names += _read_names(value.get(kind, value.get("labels")))
            elif kind in ("choices", "taxonomy") and not (is_region and names):
                names += _read_names(value.get(kind))
            elif is_region or len(self.results) > 1:
                key = "text" if kind == "textarea" else kind
                if key in value:
                    attributes[_read_text(result, "from_name") or kind] = _copy(value[key])
        if is_region and not names:
            names = [
                name for each in self.results for name in _read_names(each["value"].get("labels"))
            ]
        return tuple(Concept(name) for name in dict.fromkeys(names)), attributes


def group_results(results: Iterable[Any], place: str, of: str) -> Iterator[ResultGroup | Item]:
    """Yield the regions of a list of results, and what is lost of it.

    `of` is the id of the annotation; with that of a result it is the id of a label.
    """
    regions = _Regions()
    for index, result in enumerate(results):
        here = f"{place}[{index}]"
        own = result.get("id") if isinstance(result, dict) else None
        own_id = f"{of}/{own}".lstrip("/") if isinstance(own, str | int) and own != "" else ""
        if not isinstance(result, dict):
            yield Skipped(here, "", "a result is not an object", is_fault=True)
        elif _read_kind(result) == "relation":
            yield Lost(here, own_id, "relation")
        elif not isinstance(result.get("value"), dict):
            yield Skipped(here, own_id, "a result has no value", is_fault=True)
        else:
            regions.add(result, ResultGroup(here, own_id))
    yield from regions.groups


class _Regions:
    """The regions of an annotation, and to which of them a result belongs.

    Results of one id say more about one region, if they are at its place: copies may
    keep an id. Without an id the place alone decides, and a control tag that has said
    already what it had to say there begins another region.
    """

    def __init__(self) -> None:
        self.groups: list[ResultGroup] = []
        self._placed: dict[object, ResultGroup] = {}
        self._unplaced: dict[str, ResultGroup] = {}  # by id, without a place so far
        self._first: dict[str, ResultGroup] = {}  # by id
        self._said: Counter[tuple[str, str]] = Counter()  # by place and control tag

    def add(self, result: Object, fresh: ResultGroup) -> None:
        """Put a result to its region, which is `fresh` where it is the first of one."""
        group = self._find(result, fresh)
        if group is fresh:
            self.groups.append(fresh)
        group.results.append(result)

    def _find(self, result: Object, fresh: ResultGroup) -> ResultGroup:
        own_id = fresh.own_id
        place = repr([result["value"].get(key) for key in GEOMETRY])
        if not _has_geometry(result):
            if not own_id:
                return fresh
            if own_id not in self._first:
                self._unplaced[own_id] = fresh
            return self._first.setdefault(own_id, fresh)
        if not own_id:
            tag = _read_text(result, "from_name")
            self._said[place, tag] += 1
            return self._placed.setdefault((place, self._said[place, tag]), fresh)
        begun = self._unplaced.pop(own_id, fresh)
        self._first.setdefault(own_id, begun)
        return self._placed.setdefault((own_id, place), begun)


def _has_geometry(result: Object) -> bool:
    return any(key in result["value"] for key in GEOMETRY)


def _rank(result: Object) -> int:
    """Return 0 for results that draw the region, 1 for those at its place, else 2."""
    if not _has_geometry(result):
        return 2
    kind = _read_kind(result)
    is_drawn = kind.endswith("labels") and kind != "labels"
    return 0 if is_drawn or kind in DRAWN else 1


def _is_of_choices(result: Object) -> bool:
    return _read_kind(result) in ("choices", "taxonomy")


def _read_kind(result: Object) -> str:
    return _read_text(result, "type").lower() or "result without a type"


def _read_text(values: Object, key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _read_size(result: Object, key: str) -> int | None:
    size = result.get(key)
    if isinstance(size, int | float) and not isinstance(size, bool) and 1 <= size < 1 << 31:
        return int(size)
    return None


def _read_names(values: Any) -> list[str]:
    """Return the names of a list; those of a taxonomy are paths."""
    names = []
    for value in values if isinstance(values, list) else [values]:
        parts = value if isinstance(value, list) else [value]
        if parts and all(isinstance(part, str) and part for part in parts):
            names.append("/".join(parts))
    return names


def _read_info(result: Object) -> dict[str, JSON]:
    info: dict[str, JSON] = {}
    if origin := _read_text(result, "origin"):
        info["source"] = origin
    if isinstance(score := result.get("score"), int | float):
        info["confidence"] = score
    if parent := _read_text(result, "parentID"):
        info["parent"] = parent
    if turned := result.get("image_rotation"):
        info["image_rotation"] = _copy(turned)  # of the view: shapes are of the image as it is
    if meta := result.get("meta"):
        info["meta"] = _copy(meta)
    return info


def _copy(value: Any, depth: int = 0) -> JSON:
    """Return a value from the file, without what is nested too deep to be written."""
    if depth > INFO_DEPTH_MAX:
        return None
    if isinstance(value, dict):
        return {str(key): _copy(member, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_copy(member, depth + 1) for member in value]
    if isinstance(value, int) and value.bit_length() > 63:  # more than JSON's writers take
        return str(value)
    return value if isinstance(value, bool | int | float | str) else None


def _read_shape(result: Object, picture: Picture) -> Shape:
    value, kind = result["value"], _read_kind(result)
    match value:
        case {"rle": rle}:
            return _read_brush(rle, picture)
        case {"imageDataURL": _}:
            raise NoPlace("bitmask")
        case {"points": list(points)}:
            if value.get("closed") is False:
                raise NoPlace("open line")
            return Polygon(tuple(map(_read_pair, points)))
        case {"points": _} | {"sequence": _}:
            raise BadLabel("a point is not a pair of numbers")
        case {"vertices": _}:
            raise NoPlace("vector")
        case {"radiusX": _} | {"radiusY": _}:
            raise NoPlace("ellipse")
        case {"ranges": _}:
            raise NoPlace("span of time")
        case {"x": x, "y": y} if _is_point(kind, value):
            return Points((_read_pair([x, y]),))
        case {"x": _}:
            return _read_rectangle(value, picture)
        case _:
            return _read_span(value)


def _is_point(kind: str, value: Object) -> bool:
    return kind.startswith("keypoint") or not (kind.startswith("rectangle") or "height" in value)


def _read_brush(rle: Any, picture: Picture) -> Mask:
    if picture.width is None or picture.height is None:
        raise BadLabel("a brush needs the size of its image")
    if picture.width * picture.height > PIXELS_MAX:
        raise BadLabel("a mask has too many pixels")
    try:
        packed = bytes(rle if isinstance(rle, list) else ())
    except (TypeError, ValueError):
        raise BadLabel("a brush is not a list of bytes") from None
    rows = unpack_brush(packed, picture.width * picture.height)
    box = 0, 0, picture.width, picture.height
    try:
        return Mask(picture.width, picture.height, turn_rows(rows, box, *box[2:]))
    except ValueError as error:
        raise BadLabel(f"a mask has {error}") from None


def _read_rectangle(value: Object, picture: Picture) -> Box | Polygon:
    x, y, width, height = (_read_number(value.get(key)) for key in ("x", "y", "width", "height"))
    box = Box(x / 100, y / 100, (x + width) / 100, (y + height) / 100)
    angle = _read_number(value.get("rotation") or 0)
    if angle % 360 == 0:
        return box
    if not math.isfinite(angle):
        raise BadLabel("a rotation is not a number")
    if picture.width is None or picture.height is None:
        raise BadLabel("a rotated box needs the size of its image")
    # It turns about its own upper left corner, and on the image: percents of a width
    # and of a height are not of one length.
    size = float(picture.width), float(picture.height)
    corners = [(left * size[0], top * size[1]) for left, top in list_corners(box)]
    turned = rotate(corners, corners[0], angle)
    return Polygon(tuple((left / size[0], top / size[1]) for left, top in turned), angle)


def _read_span(value: Object) -> TextSpan:
    offsets = value.get("globalOffsets")
    start, end = (
        (offsets if isinstance(offsets, dict) else value).get(key) for key in ("start", "end")
    )
    if "channel" in value or isinstance(start, float) or isinstance(end, float):
        raise NoPlace("span of time")
    if type(start) is not int or type(end) is not int:
        raise NoPlace("span of a document's parts")
    return TextSpan(start, end, _read_text(value, "text"))


def _convert_sequence(label: Label, value: Object) -> Iterator[Item]:
    """Yield a label for each keyframe of a region in a video."""
    frames = [frame for frame in value["sequence"] if isinstance(frame, dict)]
    seconds, count = value.get("duration"), value.get("framesCount")
    fps = None
    if isinstance(seconds, int | float) and isinstance(count, int | float) and seconds > 0:
        with suppress(OverflowError):
            fps = count / seconds
    for at, frame in enumerate(frames):
        place = f"{label.place}.sequence[{at}]"
        number = frame.get("frame")
        own_id = f"{label.own_id}@{number}" if label.own_id else ""
        if type(number) is not int or number < 0:
            yield Skipped(place, label.own_id, "a frame has no number", is_fault=True)
            continue
        picture = replace(label.picture, frame=number, fps=fps)
        info = {**label.info, "track_id": label.own_id.rpartition("/")[2], "keyframe": True}
        try:
            shape = _read_rectangle(frame, picture)
        except BadLabel as error:
            yield Skipped(place, own_id, str(error), is_fault=True)
            continue
        yield replace(
            label, picture=picture, shapes=(shape,), place=place, own_id=own_id, info=info
        )
        after = frames[at + 1].get("frame") if at + 1 < len(frames) else count
        is_shown = frame.get("enabled") is not False
        if is_shown and isinstance(after, int | float) and after > number + (at + 1 < len(frames)):
            yield Lost(place, own_id, "frames between keyframes")


def _read_pair(pair: Any) -> Point:
    if not isinstance(pair, list) or len(pair) != 2:
        raise BadLabel("a point is not a pair of numbers")
    return _read_number(pair[0]) / 100, _read_number(pair[1]) / 100


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadLabel("a coordinate is not a number")
    try:
        return float(value)
    except OverflowError:
        raise BadLabel("a coordinate is not a number") from None
