"""OpenLABEL documents with labels of every kind that can be placed, and some that have
no place.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from syncer.emulator.annotell.documents import make_uuid

Json = dict[str, Any]
FRAMES = 4
KINDS = ("bbox", "bbox", "rbbox", "poly2d", "point2d", "cuboid")


def make_projects(name: str, documents: int, each: int, seed: int) -> Json:
    """Return a project of so many documents, with about so many shapes each, as the
    emulator loads it.
    """
    rng = random.Random(seed)
    inputs = [
        {
            "internalId": make_uuid(f"{name}/{number}"),
            "externalId": f"scene-{number:04}",
            "status": "created",
            "annotations": [{"annotationType": "all", "content": _document(name, each, rng)}],
        }
        for number in range(documents)
    ]
    return {"projects": [{"project": name, "annotationTypes": ["all"], "inputs": inputs}]}


def _document(name: str, each: int, rng: random.Random) -> Json:
    count = each // FRAMES
    objects = {
        f"o-{number}": {"name": f"thing-{number}", "type": rng.choice(("Car", "Tree", "Road Sign"))}
        for number in range(count)
    }
    frames = {
        str(number): {
            "frame_properties": {"timestamp": 100 * number, "streams": {"CAM": {}}},
            "objects": {id: {"object_data": _shape(rng)} for id in objects},
        }
        for number in range(FRAMES)
    }
    camera = {
        "type": "camera",
        "stream_properties": {"intrinsics_pinhole": {"width_px": 1920, "height_px": 1080}},
    }
    return {
        "openlabel": {
            "metadata": {"schema_version": "1.0.0", "name": name},
            "streams": {"CAM": camera},
            "objects": objects,
            "frames": frames,
        }
    }


def _shape(rng: random.Random) -> Json:
    kind = rng.choice(KINDS)
    x, y = rng.uniform(200, 1700), rng.uniform(200, 800)
    make: dict[str, Callable[[], list[float]]] = {
        "bbox": lambda: [x, y, rng.uniform(5, 300), rng.uniform(5, 300)],
        "rbbox": lambda: [x, y, rng.uniform(5, 90), rng.uniform(5, 90), rng.uniform(-3, 3)],
        "poly2d": lambda: [x, y, x + 50, y, x + 50, y + rng.uniform(5, 90), x, y + 40],
        "point2d": lambda: [x, y],
        "cuboid": lambda: [2, -19, 0.3, 0, 0, 0, 1, 1.8, 4.1, 1.4],
    }
    shape: Json = {
        "name": "shape",
        "val": [round(value, 2) for value in make[kind]()],
        "attributes": {
            "text": [{"name": "stream", "val": "CAM"}],
            "num": [{"name": "confidence", "val": round(rng.random(), 3)}],
        },
    }
    if kind == "poly2d":
        shape |= {"closed": True, "mode": "MODE_POLY2D_ABSOLUTE"}
    return {kind: [shape]}
