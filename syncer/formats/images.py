"""Images: which input one is, and how large it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from typing import Literal, TypeGuard

import msgspec
import orjson

from syncer.formats.faults import ImportRefused
from syncer.formats.ids import IdSpelling, is_odd, read_number
from syncer.formats.image_files import ImageFiles, Size, measure_image
from syncer.formats.labels import Picture
from syncer.formats.names import canonicalize, is_canonical, keys_of, locate
from syncer.formats.numbered import NumberedBytes
from syncer.formats.store import Store

InputRule = Literal["stem", "name", "path"]
RULES: tuple[InputRule, ...] = ("path", "name", "stem")
"""In the order of `keys_of`."""
WAYS_OUT = "--input-id path, or an --input-map"
_CACHED_MAX = 50_000
_SIDE_MAX = 1 << 31
SIZE = Struct("<II")
"""Width and height, before the input's id: so are listed pictures kept. A line has the
id as it is here.
"""


class PlacedPicture(msgspec.Struct, frozen=True):
    """A picture, the input that it is, and its size."""

    input_id: str
    width: int | None
    height: int | None
    is_new: bool
    """Whether it was not met before."""
    contradiction: str = ""
    """Two sizes that the sources give, if they do."""
    refusal: str = ""
    """Why no log can be made of the labels with this one among them."""


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """The way images become inputs, and where their sizes are from."""

    rule: InputRule = "stem"
    input_map: Mapping[str, str] = field(default_factory=dict)
    size: Size | None = None
    """Of all images that have no size of their own."""
    folder: Path | None = None
    """The folder with the images, whose heads are read."""
    video: bool = False
    """Whether the frames of a video are frames of one input."""
    spelling: IdSpelling = field(default_factory=IdSpelling)
    called: Mapping[str, str] = field(default_factory=dict)
    """The names of inputs that labels call otherwise; a map of the user's is about
    either.
    """


class Images:
    """The images of a run.

    `place` raises ImportRefused where two of different paths come to one input, once
    for each image.
    """

    def __init__(self, options: ImageOptions) -> None:
        self.unmapped = 0
        """How many are not in the map."""
        self.odd = 0
        """How many were given ids that a strict service could refuse."""
        self._options = options
        self._inputs: Store[str, str] = Store()
        self._count = 0
        self.listed = NumberedBytes()
        """Those that the file lists which is read now, by their numbers there."""
        self._near: dict[Picture, PlacedPicture] = {}
        self._files = ImageFiles(options.folder) if options.folder is not None else None

    def place(self, picture: Picture) -> PlacedPicture | None:
        """Return the input and the size of a picture; None for one without a name."""
        placed = self._near.get(picture)
        if placed is not None:
            return placed
        placed = self._place(picture)
        if placed is not None:
            if len(self._near) >= _CACHED_MAX:
                self._near.clear()
            self._near[picture] = PlacedPicture(placed.input_id, placed.width, placed.height, False)
            if placed.refusal:
                raise ImportRefused("input-collision", placed.refusal)
        return placed

    def begin_file(self) -> None:
        """Forget which pictures the last file listed."""
        self.listed = NumberedBytes()

    def place_listed(self, picture: Picture) -> PlacedPicture | None:
        """Place one that its file lists, and keep it by its number there."""
        placed = self.place(picture)
        if placed is not None and placed.width and placed.height:
            try:
                name = orjson.dumps(placed.input_id)[1:-1]
            except TypeError:  # half a character: no plain line can have it
                return placed
            if b"\\" not in name:  # in JSON it is what it is
                kept = SIZE.pack(placed.width, placed.height) + name
                self.listed.put(read_number(picture.own_id), kept)
        return placed

    def place_all(self, numbers: Sequence[int], paths: Sequence[str], sizes: Sequence[Size]) -> int:
        """Do the same for pictures up to the first of which there may be more to say;
        how many.

        `numbers` are theirs in the file, which lists none of them twice.
        """
        options = self._options
        if self._files is not None or options.input_map:
            return 0
        kept = []
        find, put, spell = self._inputs.find, self._inputs.put, options.spelling.spell
        key = RULES.index(options.rule)
        for path, (width, height) in zip(paths, sizes, strict=True):
            if not is_canonical(path):
                break
            input_id = spell(keys_of(path)[key])
            if find(input_id) is not None:
                break
            put(input_id, f"{width}x{height} {path}")
            self.odd += is_odd(input_id)
            kept.append(SIZE.pack(width, height) + input_id.encode())
        self._count += len(kept)
        listed = self.listed.count_free(numbers[: len(kept)])
        listed = self.listed.put_all(numbers[:listed], kept[:listed])
        for number, its in zip(numbers[listed : len(kept)], kept[listed:], strict=True):
            self.listed.put(number, its)  # one was refused, such as -1
        return len(kept)

    def find(self, picture: Picture) -> PlacedPicture | None:
        """Return one that was placed not long ago, of which nothing is to be said."""
        return self._near.get(picture)

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Forget them."""
        self._inputs.close()

    def _place(self, picture: Picture) -> PlacedPicture | None:
        path = shown = picture.path
        if not is_canonical(path):
            path = canonicalize(path)
            shown = locate(picture.path) if path else ""
        shown = picture.input_id or shown
        if not shown:
            return None
        suffix = _name_frame(picture, video=self._options.video)
        called = self._options.called.get(picture.input_id, shown)
        keys = (called,) * 3 if picture.input_id else keys_of(path)
        input_id = self._find_in_map(shown, keys, suffix)
        is_mapped = bool(input_id)
        if not is_mapped:
            input_id = keys[RULES.index(self._options.rule)] + suffix
            if not picture.input_id:
                input_id = self._options.spelling.spell(input_id)
        size, contradiction = self._measure(picture, path)
        width, height = size or (None, None)
        shown += f" (frame {suffix[1:]})" if suffix else ""
        found = self._inputs.find(input_id)
        if found is None:
            self._inputs.put(input_id, f"{_show_size(size)} {shown}")
            self._count += 1
            if not is_mapped:
                self.unmapped += bool(self._options.input_map)
                self.odd += not picture.input_id and is_odd(input_id)
            return PlacedPicture(input_id, width, height, True, contradiction)
        size_before, _, known = found.partition(" ")
        refusal = ""
        if known != shown:
            way = "an --input-map" if self._options.rule == "path" else WAYS_OUT
            refusal = f"{known} and {shown} are both input {input_id}: give {way}"
        elif size and size_before and size_before != _show_size(size):
            contradiction = (
                f"{shown} is {size_before} in one place of the labels and {_show_size(size)} in"
                " another: each is taken for the labels there"
            )
        return PlacedPicture(input_id, width, height, False, contradiction, refusal)

    def _find_in_map(self, located: str, keys: tuple[str, ...], suffix: str) -> str:
        """Return the input that the user says; "" where that is nothing."""
        ids = self._options.input_map
        if not ids:
            return ""
        found = (ids.get(key + suffix) for key in (located, *keys))
        return next(filter(None, found), "")

    def _measure(self, picture: Picture, path: str) -> tuple[Size | None, str]:
        """Return the size, and how the labels contradict the image, if they do."""
        size: Size | None = None
        if _is_side(picture.width) and _is_side(picture.height):
            size = picture.width, picture.height
        seen = self._files.measure(path) if self._files is not None else None
        contradiction = ""
        if size is not None and seen is not None and size != seen.shown:
            contradiction = (
                f"{path} is {_show_size(size)} as the labels say, and {_show_size(seen.shown)} as"
                " the image says"
            )
            if size == seen.stored:
                contradiction += ", turned by its EXIF orientation"
            elif size == seen.shown[::-1]:
                contradiction += ": width and height are swapped"
        size = size or self._options.size
        if size is None and seen is None and picture.file is not None:
            seen = measure_image(picture.file)
        return size or (seen.shown if seen else None), contradiction


def _show_size(size: Size | None) -> str:
    return f"{size[0]}x{size[1]}" if size else ""


def _is_side(length: int | None) -> TypeGuard[int]:
    return length is not None and 0 < length < _SIDE_MAX


def _name_frame(picture: Picture, *, video: bool) -> str:
    frame = "" if picture.frame is None or video else f"-{picture.frame}"
    return frame + (f"-{picture.stream}" if picture.stream else "")
