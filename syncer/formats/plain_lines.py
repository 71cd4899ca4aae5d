"""Lines of boxes and polygons: structs, which C makes and writes. It takes a fraction
of the time that dicts take. The members are in the order of those that `annotations`
writes.
"""

from __future__ import annotations

import orjson
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Encoder
from msgspec.structs import replace

from syncer.formats.ids import name_part

_AREA_MIN = 1e-9
"""In shares of an image: a thousand times the least that `regions` takes for one."""
write_plain_lines = Encoder().encode_lines
"""Of a number in 64 bits it writes what `annotations` does, up to 1e16."""


class BoxShares(Struct, frozen=True, gc=False):
    """A box in shares of its image."""

    top_row: float
    left_col: float
    bottom_row: float
    right_col: float


class BoxRegion(Struct, frozen=True, gc=False):
    """A `region_info`."""

    bounding_box: BoxShares


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


class LineRegion(Struct, frozen=True, gc=False):
    """A region, and what it is: a JSON text."""

    id: str
    region_info: BoxRegion | Raw
    data: Raw


class LineData(Struct, frozen=True, gc=False):
    """The `data` of an annotation."""

    regions: list[LineRegion]


class LineAnnotation(Struct, frozen=True, gc=False):
    """An annotation."""

    id: str
    input_id: str
    data: LineData
    annotation_info: LineInfo


class PlainLine(Struct, frozen=True, gc=False, tag_field="op", tag="post"):
    """A line of a change log."""

    annotation: LineAnnotation


def make_plain_lines(
    id: str, input_id: str, regions: list[BoxRegion | Raw], data: Raw, info: LineInfo
) -> list[PlainLine]:
    """Return the lines of an annotation with this id, one for each of its regions."""
    if len(regions) == 1:
        return [_make_line(id, input_id, regions[0], data, info)]
    lines = []
    for part, region in enumerate(regions):
        its_info = replace(info, parts_of=id, part=part)
        lines.append(_make_line(name_part(id, part), input_id, region, data, its_info))
    return lines


def _make_line(
    id: str, input_id: str, region: BoxRegion | Raw, data: Raw, info: LineInfo
) -> PlainLine:
    regions = LineData([LineRegion(id, region, data)])
    return PlainLine(LineAnnotation(id, input_id, regions, info))


class PlainPolygons:
    """Writes polygons."""

    def __init__(self) -> None:
        self._points: list[dict[str, float]] = []
        """Those of the last one: changing points takes half the time of making them."""

    def write(self, ring: list[float], width: float, height: float) -> bytes | None:
        """Return a polygon, x and y in turn, if it lies on the image without doubt.

        Its numbers are finite.
        """
        count = len(ring) >> 1
        if len(ring) & 1 or count < 3:
            return None
        width, height = float(width), float(height)  # faster to divide by than integers
        while len(self._points) < count:
            self._points.append({"row": 0.0, "col": 0.0})
        x, y, next_x, next_y, third_x, third_y = ring[:6]
        area = (next_x - x) * (third_y - y) - (third_x - x) * (next_y - y)
        if abs(area) < _AREA_MIN * width * height:  # all may be on one line
            return None
        numbers = iter(ring)
        for point, x, y in zip(self._points, numbers, numbers, strict=False):
            point["row"] = y / height
            point["col"] = x / width
        text = orjson.dumps({"polygon": {"points": self._points[:count]}})
        # if all shares are 0.…, seen in half the time, nothing is beyond the image
        if text.count(b'":0.') != len(ring) and (
            min(ring) < 0.0 or max(ring[::2]) > width or max(ring[1::2]) > height
        ):
            return None
        return text
