"""Files of images: how large they are, by their heads, and where they are."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import imagesize

from syncer.formats.names import canonicalize, keys_of

__all__ = ["ImageFiles", "ImageSize", "Size", "measure_image"]

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""
_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNKS_MAX = 10_000
_EXIF_BYTES_MAX = 1 << 16
_EXIF_MARK = b"Exif\0\0"
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class ImageSize:
    """The size of an image as it is shown, and as its pixels are stored."""

    shown: Size
    stored: Size


def measure_image(path: Path) -> ImageSize | None:
    """Return the size by the head of the file; None where that does not say it.

    EXIF may turn an image: in JPEG and TIFF, and also in PNG and WebP.
    """
    try:
        stored, shown = (imagesize.get(str(path), exif_rotation=turned) for turned in (False, True))
        if min(stored) <= 0:
            return None
        if stored == shown and _lies_sideways(path):
            shown = shown[::-1]
    except Exception:  # bytes of any kind are parsed
        return None
    return ImageSize((int(shown[0]), int(shown[1])), (int(stored[0]), int(stored[1])))


def _lies_sideways(path: Path) -> bool:
    """Whether a PNG or WebP has the EXIF orientation of an image that is to be turned.

    Raises OSError, struct.error.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head.startswith(_PNG):
            file.seek(len(_PNG))
            exif = _find_chunk(file, b"eXIf", ">I4s", after=4)
        elif head[:4] == b"RIFF" and head[8:] == b"WEBP":
            exif = _find_chunk(file, b"EXIF", "<4sI", after=0)
        else:
            return False
    return _read_orientation(exif.removeprefix(_EXIF_MARK)) in _SIDEWAYS


def _find_chunk(file: BinaryIO, name: bytes, head: str, after: int) -> bytes:
    """Return the content of a chunk; nothing where there is none.

    `after`: the bytes of its checksum. Those of WebP are of an even length.
    """
    for _ in range(_CHUNKS_MAX):
        found = file.read(8)
        if len(found) < 8:
            break
        kind, size = sorted(struct.unpack(head, found), key=lambda each: isinstance(each, int))
        if kind == name:
            return file.read(min(size, _EXIF_BYTES_MAX))
        file.seek(size + (after or size & 1), os.SEEK_CUR)
    return b""


def _read_orientation(exif: bytes) -> int:
    """Return what the first directory of a TIFF says; 0 where it says nothing."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 0
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    for entry in range(start + 2, start + 2 + count * 12, 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if tag == _ORIENTATION:
            return int(value)
    return 0


class ImageFiles:
    """The images in a folder, found by their relative path, else by their name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_name: dict[str, Path | None] | None = None
        """None for a name that several have."""

    def measure(self, path: str) -> ImageSize | None:
        """Return the size of an image; None where it is not there."""
        found = self._find(path)
        return None if found is None else measure_image(found)

    def _find(self, path: str) -> Path | None:
        here = self._folder / path
        if ".." not in Path(path).parts and os.path.isfile(here):  # noqa: PTH113 - never raises
            return here
        if self._by_name is None:
            self._by_name = {}
            for folder, _, names in os.walk(self._folder):
                for name in names:
                    key = canonicalize(name)
                    self._by_name[key] = None if key in self._by_name else Path(folder, name)
        return self._by_name.get(keys_of(path)[1])
