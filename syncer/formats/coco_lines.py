"""Lines of plain annotations of COCO, in a fraction of the time that any label takes.

A test holds them against those that `annotations` makes, byte by byte.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterator
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
    begin_line,
    make_plain_box,
    write_plain_json,
    write_plain_polygon,
)
from syncer.formats.regions import PlacedShape, make_region

_CLASSES_MAX = 10_000
_CLASS_BYTES_MAX = 1 << 20
"""Annotations of a run are small: with a class of no more, so are their lines."""


class PlainLines(Struct, frozen=True):
    """Lines of annotations that follow each other in a run."""

    lines: list[bytes]
    begin: int
    """The place of the first annotation in the run."""
    end: int
    """The place of the next annotation, which needs a second look; or the run's end."""


class _PlainClass(Struct, frozen=True):
    """A category as lines have it."""

    id: Raw
    line: bytes
    """The text of its lines, with gaps."""
    counted: list[CountedConcept]


class CocoLines:
    """The lines of runs that need no second look."""

    def __init__(self, format_name: str, images: Images, annotations: Annotations) -> None:
        self._format = format_name
        self._images = images
        self._annotations = annotations
        self._ids = annotations.ids
        self._classes: dict[int, _PlainClass] = {}

    def begin_file(self) -> None:
        """Forget categories: those of another file have the same numbers."""
        self._classes.clear()

    def make_lines(self, run: PlainRun) -> Iterator[PlainLines]:
        """Yield the lines of a run up to each annotation that is not as nearly all are.

        The boxes and polygons of those lie wholly on images that are listed, and their
        ids are new there. `run.read` says what any other is, and nothing of it was kept
        here.
        """
        annotations = run.annotations
        own_ids = orjson.dumps([found.id for found in annotations])[1:-1].split(b",")
        images = self._images.listed.find_all([found.image_id for found in annotations])
        lines: list[bytes] = []
        begin, make = 0, self._make
        for at, (found, own_id, image) in enumerate(zip(annotations, own_ids, images, strict=True)):
            made = make(found, own_id, image, run)
            if made is None:
                yield PlainLines(lines, begin, at)
                lines, begin = [], at + 1
            else:
                lines += made
        if begin < len(annotations):
            yield PlainLines(lines, begin, len(annotations))

    def _make(
        self, found: PlainAnnotation, own_id: bytes, image: bytes, run: PlainRun
    ) -> tuple[bytes, ...] | None:
        outline = found.segmentation
        its_class = self._classes.get(found.category_id) or self._find_class(found, run)
        if not image or its_class is None or isinstance(outline, PlainMask):
            return None
        width, height = SIZE.unpack_from(image)
        name = image[SIZE.size :]
        x, y, across, down = found.bbox
        box = make_plain_box(x, y, x + across, y + down, width, height)
        beside: BoxShares | UnsetType = UNSET
        regions: list[bytes] = []
        if outline:
            beside = box or _clamp_box(x, y, x + across, y + down, width, height)
        elif box is None:
            return None
        else:
            regions.append(write_plain_json(BoxRegion(box)))
        for ring in outline or ():
            polygon = write_plain_polygon(ring, width, height)
            if polygon is None:
                return None
            regions.append(polygon)
        key = self._ids.make_key(name, own_id)
        if not self._ids.claim(key, found.id):
            return None
        for concept in its_class.counted:
            concept.count += len(regions)
        id, line = hexlify(key), its_class.line
        info = LineInfo(its_class.id, found.area, found.iscrowd == 1, beside)
        if len(regions) == 1:
            return (line % (id, name, id, regions[0], own_id, write_plain_json(info)[1:]),)
        parts = []
        for part, region in enumerate(regions):
            whole = id.decode()
            its_id = name_part(whole, part).encode()
            about = write_plain_json(replace(info, parts_of=whole, part=part))
            parts.append(line % (its_id, name, its_id, region, own_id, about[1:]))
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
            Raw(id), begin_line(self._format, data), named.counted
        )
        return its_class


def _clamp_box(
    left: float, top: float, right: float, bottom: float, width: float, height: float
) -> BoxShares | UnsetType:
    placed = make_region(Box(left, top, right, bottom), width, height)
    if not isinstance(placed, PlacedShape):
        return UNSET
    return BoxShares(**cast("dict[str, float]", placed.info["bounding_box"]))
