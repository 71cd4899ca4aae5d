"""Lines of plain annotations of COCO, in a fraction of the time that any label takes.

A test holds them against those that `annotations` makes, byte by byte.
"""

from __future__ import annotations

import orjson
from msgspec import UNSET, Struct

from syncer.formats.annotations import Annotations
from syncer.formats.coco_plain import PlainAnnotation, PlainMask, PlainRun
from syncer.formats.concepts import CountedConcept
from syncer.formats.ids import name_part
from syncer.formats.images import SIZE, Images
from syncer.formats.labels import Box
from syncer.formats.regions import (
    PlacedShape,
    WireObject,
    make_plain_box,
    make_plain_polygon,
    make_region,
)

_CLASSES_MAX = 10_000
_CLASS_BYTES_MAX = 1 << 20
"""Annotations of a run are small: with a class of no more, so are their lines."""
_NEWLINE = orjson.OPT_APPEND_NEWLINE


class _PlainClass(Struct, frozen=True):
    """A category as lines have it."""

    id: object
    data: orjson.Fragment
    counted: list[CountedConcept]


class CocoLines:
    """The lines of one run that need no second look."""

    def __init__(self, format_name: str, images: Images, annotations: Annotations) -> None:
        self._format = format_name
        self._images = images
        self._annotations = annotations
        self._ids = annotations.ids
        self._classes: dict[int, _PlainClass] = {}

    def begin_file(self) -> None:
        """Forget categories: those of another file have the same numbers."""
        self._classes.clear()

    def write(self, found: PlainAnnotation, run: PlainRun) -> list[bytes] | None:
        """Return the lines of an annotation as nearly all are.

        Its boxes and polygons lie wholly on an image that is listed, and its id is new
        there. None for any other: `run.read` says what it is, and nothing of it was
        kept here.
        """
        outline = found.segmentation
        image = self._images.listed.find(found.image_id)
        its_class = self._classes.get(found.category_id) or self._find_class(found, run)
        if image is None or its_class is None or isinstance(outline, PlainMask):
            return None
        width, height = SIZE.unpack_from(image)
        name = image[SIZE.size :]
        own_id = str(found.id)
        key = self._ids.make_key(name, own_id.encode())
        x, y, across, down = found.bbox
        box = make_plain_box(x, y, x + across, y + down, width, height)
        info: WireObject = {"format": self._format, "own_id": own_id, "class_id": its_class.id}
        if found.area is not UNSET:
            info["area"] = found.area
        if found.iscrowd:
            info["crowd"] = True
        region = box
        if outline:
            region = make_plain_polygon(outline[0], width, height)
            if box is None:
                beside = make_region(Box(x, y, x + across, y + down), width, height)
                box = beside.info if isinstance(beside, PlacedShape) else {}
            info.update(box)
        if region is None:
            return None
        id, input_id = key.hex(), name.decode()
        if not outline or len(outline) == 1:
            lines = [_write_line(id, input_id, region, its_class.data, info)]
        else:
            regions = [region, *(make_plain_polygon(each, width, height) for each in outline[1:])]
            if None in regions:
                return None
            lines = [
                _write_line(
                    name_part(id, part),
                    input_id,
                    each,
                    its_class.data,
                    {**info, "parts_of": id, "part": part},
                )
                for part, each in enumerate(regions)
            ]
        if not self._ids.claim(key, found.id):
            return None
        for concept in its_class.counted:
            concept.count += len(lines)
        return lines

    def _find_class(self, found: PlainAnnotation, run: PlainRun) -> _PlainClass | None:
        """Return a category of which a label was converted before."""
        concepts = run.find_concepts(found.category_id)
        named = None if concepts is None else self._annotations.find_named(concepts)
        if named is None or named.fault or not named.class_id:
            return None
        try:
            data = orjson.dumps({"concepts": named.concepts})
        except TypeError:
            return None
        if len(data) > _CLASS_BYTES_MAX:
            return None
        if len(self._classes) >= _CLASSES_MAX:
            self._classes.clear()
        its_class = _PlainClass(named.class_id, orjson.Fragment(data), named.counted)
        self._classes[found.category_id] = its_class
        return its_class


def _write_line(
    id: str, input_id: str, region: WireObject | None, data: orjson.Fragment, info: WireObject
) -> bytes:
    return orjson.dumps(
        {
            "op": "post",
            "annotation": {
                "id": id,
                "input_id": input_id,
                "data": {"regions": [{"id": id, "region_info": region, "data": data}]},
                "annotation_info": info,
            },
        },
        None,
        _NEWLINE,
    )
