"""YOLO: a file of lines for each image, and the names of classes beside them.

All numbers are shares of the image, so that its size is not needed; DOTA's form of
rotated boxes is in pixels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from syncer.formats.faults import BadLabel, name_faults
from syncer.formats.folders import (
    SAME_IMAGE,
    PathsOfRun,
    is_debris,
    list_files,
    walk_folders,
)
from syncer.formats.labels import (
    Concept,
    FileFault,
    InFile,
    Item,
    Label,
    NoticeCode,
    Noticed,
    Picture,
    ReadOptions,
    Skipped,
    open_plainly,
)
from syncer.formats.yolo_classes import (
    BadDataFile,
    Classes,
    ClassFiles,
    is_class_file,
    is_data_file,
    read_data_file,
)
from syncer.formats.yolo_rows import LabelLine, is_header, read_row, seems_row

__all__ = ["Yolo"]

LABEL_FOLDERS = {"labels", "labeltxt"}
IMAGE_FOLDER = "images"
DOTA_FOLDER = "labeltxt"
LISTS = {"train.txt", "val.txt", "valid.txt", "test.txt", "trainval.txt"}
IMAGE_ENDINGS = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif", ".heic"),
    *(".heif", ".jp2", ".dng", ".mpo", ".pfm"),
)
BROKEN_NAMES = "the names of its classes cannot be read"
NO_NAMES = "no data.yaml or classes.txt names the classes: class 0 becomes class-0"
CONFIDENCE = "lines end with a confidence, which is kept beside the label"
ENDING_MOST_OFTEN = ".jpg"
BY_COUNT = "each line was read by how many numbers it has"
NO_IMAGE = "its image is not there, and is taken for a .jpg"
LINE_BYTES_MAX = 1 << 20
FILES_LOOKED_AT = 20
LOOK_BYTES = 1 << 16


@dataclass(slots=True)
class Yolo:
    """The reader of YOLO."""

    options: ReadOptions
    paths: PathsOfRun = field(default_factory=PathsOfRun)
    told: set[str] = field(default_factory=set)
    """What people know of these paths."""
    class_files: ClassFiles = field(init=False)

    def __post_init__(self) -> None:
        self.class_files = ClassFiles(self.options)

    def detect(self, path: Path) -> bool:
        """Whether it is a data.yaml, or labels begin as lines of YOLO do."""
        if path.is_file() and is_data_file(path):
            return _names_classes(path)
        if path.is_file() and path.suffix.lower() != ".txt":
            return False
        return any(_begins_with_row(file) for file in islice(_list_labels(path), FILES_LOOKED_AT))

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a file, of a folder, or of the folder of a data.yaml."""
        run = _DataSet(self, path)
        last: Path | None = None
        for file in _list_labels(run.root):
            if last is not None and file.parent != last:
                yield from run.list_unlabelled(last)
            last = file.parent
            if (other := self.paths.find_double(file, run.root)) is not None:
                yield InFile(file)
                yield FileFault(file, f"{other} {SAME_IMAGE}")
            else:
                yield from run.read_file(file)
        if last is not None and run.root.is_dir():
            yield from run.list_unlabelled(last)
        self.paths.add(run.root)


@dataclass(slots=True)
class _DataSet:
    """A folder that is read, with what names its classes."""

    reader: Yolo
    path: Path
    root: Path = field(init=False)
    top: Path = field(init=False)
    chosen: Classes | None = None
    """Of the data.yaml that the user named."""

    def __post_init__(self) -> None:
        is_data = self.path.is_file() and is_data_file(self.path)
        self.root = self.path.parent if is_data else self.path
        if _is_within_labels(self.root):
            self.root = self.root.absolute()  # what names its classes is further up
        self.top = _top_of(self.root)
        if is_data:
            self.chosen = self.reader.class_files.read([self.path]) or Classes()

    def read_file(self, file: Path) -> Iterator[Item]:
        files = self.reader.class_files
        classes = self.chosen or files.find(file.parent, self.top)
        if files.found:
            yield from files.found
            files.found.clear()
        yield InFile(file)
        yield from name_faults(file, self._read_lines(file, classes))

    def _read_lines(self, file: Path, classes: Classes) -> Iterator[Item]:
        is_dota = DOTA_FOLDER in (part.lower() for part in file.parts)
        image = _find_image(file)
        path = self._relative(file, image.suffix if image else ENDING_MOST_OFTEN)
        # Shares need no size, so that no image is opened for them.
        picture = Picture(path, file=image if is_dota else None)
        kind = ""
        is_mixed = False
        with self.reader.options.open_file(file) as opened:
            yield picture
            if image is None and not self.reader.options.stems_only:
                yield from self._tell("missing-image", NO_IMAGE, "")
            for number, line in _split_lines(opened):
                place = f"line {number}"
                try:
                    text = _decode(line, number)
                    if not text or is_header(text):
                        continue
                    row = read_row(text, classes, is_dota=is_dota)
                except BadLabel as error:
                    yield Skipped(place, "", str(error), is_fault=True)
                    continue
                if kind and row.kind != kind and not is_mixed:
                    is_mixed = True
                    text = f"it mixes {kind} and {row.kind}; {BY_COUNT}"
                    yield Noticed("mixed-rows", text, place)
                kind = kind or row.kind
                yield from self._label(row, picture, classes, place)

    def _label(
        self, row: LabelLine, picture: Picture, classes: Classes, place: str
    ) -> Iterator[Item]:
        if classes.is_broken and not row.name:
            yield Skipped(place, "", BROKEN_NAMES, is_fault=True)
            return
        name = row.name or classes.names.get(row.index, "")
        if not name:
            name = f"class-{row.index}"
            if not classes.names:
                yield from self._tell("class-names", NO_NAMES, place)
            else:
                text = f"class {row.index} has no name, and becomes {name}"
                yield from self._tell("class-names", text, place)
        if "confidence" in row.info:
            yield from self._tell("confidence", CONFIDENCE, place)
        concept = Concept(name, own_id=str(row.index) if row.index >= 0 else "")
        yield Label(
            picture, (concept,), (row.shape,), row.measure, place, info=row.info, box=row.box
        )

    def _tell(self, code: NoticeCode, text: str, place: str) -> Iterator[Item]:
        """Yield what people should know, once."""
        if text not in self.reader.told:
            self.reader.told.add(text)
            yield Noticed(code, text, place)

    def list_unlabelled(self, folder: Path) -> Iterator[Item]:
        """Yield the images that a folder of labels has no file for."""
        images = _images_of(folder)
        try:
            names = sorted(entry.name for entry in os.scandir(images) if _is_image(entry.name))
        except OSError:
            return
        for name in names:
            label = folder / f"{Path(name).stem}.txt"
            if not label.exists():
                yield Picture(self._relative(label, Path(name).suffix))

    def _relative(self, label: Path, ending: str) -> str:
        """Return the path of a label file's image, from the folder that is read."""
        within = label.parent.relative_to(self.root) if label != self.root else Path()
        return (_images_of(within) / f"{label.stem}{ending}").as_posix()


