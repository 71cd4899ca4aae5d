"""A sample of labels of real shape, and what should be left of it: for the demo."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson

from syncer.core.change import Key
from syncer.remotes.clarifai import same_annotation

CONCEPTS = ("car", "person", "bicycle", "traffic-light", "dog")


def write_sample(path: Path, count: int, seed: int) -> dict[Key, dict[str, Any]]:
    """Write a change log of about `count` changes; the annotations that it should
    leave, by (input_id, id).
    """
    rng = random.Random(seed)  # noqa: S311 - a repeatable sample
    left: dict[Key, dict[str, Any]] = {}
    with path.open("wb") as out:
        for number in range(count):
            roll = rng.random()
            key = rng.choice(list(left)) if left and roll > 0.8 else None
            if key is None:
                change = _post(number, rng)
                annotation = change["annotation"]
                left[(annotation["input_id"], annotation["id"])] = annotation
            elif roll > 0.9:
                change = {"op": "delete", "annotation": {"input_id": key[0], "id": key[1]}}
                del left[key]
            else:
                change = {
                    "op": "patch",
                    "action": "overwrite",
                    "annotation": {
                        **_post(number, rng)["annotation"],
                        "input_id": key[0],
                        "id": key[1],
                    },
                }
                left[key] = change["annotation"]
            out.write(orjson.dumps(change) + b"\n")
    return left


def compare(
    wanted: dict[Key, dict[str, Any]], held: dict[Key, dict[str, Any]]
) -> tuple[int, int, int]:
    """(missing, too many, different)."""
    differs = sum(
        not same_annotation(annotation, held[key])
        for key, annotation in wanted.items()
        if key in held
    )
    return len(wanted.keys() - held.keys()), len(held.keys() - wanted.keys()), differs


def _post(number: int, rng: random.Random) -> dict[str, Any]:
    top, left = rng.random() / 2, rng.random() / 2
    box = {
        "top_row": top,
        "left_col": left,
        "bottom_row": top + rng.random() / 2,
        "right_col": left + rng.random() / 2,
    }
    concept = rng.choice(CONCEPTS)
    region = {
        "id": f"r-{number}",
        "region_info": {"bounding_box": box},
        "data": {"concepts": [{"id": concept, "value": 1}]},
    }
    return {
        "op": "post",
        "annotation": {
            "id": f"demo-{number:06}",
            "input_id": f"image-{number // 4:05}",
            "data": {"regions": [region]},
        },
    }
