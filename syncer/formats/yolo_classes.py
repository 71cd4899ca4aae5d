"""The names of YOLO's classes, and the shape of its keypoints, from the files beside
the labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from syncer.formats.labels import FileFault, InFile, Item, Noticed, ReadOptions

__all__ = [
    "BadDataFile",
    "ClassFiles",
    "Classes",
    "is_class_file",
    "is_data_file",
    "read_data_file",
]

USUAL = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
PLAIN = ("classes.txt", "obj.names")
YAML_ENDINGS = (".yaml", ".yml")
FILES_MAX = 20
BYTES_MAX = 1 << 20
"""The yaml of 20,000 classes has a third of it, and takes seconds to parse."""
WHOLE = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a data set."""

    names: Mapping[int, str] = field(default_factory=dict)
    is_pose: bool = False
    point_count: int = 0
    """Keypoints of each label; 0 where `kpt_shape` cannot be read."""
    dimensions: int = 0
    """Numbers of each keypoint: 2, or 3 with its visibility."""
    point_names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By class, where the file names keypoints."""
    is_broken: bool = False
    """Whether a file should name the classes, and cannot be read: a number instead of
    the name would be another concept.
    """


class BadDataFile(Exception):
    """A data.yaml that cannot be read; the message says why."""


def is_class_file(name: str) -> bool:
    """Whether a file with the ending of labels has the names of classes."""
    return name.lower() in PLAIN


def is_data_file(path: Path) -> bool:
    """Whether it is a YAML file by its name."""
    return path.name.lower().endswith(YAML_ENDINGS)


class ClassFiles:
    """The nearest file with names of classes, for each folder of labels.

    `found` has what there is to tell, until the reader yields it.
    """

    def __init__(self, options: ReadOptions) -> None:
        self.found: list[Item] = []
        self._options = options
        self._known: dict[Path, Classes | None] = {}

    def find(self, folder: Path, top: Path) -> Classes:
        """Return the classes of a folder of labels: without names where no file has
        them, up to the folder `top`.
        """
        for place in (folder, *folder.parents):
            if place not in self._known:
                self._known[place] = self.read(_list_candidates(place))
            if classes := self._known[place]:
                return classes
            if place == top:
                break
        return Classes()

    def read(self, candidates: Iterable[Path]) -> Classes | None:
        """Return what the first of these files says, and tell where another one says
        otherwise.
        """
        chosen: Classes | None = None
        is_broken = False
        by = ""
        for path in candidates:
            try:
                classes, notes = self._read_file(path)
            except BadDataFile as error:
                self.found.append(FileFault(path, str(error)))
                is_broken = True
                continue
            if classes is None:
                continue
            if chosen is None:
                chosen, by = classes, path.name
                self.found.append(InFile(path))
                self.found += [Noticed("class-names", note) for note in notes]
            elif dict(chosen.names) != dict(classes.names):
                self.found.append(InFile(path))
                text = f"its classes are not those of {by}, which are taken"
                self.found.append(Noticed("class-names", text))
        return Classes(is_broken=True) if chosen is None and is_broken else chosen

    def _read_file(self, path: Path) -> tuple[Classes | None, list[str]]:
        try:
            with self._options.open_file(path) as file:
                data = file.read(BYTES_MAX + 1)
        except OSError as error:
            raise BadDataFile(error.strerror or "it cannot be read") from None
        if len(data) > BYTES_MAX:
            raise BadDataFile(f"it is larger than {BYTES_MAX >> 20} MiB")
        return read_data_file(data) if is_data_file(path) else (_read_plain(data), [])


def _list_candidates(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that may name classes, the usual names first."""
    try:
        names = {path.name.lower(): path for path in folder.iterdir() if _may_name(path.name)}
    except OSError:
        return
    usual = [name for name in USUAL if name in names]
    others = sorted(name for name in names if name not in USUAL and name not in PLAIN)
    plain = [name for name in PLAIN if name in names]
    for name in [*usual, *others, *plain][:FILES_MAX]:
        yield names[name]


def _may_name(name: str) -> bool:
    lower = name.lower()
    return lower in PLAIN or lower.endswith((*YAML_ENDINGS, ".names"))


def _read_plain(data: bytes) -> Classes | None:
    """Read a name from each line; a line without one keeps its number."""
    lines = data.decode("utf-8-sig", "replace").splitlines()
    names = {index: line.strip() for index, line in enumerate(lines) if line.strip()}
    return Classes(names) if names else None


def read_data_file(data: bytes) -> tuple[Classes | None, list[str]]:
    """Read a data.yaml; None where it says nothing of classes. And what to tell.

    Raises BadDataFile.
    """
    try:
        # Plain strings throughout: no objects are made, and a class called `no` keeps
        # its name.
        root = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1} " if mark else ""
        raise BadDataFile(f"{where}is not YAML") from None
    if not isinstance(root, dict) or not {"names", "kpt_shape"} & root.keys():
        return None, []
    notes: list[str] = []
    names = _read_names(root["names"]) if "names" in root else {}
    count = root.get("nc")
    if isinstance(count, str) and WHOLE.fullmatch(count) and int(count) != len(names):
        notes.append(f"nc is {int(count)}, and there are {len(names)} names")
    if "kpt_shape" not in root:
        return Classes(names), notes
    points, dimensions = _read_shape(root["kpt_shape"])
    if not points:
        notes.append("kpt_shape should be a number of keypoints, and 2 or 3")
    point_names = _read_point_names(root.get("kpt_names"), points)
    return Classes(names, True, points, dimensions, point_names), notes


def _read_names(value: object) -> dict[int, str]:
    """Return the names of a list, or of a mapping from numbers.

    Raises BadDataFile for anything else.
    """
    names: dict[int, str] = {}
    for key, name in _pairs(value):
        if not isinstance(key, str) or not WHOLE.fullmatch(key) or not isinstance(name, str):
            raise BadDataFile("names should be a list, or a mapping from numbers to names")
        if name.strip():
            names[int(key)] = name.strip()
    return names


def _pairs(value: object) -> list[tuple[object, object]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return [(str(index), name) for index, name in enumerate(value)]
    return [(None, value)]


def _read_shape(value: object) -> tuple[int, int]:
    match value:
        case [str(points), ("2" | "3") as dimensions] if WHOLE.fullmatch(points):
            return int(points), int(dimensions)
    return 0, 0


def _read_point_names(value: object, points: int) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for key, names in _pairs(value):
        if isinstance(key, str) and WHOLE.fullmatch(key) and isinstance(names, list):
            texts = tuple(name for name in names if isinstance(name, str))
            if len(texts) == points:
                found[int(key)] = texts
    return found
