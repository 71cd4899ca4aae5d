"""Pascal VOC: a file of XML for each image.

Corners are read as they are written, for files do not say whether they count from 0 or
from 1. With `--voc-origin 1` the edges of a box are min - 1 and max: its last pixel
belongs to it. A vertex is a point, so that each is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from syncer.formats.faults import name_faults
from syncer.formats.folders import SAME_IMAGE, PathsOfRun, list_files
from syncer.formats.labels import (
    FileFault,
    InFile,
    Item,
    Noticed,
    Picture,
    ReadOptions,
    open_plainly,
)
from syncer.formats.numbers import parse_size
from syncer.formats.voc_object import read_object, text_of
from syncer.formats.xml_pieces import BadXml, stream_pieces

__all__ = ["Voc"]

ROOT = "annotation"
FILES_LOOKED_AT = 20
SIZES = {"size": ("width", "height"), "imagesize": ("ncols", "nrows")}  # LabelMe's is the latter
MASKS = Noticed(
    "separate-masks", "masks are images of their own (SegmentationObject), and are not read"
)


@dataclass(frozen=True, slots=True)
class Voc:
    """The reader of Pascal VOC."""

    options: ReadOptions
    paths: PathsOfRun = field(default_factory=PathsOfRun)

    def detect(self, path: Path) -> bool:
        """Whether one of the first files of this folder is of VOC."""
        files = (each for each in list_files(path, (".xml",)) if each.suffix.lower() == ".xml")
        return any(_is_voc(file) for file in islice(files, FILES_LOOKED_AT))

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a file, or of all `*.xml` in a folder."""
        is_told = False
        for file in list_files(path, (".xml",)):
            yield InFile(file)
            if (other := self.paths.find_double(file, path)) is not None:
                yield FileFault(file, f"{other} {SAME_IMAGE}")
                continue
            folder = file.parent.relative_to(path) if file != path else Path()
            for item in name_faults(file, self._read_file(file, folder.parts), BadXml):
                is_again = is_told and item == MASKS
                is_told = is_told or item == MASKS
                if not is_again:
                    yield item
        self.paths.add(path)

    def _read_file(self, file: Path, folders: tuple[str, ...]) -> Iterator[Item]:
        head = _ImageHead()
        picture: Picture | None = None
        number = 0
        for piece in stream_pieces(file, ROOT, self.options.open_file):
            if piece.tag != "object":
                head.take(piece)
                continue
            if picture is None:
                if not head.is_whole:
                    head = self._read_head(file)
                picture = head.picture(file, folders)
                yield from _present(picture, file)
            number += 1
            yield from read_object(piece, picture, number, self.options.voc_origin)
        if picture is None:
            yield from _present(head.picture(file, folders), file)
        if head.is_segmented:
            yield MASKS

    def _read_head(self, file: Path) -> _ImageHead:
        """Read what is said of the image after the objects, in a pass of its own."""
        head = _ImageHead()
        try:
            for piece in stream_pieces(file, ROOT, self.options.open_file):
                head.take(piece)
        except BadXml:
            pass  # the labels before the fault come first, and then the same fault
        return head


@dataclass(slots=True)
class _ImageHead:
    """The part of a file that is about its image."""

    name: str = ""
    size: tuple[int | None, int | None] | None = None
    is_segmented: bool = False

    @property
    def is_whole(self) -> bool:
        return bool(self.name) and self.size is not None

    def take(self, piece: Element) -> None:
        if piece.tag == "filename":
            self.name = self.name or text_of(piece)
        elif piece.tag == "segmented":
            self.is_segmented = text_of(piece) == "1"
        elif piece.tag in SIZES and self.size is None:
            width, height = (piece.find(tag) for tag in SIZES[piece.tag])
            self.size = parse_size(text_of(width)), parse_size(text_of(height))

    def picture(self, file: Path, folders: tuple[str, ...]) -> Picture:
        width, height = self.size or (None, None)
        path = "/".join(place_image(self.name, file, folders))
        there = Path(*place_image(self.name, file, file.parent.parts))
        return Picture(path, width, height, file=there)


def _present(picture: Picture, file: Path) -> Iterator[Item]:
    """Yield an image, and that its name is not that of its label file: as in a copy."""
    yield picture
    name = picture.path.rpartition("/")[2]
    if file.stem not in (name, PurePosixPath(name).stem):
        text = f"its filename is {name}: its labels go to that image"
        yield Noticed("other-image-name", text)


def place_image(name: str, file: Path, folders: tuple[str, ...]) -> list[str]:
    """Return the steps to the image: from its name in the label file, and that file's
    folders.

    As in the data sets of VOC, images are in JPEGImages where labels are in
    Annotations, else beside them. Folders in the name count once; where it is a path of
    the machine that it was written on, they do not count. A file that says no name is
    named as its image is, which most often is a .jpg.
    """
    posix = name.replace("\\", "/")
    steps = posix.split("/")
    parts = [step for step in steps if step not in ("", ".", "..")] or [f"{file.stem}.jpg"]
    if posix.startswith("/") or ".." in steps or steps[0].endswith(":"):
        parts = parts[-1:]
    within = [*folders]
    if "Annotations" in within:
        last = len(within) - 1 - within[::-1].index("Annotations")
        within[last] = "JPEGImages"
    own = parts[:-1]
    if own and within[-len(own) :] == own:
        parts = parts[-1:]
    return [*within, *parts]


def _is_voc(file: Path) -> bool:
    try:
        return next(stream_pieces(file, ROOT, open_plainly), None) is not None
    except (BadXml, OSError):
        return False
