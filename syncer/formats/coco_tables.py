"""The images and categories of a COCO file, by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from syncer.formats.coco_plain import SIDE_MAX, PlainImages
from syncer.formats.ids import read_number
from syncer.formats.labels import JSON, Concept, Item, Noticed, Picture
from syncer.formats.numbered import NumberedBytes
from syncer.formats.store import Store

NEAR_MAX = 20_000
CATEGORY_BYTES, CATEGORY_BYTES_MAX = 700, 80 << 20
_BYTE_BY_BYTE = "latin-1"


@dataclass(slots=True)
class CocoTables:
    """The images and categories of a file."""

    lists: set[str] = field(default_factory=set)
    """Those that the file has."""
    numbered: NumberedBytes = field(default_factory=NumberedBytes)
    """Of each image what `keep_image` keeps, by its id where that is a small number."""
    images: Store[str, str] = field(default_factory=Store)
    """The same of all others, a character for each byte."""
    category_bytes: int = 0
    categories: dict[str, tuple[tuple[Concept, ...], tuple[str, ...]]] = field(default_factory=dict)
    """Each with the names of its keypoints."""
    _near: dict[str, Picture] = field(default_factory=dict)

    def add_image(self, image: dict[str, JSON], index: int) -> tuple[Item, ...]:
        key, name = read_key(image.get("id")), image.get("file_name")
        width, height = read_size(image.get("width")), read_size(image.get("height"))
        return self.keep_image(key, name if isinstance(name, str) else "", width, height, index)

    def keep_image(
        self, key: str, path: str, width: int | None, height: int | None, index: int
    ) -> tuple[Item, ...]:
        """Keep an image, and return what is to be said of it, and its picture."""
        picture = Picture(path, width, height, own_id=key)
        # half a character stays what it is
        kept = f"{width or 0} {height or 0} {path}".encode("utf-8", "surrogatepass")
        number = read_number(key)
        noticed: tuple[Item, ...] = ()
        if not key:
            place = f"images[{index}]"
            noticed = (Noticed("broken-entry", "an image without an id", place),)
        elif (known := self._find_kept(key, number)) is None:
            if not self.numbered.put(number, kept):
                self.images.put(key, kept.decode(_BYTE_BY_BYTE))
            if len(self._near) < NEAR_MAX:
                self._near[key] = picture
        elif known != kept:
            text = f"two images have the id {key}; the first one counts"
            return (Noticed("duplicate-image-id", text, f"images[{index}]"),)
        return (*noticed, picture) if path else noticed

    def keep_images(self, images: PlainImages) -> int:
        """Keep images up to the first that may not be new, or has no name or no small
        number; how many.
        """
        end = self.numbered.count_free(images.numbers)
        if "" in images.paths:
            end = min(end, images.paths.index(""))
        new = images.cut(0, end)
        kept = [
            f"{width} {height} {path}".encode()
            for (width, height), path in zip(new.sizes, new.paths, strict=True)
        ]
        return self.numbered.put_all(new.numbers, kept)

    def add_category(self, category: dict[str, JSON], place: str) -> Iterator[Item]:
        key, name = read_key(category.get("id")), category.get("name")
        if not key or not isinstance(name, str):
            yield Noticed("broken-entry", "a category without an id or a name", place)
            return
        points = category.get("keypoints")
        names = tuple(map(str, points)) if isinstance(points, list) else ()
        self.category_bytes += CATEGORY_BYTES + len(name) + sum(map(len, names)) + len(names) * 60
        if self.category_bytes > CATEGORY_BYTES_MAX:
            raise ValueError(f"it has more than {len(self.categories):,} categories")
        concepts = (Concept(name, own_id=key),)
        if self.categories.setdefault(key, (concepts, names))[0] != concepts:
            text = f"two categories have the id {key}; the first one counts"
            yield Noticed("duplicate-category-id", text, place)

    def find_image(self, key: str) -> Picture | None:
        """Return the picture with this id."""
        picture = self._near.get(key)
        if picture is None:
            kept = self._find_kept(key, read_number(key))
            if kept is None:
                return None
            width, height, path = kept.decode("utf-8", "surrogatepass").split(" ", 2)
            if len(self._near) >= NEAR_MAX:
                self._near.clear()
            picture = self._near[key] = Picture(
                path, int(width) or None, int(height) or None, own_id=key
            )
        return picture

    def find_concepts(self, category_id: int) -> tuple[Concept, ...] | None:
        """Return the class that the category with this id is."""
        category = self.categories.get(str(category_id))
        return None if category is None else category[0]

    def _find_kept(self, key: str, number: int) -> bytes | None:
        kept = self.numbered.find(number)
        if kept is None and (text := self.images.find(key)) is not None:
            kept = text.encode(_BYTE_BY_BYTE)
        return kept


def read_key(value: JSON) -> str:
    """Return an id as text; "" where it is none."""
    if type(value) is int or (type(value) is float and value.is_integer()):
        return str(int(value))  # tables turn whole numbers into 1.0
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else ""


def read_size(value: JSON) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value < SIDE_MAX + 1 else None
