"""Annotations and images of COCO as nearly all are, read in C straight into structs.

Nothing in them is of another type than in COCO's own files, and they have nothing that
is not in those. Their numbers are exact in 64 bits, so that no reader can differ. One
of another form makes a run of them plain JSON, which `coco` reads as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, cast

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.json import Decoder

from syncer.formats.labels import Concept, Item, Picture

SIDE_MAX = (1 << 31) - 1

_EXACT = Meta(ge=-(1 << 53), le=1 << 53)
_Whole: TypeAlias = Annotated[int, _EXACT]
_Real: TypeAlias = _Whole | Annotated[float, _EXACT]


class PlainMask(Struct, forbid_unknown_fields=True, gc=False):
    """A mask, packed or not."""

    counts: list[_Whole] | str
    size: list[_Whole]


class PlainAnnotation(Struct, forbid_unknown_fields=True, gc=False):
    """A box, and perhaps what it is the box of."""

    id: _Whole
    image_id: _Whole
    category_id: _Whole
    bbox: tuple[_Real, _Real, _Real, _Real]
    segmentation: list[list[float]] | PlainMask | None = None
    """All numbers of polygons are floats: their shares are the same."""
    area: _Real | UnsetType = UNSET
    iscrowd: Literal[0, 1] = 0


class PlainImage(Struct, forbid_unknown_fields=True, gc=False):
    """An image. What has a default is not looked at."""

    id: _Whole
    file_name: str
    width: Annotated[int, Meta(ge=1, le=SIDE_MAX)]
    height: Annotated[int, Meta(ge=1, le=SIDE_MAX)]
    license: int | str | None = None
    date_captured: int | str | None = None
    coco_url: str | None = None
    flickr_url: str | None = None


@dataclass(frozen=True, slots=True)
class PlainImages:
    """Images that follow each other in a file, part by part."""

    numbers: list[int]
    """Their ids."""
    paths: list[str]
    sizes: list[tuple[int, int]]
    """Width and height."""

    @classmethod
    def of(cls, images: list[PlainImage]) -> PlainImages:
        """Return their parts."""
        return cls(
            [image.id for image in images],
            [image.file_name for image in images],
            [(image.width, image.height) for image in images],
        )

    def cut(self, begin: int, end: int) -> PlainImages:
        """Return some of them."""
        return PlainImages(self.numbers[begin:end], self.paths[begin:end], self.sizes[begin:end])

    def make_picture(self, index: int) -> Picture:
        """Return one of them as any reader gives it."""
        return Picture(self.paths[index], *self.sizes[index], own_id=str(self.numbers[index]))


@dataclass(frozen=True, slots=True)
class PlainRun:
    """Annotations that follow each other in a file."""

    annotations: list[PlainAnnotation]
    find_concepts: Callable[[int], tuple[Concept, ...] | None]
    """Returns the class that a category is."""
    read: Callable[[int], Iterator[Item]]
    """Yields what the annotation at this place in the list is to any other reader: its
    label, after what was lost of it.
    """


PLAIN = cast("Decoder[list[object]]", Decoder(list[PlainAnnotation]))
PLAIN_IMAGES = cast("Decoder[list[object]]", Decoder(list[PlainImage]))
