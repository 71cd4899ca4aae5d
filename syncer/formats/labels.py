"""Labels as values, of any format, and the port that readers implement.

A reader gives what its file says. Whether a shape has an area, lies within the image or
is made of numbers at all is judged in one place, `annotations`, for every format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Struct

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Point: TypeAlias = tuple[float, float]
"""x and y, from the upper left corner of the image."""


class Picture(Struct, frozen=True, cache_hash=True):
    """An image, a frame of a video or a text, as the label file names it.

    Yielded by itself, it is one without labels.
    """

    path: str
    """As the file has it, folders included; `images` makes it canonical."""
    width: int | None = None
    """In pixels, as the file says; None where it says nothing."""
    height: int | None = None
    frame: int | None = None
    """The number of the frame, where the path names a video or a sequence."""
    stream: str = ""
    """The name of the camera or sensor, where the source has several."""
    fps: float | None = None
    own_id: str = ""
    """The format's own id of the image, for reports."""
    input_id: str = ""
    """The id of the input, where the source gives it as such: a column of a table, the
    input that a document was pulled for. It stands for the stem of the path.
    """
    file: Path | None = None
    """The image itself, where it should be beside its labels. It is looked at where
    nothing else gives the size.
    """


class Measure(Enum):
    """The unit of all numbers of a shape."""

    PIXELS = "pixels"
    SHARES = "shares"
    """Of the width and height of the image: 0 to 1."""


class Box(Struct, frozen=True):
    """An upright box, never clamped by a reader."""

    left: float
    top: float
    right: float
    bottom: float


class Polygon(Struct, frozen=True):
    """One closed ring, without its first point again at the end."""

    points: tuple[Point, ...]
    angle_degrees: float | None = None
    """The angle of a rotated box that became this polygon."""


class Mask(Struct, frozen=True):
    """Pixels of an image, as lengths of runs of 0 and 1 in turn, column by column from
    the upper left corner. The first run is of 0, and may be empty.
    """

    width: int
    height: int
    runs: tuple[int, ...]


class Keypoints(Struct, frozen=True):
    """The named points of a skeleton, absent ones in their places."""

    names: tuple[str, ...]
    """Empty where the file has no names."""
    points: tuple[Point, ...]
    visibilities: tuple[int, ...]
    """As COCO has them: 2 visible, 1 hidden, 0 absent."""


class Points(Struct, frozen=True):
    """Points without names: each becomes a line."""

    points: tuple[Point, ...]


class TextSpan(Struct, frozen=True):
    """Characters of a text; `end` is after the last one."""

    start: int
    end: int
    text: str


Shape: TypeAlias = Box | Polygon | Mask | Keypoints | Points | TextSpan


class Concept(Struct, frozen=True, cache_hash=True):
    """One class, choice or tag."""

    name: str
    value: float = 1.0
    own_id: str = ""
    """The format's own id of the class."""


class Label(Struct, frozen=True):
    """One label of the source."""

    picture: Picture
    concepts: tuple[Concept, ...]
    shapes: tuple[Shape, ...] = ()
    """Several are parts of one label: a line each. None: a label of the whole image."""
    measure: Measure = Measure.PIXELS
    place: str = ""
    """Where it is in its file: "annotations[3]", "line 12", "object 2"."""
    own_id: str = ""
    """The format's own id of the label; "" where it has none."""
    info: Mapping[str, JSON] = msgspec.field(default_factory=dict)
    """What else the source knows of it, for `annotation_info`: attributes, track_id,
    occluded, truncated, difficult, crowd, group, annotator, confidence.
    """
    box: Box | None = None
    """The box that the source gives beside a mask, polygons or keypoints."""


class InFile(Struct, frozen=True):
    """A mark: all that follows is from this file, until the next mark."""

    path: Path


class Omitted(Struct, frozen=True):
    """A label that a rule leaves out: "prediction", "draft", "cancelled"."""

    place: str
    own_id: str
    rule: str


class Skipped(Struct, frozen=True):
    """A label that cannot be converted."""

    place: str
    own_id: str
    reason: str
    """A few words that many labels share: they are counted by it."""
    is_fault: bool = False
    """Whether the file is to blame, and the run ends with exit code 3: what is not a
    number, an image or category that is not defined. Else the wire has no place for it.
    """
    kind: str = ""
    """With the reason "no place": what the wire has no place for, such as "cuboid"."""


class Lost(Struct, frozen=True):
    """A part of a label that has no place, where the label itself is converted."""

    place: str
    own_id: str
    kind: str


NoticeCode = Literal[
    "other-format",
    "broken-entry",
    "no-annotations",
    "duplicate-image-id",
    "duplicate-category-id",
    "class-names",
    "mixed-rows",
    "confidence",
    "missing-image",
    "other-image-name",
    "separate-masks",
]
"""The kinds of what is noticed of a file, as `--health` counts them."""


class Noticed(Struct, frozen=True):
    """Something about the file that people should know; the same text is shown once."""

    code: NoticeCode
    text: str
    place: str = ""
    file: Path | None = None
    """Where it is not the file of the last mark."""


class FileFault(Struct, frozen=True):
    """A file that could not be read, or not to its end; the others go on."""

    file: Path
    reason: str


Item: TypeAlias = Label | Picture | InFile | Omitted | Skipped | Lost | Noticed | FileFault


def open_plainly(path: Path) -> BinaryIO:
    """Open a label file. Raises OSError."""
    return path.open("rb")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Wishes of the user about how files are read."""

    voc_origin: int = 0
    """1: the minima of VOC count from 1."""
    predictions: bool = False
    """Whether what a model predicted is taken, too."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The column of a table for each of our names."""
    images: Path | None = None
    """The folder with the images."""
    stems_only: bool = False
    """Whether nothing is made of the names of images but their stems."""
    open_file: Callable[[Path], BinaryIO] = open_plainly
    """Opens every file that is read, so that progress can be shown by bytes."""


class Reader(Protocol):
    """A format. It is made with ReadOptions."""

    def detect(self, path: Path) -> bool:
        """Whether this file or folder seems to be of this format, by a cheap look.

        Raises nothing.
        """
        ...

    def read(self, path: Path) -> Iterator[Item]:
        """Yield what is in this file or folder, in the order of the files.

        Memory does not grow with the files. What cannot be read is yielded, not raised.
        """
        ...
