"""Shapes as regions of the wire: shares of the image, clamped to it."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from itertools import repeat
from operator import truediv
from typing import TypeAlias, assert_never

from msgspec import Struct

from syncer.formats import runs
from syncer.formats.labels import Box, Keypoints, Mask, Point, Points, Polygon, Shape, TextSpan
from syncer.formats.png import write_png

NO_AREA = "no area"
OUTSIDE = "outside the image"
WRONG_ORDER = "corners in the wrong order"
NOT_A_NUMBER = "not a number"
FEW_POINTS = "fewer than three points"
NO_POINT = "no point"
NO_CHARACTERS = "no characters"
OTHER_SIZE = "a mask that does not fill its size"
FAULTS = frozenset((NOT_A_NUMBER, OTHER_SIZE))
"""Reasons for which the file is to blame."""
_ROUNDING = 1e-9
"""A share that is beyond the image by less was rounded, not drawn there."""
_AREA_MIN = 1e-12
_FLOAT32_NEAR = 1e-6
_VISIBILITIES = ("NOT_PRESENT", "NOT_VISIBLE", "VISIBLE")
_FLOAT32 = struct.Struct("<ff")
_BOX = ("top_row", "left_col", "bottom_row", "right_col")

WireObject: TypeAlias = dict[str, object]


class PlacedShape(Struct, frozen=True):
    """A `region_info`."""

    info: WireObject
    is_clamped: bool
    runs: tuple[int, ...] = ()
    """Of a mask: ids are made of them, for its PNG depends on what packs it."""


def make_region(shape: Shape | Point, width: float, height: float) -> PlacedShape | str:
    """Return a shape as a region, or why it cannot be one.

    `width` and `height` are those of the image in the unit of the shape: 1 for shares.
    """
    match shape:
        case Box():
            return _make_box(shape, width, height)
        case Polygon():
            return _make_polygon(shape.points, width, height)
        case Points():
            raise TypeError("points are given one by one")
        case Mask():
            return _make_mask(shape)
        case Keypoints():
            return _make_keypoints(shape, width, height)
        case TextSpan():
            span = {"char_start": shape.start, "char_end": shape.end, "raw_text": shape.text}
            return PlacedShape({"span": span}, False) if shape.start < shape.end else NO_CHARACTERS
        case (x, y):
            return _make_point(x, y, width, height)
    assert_never(shape)


def make_plain_region(shape: Shape | Point, width: float, height: float) -> WireObject | None:
    """Return a box or a polygon as a region, if it lies on the image without doubt."""
    if not (width and height):
        return None
    if type(shape) is Box:
        shares = find_shares(shape.left, shape.top, shape.right, shape.bottom, width, height)
        return None if shares is None else {"bounding_box": dict(zip(_BOX, shares, strict=True))}
    if type(shape) is Polygon and shape.angle_degrees is None:
        placed = _make_polygon(shape.points, width, height)
        if isinstance(placed, PlacedShape) and not placed.is_clamped:
            return placed.info
    return None


def find_shares(
    left: float, top: float, right: float, bottom: float, width: float, height: float
) -> tuple[float, float, float, float] | None:
    """Return top, left, bottom and right of a box in shares of its image, if it lies on
    that without doubt.
    """
    left, right, top, bottom = left / width, right / width, top / height, bottom / height
    if not (
        0.0 <= left
        and left + _FLOAT32_NEAR < right <= 1.0
        and 0.0 <= top
        and top + _FLOAT32_NEAR < bottom <= 1.0
    ):
        return None
    return top, left, bottom, right


def is_corner(xs: Sequence[float], ys: Sequence[float]) -> bool:
    """Whether the first three points are not on one line."""
    x, y = xs[0], ys[0]
    area = (xs[1] - x) * (ys[2] - y) - (xs[2] - x) * (ys[1] - y)
    return area > _AREA_MIN or area < -_AREA_MIN


def _clamp(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _is_beyond(lowest: float, highest: float) -> bool:
    return lowest < -_ROUNDING or highest > 1 + _ROUNDING


def _is_outside(lowest: float, highest: float) -> bool:
    """Whether nothing of it is on the image."""
    return highest <= 0.0 or lowest >= 1.0


def _make_box(box: Box, width: float, height: float) -> PlacedShape | str:
    left, right = box.left / width, box.right / width
    top, bottom = box.top / height, box.bottom / height
    clamped = False
    if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
        if not all(map(math.isfinite, (left, top, right, bottom))):
            return NOT_A_NUMBER
        if left > right or top > bottom:
            return WRONG_ORDER
        if left == right or top == bottom:
            return NO_AREA
        if _is_outside(left, right) or _is_outside(top, bottom):
            return OUTSIDE
        clamped = _is_beyond(left, right) or _is_beyond(top, bottom)
        left, top, right, bottom = map(_clamp, (left, top, right, bottom))
    is_large = right - left > _FLOAT32_NEAR and bottom - top > _FLOAT32_NEAR
    if not is_large and not (_has_length(left, right) and _has_length(top, bottom)):
        return NO_AREA
    shares = top, left, bottom, right
    return PlacedShape({"bounding_box": dict(zip(_BOX, shares, strict=True))}, clamped)


def _has_length(low: float, high: float) -> bool:
    """Whether there is something between them as the wire has them, in 32 bits."""
    if high - low > _FLOAT32_NEAR:
        return True
    lower, higher = _FLOAT32.unpack(_FLOAT32.pack(low, high))
    return bool(lower < higher)


def _make_polygon(points: Sequence[Point], width: float, height: float) -> PlacedShape | str:
    """Return it. Loops over its points are C's: most of the time goes here."""
    if len(points) < 3:
        return FEW_POINTS
    across, down = zip(*points, strict=True)
    if _is_within(across, width) and _is_within(down, height):
        if is_corner([x / width for x in across[:3]], [y / height for y in down[:3]]):
            corners = [{"row": y / height, "col": x / width} for x, y in points]
            return PlacedShape({"polygon": {"points": corners}}, False)
    xs, ys = list(map(truediv, across, repeat(width))), list(map(truediv, down, repeat(height)))
    if not math.isfinite(sum(xs) + sum(ys)):
        return NOT_A_NUMBER
    if _is_line(xs, ys):
        return NO_AREA
    if _is_outside(min(xs), max(xs)) or _is_outside(min(ys), max(ys)):
        return OUTSIDE
    xs, ys, clamped = _clamp_all(xs, ys)
    if clamped and _is_line(xs, ys):
        return NO_AREA
    corners = [{"row": y, "col": x} for x, y in zip(xs, ys)]  # noqa: B905 - of one length
    return PlacedShape({"polygon": {"points": corners}}, clamped)


