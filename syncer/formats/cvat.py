"""CVAT for images and for video (XML 1.1).

A shape stands where its image or its track has it; a track has a shape in each frame
that the file lists, interpolated ones included, as CVAT writes them all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from syncer.formats.cvat_xml import (
    WHOLE,
    CvatFault,
    Holder,
    ShapeElement,
    SourceTask,
    stream_elements,
)
from syncer.formats.faults import BadLabel, NoPlace, name_faults
from syncer.formats.folders import SAME_IMAGE, PathsOfRun, list_files, name_within
from syncer.formats.geometry import rotate_box
from syncer.formats.labels import (
    JSON,
    Box,
    Concept,
    InFile,
    Item,
    Keypoints,
    Label,
    Lost,
    Mask,
    Omitted,
    Picture,
    Point,
    Points,
    Polygon,
    ReadOptions,
    Shape,
    Skipped,
)
from syncer.formats.numbers import NotANumber, parse_number, parse_size
from syncer.formats.runs import PIXELS_MAX, RUNS_MAX, turn_rows

__all__ = ["Cvat"]

ENDINGS = (".xml",)
FILES_LOOKED_AT = 20
POINTS_MAX = 300_000
"""More would not fit into a line of a change log."""
SIGNED = re.compile("-?[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cvat:
    """The reader of CVAT's XML."""

    options: ReadOptions
    paths: PathsOfRun = field(default_factory=PathsOfRun)

    def detect(self, path: Path) -> bool:
        """Whether the file, or one in the folder, begins as those of CVAT do."""
        return any(map(_begins_like_cvat, islice(list_files(path, ENDINGS), FILES_LOOKED_AT)))

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a file, or of all `*.xml` in a folder."""
        for file in list_files(path, ENDINGS):
            yield InFile(file)
            double = self.paths.find_double(file, path)
            opened = _CvatFile(file, self.options, name_within(file, path), double)
            yield from name_faults(file, opened.read(), CvatFault)
        self.paths.add(path)


def _begins_like_cvat(file: Path) -> bool:
    if file.suffix.lower() != ".xml":
        return False
    try:
        with file.open("rb") as opened:
            return next(stream_elements(opened), None) is not None
    except (CvatFault, OSError):
        return False


@dataclass(slots=True)
class _CvatFile:
    path: Path
    options: ReadOptions
    name: str
    """Of a video that has none of its own."""
    double: Path | None
    """The file of another path that would have the same name."""
    tasks: dict[str, SourceTask] = field(default_factory=dict)
    counts_used: bool | None = None  # whether frames are counted without those left out
    picture: Picture | None = None
    place: str = ""
    shapes: int = 0
    labels: int = 0
    shown: tuple[int, str] | None = None  # the frame before in this track, and its place

    def read(self) -> Iterator[Item]:
        with self.options.open_file(self.path) as file:
            for element in stream_elements(file):
                if isinstance(element, SourceTask):
                    self.tasks[element.id] = element
                elif isinstance(element, Holder):
                    yield from self._begin(element)
                else:
                    yield from self._convert(element)
        yield from self._end()

    def _begin(self, holder: Holder) -> Iterator[Item]:
        yield from self._end()
        kind, name = "track" if holder.is_track else "image", holder.values.get("id", "")
        self.place, self.shapes, self.labels = f"{kind} {name}".strip(), 0, 0
        self.picture = None if holder.is_track else _read_picture(holder.values)
        self.shown = None

    def _end(self) -> Iterator[Item]:
        if self.picture is not None and not self.labels:
            yield self.picture

    def _convert(self, element: ShapeElement) -> Iterator[Item]:
        self.shapes += 1
        is_track = element.holder.is_track
        frame = f"frame {element.values.get('frame', '')}, " if is_track else ""
        place = f"{self.place}, {frame}{element.tag} {self.shapes}"
        try:
            picture = self._find_picture(element)
            yield from self._follow(element, picture, place)
            if _is_outside(element):
                yield Omitted(place, "", "outside")
                return
            shapes = _read_shape(element, picture)
        except BadLabel as error:
            yield Skipped(place, "", str(error), is_fault=True)
        except NoPlace as error:
            yield Skipped(place, "", "no place", kind=str(error))
        else:
            name = (element.holder if is_track else element).values.get("label", "")
            concepts = (Concept(name),) if name else ()
            self.labels += 1
            yield Label(picture, concepts, shapes, place=place, info=_read_info(element))

    def _follow(self, element: ShapeElement, picture: Picture, place: str) -> Iterator[Item]:
        """Yield what is lost where the file does not list each frame of a track."""
        if picture.frame is None:
            return
        if self.shown:
            step = self._find_task(element.holder).step
            if picture.frame - self.shown[0] > step:
                yield Lost(self.shown[1], "", "frames between keyframes")
        self.shown = None if _is_outside(element) else (picture.frame, place)

    def _find_picture(self, element: ShapeElement) -> Picture:
        if not element.holder.is_track:
            if self.picture is None:
                raise BadLabel("its image has no name")
            return self.picture
        task = self._find_task(element.holder)
        number = WHOLE.fullmatch(element.values.get("frame", ""))
        if not number:
            raise BadLabel("its frame is not a number")
        frame = int(number[1])
        if self._counts_used_frames():
            frame = task.start + frame * task.step
        path = task.source or task.name
        if not path:
            if self.double is not None:
                raise CvatFault(f"{self.double} {SAME_IMAGE}")
            path = self.name.removesuffix(self.path.suffix)
        if subset := element.holder.values.get("subset"):
            path = f"{subset}/{path}"
        return Picture(path, task.width, task.height, frame)

    def _find_task(self, track: Holder) -> SourceTask:
        if len(self.tasks) == 1:
            return next(iter(self.tasks.values()))
        return self.tasks.get(track.values.get("task_id", ""), SourceTask())

    def _counts_used_frames(self) -> bool:
        """Whether the file's frames are counted among those that are used.

        A task may use each third frame of a video, from frame 10. CVAT numbers frames
        as the video does (10, 13, 16), old versions as the task does (0, 1, 2). The
        second is meant if all are below the number of frames that are used, and one is
        not a frame that is used.
        """
        if self.counts_used is None:
            self.counts_used = False
            if any(task.start or task.step > 1 for task in self.tasks.values()):
                with self.path.open("rb") as file:
                    fits = set(map(self._fit_frame, stream_elements(file)))
                self.counts_used = "task" in fits and "video" not in fits
        return self.counts_used

    def _fit_frame(self, element: Holder | ShapeElement | SourceTask) -> str:
        """Return whose frame this can only be: the video's or the task's; else ""."""
        # CVAT ends a track, outside, one frame after the last.
        if not isinstance(element, ShapeElement) or _is_outside(element):
            return ""
        number = WHOLE.fullmatch(element.values.get("frame", ""))
        if not element.holder.is_track or not number:
            return ""
        task, frame = self._find_task(element.holder), int(number[1])
        after_start = frame - task.start
        is_of_task = task.stop is None or frame <= (task.stop - task.start) // task.step
        is_of_video = (
            after_start >= 0
            and after_start % task.step == 0
            and (task.stop is None or frame <= task.stop)
        )
        if is_of_task == is_of_video:
            return ""
        return "task" if is_of_task else "video"


def _is_outside(element: ShapeElement) -> bool:
    parts = element.parts or [element]
    return element.holder.is_track and all(part.values.get("outside") == "1" for part in parts)


def _read_picture(values: Mapping[str, str]) -> Picture | None:
    path = values.get("name", "")
    if not path:
        return None
    if subset := values.get("subset"):  # a project's images have own names in each subset
        path = f"{subset}/{path}"
    width, height = (parse_size(values.get(key, "")) for key in ("width", "height"))
    return Picture(path, width, height, own_id=values.get("id", ""))


def _read_shape(element: ShapeElement, picture: Picture) -> tuple[Shape, ...]:
    match element.tag:
        case "tag":
            return ()
        case "box":
            return (_read_box(element.values),)
        case "polygon":
            return (Polygon(_read_points(element.values)),)
        case "points":
            return (Points(_read_points(element.values)),)
        case "mask":
            return (_read_mask(element.values, picture),)
        case "skeleton":
            return (_read_skeleton(element.parts),)
        case _:
            raise NoPlace(element.tag)


def _read_box(values: Mapping[str, str]) -> Box | Polygon:
    left, top, right, bottom = (_read_number(values, key) for key in ("xtl", "ytl", "xbr", "ybr"))
    angle = _read_number(values, "rotation") if "rotation" in values else 0.0
    if not math.isfinite(angle):
        raise BadLabel("its rotation is not a number")
    if angle % 360 == 0:
        return Box(left, top, right, bottom)
    # The corners are those of the box before it was turned. They may lie outside the
    # image while the turned ones lie inside, so that nothing may be clamped before.
    return Polygon(rotate_box(Box(left, top, right, bottom), angle), angle)


def _read_mask(values: Mapping[str, str], picture: Picture) -> Mask:
    if picture.width is None or picture.height is None:
        raise BadLabel("a mask needs the size of its image")
    left, top, width, height = (
        _read_whole(values, key) for key in ("left", "top", "width", "height")
    )
    text = values.get("rle", "")
    if text.count(",") > RUNS_MAX:
        raise BadLabel("a mask has too many runs")
    try:
        runs = [int(run) for run in text.split(",") if run.strip()]
    except ValueError:
        raise BadLabel("the runs of a mask are not numbers") from None
    beyond = left + width > picture.width or top + height > picture.height
    if beyond or min(left, top, width, height) < 0:
        raise BadLabel("a mask reaches beyond its image")
    if picture.width * picture.height > PIXELS_MAX:
        raise BadLabel("a mask has too many pixels")
    if min(runs, default=0) < 0 or sum(runs) != width * height:
        raise BadLabel("the runs of a mask do not fill its box")
    if not runs or not width * height:
        return Mask(picture.width, picture.height, (picture.width * picture.height,))
    # CVAT's runs go row by row within the box of the mask, ours down the whole image.
    box = left, top, width, height
    try:
        whole = turn_rows(runs, box, picture.width, picture.height)
    except ValueError as error:
        raise BadLabel(f"a mask has {error}") from None
    return Mask(picture.width, picture.height, whole)


def _read_skeleton(parts: list[ShapeElement]) -> Keypoints:
    names, points, visibilities = [], [], []
    for part in parts:
        names.append(part.values.get("label", ""))
        if part.values.get("outside") == "1":
            points.append((0.0, 0.0))
            visibilities.append(0)
            continue
        found = _read_points(part.values)
        if part.tag != "points" or len(found) != 1:
            raise NoPlace("skeleton of other shapes than points")
        points.append(found[0])
        visibilities.append(1 if part.values.get("occluded") == "1" else 2)
    return Keypoints(tuple(names), tuple(points), tuple(visibilities))


def _read_points(values: Mapping[str, str]) -> tuple[Point, ...]:
    text = values.get("points", "")
    if text.count(";") > POINTS_MAX:
        raise BadLabel("it has too many points")
    try:
        pairs = (pair.split(",") for pair in text.split(";") if pair.strip())
        return tuple((parse_number(x), parse_number(y)) for x, y in pairs)
    except ValueError:
        raise BadLabel("its points are not pairs of numbers") from None


def _read_number(values: Mapping[str, str], key: str) -> float:
    try:
        return parse_number(values.get(key, ""))
    except NotANumber:
        raise BadLabel(f"its {key} is not a number") from None


def _read_whole(values: Mapping[str, str], key: str) -> int:
    number = _read_number(values, key)
    if not number.is_integer():
        raise BadLabel(f"its {key} is not a whole number")
    return int(number)


def _read_info(element: ShapeElement) -> dict[str, JSON]:
    info: dict[str, JSON] = {}
    if element.attributes:
        info["attributes"] = dict(element.attributes)
    of_parts: dict[str, JSON] = {
        part.values.get("label", ""): dict(part.attributes)
        for part in element.parts
        if part.attributes
    }
    if of_parts:
        info["keypoint_attributes"] = of_parts
    if element.holder.is_track:
        info["track_id"] = element.holder.values.get("id", "")
        info["keyframe"] = element.values.get("keyframe", "1") == "1"
    if element.values.get("occluded") == "1":
        info["occluded"] = True
    of_track = element.holder.values if element.holder.is_track else {}
    values = {**of_track, **element.values}
    for key, name in (("group_id", "group"), ("z_order", "z_order")):
        if (number := values.get(key, "0")) != "0":
            info[name] = int(number) if SIGNED.fullmatch(number) else number
    if source := values.get("source"):
        info["source"] = source
    return info
