"""Points and boxes: plain geometry, y growing downwards."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from syncer.formats.labels import Box, Point


def is_finite(numbers: Iterable[float]) -> bool:
    """Whether all of them are numbers, and none is infinite."""
    return all(map(math.isfinite, numbers))


def list_corners(box: Box) -> tuple[Point, ...]:
    """Return the four corners, clockwise from the upper left one."""
    return (
        (box.left, box.top),
        (box.right, box.top),
        (box.right, box.bottom),
        (box.left, box.bottom),
    )


def rotate(points: Iterable[Point], center: Point, degrees: float) -> tuple[Point, ...]:
    """Turn points about the center, clockwise as it is seen on the screen.

    Only right in pixels: shares of a width and of a height are of different lengths.
    """
    turn = math.radians(degrees)
    sine, cosine = math.sin(turn), math.cos(turn)
    x, y = center
    return tuple(
        (
            x + (left - x) * cosine - (top - y) * sine,
            y + (left - x) * sine + (top - y) * cosine,
        )
        for left, top in points
    )


def rotate_box(box: Box, degrees: float) -> tuple[Point, ...]:
    """Return the corners of a box that is turned about its center."""
    center = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    return rotate(list_corners(box), center, degrees)


def measure_area(points: Sequence[Point]) -> float:
    """Return the area within a closed ring, never negative."""
    doubled = 0.0
    before_x, before_y = points[-1] if points else (0.0, 0.0)
    for x, y in points:
        doubled += before_x * y - x * before_y
        before_x, before_y = x, y
    return abs(doubled) / 2


def enclose(points: Iterable[Point]) -> Box:
    """Return the smallest box that holds all of these points, of which there is one or
    more.
    """
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def pair_up(numbers: Sequence[float]) -> tuple[Point, ...]:
    """Return x, y, x, y… as points; an odd number at the end is left out."""
    each = iter(numbers)
    return tuple(zip(each, each, strict=False))


def clamp_point(point: Point, width: float, height: float) -> Point:
    """Return the point, or the nearest one on the image."""
    return min(max(point[0], 0.0), width), min(max(point[1], 0.0), height)


def clamp_box(box: Box, width: float, height: float) -> Box:
    """Return the part of the box that is on the image: of no area where nothing is."""
    left, top = clamp_point((box.left, box.top), width, height)
    right, bottom = clamp_point((box.right, box.bottom), width, height)
    return Box(left, top, right, bottom)


def scale(points: Iterable[Point], width: float, height: float) -> tuple[Point, ...]:
    """Return points in pixels as shares of the image."""
    return tuple((x / width, y / height) for x, y in points)


def open_ring(points: Sequence[Point]) -> tuple[Point, ...]:
    """Return the points of a ring without its first one again at the end."""
    if len(points) > 1 and points[0] == points[-1]:
        return tuple(points[:-1])
    return tuple(points)
