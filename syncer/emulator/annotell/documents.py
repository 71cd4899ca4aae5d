"""OpenLABEL documents that the emulator's Annotell part starts with, and cuboids as ISO
8855 turns them (wire, section 5).
"""

from __future__ import annotations

import json
import math
import random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Json = dict[str, Any]

IDENTITY = [1.0 if row == column else 0.0 for row in range(4) for column in range(4)]


def write_document(content: Json) -> bytes:
    """A document as it is stored: with line feeds and spaces, so that a client that
    writes it again is found out.
    """
    return json.dumps(content, indent=1).encode()


def make_uuid(name: str) -> str:
    """A uuid that is the same in every run."""
    return str(uuid5(NAMESPACE_URL, f"emulator:{name}"))


def image(name: str) -> Json:
    """Boxes around things in one picture of 1920 by 1080 pixels; a box is its centre
    and its size.
    """
    rng = random.Random(name)  # noqa: S311 - the same document in every run
    objects: Json = {}
    found: Json = {}
    for number, (kind, attribute) in enumerate(
        (("PassengerCar", "color"), ("Pedestrian", "pose"), ("TrafficSign", "språk"))
    ):
        id = make_uuid(f"{name}/{number}")
        objects[id] = {
            "name": f"{kind.lower()}-{number}",
            "type": kind,
            "object_data": {"text": [{"name": attribute, "val": "röd"}]},
        }
        width, height = rng.randint(20, 300), rng.randint(20, 200)
        val = [rng.uniform(width, 1920 - width), rng.uniform(height, 1080 - height), width, height]
        found[id] = {
            "object_data": {
                "bbox": [_geometry(f"bbox-{id[:8]}", "CAM", [round(x, 2) for x in val])]
            }
        }
    return _whole(name, objects, {"0": _frame(0, ("CAM",), found)}, {"CAM": _camera("img_CAM.jpg")})


def polygons(name: str) -> Json:
    """A road with a hole, and a lane marking that is a curve."""
    road, marking = make_uuid(f"{name}/road"), make_uuid(f"{name}/marking")
    outline = _polygon("outline", [100, 700, 900, 700, 1400.5, 1050, 20, 1050], hole=False)
    hole = _polygon("hole", [300, 800, 400, 800, 400, 900.25, 300, 900.25], hole=True)
    curve = _geometry(
        "curve-1",
        "CAM",
        [10, 1070, 400, 800, 960, 540],
        interpolation_method="natural-cubic-spline",
    )
    found = {
        road: {"object_data": {"poly2d": [outline, hole]}},
        marking: {
            "object_data": {"poly2d": [{**curve, "closed": False, "mode": "MODE_POLY2D_ABSOLUTE"}]}
        },
    }
    objects = {
        road: {"name": "road-0", "type": "Road"},
        marking: {"name": "marking-0", "type": "LaneMarking"},
    }
    return _whole(name, objects, {"0": _frame(0, ("CAM",), found)}, {"CAM": _camera("img_CAM.jpg")})


def sequence(name: str) -> Json:
    """A car that drives through three frames of a lidar: cuboids of place, quaternion
    and size, y pointing forwards.
    """
    car = make_uuid(f"{name}/car")
    interval = [{"frame_start": 0, "frame_end": 2}]
    frames = {}
    for number in range(3):
        turn = math.pi / 8 * number
        quaternion = [0.0, 0.0, round(math.sin(turn / 2), 9), round(math.cos(turn / 2), 9)]
        cuboid = _geometry(
            "cuboid-a9",
            "LIDAR1",
            [2.08 + number, -18.92 + 1.5 * number, 0.336, *quaternion, 1.767, 4.099, 1.664],
        )
        frames[str(number)] = _frame(
            number, ("LIDAR1",), {car: {"object_data": {"cuboid": [cuboid]}}}
        )
    pointer = {
        "type": "cuboid",
        "frame_intervals": interval,
        "attribute_pointers": {"stream": "text"},
    }
    objects = {
        car: {
            "name": "car-0",
            "type": "Car",
            "frame_intervals": interval,
            "object_data_pointers": {"cuboid-a9": pointer},
        }
    }
    systems = {
        "vehicle-iso8855": {"type": "local_cs", "parent": "", "children": ["LIDAR1"]},
        "LIDAR1": {
            "type": "sensor_cs",
            "parent": "vehicle-iso8855",
            "pose_wrt_parent": {"matrix4x4": IDENTITY},
        },
    }
    content = _whole(name, objects, frames, {"LIDAR1": {"type": "lidar"}})
    content["openlabel"]["coordinate_systems"] = systems
    return content


def iso_turned(content: Json) -> Json:
    """The same with cuboids whose x points forwards (`useDefaultCartesian`,
    `isoBoxes`): turned by a quarter, length before width.
    """
    turned: Json = json.loads(json.dumps(content))
    half = math.sqrt(0.5)
    for frame in turned.get("openlabel", {}).get("frames", {}).values():
        for thing in frame.get("objects", {}).values():
            for cuboid in thing.get("object_data", {}).get("cuboid", ()):
                if cuboid.get("val") and len(cuboid["val"]) == 10:
                    x, y, z, qx, qy, qz, qw, width, length, height = cuboid["val"]
                    quaternion = [
                        half * (qx + qy),
                        half * (qy - qx),
                        half * (qz + qw),
                        half * (qw - qz),
                    ]
                    cuboid["val"] = [x, y, z, *quaternion, length, width, height]
    return turned


def export(content: Json) -> Json:
    """A document in the format of some client (`exportContent`), which is not
    OpenLABEL. Its schema is the client's own.
    """
    objects = content.get("openlabel", {}).get("objects", {})
    return {
        "certainty": "sure",
        "shapeProperties": {
            id: {"@all": {"class": thing["type"]}} for id, thing in objects.items()
        },
    }


def _whole(name: str, objects: Json, frames: Json, streams: Json) -> Json:
    return {
        "openlabel": {
            "metadata": {
                "schema_version": "1.0.0",
                "uuid": make_uuid(name),
                "kognic_format_version": "2.2",
            },
            "frame_intervals": [{"frame_start": 0, "frame_end": len(frames) - 1}],
            "streams": streams,
            "objects": objects,
            "frames": frames,
        }
    }


def _frame(number: int, streams: tuple[str, ...], found: Json) -> Json:
    properties = {
        "timestamp": 100 * number,
        "external_id": str(number),
        "streams": {stream: {} for stream in streams},
    }
    return {"frame_properties": properties, "objects": found}


def _camera(uri: str) -> Json:
    return {
        "type": "camera",
        "uri": uri,
        "stream_properties": {"intrinsics_pinhole": {"width_px": 1920, "height_px": 1080}},
    }


def _geometry(name: str, stream: str, val: list[float], **text: str) -> Json:
    attributes = [{"name": key, "val": value} for key, value in {"stream": stream, **text}.items()]
    return {"name": name, "val": val, "attributes": {"text": attributes}}


def _polygon(name: str, val: list[float], *, hole: bool) -> Json:
    geometry = _geometry(name, "CAM", val, polygon_id="1")
    geometry["attributes"]["boolean"] = [{"name": "is_hole", "val": hole}]
    return {**geometry, "closed": True, "mode": "MODE_POLY2D_ABSOLUTE"}
