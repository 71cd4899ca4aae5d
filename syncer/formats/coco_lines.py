"""Lines of plain annotations of COCO, in a fraction of the time that any label takes.

A test holds them against those that `annotations` makes, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import cast

import orjson
from msgspec import UNSET, Raw, Struct, UnsetType

from syncer.formats.annotations import Annotations
from syncer.formats.coco_plain import PlainAnnotation, PlainMask, PlainRun
from syncer.formats.concepts import CountedConcept
from syncer.formats.images import SIZE, Images
from syncer.formats.labels import Box
from syncer.formats.plain_lines import (
    BoxRegion,
    BoxShares,
    LineInfo,
    PlainLine,
    PlainPolygons,
    make_plain_lines,
    write_plain_lines,
)
from syncer.formats.regions import PlacedShape, find_shares, make_region

_CLASSES_MAX = 10_000
_CLASS_BYTES_MAX = 1 << 14
"""Annotations of a run are small: with a class of no more, so are their lines."""


class PlainLines(Struct, frozen=True):
    """Lines of annotations that follow each other in a run."""

    text: bytes
    count: int
    """How many lines these are."""
    begin: int
    """The place of the first annotation in the run."""
    end: int
    """The place of the next annotation, which needs a second look; or the run's end."""


class _PlainClass(Struct, frozen=True):
    """A category as lines have it."""

    id: Raw
    data: Raw
    """Of a region."""
    counted: list[CountedConcept]


class _Drawn(Struct, frozen=True):
    """The lines of annotations, of each in its place."""

    keys: list[bytes]
    """Their ids."""
    classes: list[_PlainClass]
    lines: list[list[PlainLine]]
    """One of each of its regions."""


class CocoLines:
    """The lines of runs that need no second look."""

    def __init__(self, format_name: str, images: Images, annotations: Annotations) -> None:
        self._format = Raw(orjson.dumps(format_name))
        self._images = images
        self._annotations = annotations
        self._ids = annotations.ids
        self._classes: dict[int, _PlainClass] = {}
        self._polygons = PlainPolygons()

    def begin_file(self) -> None:
        """Forget categories: those of another file have the same numbers."""
        self._classes.clear()

    def make_lines(self, run: PlainRun) -> Iterator[PlainLines]:
        """Yield the lines of a run up to each annotation that is not as nearly all are.

        The boxes and polygons of those lie wholly on images that are listed, and their
        ids are new there. `run.read` says what any other is, and nothing of it was kept
        here.
        """
        numbers = [found.id for found in run.annotations]
        own_ids = orjson.dumps(numbers)[1:-1].split(b",")
        images = self._images.listed.find_all([found.image_id for found in run.annotations])
        begin = 0
        while begin < len(numbers):
            drawn = self._draw(run, images, own_ids, begin)
            keys, end = drawn.keys, begin + len(drawn.keys)
            at = begin
            while at <= end:
                first, claimed = at, self._ids.claim_all(keys[at - begin :], numbers[at:end])
                at += claimed
                those = slice(first - begin, at - begin)
                lines = drawn.lines[those]
                for its_class, its_lines in zip(drawn.classes[those], lines, strict=True):
                    for concept in its_class.counted:
                        concept.count += len(its_lines)
                flat = list(chain.from_iterable(lines))
                yield PlainLines(write_plain_lines(flat), len(flat), first, at)
                at += 1
            begin = at

    def _draw(self, run: PlainRun, images: list[bytes], own_ids: list[bytes], begin: int) -> _Drawn:
        """Return the lines of annotations, from this one up to one that is not as
        nearly all are.
        """
        drawn = _Drawn([], [], [])
        make_key, write_polygon = self._ids.make_key, self._polygons.write
        for found, image, own_id in zip(
            run.annotations[begin:], images[begin:], own_ids[begin:], strict=True
        ):
            outline = found.segmentation
            its_class = self._classes.get(found.category_id) or self._find_class(found, run)
            if not image or its_class is None or isinstance(outline, PlainMask):
                break
            width, height = SIZE.unpack_from(image)
            x, y, across, down = found.bbox
            shares = find_shares(x, y, x + across, y + down, width, height)
            box = None if shares is None else BoxShares(*shares)
            beside: BoxShares | UnsetType = UNSET
            regions: list[BoxRegion | Raw]
            if outline:
                beside = box or _clamp_box(x, y, x + across, y + down, width, height)
                regions = []
                for ring in outline:
                    polygon = write_polygon(ring, width, height)
                    if polygon is None:
                        break
                    regions.append(Raw(polygon))
                if len(regions) < len(outline):
                    break
            elif box is None:
                break
            else:
                regions = [BoxRegion(box)]
            name = image[SIZE.size :]
            key = make_key(name, own_id)
            info = LineInfo(
                self._format, str(found.id), its_class.id, found.area, found.iscrowd == 1, beside
            )
            drawn.keys.append(key)
            drawn.classes.append(its_class)
            drawn.lines.append(
                make_plain_lines(key.hex(), name.decode(), regions, its_class.data, info)
            )
        return drawn

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
