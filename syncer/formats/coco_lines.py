"""Lines of plain annotations of COCO, in a fraction of the time that any label takes.

A test holds them against those that `annotations` makes, byte by byte.
"""

from __future__ import annotations

from itertools import islice
from typing import cast

import orjson
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from syncer.formats.annotations import Annotations
from syncer.formats.coco_plain import PlainAnnotation, PlainMask, PlainRun
from syncer.formats.concepts import CountedConcept
from syncer.formats.ids import name_part
from syncer.formats.images import SIZE, Images
from syncer.formats.labels import Box
from syncer.formats.plain_lines import (
    BoxRegion,
    BoxShares,
    LineInfo,
    PlainLine,
    PlainRegion,
    make_line,
    make_plain_box,
    make_plain_polygon,
)
from syncer.formats.regions import PlacedShape, make_region

_CLASSES_MAX = 10_000
_CLASS_BYTES_MAX = 1 << 20
"""Annotations of a run are small: with a class of no more, so are their lines."""


class _PlainClass(Struct, frozen=True):
    """A category as lines have it."""

    id: Raw
    data: Raw
    counted: list[CountedConcept]


class CocoLines:
    """The lines of runs that need no second look."""

    def __init__(self, format_name: str, images: Images, annotations: Annotations) -> None:
        self._format = Raw(orjson.dumps(format_name))
        self._images = images
        self._annotations = annotations
        self._ids = annotations.ids
        self._classes: dict[int, _PlainClass] = {}

    def begin_file(self) -> None:
        """Forget categories: those of another file have the same numbers."""
        self._classes.clear()

    def make_lines(self, run: PlainRun, begin: int) -> tuple[list[PlainLine], int]:
        """Return the lines of annotations as nearly all are, and where they end.

        Their boxes and polygons lie wholly on images that are listed, and their ids are
        new there. They end before any other: `run.read` says what it is, and nothing of
        it was kept here.
        """
        lines: list[PlainLine] = []
        make, end = self._make, begin
        for found in islice(run.annotations, begin, None):
            made = make(found, run)
            if made is None:
                break
            lines += made
            end += 1
        return lines, end

    def _make(self, found: PlainAnnotation, run: PlainRun) -> tuple[PlainLine, ...] | None:
        outline = found.segmentation
        image = self._images.listed.find(found.image_id)
        its_class = self._classes.get(found.category_id) or self._find_class(found, run)
        if image is None or its_class is None or isinstance(outline, PlainMask):
            return None
        width, height = SIZE.unpack_from(image)
        name = image[SIZE.size :]
        own_id = str(found.id)
        x, y, across, down = found.bbox
        box = make_plain_box(x, y, x + across, y + down, width, height)
        beside: BoxShares | UnsetType = UNSET
        regions: list[PlainRegion] = []
        if outline:
            beside = box or _clamp_box(x, y, x + across, y + down, width, height)
        elif box is None:
            return None
        else:
            regions.append(BoxRegion(box))
        for ring in outline or ():
            polygon = make_plain_polygon(ring, width, height)
            if polygon is None:
                return None
            regions.append(polygon)
        key = self._ids.make_key(name, own_id.encode())
        if not self._ids.claim(key, found.id):
            return None
        id, input_id, data = key.hex(), name.decode(), its_class.data
        is_crowd = found.iscrowd == 1
        info = LineInfo(self._format, own_id, its_class.id, found.area, is_crowd, beside)
        for concept in its_class.counted:
            concept.count += len(regions)
        if len(regions) == 1:
            return (make_line(id, input_id, regions[0], data, info),)
        parts = []
        for part, region in enumerate(regions):
            about = replace(info, parts_of=id, part=part)
            parts.append(make_line(name_part(id, part), input_id, region, data, about))
        return tuple(parts)

    def _find_class(self, found: PlainAnnotation, run: PlainRun) -> _PlainClass | None:
        """Return a category of which a label was converted before."""
        concepts = run.find_concepts(found.category_id)
        named = None if concepts is None else self._annotations.find_named(concepts)
        if named is None or named.fault or not named.class_id:
            return None
        try:
            id, data = orjson.dumps(named.class_id), orjson.dumps({"concepts": named.concepts})
        except TypeError:
            return None
        if len(data) > _CLASS_BYTES_MAX:
            return None
        if len(self._classes) >= _CLASSES_MAX:
            self._classes.clear()
        its_class = self._classes[found.category_id] = _PlainClass(
            Raw(id), Raw(data), named.counted
        )
        return its_class


def _clamp_box(
    left: float, top: float, right: float, bottom: float, width: float, height: float
) -> BoxShares | UnsetType:
    placed = make_region(Box(left, top, right, bottom), width, height)
    if not isinstance(placed, PlacedShape):
        return UNSET
    return BoxShares(**cast("dict[str, float]", placed.info["bounding_box"]))
