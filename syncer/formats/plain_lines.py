"""Lines of boxes and polygons: a text with gaps for each class, and structs in the
gaps, which C makes and writes. It takes a fraction of the time that dicts take. The
members are in the order of those that `annotations` writes.
"""

from __future__ import annotations

import orjson
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Encoder

from syncer.formats.regions import find_shares, is_corner

write_plain_json = Encoder().encode
"""Of a number in 64 bits it writes what `annotations` does, up to 1e16."""


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


class _PolygonRegion(Struct, frozen=True, gc=False):
    polygon: _PolygonShares


class LineInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """The rest that an annotation knows beside its data, after its own id."""

    class_id: Raw
    area: float | UnsetType = UNSET
    crowd: bool = False
    bounding_box: BoxShares | UnsetType = UNSET


def begin_line(format_name: str, data: bytes) -> bytes:
    """Return the text of all lines with this data of a region: a JSON text.

    Its gaps, in their order: the id, the input's id, the id, the region, the own id,
    and the rest of what it knows without brackets. Ids have no quotes.
    """
    return (
        b'{"op":"post","annotation":{"id":"%%b","input_id":"%%b","data":{"regions":'
        b'[{"id":"%%b","region_info":%%b,"data":%b}]},'
        b'"annotation_info":{"format":%b,"own_id":"%%b",%%b}}}\n'
    ) % (data.replace(b"%", b"%%"), orjson.dumps(format_name).replace(b"%", b"%%"))


def make_plain_box(
    left: float, top: float, right: float, bottom: float, width: float, height: float
) -> BoxShares | None:
    """Return a box, if it lies on the image without doubt."""
    shares = find_shares(left, top, right, bottom, width, height)
    return None if shares is None else BoxShares(*shares)


def write_plain_polygon(ring: list[float], width: float, height: float) -> bytes | None:
    """Return a polygon, x and y in turn, if it lies on the image without doubt.

    Its numbers are finite.
    """
    across, down = ring[::2], ring[1::2]
    if len(across) != len(down) or len(down) < 3:
        return None
    width, height = float(width), float(height)  # a third faster to divide by than integers
    cols, rows = [x / width for x in across], [y / height for y in down]
    if not is_corner(cols, rows):
        return None
    points = list(map(_PointShares, rows, cols))
    text = write_plain_json(_PolygonRegion(_PolygonShares(points)))
    # if all shares are 0.…, which is seen in half the time, nothing is beyond the image
    if text.count(b'":0.') != len(ring) and (
        min(ring) < 0.0 or max(across) > width or max(down) > height
    ):
        return None
    return text
