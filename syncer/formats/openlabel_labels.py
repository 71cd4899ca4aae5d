"""The labels of an OpenLABEL document: shapes of objects, in their frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from syncer.formats.faults import BadLabel, NoPlace
from syncer.formats.json_walk import Walk
from syncer.formats.labels import JSON, Concept, Item, Label, Lost, Picture, Shape, Skipped
from syncer.formats.openlabel_index import ObjectFacts, OpenLabelIndex, cut_labels, read_number
from syncer.formats.openlabel_shapes import (
    Attributes,
    is_curve,
    list_shapes,
    read_shape,
)

__all__ = ["DocumentLabels"]


SPREAD_MAX = 10_000_000
"""Frames that objects are put into which are described once, outside of frames: a small
file could ask for labels without end.
"""


@dataclass(slots=True)
class DocumentLabels:
    """A document, and where it comes from."""

    walk: Walk
    index: OpenLabelIndex
    place: str = ""
    """Of the document in its file: "line 3: "."""
    annotation_type: str = ""
    """Of a document that was pulled; several of one input may hold the same object."""
    spread: int = 0

    def read(self) -> Iterator[Item]:
        """Yield the images and the labels. Raises JsonFault, OSError."""
        yield from self._list_pictures()
        for section, count in self.index.unplaced.items():
            for _ in range(count):
                kind = section.removesuffix("s").replace("_", " ")
                yield Lost(f"{self.place}{section}", "", kind)
        for keys, value in self.walk(cut_labels):
            match keys:
                case (_, "objects", uid):
                    yield from self._read_object(uid, value)
                case (_, "frames", key, "objects", uid):
                    place = f"{self.place}frames.{key}.objects.{uid}"
                    frame = read_number(key)
                    if frame is None:
                        yield Skipped(place, uid, "its frame is not a number", is_fault=True)
                    else:
                        yield from self._read_in_frame(place, uid, frame, value)
                case _:
                    pass

    def _list_pictures(self) -> Iterator[Picture]:
        index = self.index
        streams = list(index.streams) or ([] if index.without_images else [""])
        try:
            frames = index.list_frames()
        except BadLabel:
            return
        for frame in frames:
            for stream in streams:
                yield index.picture(frame, stream)

    def _read_object(self, uid: str, value: object) -> Iterator[Item]:
        """Read what holds for an object in all of its frames."""
        facts, place = self.index.objects[uid], f"{self.place}objects.{uid}"
        data = _find_data(value)
        if isinstance(data, dict) and not any(True for _ in list_shapes(data)):
            if facts.has_shapes or facts.is_in_frames:
                return
        try:
            frames = self.index.list_frames(facts.intervals)
        except BadLabel as error:
            yield Skipped(place, uid, str(error), is_fault=True)
            return
        frames = list(frames)
        self.spread += len(frames)
        if self.spread > SPREAD_MAX:
            yield Skipped(place, uid, "its frames are too many", is_fault=True)
            return
        for frame in frames:
            yield from self._read_data(_Where(place, uid, frame), data)

    def _read_in_frame(self, place: str, uid: str, frame: int, value: object) -> Iterator[Item]:
        facts, data = self.index.objects[uid], _find_data(value)
        if facts.has_shapes and data and not any(True for _ in list_shapes(data)):
            yield Lost(place, uid, "attributes of an object without a shape in its frame")
            return
        yield from self._read_data(_Where(place, uid, frame, said=data), data)

    def _read_data(self, where: _Where, data: object) -> Iterator[Item]:
        if not isinstance(data, dict):
            yield Skipped(where.place, where.uid, "its data is not an object", is_fault=True)
            return
        for kind, number, value in list_shapes(data):
            place = f"{where.place}.{kind}[{number}]"
            yield from self._convert(replace(where, place=place, kind=kind), value)
        if not self.index.objects[where.uid].has_shapes:
            yield from self._convert(where, None)

    def _convert(self, where: _Where, value: object) -> Iterator[Item]:
        """Convert a shape, or an object that has none anywhere."""
        own_id, attributes = self._own_id(where, value), Attributes()
        try:
            label = self._read_label(where, value, attributes)
        except NoPlace as error:
            yield Skipped(where.place, own_id, "no place", kind=str(error))
            return
        except BadLabel as error:
            yield Skipped(where.place, own_id, str(error), is_fault=True)
            return
        yield replace(label, own_id=own_id)
        for _ in range(attributes.lost):
            yield Lost(where.place, own_id, "attribute")
        if where.kind == "poly2d" and is_curve(value):
            yield Lost(where.place, own_id, "curve")

    def _own_id(self, where: _Where, value: object) -> str:
        name = value.get("name") if isinstance(value, dict) else None
        frame = str(where.frame) if self.index.has_frames else None
        parts = (self.annotation_type, frame, where.uid, where.kind, name)
        return "/".join(part for part in parts if isinstance(part, str) and part)

    def _read_label(self, where: _Where, value: object, attributes: Attributes) -> Label:
        index, facts = self.index, self.index.objects[where.uid]
        shapes: tuple[Shape, ...] = ()
        if where.kind:
            shapes = (read_shape(where.kind, value),)
            stream = index.find_stream(value, facts.stream)
        else:
            stream = index.find_only_stream()
        if not facts.type:
            raise BadLabel(
                "its object has no type" if facts.is_defined else "its object is not defined"
            )
        attributes.add_of_shape(value)
        confidence = attributes.values.get("confidence")
        attributes.add(where.said, "frame")
        attributes.add_from(facts.attributes, "object")
        return Label(
            index.picture(where.frame, stream),
            (Concept(facts.type, _read_confidence(confidence)),),
            shapes,
            place=where.place,
            info=self._info(where, facts, attributes),
        )

    def _info(self, where: _Where, facts: ObjectFacts, attributes: Attributes) -> dict[str, JSON]:
        frame = None if where.frame is None else self.index.frames.get(where.frame)
        info: dict[str, JSON] = {
            "track_id": where.uid,
            "name": facts.name,
            "attributes": attributes.values,
            "timestamp": frame.timestamp if frame else None,
            "frame_id": frame.external_id if frame else None,
            "document": self.index.uuid,
            "annotation_type": self.annotation_type,
        }
        return {key: value for key, value in info.items() if value not in (None, "", {})}


class _Where(Struct, frozen=True):
    place: str
    uid: str
    frame: int | None
    kind: str = ""
    """Empty: the image as a whole."""
    said: object = None
    """The data of the object in this frame: its attributes."""


def _find_data(value: object) -> object:
    """Return an object's data; {} where it has none."""
    data = value.get("object_data", {}) if isinstance(value, dict) else value
    return {} if data is None else data


def _read_confidence(value: JSON) -> float:
    """Return a concept's value: 0 would say that it is not there."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 1.0
    return float(value) if 0 < value <= 1 else 1.0