def _is_within_labels(path: Path) -> bool:
    return any(part.lower() in LABEL_FOLDERS for part in path.absolute().parts)


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_ENDINGS) and not is_debris(name)


def _find_image(label: Path) -> Path | None:
    images = _images_of(label.parent)
    if images.is_dir():
        for ending in IMAGE_ENDINGS:
            for each in (ending, ending.upper()):
                image = images / f"{label.stem}{each}"
                if os.path.exists(image):  # noqa: PTH110 - false for a name that is too long
                    return image
    return None


def _images_of(folder: Path) -> Path:
    """Return where the images of a folder of labels are: `images`, for `labels`."""
    parts = list(folder.parts)
    for place in range(len(parts) - 1, -1, -1):
        if parts[place].lower() in LABEL_FOLDERS:
            parts[place] = IMAGE_FOLDER
            return Path(*parts)
    return folder


def _top_of(root: Path) -> Path:
    """Return the outermost folder in which the names of classes may be: that which is
    read, or two above the folder `labels` that it is in (`set/train/labels`).
    """
    folder = root if root.is_dir() else root.parent
    for place in (folder, *folder.parents):
        if place.name.lower() in LABEL_FOLDERS:
            return place.parent.parent
    return folder


def _list_labels(path: Path) -> Iterator[Path]:
    """Yield the label files: those in folders called `labels`, where there are any,
    else all that may be.
    """
    if not path.is_dir():
        yield path
        return
    is_inside = _is_within_labels(path)
    has_folders = not is_inside and any(
        folder.name.lower() in LABEL_FOLDERS for folder, _ in walk_folders(path)
    )
    for file in list_files(path, (".txt",)):
        within = file.parent.relative_to(path).parts
        if is_class_file(file.name):
            continue
        if has_folders and not any(part.lower() in LABEL_FOLDERS for part in within):
            continue
        if not has_folders and not is_inside and _is_beside_labels(file):
            continue
        yield file


def _is_beside_labels(file: Path) -> bool:
    """Whether it is a text for people, or a list of images."""
    name = file.name.lower()
    return name.startswith("readme") or (name in LISTS and not _begins_with_row(file))


def _split_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers; of one that is too long, its beginning."""
    number = 0
    while data := file.readline(LINE_BYTES_MAX + 1):
        for line in data.splitlines():  # the carriage returns of old Macs, too
            number += 1
            yield number, line
        while len(data) > LINE_BYTES_MAX and not data.endswith(b"\n"):
            data = file.readline(LINE_BYTES_MAX + 1)


def _decode(line: bytes, number: int) -> str:
    """Raises BadLabel."""
    if len(line) > LINE_BYTES_MAX:
        raise BadLabel("its line is too long")
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError:
        raise BadLabel("its line is not text") from None


def _begins_with_row(file: Path) -> bool:
    try:
        with open_plainly(file) as opened:
            lines = opened.read(LOOK_BYTES).splitlines()
        texts = [text for number, line in enumerate(lines, 1) if (text := _decode(line, number))]
    except (BadLabel, OSError):
        return False
    rows = [text for text in texts if not is_header(text)]
    return bool(rows) and seems_row(rows[0])


def _names_classes(path: Path) -> bool:
    try:
        with open_plainly(path) as opened:
            classes, _ = read_data_file(opened.read(LOOK_BYTES))
    except (BadDataFile, OSError):
        return False
    return classes is not None
