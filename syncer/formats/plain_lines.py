"""Lines of boxes and polygons as structs, which C makes and writes: a fraction of the
time that dicts take. Their members are in the order of those that `annotations` writes.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Encoder

from syncer.formats.regions import find_shares, is_corner


class BoxShares(Struct, frozen=True, gc=False):
    """A box in shares of its image."""

    top_row: float
    left_col: float
    bottom_row: float
    right_col: float


class _PointShares(Struct, frozen=True, gc=False):
    row: float
    col: float


class _PolygonShares(Struct, frozen=True, gc=False):
    points: list[_PointShares]


class BoxRegion(Struct, frozen=True, gc=False):
    """A `region_info`."""

    bounding_box: BoxShares


class PolygonRegion(Struct, frozen=True, gc=False):
    """A `region_info`."""

    polygon: _PolygonShares


PlainRegion: TypeAlias = BoxRegion | PolygonRegion


class LineInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """All that an annotation knows beside its data."""

    format: Raw
    own_id: str
    class_id: Raw
    area: float | UnsetType = UNSET
    crowd: bool = False
    bounding_box: BoxShares | UnsetType = UNSET
    parts_of: str | UnsetType = UNSET
    part: int | UnsetType = UNSET


class _LineRegion(Struct, frozen=True, gc=False):
    id: str
    region_info: PlainRegion
    data: Raw


class _LineData(Struct, frozen=True, gc=False):
    regions: tuple[_LineRegion]


class _LineAnnotation(Struct, frozen=True, gc=False):
    id: str
    input_id: str
    data: _LineData
    annotation_info: LineInfo


class PlainLine(Struct, frozen=True, gc=False, tag_field="op", tag="post"):
    """A line that posts an annotation of one region."""

    annotation: _LineAnnotation


def make_line(id: str, input_id: str, region: PlainRegion, data: Raw, info: LineInfo) -> PlainLine:
    """Return the line of a label, or of one of its parts."""
    regions = (_LineRegion(id, region, data),)
    return PlainLine(_LineAnnotation(id, input_id, _LineData(regions), info))


def make_plain_box(
    left: float, top: float, right: float, bottom: float, width: float, height: float
) -> BoxShares | None:
    """Return a box, if it lies on the image without doubt."""
    shares = find_shares(left, top, right, bottom, width, height)
    return None if shares is None else BoxShares(*shares)


def make_plain_polygon(ring: list[float], width: float, height: float) -> PolygonRegion | None:
    """Return a polygon, x and y in turn, if it lies on the image without doubt.

    Its numbers are finite.
    """
    across, down = ring[::2], ring[1::2]
    if len(across) != len(down) or len(down) < 3:
        return None
    width, height = float(width), float(height)  # a third faster to divide by than integers
    if min(ring) < 0.0 or max(across) > width or max(down) > height:
        return None
    cols, rows = [x / width for x in across], [y / height for y in down]
    if not is_corner(cols, rows):
        return None
    return PolygonRegion(_PolygonShares(list(map(_PointShares, rows, cols))))


write_lines = Encoder().encode_lines
"""Of a number in 64 bits it writes what `annotations` does, up to 1e16."""
