"""A line of a YOLO label file.

Its kind is told by how many numbers follow the class: 4 are a box, 6 and more in pairs
a polygon (a rotated box has four points), and those of keypoints are told by
`kpt_shape`. A confidence, a track's number or both may come last.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from syncer.formats.faults import BadLabel
from syncer.formats.geometry import open_ring, pair_up
from syncer.formats.labels import JSON, Box, Keypoints, Measure, Polygon, Shape
from syncer.formats.numbers import NotANumber, parse_number
from syncer.formats.yolo_classes import Classes

__all__ = ["LabelLine", "is_header", "read_row", "seems_row"]

HEADERS = ("imagesource:", "gsd:", "acquisition")
CORNERS = 8
CLASS_MAX = 1 << 31


class LabelLine(Struct, frozen=True):
    """A line, read."""

    shape: Shape
    kind: str
    info: dict[str, JSON]
    index: int = -1
    """The number of its class; -1 where the line has the name itself."""
    name: str = ""
    box: Box | None = None
    measure: Measure = Measure.SHARES


def is_header(line: str) -> bool:
    """Whether the line is of those that DOTA writes before its labels."""
    return line.lower().startswith(HEADERS)


def seems_row(line: str) -> bool:
    """Whether it begins as a line of YOLO: a class and shares of an image, or with the
    corners and the name of DOTA.
    """
    words = line.split()
    if len(words) > CORNERS and _has_name(words, is_dota=False):
        return True
    try:
        first, *numbers = map(parse_number, words)
    except (NotANumber, ValueError):
        return False
    is_class = 0 <= first < CLASS_MAX and first == int(first)
    return is_class and len(numbers) >= 4 and all(-1 < share < 2 for share in numbers[:4])


def read_row(line: str, classes: Classes, *, is_dota: bool = False) -> LabelLine:
    """Read a line that is not empty.

    `is_dota`: its folder is one of DOTA's, so that numbers may be names. Raises
    BadLabel.
    """
    words = line.split()
    if len(words) > CORNERS and _has_name(words, is_dota):
        return _read_dota(words)
    try:
        first, *numbers = map(parse_number, words)
    except NotANumber:
        raise BadLabel("a number is not one") from None
    if not 0 <= first < CLASS_MAX or first != int(first):
        raise BadLabel("its class is not a whole number")
    info: dict[str, JSON] = {}
    if classes.is_pose:
        shape, box = _read_pose(numbers, classes, int(first), info)
    else:
        shape, box = _read_plain(numbers, info)
    return LabelLine(shape, _kind_of(shape), info, int(first), box=box)


def _kind_of(shape: Shape) -> str:
    if isinstance(shape, Box):
        return "boxes"
    return "keypoints" if isinstance(shape, Keypoints) else "polygons"


def _read_plain(numbers: list[float], info: dict[str, JSON]) -> tuple[Shape, None]:
    if _seems_pose(numbers):
        raise BadLabel("keypoints, and no kpt_shape in a data.yaml")
    tail = _count_tail(numbers)
    _note_tail(numbers[len(numbers) - tail :], info)
    numbers = numbers[: len(numbers) - tail]
    if len(numbers) == 4:
        return _read_box(numbers), None
    if len(numbers) < 6:
        raise BadLabel("too few numbers after its class")
    return Polygon(open_ring(pair_up(numbers))), None


def _count_tail(numbers: Sequence[float]) -> int:
    """Return how many numbers follow the shape.

    Two are a confidence and a track's number. Only the latter is above 1.
    """
    if len(numbers) % 2 or len(numbers) < 6:
        return len(numbers) % 2
    *others, last = numbers
    return 2 if last > 1 and last.is_integer() and max(others) <= 1 else 0


def _note_tail(tail: Sequence[float], info: dict[str, JSON]) -> None:
    for number in tail:
        if 0 <= number <= 1 and "confidence" not in info:
            info["confidence"] = number
        elif number >= 0 and number.is_integer():
            info["track_id"] = str(int(number))
        else:
            raise BadLabel("its last number is neither a confidence nor the number of a track")


def _seems_pose(numbers: Sequence[float]) -> bool:
    """Whether every third number after a box is a visibility, and one of them is 2,
    which no share of an image is.
    """
    points, rest = divmod(len(numbers) - 4, 3)
    visibilities = numbers[6::3]
    return rest == 0 and points > 1 and 2 in visibilities and set(visibilities) <= {0, 1, 2}


def _read_pose(
    numbers: list[float], classes: Classes, index: int, info: dict[str, JSON]
) -> tuple[Shape, Box | None]:
    end = 4 + classes.point_count * classes.dimensions
    if len(numbers) < 4:
        raise BadLabel("too few numbers after its class")
    box = _read_box(numbers[:4])
    if len(numbers) < 6:
        _note_tail(numbers[4:], info)
        return box, None
    if not end <= len(numbers) <= end + 2 or end == 4:
        raise BadLabel("not as many numbers as kpt_shape asks for")
    _note_tail(numbers[end:], info)
    points, given = _split(numbers[4:end], classes.dimensions)
    if any(not 0 <= value <= 2 for value in given):
        raise BadLabel("a visibility is not 0, 1 or 2")
    if any(value not in (0, 1, 2) for value in given):  # what a model has written
        info["keypoint_confidences"] = [*given]
        given = [2 if value > 0 else 0 for value in given]
    names = classes.point_names.get(index, ())
    return Keypoints(names, points, tuple(int(value) for value in given)), box


def _split(
    numbers: Sequence[float], dimensions: int
) -> tuple[tuple[tuple[float, float], ...], list[float]]:
    """Return points and visibilities.

    Without visibilities a point is absent where it is at 0, 0, or below.
    """
    points = tuple(zip(numbers[::dimensions], numbers[1::dimensions], strict=True))
    if dimensions == 3:
        return points, [*numbers[2::3]]
    absent = [x < 0 or y < 0 or (x == 0 and y == 0) for x, y in points]
    return points, [0 if each else 2 for each in absent]


def _read_box(numbers: Sequence[float]) -> Box:
    x, y, width, height = numbers
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _has_name(words: Sequence[str], is_dota: bool) -> bool:
    """Whether eight coordinates are followed by a name: the form of DOTA."""
    try:
        corners = [parse_number(word) for word in words[:CORNERS]]
    except NotANumber:
        return False
    try:
        parse_number(words[CORNERS])
    except NotANumber:
        return True
    return is_dota and len(words) <= CORNERS + 2 and max(corners) > 1


def _read_dota(words: Sequence[str]) -> LabelLine:
    """Read four corners in pixels, the name and how difficult it is: 0, 1 or 2."""
    points = pair_up([parse_number(word) for word in words[:CORNERS]])
    *name, difficult = words[CORNERS:] if len(words) > CORNERS + 1 else [*words[CORNERS:], "0"]
    info: dict[str, JSON] = {}
    if difficult not in ("0", "1", "2"):
        name, difficult = [*name, difficult], "0"
    if difficult != "0":
        info["difficult"] = True if difficult == "1" else int(difficult)
    shape = Polygon(open_ring(points))
    return LabelLine(shape, "polygons", info, name=" ".join(name), measure=Measure.PIXELS)
