"""The objects, streams and frames of an OpenLABEL document.

They are read before the labels: `frames` may stand before `objects` and `streams`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from syncer.formats.faults import BadLabel, NoPlace
from syncer.formats.json_walk import Cut, JsonFault, Keys, Walk
from syncer.formats.labels import Picture
from syncer.formats.openlabel_shapes import PLACED, Attributes, list_shapes, name_stream

__all__ = ["OpenLabelIndex", "cut_labels", "read_index"]

ROOT = "openlabel"
UNPLACED = ("relations", "actions", "events", "contexts", "tags", "coordinate_systems")
"""Parts of a document that are no labels, and that the wire has no place for."""
WITHOUT_IMAGES = ("lidar", "radar", "gps_imu")
"""Types of streams."""
CAMERAS = ("intrinsics_pinhole", "intrinsics_fisheye", "intrinsics_custom")
FRAMES_MAX = 100_000
"""Of a document that lists none, and says only where they begin and end."""
KOGNIC = "kognic_format_version"
ROUNDED_MS = 1.0
WHOLE = re.compile(r"-?[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """A stream, or what differs of it in a frame."""

    uri: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class FrameFacts:
    """A frame as its properties have it."""

    timestamp: str | float | None = None
    external_id: str | float | None = None
    streams: dict[str, StreamFacts] = field(default_factory=dict)


@dataclass(slots=True)
class ObjectFacts:
    """An object without its shapes."""

    type: str = ""
    name: str = ""
    stream: str = ""
    attributes: Attributes = field(default_factory=Attributes)
    intervals: tuple[range, ...] = ()
    is_defined: bool = False
    has_shapes: bool = False
    """Anywhere in the document."""
    is_in_frames: bool = False


@dataclass(slots=True)
class OpenLabelIndex:
    """A document without its labels."""

    path: str
    """Of images that have no address of their own."""
    input_id: str
    uuid: str = ""
    objects: dict[str, ObjectFacts] = field(default_factory=dict)
    streams: dict[str, StreamFacts] = field(default_factory=dict)
    without_images: set[str] = field(default_factory=set)
    frames: dict[int, FrameFacts] = field(default_factory=dict)
    intervals: tuple[range, ...] = ()
    fps: float | None = None
    """Of documents whose timestamps are known to be milliseconds."""
    unplaced: Counter[str] = field(default_factory=Counter)
    """Members of the parts that have no place."""

    def picture(self, frame: int | None, stream: str) -> Picture:
        """Return the image of a frame and a stream."""
        facts = self.streams.get(stream, StreamFacts())
        if frame is not None and frame in self.frames:
            of_frame = self.frames[frame].streams.get(stream, StreamFacts())
            facts = StreamFacts(
                of_frame.uri or facts.uri,
                of_frame.width or facts.width,
                of_frame.height or facts.height,
            )
        return Picture(
            facts.uri or self.path,
            facts.width,
            facts.height,
            frame if self.has_frames else None,
            stream if len(self.streams) > 1 else "",
            self.fps if self.has_frames else None,
            input_id=self.input_id,
        )

    @property
    def is_named(self) -> bool:
        """Whether all images have addresses of their own."""
        return bool(self.streams) and all(facts.uri for facts in self.streams.values())

    @property
    def has_frames(self) -> bool:
        """Whether there is more than one frame."""
        return self.count_frames() > 1

    def count_frames(self) -> int:
        """Return how many frames the document speaks of."""
        return max(len(self.frames), _count_frames(self.intervals))

    def find_stream(self, value: object, of_object: str) -> str:
        """Return the stream of a shape: what it names, else its object, else the only
        one. Raises BadLabel where there are several, NoPlace where it has no images.
        """
        named = self._name_stream(value, of_object)
        if named in self.without_images:
            raise NoPlace("shape in a stream without images")
        if named or not (self.streams or self.without_images):
            return named
        if len(self.streams) != 1:
            raise BadLabel("it names no stream")
        return next(iter(self.streams))

    def _name_stream(self, value: object, of_object: str) -> str:
        system = value.get("coordinate_system") if isinstance(value, dict) else None
        if named := name_stream(value):
            return named
        known = {*self.streams, *self.without_images}
        return next((name for name in (system, of_object) if name in known), "")

    def find_only_stream(self) -> str:
        """Return the stream of a label that has no shape. Raises NoPlace."""
        if len(self.streams) > 1:
            raise NoPlace("object without a shape in several streams")
        if self.without_images and not self.streams:
            raise NoPlace("object without a shape in a stream without images")
        return next(iter(self.streams), "")

    def list_frames(self, intervals: tuple[range, ...] = ()) -> Iterable[int | None]:
        """Return the frames in these intervals, or all: [None] where there is no frame.

        Raises BadLabel: they are too many to be meant.
        """
        if self.frames:
            return [
                frame
                for frame in sorted(self.frames)
                if not intervals or any(frame in interval for interval in intervals)
            ]
        intervals = intervals or self.intervals
        if _count_frames(intervals) > FRAMES_MAX:
            raise BadLabel("its frames are too many")
        return sorted({frame for interval in intervals for frame in interval}) or [None]


def cut_labels(keys: Keys) -> Cut:
    """Return what happens at a key of a document where only labels are wanted."""
    match keys[1:]:
        case () if keys in ((), (ROOT,)):
            return Cut.OPEN
        case ("objects" | "frames",) | ("frames", _) | ("frames", _, "objects"):
            return Cut.OPEN
        case ("objects", _) | ("frames", _, "objects", _):
            return Cut.TAKE
        case _:
            return Cut.PASS


def _cut_index(keys: Keys) -> Cut:
    match keys[1:]:
        case (section,) if section in ("streams", *UNPLACED):
            return Cut.OPEN
        case ("metadata" | "frame_intervals",) | ("streams", _):
            return Cut.TAKE
        case ("frames", _, "frame_properties"):
            return Cut.TAKE
        case _:
            return cut_labels(keys)


def read_index(walk: Walk, path: str, input_id: str = "") -> OpenLabelIndex:
    """Read a document but for its labels. Raises JsonFault, OSError."""
    index = OpenLabelIndex(path, input_id)
    named: set[str] = set()
    is_openlabel = is_kognic = False
    for keys, value in walk(_cut_index):
        is_openlabel = is_openlabel or keys[:1] == (ROOT,)
        match keys:
            case (_,):
                _check_section("parts", value)
            case (_, ("objects" | "frames" | "streams") as section):
                _check_section(section, value)
            case (_, "metadata"):
                index.uuid = _read_text(value, "uuid")
                is_kognic = isinstance(value, dict) and KOGNIC in value
            case (_, "frame_intervals"):
                index.intervals = _read_intervals(value)
            case (_, "objects", uid):
                named.update(_add_object(index, uid, value))
            case (_, "streams", name):
                _add_stream(index, name, value)
            case (_, "frames", frame, *more):
                named.update(_add_frame(index, frame, more, value))
            case (_, section, _) if section in UNPLACED:
                index.unplaced[section] += 1
            case _:
                pass
    if not is_openlabel:
        raise JsonFault("it is not an OpenLABEL document: its first key is not openlabel")
    for name in named - index.without_images:
        index.streams.setdefault(name, StreamFacts())
    if is_kognic or input_id:
        index.fps = _find_rate(index.frames)
    return index


def read_number(key: str) -> int | None:
    """Return a frame's key as a number; None where it is none."""
    return int(key) if WHOLE.fullmatch(key) else None


