"""Shapes of OpenLABEL 1.0, and what is said of them.

bbox     x, y of the center, width, height
rbbox    the same, and an angle in radians, from x to y: clockwise on the screen
poly2d   x, y, x, y, … as the schema has them, or pairs, as vcd writes them
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from syncer.formats.faults import BadLabel, NoPlace
from syncer.formats.geometry import pair_up, rotate_box
from syncer.formats.labels import JSON, Box, Points, Polygon, Shape

__all__ = ["PLACED", "Attributes", "is_curve", "list_shapes", "name_stream", "read_shape"]

PLACED = ("bbox", "rbbox", "poly2d", "point2d")
"""Kinds of shapes that an image can have."""

ATTRIBUTES = ("text", "num", "boolean", "vec")
ABSOLUTE = "MODE_POLY2D_ABSOLUTE"
CURVES = ("interpolation_method", "interpolation-method")
STRAIGHT = "polyline"
OWN_KEYS = {"name", "val", "attributes", "coordinate_system", "closed", "mode"}


def list_shapes(data: object) -> Iterator[tuple[str, int, object]]:
    """Yield what an object's data holds beside attributes: its kind, its place in the
    list, and the value itself.
    """
    if not isinstance(data, dict):
        return
    for kind, values in data.items():
        if kind not in ATTRIBUTES and values is not None:
            for number, value in enumerate(values if isinstance(values, list) else [values]):
                yield kind, number, value


def name_stream(value: object) -> str:
    """Return the stream that a shape names itself, as those of Kognic do, else ""."""
    found = _find_attribute(value, "text", "stream")
    return found if isinstance(found, str) else ""


def read_shape(kind: str, value: object) -> Shape:
    """Return the shape. Raises BadLabel, NoPlace."""
    if kind not in PLACED:
        raise NoPlace(kind)
    if not isinstance(value, dict):
        raise BadLabel("not an object")
    match kind:
        case "bbox":
            return _read_box(_read_numbers(value, 4))
        case "rbbox":
            *box, angle = _read_numbers(value, 5)
            if not math.isfinite(angle):
                raise BadLabel("its angle is not a number")
            degrees = math.degrees(angle)
            return Polygon(rotate_box(_read_box(box), degrees), degrees)
        case "point2d":
            x, y = _read_numbers(value, 2)
            return Points(((x, y),))
        case _:
            return _read_polygon(value)


def is_curve(value: object) -> bool:
    """Whether the points of a polygon are those of a curve."""
    found = (_find_attribute(value, "text", name) for name in CURVES)
    return any(method not in (None, STRAIGHT) for method in found)


def _read_box(numbers: list[float]) -> Box:
    x, y, width, height = numbers
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _read_polygon(value: dict[str, Any]) -> Polygon:
    mode = value.get("mode")
    if mode not in (None, ABSOLUTE):
        raise BadLabel(f"its points are in {str(mode)[:40]}")
    if _find_attribute(value, "boolean", "is_hole") is True:
        raise NoPlace("hole")
    is_line = any(_find_attribute(value, "text", name) is not None for name in CURVES)
    if value.get("closed", not is_line) is not True:
        raise NoPlace("curve" if is_curve(value) else "open line")
    numbers = value.get("val")
    if isinstance(numbers, list) and numbers and isinstance(numbers[0], list):
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in numbers):
            raise BadLabel("its points are not pairs of numbers")
        numbers = [number for pair in numbers for number in pair]
    found = _check_numbers(numbers)
    if len(found) % 2:
        raise BadLabel("its points are not pairs of numbers")
    return Polygon(pair_up(found))


def _read_numbers(value: dict[str, Any], count: int) -> list[float]:
    numbers = _check_numbers(value.get("val"))
    if len(numbers) != count:
        raise BadLabel(f"it does not have {count} numbers")
    return numbers


def _check_numbers(values: object) -> list[float]:
    if not isinstance(values, list) or not all(_is_number(value) for value in values):
        raise BadLabel("its val is not a list of numbers")
    try:
        return [float(value) for value in values]
    except OverflowError:
        raise BadLabel("its val is not a list of numbers") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _find_attribute(value: object, kind: str, name: str) -> object:
    attributes = value.get("attributes") if isinstance(value, dict) else None
    for entry in _list_entries(attributes, kind):
        if isinstance(entry, dict) and entry.get("name") == name:
            found: object = entry.get("val")
            return found
    return None


@dataclass(slots=True)
class Attributes:
    """Attributes of a shape, of its object in its frame, and of its object as such.

    The nearest has the bare name; another value further away has its level before it.
    """

    values: dict[str, JSON] = field(default_factory=dict)
    lost: int = 0
    """The number of those whose value has no place."""

    def add(self, data: object, level: str) -> None:
        """Add the four lists of attributes."""
        for kind in ATTRIBUTES:
            for entry in _list_entries(data, kind):
                if isinstance(entry, dict):
                    self._add_entry(entry, kind, level)
                else:
                    self.lost += 1

    def add_of_shape(self, value: object) -> None:
        """Add those of a shape, and the keys that it has beside those of the schema."""
        if not isinstance(value, dict):
            return
        self.add(value.get("attributes"), "shape")
        for key, other in value.items():
            if key not in OWN_KEYS:
                self.put(key, other, "shape")

    def add_from(self, others: Attributes, level: str) -> None:
        """Add those that were read before."""
        self.lost += others.lost
        for name, value in others.values.items():
            self.put(name, value, level)

    def put(self, name: str, value: object, level: str) -> None:
        """Add one."""
        if value is None:
            return
        flat = _flatten(value)
        if flat is None:
            self.lost += 1
        elif name not in self.values:
            self.values[name] = flat
        elif self.values[name] != flat:
            self.lost += self.values.setdefault(f"{level}.{name}", flat) != flat

    def _add_entry(self, entry: Mapping[str, Any], kind: str, level: str) -> None:
        name = str(entry.get("name") or kind)
        more = {key: other for key, other in entry.items() if key not in OWN_KEYS}
        value = {"val": entry.get("val"), **more} if more else entry.get("val")
        self.put(name, value, level)
        nested = entry.get("attributes")
        for inner_kind in ATTRIBUTES:
            for each in _list_entries(nested, inner_kind):
                if isinstance(each, dict) and each.keys() <= {"name", "val"}:
                    self.put(f"{name}.{each.get('name')}", each.get("val"), level)
                else:
                    self.lost += 1


def _list_entries(attributes: object, kind: str) -> list[Any]:
    entries = attributes.get(kind) if isinstance(attributes, dict) else None
    return entries if isinstance(entries, list) else []


def _flatten(value: object) -> JSON:
    """Return the value where it is a number, a text, a truth, a list of these, or an
    object of them all; else None.
    """
    parts = value.values() if isinstance(value, dict) else (value,)
    for part in parts:
        if not all(map(_is_plain, part if isinstance(part, list) else (part,))):
            return None
    return cast(JSON, value)


def _is_plain(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | bool)
