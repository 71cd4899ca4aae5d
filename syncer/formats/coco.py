"""COCO: instances and keypoints, in one JSON file for many images.

Read in two passes, for the lists come in any order: images and categories first, then
the annotations. Segmentations are told apart by their JSON type, not by `iscrowd`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, cast

from msgspec import to_builtins

from syncer.formats.coco_plain import (
    PLAIN,
    PLAIN_IMAGES,
    PlainAnnotation,
    PlainImage,
    PlainImages,
    PlainRun,
)
from syncer.formats.coco_tables import CocoTables, read_key, read_size
from syncer.formats.faults import (
    UNDEFINED_CATEGORY,
    UNDEFINED_IMAGE,
    BadLabel,
    NoPlace,
    name_faults,
)
from syncer.formats.folders import list_files
from syncer.formats.geometry import pair_up
from syncer.formats.json_items import JsonItem, JsonRun, iterate_runs, pass_over
from syncer.formats.labels import (
    JSON,
    Box,
    InFile,
    Item,
    Keypoints,
    Label,
    Lost,
    Mask,
    Measure,
    Noticed,
    Picture,
    Polygon,
    ReadOptions,
    Shape,
    Skipped,
    open_plainly,
)
from syncer.formats.runs import parse_counts

__all__ = ["Coco"]

LOOKED_AT_BYTES = 1 << 16
FILES_LOOKED_AT = 20
NO_PLACES = {"caption": "caption", "segments_info": "panoptic segments"}
ABSENT = 0
SEEN: dict[float, int] = {0: 0, 1: 1, 2: 2}
NUMBERS = {int, float}
POINTS_MAX = 250_000
"""Of a label: each takes some hundreds of bytes."""


@dataclass(frozen=True, slots=True)
class Coco:
    """The reader of COCO."""

    options: ReadOptions

    def detect(self, path: Path) -> bool:
        """Whether one of the first files has the lists of COCO at its start or end."""
        files = (each for each in list_files(path, (".json",)) if each.suffix.lower() == ".json")
        return any(_begins_like_coco(each) for each in islice(files, FILES_LOOKED_AT))

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a file, or of the COCO files in a folder."""
        for item in self.read_runs(path):
            if isinstance(item, PlainRun):
                for index in range(len(item.annotations)):
                    yield from item.read(index)
            elif isinstance(item, PlainImages):
                yield from map(item.make_picture, range(len(item.numbers)))
            else:
                yield item

    def read_runs(self, path: Path) -> Iterator[Item | PlainImages | PlainRun]:
        """Yield the same, images and labels as nearly all are many at a time."""
        for file in list_files(path, (".json",)):
            yield from name_faults(file, self._read_file(file, is_named=file == path), ValueError)

    def _read_file(self, file: Path, *, is_named: bool) -> Iterator[Item | PlainImages | PlainRun]:
        if not is_named and not _is_coco(file):
            with self.options.open_file(file) as opened:
                pass_over(opened)
            yield Noticed("other-format", "it is not a COCO file, and was left alone", file=file)
            return
        yield InFile(file)
        tables = CocoTables()
        try:
            # both at once: how much is to be read is known from the start
            with self.options.open_file(file) as first, self.options.open_file(file) as second:
                yield from _read_tables(first, tables)
                yield from _read_annotations(second, tables)
            yield from _tell_missing(tables)
        finally:
            tables.images.close()


def _tell_missing(tables: CocoTables) -> Iterator[Item]:
    """Yield that there are no annotations. Raises ValueError where there is nothing."""
    if not tables.lists:
        raise ValueError('it has no list "images", "annotations" or "categories"')
    if "annotations" not in tables.lists:
        yield Noticed("no-annotations", 'it has no list "annotations"')


