"""The short way writes what the long way writes, byte by byte, and says the same."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.formats import coco
from syncer.formats.annotations import Annotations
from syncer.formats.images import Images
from syncer.jobs.importing.options import ImportOptions
from syncer.jobs.importing.output import Discard
from syncer.jobs.importing.report import Remark
from syncer.jobs.importing.run import open_import

SIDES = st.one_of(
    st.integers(-3, 90),
    st.floats(-3, 90),
    st.sampled_from([0, 1e-9, 64, 48, 64.0, -0.0, 2**53, 2**60, 2**70, 1e300, True, None, "7"]),
)
IDS = st.sampled_from([1, 2, 3, 4, 5, 6, 1.0, 2**53, 2**63, 2**70, True, None, "1", "a", 1.5])
RINGS = st.lists(st.lists(st.integers(0, 48) | SIDES, max_size=8), max_size=3) | st.lists(
    st.lists(st.integers(0, 48) | st.floats(0, 48), min_size=6, max_size=8), max_size=3
)
MASKS = st.fixed_dictionaries(
    {
        "counts": st.sampled_from(
            [[0, 64 * 48], [48, 96, 64 * 48 - 144], [1, -1], "P0", "", [2.0]]
        ),
        "size": st.sampled_from([[48, 64], [64, 48], [48], [True, 1], [2**60, 2]]),
    }
)
RARE = st.fixed_dictionaries(
    {},
    optional={
        "attributes": st.sampled_from([{}, {"a": [1]}, float("nan"), None]),
        "own_id": st.just("x"),
        "keypoints": st.just([1, 2, 2, 3, 4, 1]),
        "caption": st.just("a cat"),
    },
)
COMMON = st.fixed_dictionaries(
    {
        "id": st.integers(1, 12),
        "image_id": st.sampled_from([1, 1, 1, 2, 3, 5, 6, 2**40]),
        "category_id": st.integers(1, 3),
        "bbox": st.lists(st.integers(0, 48) | SIDES, min_size=4, max_size=4),
    },
    optional={
        "segmentation": RINGS | MASKS,
        "area": SIDES,
        "iscrowd": st.sampled_from([0, 1]),
    },
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS,
        "image_id": IDS,
        "category_id": IDS,
        "bbox": st.lists(SIDES, max_size=5) | st.none(),
        "segmentation": RINGS | MASKS | st.lists(SIDES, max_size=6),
        "iscrowd": st.sampled_from([0, 1, 2, True, 1.0]),
        "area": st.sampled_from([float("nan"), 2**70]),
    },
)
ANNOTATIONS = st.one_of(
    COMMON, COMMON, COMMON, st.builds(lambda *all: all[0] | all[1], COMMON, RARE), ODD
)
IMAGES = [
    {"id": 1, "file_name": "cat.jpg", "width": 64, "height": 48},
    {"id": 2, "file_name": "dog.jpg"},
    {"id": "3", "file_name": "a/b.jpg", "width": 48, "height": 64},
    {"id": 2**40, "file_name": "far.jpg", "width": 64, "height": 48},
    {"id": 5, "width": 64, "height": 48},
    {"id": 6, "file_name": 'a "cat" of 5%, \u00e9.jpg', "width": 64, "height": 48},
]
CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 2, "name": "Black dog, 9%"}]
OTHER_IMAGES = [
    {"id": 2, "file_name": "cat.jpg", "width": 64, "height": 48},
    {"id": 1, "file_name": "cow.jpg", "width": 80, "height": 60},
]
DRAWN_IMAGES = st.lists(
    st.sampled_from([*IMAGES, *OTHER_IMAGES, {**IMAGES[0], "file_name": "\ud800"}, {"x": 1}]),
    max_size=6,
)
OTHER_CATEGORIES = [{"id": 2, "name": "cat"}, {"id": 1, "name": "cow"}]


class Said:
    """Keeps all that an import writes and says."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.told: list[object] = []

    def write(self, data: bytes, /) -> None:
        self.written.append(data)

    def remark(self, remark: Remark) -> None:
        self.told.append(remark)

    def label(self, *about: object) -> None:
        self.told.append(about)


