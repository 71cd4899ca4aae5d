"""Lines of plain annotations of COCO, in a fraction of the time that any label takes.

A test holds them against those that `annotations` makes, byte by byte.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterator
from typing import cast

import orjson
from msgspec import UNSET, Raw, Struct, UnsetType

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
    line: bytes
    """The text of its lines, with gaps."""
    counted: list[CountedConcept]


class _Drawn(Struct, frozen=True):
    """The parts of the lines of annotations, of each in its place."""

    names: list[bytes]
    """The ids of their inputs."""
    classes: list[_PlainClass]
    counts: list[int]
    """How many regions each has."""
    regions: list[bytes]
    """All of the first, then all of the second, and so on."""
    abouts: list[bytes]
    """The rest that each knows, without brackets."""


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
        numbers = [found.id for found in run.annotations]
        own_ids = orjson.dumps(numbers)[1:-1].split(b",")
        images = self._images.listed.find_all([found.image_id for found in run.annotations])
        begin = 0
        while begin < len(numbers):
            drawn = self._draw(run, images, begin)
            end = begin + len(drawn.names)
            keys = list(map(self._ids.make_key, drawn.names, own_ids[begin:end]))
            texts = _write(drawn, keys, own_ids[begin:end])
            at = begin
            while at <= end:
                first, claimed = at, self._ids.claim_all(keys[at - begin :], numbers[at:end])
                at += claimed
                those = slice(first - begin, at - begin)
                for its_class, count in zip(drawn.classes[those], drawn.counts[those], strict=True):
                    for concept in its_class.counted:
                        concept.count += count
                yield PlainLines(b"".join(texts[those]), sum(drawn.counts[those]), first, at)
                at += 1
            begin = at

    def _draw(self, run: PlainRun, images: list[bytes], begin: int) -> _Drawn:
        """Return the parts of the lines, from this annotation up to one that is not as
        nearly all are.
        """
        drawn = _Drawn([], [], [], [], [])
        for found, image in zip(run.annotations[begin:], images[begin:], strict=True):
            outline = found.segmentation
            its_class = self._classes.get(found.category_id) or self._find_class(found, run)
            if not image or its_class is None or isinstance(outline, PlainMask):
                break
            width, height = SIZE.unpack_from(image)
            x, y, across, down = found.bbox
            box = make_plain_box(x, y, x + across, y + down, width, height)
            beside: BoxShares | UnsetType = UNSET
            if outline:
                beside = box or _clamp_box(x, y, x + across, y + down, width, height)
                polygons = [write_plain_polygon(ring, width, height) for ring in outline]
                if not all(polygons):
                    break
                drawn.regions.extend(cast("list[bytes]", polygons))
                drawn.counts.append(len(polygons))
            elif box is None:
                break
            else:
                drawn.regions.append(write_plain_json(BoxRegion(box)))
                drawn.counts.append(1)
            drawn.names.append(image[SIZE.size :])
            drawn.classes.append(its_class)
            info = LineInfo(its_class.id, found.area, found.iscrowd == 1, beside)
            drawn.abouts.append(write_plain_json(info)[1:-1])
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
            Raw(id), begin_line(self._format, data), named.counted
        )
        return its_class


def _write(drawn: _Drawn, keys: list[bytes], own_ids: list[bytes]) -> list[bytes]:
    """Return the lines of each annotation."""
    ids, regions = map(hexlify, keys), iter(drawn.regions)
    texts: list[bytes] = []
    for its_class, count, name, own_id, about, id in zip(
        drawn.classes, drawn.counts, drawn.names, own_ids, drawn.abouts, ids, strict=True
    ):
        line = its_class.line
        if count == 1:
            texts.append(line % (id, name, id, next(regions), own_id, about))
            continue
        lines = []
        for part in range(count):
            its_id = name_part(id.decode(), part).encode()
            rest = b'%b,"parts_of":"%b","part":%d' % (about, id, part)
            lines.append(line % (its_id, name, its_id, next(regions), own_id, rest))
        texts.append(b"".join(lines))
    return texts


def _clamp_box(
    left: float, top: float, right: float, bottom: float, width: float, height: float
) -> BoxShares | UnsetType:
    placed = make_region(Box(left, top, right, bottom), width, height)
    if not isinstance(placed, PlacedShape):
        return UNSET
    return BoxShares(**cast("dict[str, float]", placed.info["bounding_box"]))