def _read_tables(file: BinaryIO, tables: CocoTables) -> Iterator[Item | PlainImages]:
    for run in iterate_runs(file, {"images": PLAIN_IMAGES, "categories": None}):
        if not run.key:
            raise ValueError(
                'a list of results, not a COCO file: put it under "annotations" of an object with'
                ' "images" and "categories"'
            )
        tables.lists.add(run.key)
        if run.values and isinstance(run.values[0], PlainImage):  # and so are the others
            yield from _read_images(cast("list[PlainImage]", run.values), run.index, tables)
            continue
        for index, value in enumerate(run.values, run.index):
            item = JsonItem(run.key, index, cast(JSON, value), run.fault)
            yield from _read_entry(item, tables)


def _read_images(
    images: list[PlainImage], index: int, tables: CocoTables
) -> Iterator[Item | PlainImages]:
    """Yield many at a time, and by itself each of which the tables may have to say
    something. `index` is the place of the first in its list.
    """
    found = PlainImages.of(images)
    begin, end = 0, len(images)
    while begin < end:
        kept = tables.keep_images(found.cut(begin, end))
        yield found.cut(begin, begin + kept)
        begin += kept
        if begin < end:
            image = images[begin]
            size = image.width, image.height
            yield from tables.keep_image(str(image.id), image.file_name, *size, index + begin)
            begin += 1


def _read_entry(item: JsonItem, tables: CocoTables) -> Iterator[Item]:
    if not isinstance(item.value, dict):
        fault = item.fault or "it is not an object"
        yield Noticed("broken-entry", f"{item.place}: {fault}", item.place)
    elif item.key == "categories":
        yield from tables.add_category(item.value, item.place)
    else:
        yield from tables.add_image(item.value, item.index)


def _read_annotations(file: BinaryIO, tables: CocoTables) -> Iterator[Item | PlainRun]:
    for run in iterate_runs(file, {"annotations": PLAIN}):
        tables.lists.add(run.key)
        read = partial(_read_one, run, tables)
        if run.values and isinstance(run.values[0], PlainAnnotation):  # and so are the others
            yield PlainRun(cast("list[PlainAnnotation]", run.values), tables.find_concepts, read)
        else:
            yield from chain.from_iterable(map(read, range(len(run.values))))


def _read_one(run: JsonRun, tables: CocoTables, index: int) -> Iterator[Item]:
    """Yield the label of one annotation of a run, after what was lost of it."""
    value = run.values[index]
    if isinstance(value, PlainAnnotation):
        value = {**to_builtins(value), "bbox": list(value.bbox)}
    item = JsonItem(run.key, run.index + index, cast(JSON, value), run.fault)
    lost: list[Item] = []
    found = _read_annotation(item, tables, lost)
    yield from lost
    yield found


def _read_annotation(item: JsonItem, tables: CocoTables, lost: list[Item]) -> Item:
    value = item.value
    if not isinstance(value, dict):
        return Skipped(item.place, "", item.fault or "it is not an object", is_fault=True)
    own = value.pop("id", None)
    own_id = read_key(own)
    if own is not None and not own_id:
        lost.append(Lost(item.place, "", "an id that is neither a number nor a text"))
    try:
        return _make_label(value, own_id, item.place, tables, lost)
    except NoPlace as error:
        return Skipped(item.place, own_id, "no place", kind=str(error))
    except (BadLabel, OverflowError) as error:
        return Skipped(item.place, own_id, str(error), is_fault=True)


def _make_label(
    value: dict[str, JSON], own_id: str, place: str, tables: CocoTables, lost: list[Item]
) -> Label:
    """Return the label, and take what it is made of out of the value: what is left is
    what else is known of it.
    """
    take = value.pop
    for name, kind in NO_PLACES.items():
        if name in value:
            raise NoPlace(kind)
    picture = tables.find_image(read_key(take("image_id", None)))
    if picture is None:
        raise BadLabel(UNDEFINED_IMAGE)
    category = tables.categories.get(read_key(take("category_id", None)))
    if category is None:
        raise BadLabel(UNDEFINED_CATEGORY)
    concepts, names = category
    box = _read_box(take("bbox", None))
    outline, points = take("segmentation", None), take("keypoints", None)
    shapes = _read_segmentation(outline, picture) if outline else ()
    if points:
        keypoints = _read_keypoints(points, names)
        if any(keypoints.visibilities):
            shapes = (*shapes, keypoints)
        else:
            lost.append(Lost(place, own_id, "keypoints that are all absent"))
    take("num_keypoints", None)
    if take("iscrowd", None):
        value["crowd"] = True
    if not shapes and box is not None:
        shapes, box = (box,), None
    return Label(picture, concepts, shapes, Measure.PIXELS, place, own_id, value, box)


