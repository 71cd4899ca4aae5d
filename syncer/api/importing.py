"""`syncer.import_labels(...)`."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import anyio

from syncer.api import arguments
from syncer.api.pull import OutPath
from syncer.errors import BadLabelFound, UsageError
from syncer.formats.labels import Reader
from syncer.jobs.importing.options import ImportOptions
from syncer.jobs.importing.output import spool_lines
from syncer.jobs.importing.report import ImportReport
from syncer.jobs.importing.run import Import, open_import
from syncer.printable import printable
from syncer.sources.misuse import show

OneOf = TypeVar("OneOf")
_LINES_AT_ONCE = 500
_log = logging.getLogger("syncer")


class ImportedLabels:
    """Lines of a change log, made of label files: `async for line in labels`.

    All labels are converted before the first line comes, and kept on the disk until the
    last one did. `report` has the counts from then on.
    """

    def __init__(self, job: Import) -> None:
        self._job = job
        self._began = False

    @property
    def report(self) -> ImportReport:
        """The counts: read = converted + left out + skipped."""
        return self._job.report

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the lines, each with its line ending.

        Raises UsageError, BadLabelFound, OutputError.
        """
        if self._began:
            raise UsageError("these labels were imported already: call import_labels again")
        self._began = True
        with spool_lines() as spool:
            await anyio.to_thread.run_sync(self._convert, spool)
            for note in self.report.notes:
                _log.warning("%s", printable(arguments.name_arguments(note, _options())))
            while lines := await anyio.to_thread.run_sync(_read_some, spool):
                for line in lines:
                    yield line

    def _convert(self, spool: BinaryIO) -> None:
        with arguments.naming(_options(), UsageError, BadLabelFound):
            self._job.run(spool, anyio.from_thread.check_cancelled)
        spool.seek(0)


def import_labels(
    format: str | Reader,  # noqa: A002 - as the command line calls it
    *paths: OutPath,
    input_id: Literal["stem", "name", "path"] = "stem",
    input_map: OutPath | None = None,
    concept_id: Literal["slug", "name"] = "slug",
    concept_map: OutPath | None = None,
    id_charset: Literal["any", "word"] = "any",
    id_length: int | None = None,
    image_size: tuple[int, int] | None = None,
    images: OutPath | None = None,
    voc_origin: Literal[0, 1] = 0,
    video: bool = False,
    predictions: bool = False,
    columns: Mapping[str, str] | None = None,
    strict: bool = False,
) -> ImportedLabels:
    """Turn label files into the lines of a change log, as `syncer import` does.

    `format`: coco, yolo, voc, cvat, labelstudio, openlabel, csv, parquet, auto, or a
    reader of your own (`syncer.labels.Reader`), which yields labels as values; the name
    of its class is part of the ids. `paths`: label files, or folders with them.
    `image_size`: width and height in pixels of images that have no size of their own.
    The other arguments are the options of the command.

    Raises UsageError at once for arguments that cannot be meant, and for a format that
    is not recognised.
    """
    options = ImportOptions(
        input_id=_one_of("input_id", input_id, ("stem", "name", "path")),
        input_map=_path("input_map", input_map),
        concept_id=_one_of("concept_id", concept_id, ("slug", "name")),
        concept_map=_path("concept_map", concept_map),
        id_charset=_one_of("id_charset", id_charset, ("any", "word")),
        id_length=arguments.count("id_length", id_length),
        image_size=_size("image_size", image_size),
        images=_path("images", images),
        voc_origin=_one_of("voc_origin", voc_origin, (0, 1)),
        video=arguments.switch("video", video),
        predictions=arguments.switch("predictions", predictions),
        columns=dict(columns or {}),
        strict=arguments.switch("strict", strict),
    )
    named = tuple(Path(arguments.path("paths", path)) for path in paths)
    with arguments.naming(_options(), UsageError, BadLabelFound):
        return ImportedLabels(open_import(format, named, options))


def _path(name: str, value: OutPath | None) -> Path | None:
    return None if value is None else Path(arguments.path(name, value))


def _size(name: str, value: object) -> str:
    """Return it as the command line has it; "" where it is not given."""
    match value:
        case None:
            return ""
        case (int(width), int(height)) if min(width, height) > 0:
            return f"{width}x{height}"
        case _:
            raise UsageError(
                f"argument {name}: is {show(value)}; it must be width and height in pixels, such as"
                " (1920, 1080)"
            )


@cache
def _options() -> Mapping[str, str]:
    """The argument for each option."""
    return {name.replace("_", "-"): name for name in inspect.signature(import_labels).parameters}


def _one_of(name: str, value: OneOf, words: tuple[OneOf, ...]) -> OneOf:
    """Return the value, which is one of these. Raises UsageError."""
    if value not in words:
        shown = ", ".join(map(str, words))
        raise UsageError(f"argument {name}: is {value!r}; it must be one of {shown}")
    return value


def _read_some(spool: BinaryIO) -> list[bytes]:
    return list(islice(spool, _LINES_AT_ONCE))
