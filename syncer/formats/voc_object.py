"""An object of a VOC file, and its parts, as labels."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from syncer.formats.faults import BadLabel
from syncer.formats.geometry import open_ring, rotate_box
from syncer.formats.labels import (
    JSON,
    Box,
    Concept,
    Item,
    Label,
    Lost,
    Omitted,
    Picture,
    Point,
    Points,
    Polygon,
    Shape,
    Skipped,
)
from syncer.formats.numbers import NotANumber, parse_number

__all__ = ["read_object", "text_of"]

SHAPES = {"bndbox", "polygon", "robndbox", "point"}
FLAGS = {"difficult", "truncated", "occluded"}
OF_LABELS = {"name", "part", "deleted", "id", *SHAPES}
NOT_SAID = {"", "unspecified"}
ON = {"1", "true", "yes"}
OFF = {"0", "false", "no"}
COORDINATE = re.compile(r"([xy])(\d{1,7})", re.ASCII)
CORNERS = ("left_top", "right_top", "right_bottom", "left_bottom")
TURN_MAX = 2 * math.pi


def text_of(element: Element | None) -> str:
    """Return the text of an element, without spaces around it; "" where it is None."""
    return (element.text or "").strip() if element is not None else ""


def read_object(element: Element, picture: Picture, number: int, origin: int) -> Iterator[Item]:
    """Yield an object, then each of its parts as a label of its own.

    An object and its parts have the same `group`.
    """
    place = f"object {number}"
    parts = element.findall("part")
    group: dict[str, JSON] = {"group": _digest(element)} if parts else {}
    yield from _read_label(element, picture, place, origin, group)
    for count, part in enumerate(parts, 1):
        info = {**group, "part_of": text_of(element.find("name"))}
        yield from _read_label(part, picture, f"{place}, part {count}", origin, info)


def _read_label(
    element: Element, picture: Picture, place: str, origin: int, info: dict[str, JSON]
) -> Iterator[Item]:
    own_id = text_of(element.find("id"))
    if text_of(element.find("deleted")).lower() in ON:  # LabelMe keeps them in the file
        yield Omitted(place, own_id, "deleted")
        return
    try:
        name = text_of(element.find("name"))
        if not name:
            raise BadLabel("it has no name")
        box, shapes = _read_shapes(element, origin)
    except BadLabel as error:
        yield Skipped(place, own_id, str(error), is_fault=True)
        return
    except NotANumber:
        yield Skipped(place, own_id, "a coordinate is not a number", is_fault=True)
        return
    info = {**info}
    lost = [each.tag for each in element if each.tag not in OF_LABELS and not _note(each, info)]
    yield Label(picture, (Concept(name),), shapes, place=place, own_id=own_id, info=info, box=box)
    for tag in lost:
        yield Lost(place, own_id, tag)


def _read_shapes(element: Element, origin: int) -> tuple[Box | None, tuple[Shape, ...]]:
    """Return the box beside polygons, where there are both, and the shapes.

    Raises BadLabel and NotANumber.
    """
    boxes = [_read_box(each, origin) for each in element.findall("bndbox")]
    shapes: list[Shape] = [
        Polygon(open_ring(_read_polygon(each, origin))) for each in element.findall("polygon")
    ]
    shapes += [_read_rotated(each, origin) for each in element.findall("robndbox")]
    beside = boxes.pop(0) if shapes and boxes else None
    shapes += boxes
    shapes += [Points((_read_point(each, origin),)) for each in element.findall("point")]
    if not shapes:
        raise BadLabel("it has no bndbox")
    return beside, tuple(shapes)


def _number(element: Element, tag: str) -> float:
    found = element.find(tag)
    if found is None:
        raise BadLabel(f"its {element.tag} has no {tag}")
    return parse_number(text_of(found))


def _read_box(element: Element, origin: int) -> Box:
    left, top = _number(element, "xmin") - origin, _number(element, "ymin") - origin
    return Box(left, top, _number(element, "xmax"), _number(element, "ymax"))


def _read_point(element: Element, origin: int) -> Point:
    return _number(element, "x") - origin, _number(element, "y") - origin


def _read_polygon(element: Element, origin: int) -> tuple[Point, ...]:
    """Return the vertices: `<x1> <y1> <x2> …`, or a `<pt>` or `<point>` for each."""
    vertices = [each for each in element if each.tag in ("pt", "point")]
    if vertices:
        return tuple(_read_point(each, origin) for each in vertices)
    numbered: dict[int, dict[str, float]] = {}
    for each in element:
        if match := COORDINATE.fullmatch(each.tag):
            axis, number = match.groups()
            numbered.setdefault(int(number), {})[axis] = parse_number(text_of(each))
    if any(len(pair) != 2 for pair in numbered.values()):
        raise BadLabel("its polygon has an x without its y")
    return tuple((pair["x"] - origin, pair["y"] - origin) for _, pair in sorted(numbered.items()))


def _read_rotated(element: Element, origin: int) -> Polygon:
    """Return roLabelImg's box, turned clockwise by radians, or the four named corners
    of other tools.
    """
    if element.find("cx") is None:
        return Polygon(
            tuple(
                (_number(element, f"x_{name}") - origin, _number(element, f"y_{name}") - origin)
                for name in CORNERS
            )
        )
    x, y = _number(element, "cx") - origin, _number(element, "cy") - origin
    width, height = _number(element, "w") / 2, _number(element, "h") / 2
    angle = _number(element, "angle")
    if abs(angle) > TURN_MAX:
        raise BadLabel("its angle is not in radians")
    box = Box(x - width, y - height, x + width, y + height)
    return Polygon(rotate_box(box, math.degrees(angle)), math.degrees(angle))


def _note(child: Element, info: dict[str, JSON]) -> bool:
    """Keep what an object says besides; False where this has no place."""
    text = text_of(child)
    if child.tag in FLAGS:
        if (flag := _read_flag(text)) is not False:
            info[child.tag] = flag
    elif child.tag in ("trackid", "track_id"):
        info["track_id"] = text
    elif child.tag in ("confidence", "score"):
        info["confidence"] = _number_or_text(text)
    elif child.tag == "attributes" and len(child):
        info["attributes"] = {
            text_of(each.find("name")): text_of(each.find("value")) for each in child
        }
    elif child.tag == "actions":
        info["actions"] = {each.tag: _read_flag(text_of(each)) for each in child}
    elif len(child):
        return not any(text_of(each) for each in child.iter())  # empty: nothing is lost
    elif text.lower() not in NOT_SAID:
        info[child.tag] = text
    return True


def _read_flag(text: str) -> JSON:
    """Return whether it is set, or the number or text that is there instead."""
    word = text.lower()
    if word in ON:
        return True
    return False if word in OFF | NOT_SAID else _number_or_text(text)


def _number_or_text(text: str) -> JSON:
    try:
        number = parse_number(text)
    except NotANumber:
        return text
    return number if math.isfinite(number) else text


def _digest(element: Element) -> str:
    """Name an object by what it says, so that the name does not hang on its place."""
    texts = (f"{each.tag}={text_of(each)}" for each in element.iter())
    return hashlib.sha256("\n".join(texts).encode("utf-8", "backslashreplace")).hexdigest()[:16]