def _read_box(value: JSON) -> Box | None:
    if value is None or value == []:
        return None
    x, y, width, height = _numbers(value, "bbox", 4)
    return Box(x, y, x + width, y + height)


def _read_segmentation(value: JSON, picture: Picture) -> tuple[Shape, ...]:
    match value:
        case [list(), *_]:
            return _make_polygons([_numbers(ring, "segmentation") for ring in value])
        case {"counts": counts, "size": [height, width]}:
            return (_read_mask(counts, width, height),)
        case [dict(), *_]:
            parts = (_read_segmentation(each, picture) for each in value if each)
            return tuple(chain.from_iterable(parts))
        case list():  # counts of a mask, or one ring: the sum tells
            numbers = _numbers(value, "segmentation")
            size = (picture.width or 0) * (picture.height or 0)
            if size and sum(numbers) == size:
                return (_read_mask(value, picture.width, picture.height),)
            return _make_polygons([numbers])
        case _:
            raise BadLabel("a segmentation of unknown form")


def _make_polygons(rings: list[list[float]]) -> tuple[Polygon, ...]:
    if sum(map(len, rings)) > 2 * POINTS_MAX:
        raise BadLabel("it has too many points")
    if any(len(ring) % 2 for ring in rings):
        raise BadLabel("a polygon that is not pairs")
    return tuple([Polygon(pair_up(ring)) for ring in rings])


def _read_mask(counts: JSON, width: JSON, height: JSON) -> Mask:
    wide, high = read_size(width), read_size(height)
    if wide is None or high is None:
        raise BadLabel("a mask without a size")
    if isinstance(counts, str):
        try:
            return Mask(wide, high, parse_counts(counts))
        except ValueError as error:
            raise BadLabel(str(error)) from None
    runs = _numbers(counts, "segmentation")
    if any(run != int(run) if abs(run) < 1 << 53 else True for run in runs):
        raise BadLabel("not a number")
    return Mask(wide, high, tuple(map(int, runs)))


def _read_keypoints(value: JSON, names: tuple[str, ...]) -> Keypoints:
    numbers = _numbers(value, "keypoints")
    if len(numbers) % 3:
        raise BadLabel("keypoints that are not triples")
    seen = tuple([SEEN.get(each, ABSENT) for each in numbers[2::3]])
    points = tuple(zip(numbers[::3], numbers[1::3], strict=True))
    return Keypoints(names if len(names) == len(points) else (), points, seen)


def _numbers(value: JSON, name: str, count: int | None = None) -> list[float]:
    if not isinstance(value, list) or (count is not None and len(value) != count):
        raise BadLabel(f"a {name} of unknown form")
    if not NUMBERS.issuperset(map(type, value)):
        raise BadLabel("not a number")
    return value  # type: ignore[return-value]  # as was just seen


def _begins_like_coco(file: Path) -> bool:
    try:
        return _is_coco(file)
    except OSError:
        return False


def _is_coco(file: Path) -> bool:
    """Whether the start and the end of the file have the names of COCO's lists.

    Raises OSError.
    """
    with open_plainly(file) as opened:
        start = opened.read(LOOKED_AT_BYTES)
        opened.seek(0, 2)
        opened.seek(max(len(start), opened.tell() - LOOKED_AT_BYTES))
        seen = start + opened.read(LOOKED_AT_BYTES)
    if not seen.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    return b'"images"' in seen and (b'"annotations"' in seen or b'"categories"' in seen)
