"""Pascal VOC as others wrote it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson

from syncer.formats.labels import Box, FileFault, Label, Noticed, Picture, ReadOptions, Skipped
from syncer.formats.voc import Voc


def test_every_box_of_the_blood_cells_is_read_where_others_read_it(shared: Path) -> None:
    """364 files; the change log beside them was made of them by other hands, and leaves
    out the two boxes without an area.
    """
    items = list(Voc(ReadOptions()).read(shared / "data" / "bccd-voc"))
    labels = [item for item in items if isinstance(item, Label)]
    assert sum(isinstance(item, Picture) for item in items) == 364
    assert not [item for item in items if isinstance(item, Skipped | FileFault | Noticed)]
    assert Counter(label.concepts[0].name for label in labels) == {
        "RBC": 4155,
        "WBC": 372,
        "Platelets": 361,
    }
    assert Counter(key for label in labels for key in label.info) == {"truncated": 1131}
    theirs = Counter(
        list_their_box(orjson.loads(line)["annotation"])
        for line in (shared / "data" / "bccd.changes.jsonl").read_bytes().splitlines()
    )
    ours = Counter(list_box(label) for label in labels)
    assert theirs - ours == {}
    assert (ours - theirs).total() == 2


def list_their_box(annotation: dict[str, object]) -> tuple[object, ...]:
    [region] = annotation["data"]["regions"]  # type: ignore[index]
    box = region["region_info"]["bounding_box"]
    corners = (box["left_col"], box["top_row"], box["right_col"], box["bottom_row"])
    return (
        annotation["input_id"],
        region["data"]["concepts"][0]["id"],
        *(round(corner * 1e5) for corner in corners),
    )


def list_box(label: Label) -> tuple[object, ...]:
    """Return image, class and corners, clamped to the image, in shares of 1e-5."""
    [box] = label.shapes
    width, height = label.picture.width, label.picture.height
    assert isinstance(box, Box)
    assert width
    assert height
    shares = (box.left / width, box.top / height, box.right / width, box.bottom / height)
    corners = (round(min(max(round(share, 6), 0), 1) * 1e5) for share in shares)
    return Path(label.picture.path).stem, label.concepts[0].name.lower(), *corners


def test_parts_of_datumaros_file_are_labels_of_their_own(shared: Path) -> None:
    items = list(Voc(ReadOptions()).read(shared / "data" / "formats" / "datumaro" / "voc"))
    labels = [item for item in items if isinstance(item, Label)]
    assert [(label.concepts[0].name, *label.shapes) for label in labels] == [
        ("cat", Box(1, 2, 3, 4)),
        ("person", Box(4, 5, 6, 7)),
        ("head", Box(5.5, 6, 7.5, 8)),
    ]
    assert (labels[0].picture.width, labels[0].picture.height) == (20, 10)
    assert labels[0].info == {"truncated": True}
    actions = labels[1].info["actions"]
    assert isinstance(actions, dict)
    assert [name for name, is_set in actions.items() if is_set] == [
        *("other", "phoning", "reading", "ridinghorse", "takingphoto", "walking")
    ]
    assert labels[1].info["group"] == labels[2].info["group"]