def run(path: Path) -> tuple[bytes, list[object], dict[str, object]]:
    said = Said()
    job = open_import("coco", (path,), ImportOptions())
    job.observe(said)
    report = job.run(said)
    concepts = [(id, each.count) for id, each in job.concepts]
    return b"".join(said.written), said.told, {**report.as_json(), "each": concepts}


def run_the_long_way(path: Path) -> tuple[bytes, list[object], dict[str, object]]:
    with ExitStack() as stack:
        stack.enter_context(patch.object(coco, "PLAIN", None))
        stack.enter_context(patch.object(coco, "PLAIN_IMAGES", None))
        stack.enter_context(patch.object(Annotations, "write_plain", lambda *_: None))
        return run(path)


@settings(deadline=None, max_examples=40)
@given(st.lists(ANNOTATIONS, max_size=12), DRAWN_IMAGES)
def test_plain_labels_are_written_as_others_are(
    tmp_path_factory: object,
    annotations: list[dict[str, object]],
    drawn_images: list[dict[str, object]],
) -> None:
    """A run is cut before its last annotation: one more is put there. In a second file
    the same numbers mean other images and categories, and one image is the same. A
    third has images alone: so few are a run only where no other list follows.
    """
    path = Path(tmp_path_factory.mktemp("coco"))  # type: ignore[attr-defined]
    last = {"id": 99, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}
    for name, images, categories in (
        ("one.json", IMAGES, CATEGORIES),
        ("two.json", OTHER_IMAGES, OTHER_CATEGORIES),
    ):
        whole = {"images": images, "categories": categories, "annotations": [*annotations, last]}
        (path / name).write_text(json.dumps(whole))
    (path / "three.json").write_text(json.dumps({"images": drawn_images}))
    short, long = run(path), run_the_long_way(path)
    assert short[0] == long[0]
    assert short[1] == long[1]
    assert short[2] == long[2]


def test_most_labels_are_written_the_short_way(tmp_path: Path) -> None:
    """Else the test above would hold the long way against itself."""
    annotations = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0}
        | ({"segmentation": [[1, 1, 9, 9, 1, 9]] * 2} if n % 2 else {})
        for n in range(51)
    ]
    path = tmp_path / "labels.json"
    whole = {"images": IMAGES, "categories": CATEGORIES, "annotations": annotations}
    path.write_text(json.dumps(whole))
    convert = Annotations.convert
    with patch.object(Annotations, "convert", autospec=True, side_effect=convert) as ordinary:
        assert run(path)[2]["written"] == 51 + 25
    assert ordinary.call_count == 1, "of each concept, the first names it"
    with patch.object(coco, "_read_entry", side_effect=coco._read_entry) as read:
        (tmp_path / "images.json").write_text(json.dumps({"images": OTHER_IMAGES * 9}))
        open_import("coco", (tmp_path / "images.json",), ImportOptions()).run(Said())
    assert read.call_count == 1, "and the last image, too"
    with patch.object(coco, "_read_annotation", side_effect=coco._read_annotation) as read:
        open_import("coco", (path,), ImportOptions()).run(Said())
    assert read.call_count == 2, "and the last item of a list is not one of a run"


def test_most_images_are_placed_many_at_once(tmp_path: Path) -> None:
    images = [{**IMAGES[0], "id": n, "file_name": f"{n}.jpg"} for n in range(50)]
    path = tmp_path / "images.json"
    path.write_text(json.dumps({"images": images}))
    with patch.object(Images, "place", autospec=True, side_effect=Images.place) as place:
        assert run(path)[2]["images"] == 50
    assert place.call_count == 1, "the last of a list is not one of a run"


def test_labels_of_a_class_with_a_long_name_are_not_all_in_memory_at_once(tmp_path: Path) -> None:
    """A run of labels is small, and its lines are not, if each has half a megabyte."""
    labels = [{"id": n, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]} for n in range(99)]
    category = {"id": 1, "name": "n" * 250_000}
    whole = {"images": IMAGES, "categories": [category], "annotations": labels}
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(whole))
    job = open_import("coco", (path,), ImportOptions())
    tracemalloc.start()
    try:
        report = job.run(Discard())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.written == 99
    assert peak < 20_000_000, "all lines take 50 MB"
