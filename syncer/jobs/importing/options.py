"""The wishes of a user about an import."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from syncer.errors import UsageError
from syncer.formats.concepts import ConceptRule, Concepts, tidy_name
from syncer.formats.ids import LENGTH_MIN, Charset, IdSpelling
from syncer.formats.images import ImageOptions, InputRule
from syncer.formats.labels import ReadOptions, open_plainly
from syncer.formats.maps import read_map
from syncer.formats.names import locate
from syncer.formats.tables import TABLE_NAMES

_SIZE = re.compile(r"([1-9]\d{0,8})[xX]([1-9]\d{0,8})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The way labels become changes; `docs/import.md` has each option."""

    input_id: InputRule = "stem"
    input_map: Path | None = None
    concept_id: ConceptRule = "slug"
    concept_map: Path | None = None
    id_charset: Charset = "any"
    id_length: int | None = None
    image_size: str = ""
    images: Path | None = None
    voc_origin: int = 0
    video: bool = False
    predictions: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    called: Mapping[str, str] = field(default_factory=dict)
    """The names of inputs that labels call otherwise."""

    def for_reader(self, open_file: Callable[[Path], BinaryIO] = open_plainly) -> ReadOptions:
        """Return what a reader has to know. Raises UsageError."""
        unknown = sorted(self.columns.keys() - set(TABLE_NAMES))
        if unknown:
            raise UsageError(f"--columns {unknown[0]}=…: a name is one of {', '.join(TABLE_NAMES)}")
        stems_only = self.input_id == "stem" and self.input_map is None
        return ReadOptions(
            self.voc_origin, self.predictions, self.columns, self.images, stems_only, open_file
        )

    def for_images(self) -> ImageOptions:
        """Return the same about images. Raises UsageError."""
        size = None
        if self.image_size:
            found = _SIZE.fullmatch(self.image_size)
            if found is None:
                raise UsageError(
                    f'--image-size is "{self.image_size}"; it must be WxH in pixels, such as'
                    " 1920x1080"
                )
            size = int(found[1]), int(found[2])
        if self.images is not None and not self.images.is_dir():
            raise UsageError(f"--images {self.images}: it is not a folder")
        ids = {} if self.input_map is None else read_map(self.input_map, "--input-map", locate)
        spelling = self._make_spelling()
        return ImageOptions(
            self.input_id, ids, size, self.images, self.video, spelling, self.called
        )

    def make_concepts(self) -> Concepts:
        """Return the concepts, of which none was met yet. Raises UsageError."""
        ids: Mapping[str, str] = {}
        if self.concept_map is not None:
            ids = read_map(self.concept_map, "--concept-map", tidy_name)
        return Concepts(self.concept_id, ids, self._make_spelling())

    def _make_spelling(self) -> IdSpelling:
        if self.id_length is not None and self.id_length < LENGTH_MIN:
            raise UsageError(f"--id-length is {self.id_length}; it must be {LENGTH_MIN} or more")
        return IdSpelling(self.id_charset, self.id_length)


def parse_columns(given: tuple[str, ...]) -> Mapping[str, str]:
    """Return NAME=COLUMN of each, several with commas between. Raises UsageError."""
    columns: dict[str, str] = {}
    for word in given:
        for pair in word.split(","):
            name, is_set, column = pair.partition("=")
            if not (name.strip() and is_set and column.strip()):
                raise UsageError(f'--columns is "{word}"; it must be NAME=COLUMN')
            columns[name.strip()] = column.strip()
    return columns