def _is_within(places: Sequence[float], length: float) -> bool:
    """Whether all are numbers, and on the image."""
    return min(places) >= 0.0 and max(places) <= length and math.isfinite(sum(places))


def _clamp_all(xs: list[float], ys: list[float]) -> tuple[list[float], list[float], bool]:
    """Return the places within the image, and whether some were beyond it by more than
    a rounding.
    """
    ends = min(xs), max(xs), min(ys), max(ys)
    if ends[0] >= 0.0 and ends[1] <= 1.0 and ends[2] >= 0.0 and ends[3] <= 1.0:
        return xs, ys, False
    clamped = _is_beyond(ends[0], ends[1]) or _is_beyond(ends[2], ends[3])
    return list(map(_clamp, xs)), list(map(_clamp, ys)), clamped


def _is_line(xs: Sequence[float], ys: Sequence[float]) -> bool:
    """Whether all points are on one line, or on one place.

    A figure whose halves are of opposite direction has an area, though they cancel out
    each other in a sum.
    """
    if is_corner(xs, ys):
        return False
    x, y = xs[0], ys[0]
    far_x = far_y = 0.0
    for next_x, next_y in zip(xs, ys, strict=True):
        along, down = next_x - x, next_y - y
        if abs(far_x * down - far_y * along) > _AREA_MIN:
            return False
        if abs(along) + abs(down) > abs(far_x) + abs(far_y):
            far_x, far_y = along, down
    return True


def _make_point(x: float, y: float, width: float, height: float) -> PlacedShape | str:
    col, row = x / width, y / height
    if not (math.isfinite(col) and math.isfinite(row)):
        return NOT_A_NUMBER
    clamped = _is_beyond(col, col) or _is_beyond(row, row)
    return PlacedShape({"point": {"row": _clamp(row), "col": _clamp(col)}}, clamped)


def _make_keypoints(shape: Keypoints, width: float, height: float) -> PlacedShape | str:
    if not any(shape.visibilities):
        return NO_POINT
    seen = [visibility in (1, 2) for visibility in shape.visibilities]
    cols = [x / width if here else 0.0 for (x, _), here in zip(shape.points, seen, strict=True)]
    rows = [y / height if here else 0.0 for (_, y), here in zip(shape.points, seen, strict=True)]
    if not math.isfinite(sum(cols) + sum(rows)):
        return NOT_A_NUMBER
    cols, rows, clamped = _clamp_all(cols, rows)
    places = [
        {"row": row, "col": col, "visibility": _VISIBILITIES[visibility]}
        for row, col, visibility in zip(rows, cols, shape.visibilities, strict=True)
    ]
    return PlacedShape({"keypoint_locations": places}, clamped)


def _make_mask(mask: Mask) -> PlacedShape | str:
    size = mask.width * mask.height
    if mask.width <= 0 or mask.height <= 0 or sum(mask.runs) != size or min(mask.runs) < 0:
        return OTHER_SIZE
    if size > runs.PIXELS_MAX:
        return "a mask of more than 100 million pixels"
    if not any(mask.runs[1::2]):
        return NO_AREA
    encoded = base64.b64encode(write_png(mask)).decode()
    return PlacedShape({"mask": {"image": {"base64": encoded}}}, False, mask.runs)