def _find_rate(frames: dict[int, FrameFacts]) -> float | None:
    """Return the frames per second, where each frame's time is its number by the rate.

    OpenLABEL has no unit for timestamps; in documents of Kognic they are milliseconds.
    """
    times = {number: facts.timestamp for number, facts in frames.items()}
    first, last = min(times, default=0), max(times, default=0)
    start, end = times.get(first), times.get(last)
    if not isinstance(start, int | float) or not isinstance(end, int | float) or end <= start:
        return None
    step = (end - start) / (last - first)
    is_even = all(
        isinstance(time, int | float) and abs(time - number * step) <= ROUNDED_MS
        for number, time in times.items()
    )
    return 1000 / step if is_even else None


def _check_section(section: str, value: object) -> None:
    if value is not None and not isinstance(value, dict):
        raise JsonFault(f"its {section} are not an object")


def _add_object(index: OpenLabelIndex, uid: str, value: object) -> Iterator[str]:
    """Add an object; yield the streams that its shapes name."""
    found = index.objects.setdefault(uid, ObjectFacts())
    if not isinstance(value, dict):
        return
    found.is_defined = True
    found.type = _read_text(value, "type") or found.type
    found.name = _read_text(value, "name") or found.name
    found.stream = _read_text(value, "coordinate_system") or found.stream
    found.intervals = _read_intervals(value.get("frame_intervals"))
    found.attributes.add(value.get("object_data"), "object")
    yield from _note_shapes(found, value)


