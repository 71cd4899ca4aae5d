"""The readers, by the names that users call their formats."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from syncer.errors import UsageError
from syncer.formats.labels import Reader, ReadOptions
from syncer.printable import as_argument

AUTO = "auto"
READERS = {
    "coco": "coco.Coco",
    "yolo": "yolo.Yolo",
    "voc": "voc.Voc",
    "cvat": "cvat.Cvat",
    "labelstudio": "labelstudio.LabelStudio",
    "openlabel": "openlabel.OpenLabelReader",
    "csv": "tables.CsvLabels",
    "parquet": "tables.ParquetLabels",
}
"""A module of this package, and the class in it that is made with ReadOptions."""


def make_reader(name: str, options: ReadOptions) -> Reader:
    """Return the reader of a format. Raises UsageError for a name that is not one."""
    if name not in READERS:
        raise UsageError(f"{name!r} is not a format: give one of {', '.join((*READERS, AUTO))}")
    module, maker = READERS[name].split(".")
    reader: Reader = getattr(import_module(f"{__package__}.{module}"), maker)(options)
    return reader


def detect_format(paths: tuple[Path, ...], options: ReadOptions) -> str:
    """Return the name of the one format that these all seem to be of.

    Raises UsageError where there are several, or none.
    """
    readers = {name: make_reader(name, options) for name in READERS}
    seen = [[name for name in readers if readers[name].detect(path)] for path in paths]
    found = [name for name in readers if all(name in names for names in seen)]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(map(as_argument, paths))
    if found:
        raise UsageError(f"{shown} may be {' or '.join(found)}: name the format instead of auto")
    if all(seen):
        each = (
            f"{as_argument(path)} {' or '.join(names)}"
            for path, names in zip(paths, seen, strict=True)
        )
        raise UsageError(f"not of one format: {', '.join(each)}; import them one by one")
    raise UsageError(f"no format was recognised in {shown}: name one of {', '.join(READERS)}")