def _add_frame(index: OpenLabelIndex, key: str, more: list[str], value: object) -> Iterator[str]:
    """Add a frame, or an object in it; yield the streams that it names."""
    number = read_number(key)
    facts = FrameFacts() if number is None else index.frames.setdefault(number, FrameFacts())
    match more:
        case ["frame_properties"] if isinstance(value, dict):
            facts.timestamp = _read_scalar(value, "timestamp")
            facts.external_id = _read_scalar(value, "external_id")
            streams = value.get("streams")
            for name, each in streams.items() if isinstance(streams, dict) else ():
                of_frame = _read_stream(each)
                if of_frame != StreamFacts():
                    facts.streams[name] = of_frame
                yield name
        case ["objects", uid]:
            found = index.objects.setdefault(uid, ObjectFacts())
            found.is_in_frames = True
            if isinstance(value, dict):
                found.type = found.type or _read_text(value, "type")
                yield from _note_shapes(found, value)
        case _:
            pass


def _note_shapes(found: ObjectFacts, value: dict[str, Any]) -> Iterator[str]:
    for kind, _, shape in list_shapes(value.get("object_data")):
        found.has_shapes = True
        if kind in PLACED and (name := name_stream(shape)):
            yield name


def _add_stream(index: OpenLabelIndex, name: str, value: object) -> None:
    if isinstance(value, dict) and value.get("type") in WITHOUT_IMAGES:
        index.without_images.add(name)
    else:
        index.streams[name] = _read_stream(value)


def _read_stream(value: object) -> StreamFacts:
    properties = value.get("stream_properties") if isinstance(value, dict) else None
    if not isinstance(properties, dict):
        return StreamFacts(_read_text(value, "uri"))
    cameras = (properties, *(properties.get(name) for name in CAMERAS))
    sizes = [_read_size(camera) for camera in cameras if isinstance(camera, dict)]
    width, height = next((size for size in sizes if size), (None, None))
    return StreamFacts(_read_text(value, "uri"), width, height)


def _read_size(camera: dict[str, Any]) -> tuple[int, int] | None:
    width, height = (camera.get(key) for key in ("width_px", "height_px"))
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None


def _read_intervals(value: object) -> tuple[range, ...]:
    found = []
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            start, end = each.get("frame_start"), each.get("frame_end")
            if isinstance(start, int) and isinstance(end, int):
                found.append(range(start, end + 1))
    return tuple(found)


def _count_frames(intervals: tuple[range, ...]) -> int:
    return sum(max(0, interval.stop - interval.start) for interval in intervals)


def _read_text(value: object, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _read_scalar(value: dict[str, Any], key: str) -> str | float | None:
    found = value.get(key)
    return found if isinstance(found, str | int | float) else None
