"""Annotations of every kind in one app, as a file for the emulator to load; and what
their columns are, read in a second way.
"""

from __future__ import annotations

import random
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from syncer.remotes.clarifai.codes import number

Annotation = dict[str, Any]
START = datetime(2024, 2, 28, 23, 59, 58, tzinfo=UTC)
KINDS = (
    "box",
    "polygon",
    "mask",
    "point",
    "span",
    "frame",
    "segment",
    "metadata",
    "concepts",
    "nothing",
)
FAR_MS = 2**63 + 1000
"""A frame's time that fits into uint64 and not into int64."""


def write_mixed(path: Path, count: int, seed: int, *, each: int = 2, large: int = 0) -> None:
    """Write `count` annotations: of every input its input-level one and `each` more, of
    the first input `large` more.
    """
    rng = random.Random(seed)
    with path.open("wb") as out:
        written = number = 0
        while written < count:
            own = min(each + (large if number == 0 else 0), count - written - 1)
            for annotation in _of_input(number, own, rng):
                out.write(orjson.dumps(annotation) + b"\n")
                written += 1
            number += 1


def _of_input(number: int, own: int, rng: random.Random) -> list[Annotation]:
    input_id = f"input-{number:06}" + (" ä/&?" if number % 97 == 0 else "")
    level = {
        "id": f"level-{number}",
        "input_id": input_id,
        "input_level": True,
        "data": _medium(number),
        **_times(rng),
    }
    return [level] + [
        _annotation(f"a-{number}-{place}", input_id, KINDS[(number + place) % len(KINDS)], rng)
        for place in range(own)
    ]


def _medium(number: int) -> Annotation:
    if number % 3 == 0:
        return {
            "text": {"raw": f"Line {number}\nand \u2028 another"},
            "metadata": {"number": number, "deep": {"list": [1, None, "x"]}},
        }
    return {"image": {"url": f"https://pictures.example/{number}.png"}}


def _times(rng: random.Random) -> Annotation:
    made = START + timedelta(seconds=rng.randrange(10**7))
    nanos = rng.choice([0, 1, 999_999_999, 10_000_000, rng.randrange(10**9)])
    changed = made + timedelta(seconds=rng.randrange(10**6))
    return {
        "created_at": f"{made:%Y-%m-%dT%H:%M:%S}.{nanos:09}Z",
        "modified_at": f"{changed:%Y-%m-%dT%H:%M:%S}.{nanos:09}Z",
    }


def _annotation(id: str, input_id: str, kind: str, rng: random.Random) -> Annotation:
    annotation: Annotation = {
        "id": id,
        "input_id": input_id,
        "data": _data(kind, rng),
        **_times(rng),
    }
    roll = rng.random()
    if roll < 0.1:
        annotation |= {"model_version_id": f"version-{rng.randrange(3)}"}
    elif roll < 0.2:
        annotation |= {
            "user_id": rng.choice(["ann", "bob"]),
            "status": {"code": rng.choice(["ANNOTATION_PENDING", 24157])},
        }
    elif roll < 0.25:
        annotation |= {
            "annotation_info": {"by": "hand", "Case": {"kept": True}},
            "task_id": f"task-{rng.randrange(2)}",
        }
    return annotation


def _data(kind: str, rng: random.Random) -> Annotation:
    def region(**info: Any) -> Annotation:
        return {
            "regions": [
                {
                    "id": "r",
                    "region_info": info,
                    "value": 0.5,
                    "track_id": "t-1",
                    "data": _concepts(rng),
                }
            ]
        }

    def box() -> Annotation:
        return region(
            bounding_box={
                "top_row": 0,
                "left_col": rng.random(),
                "bottom_row": rng.random(),
                "right_col": 1,
            }
        )

    match kind:
        case "box":
            return box()
        case "polygon":
            return region(
                polygon={
                    "points": [
                        {"row": rng.random(), "col": rng.random()}
                        for _ in range(rng.randrange(3, 12))
                    ]
                }
            )
        case "mask":
            return region(
                mask={"image": {"base64": b64encode(rng.randbytes(rng.randrange(1, 400))).decode()}}
            )
        case "point":
            return region(point={"row": rng.random(), "col": 0, "visibility": "NOT_VISIBLE"})
        case "span":
            return region(
                span={
                    "char_start": 0,
                    "char_end": rng.randrange(1, 9),
                    "raw_text": 'Grüße "\u2029" \\ 𝄞',
                }
            )
        case "frame":
            time = rng.choice([0, 1500, 2**53 + 1, FAR_MS])
            return {
                "frames": [
                    {"frame_info": {"time": str(time), "number": rng.randrange(9)}, "data": box()}
                ]
            }
        case "segment":
            return {
                "time_segments": [
                    {
                        "id": "s",
                        "time_info": {"begin_time": 0.5, "end_time": 2},
                        "data": _concepts(rng),
                    }
                ]
            }
        case "metadata":
            return {
                "metadata": {"camelCase": {"deep": [1, None, "x", 0.1]}, "n": rng.randrange(10**6)}
            }
        case "concepts":
            return _concepts(rng)
    return {}


def _concepts(rng: random.Random) -> Annotation:
    names = rng.sample(["tree", "water", "car", "sky"], rng.randrange(1, 4))
    return {"concepts": [{"id": name, "value": rng.choice([0, 0.25, 1, 0.1])} for name in names]}


# --- columns, read in a second way ----------------------------------------------------


def columns(annotation: Annotation) -> Annotation:
    """What the columns of a table have to hold for an annotation of `write_mixed`, as
    docs/schema.md says it.
    """
    data = annotation.get("data", {})
    frames, segments = data.get("frames", []), data.get("time_segments", [])
    regions = data.get("regions", []) + [
        region for frame in frames for region in frame["data"].get("regions", [])
    ]
    labelled = [
        data,
        *(region.get("data", {}) for region in regions),
        *(segment["data"] for segment in segments),
    ]
    concepts = [concept for part in labelled for concept in part.get("concepts", [])]
    info = regions[0]["region_info"] if regions else {}
    box = info.get("bounding_box")
    time = int(frames[0]["frame_info"]["time"]) if frames else None
    return {
        "annotation_id": annotation["id"],
        "annotation_user_id": annotation.get("user_id"),
        "input_id": annotation["input_id"],
        "annotation_created_at": microseconds(annotation["created_at"]),
        "annotation_modified_at": microseconds(annotation["modified_at"]),
        "status": number(annotation["status"]["code"]),
        "input_level": annotation.get("input_level", False),
        "model_version_id": annotation.get("model_version_id"),
        "task_id": annotation.get("task_id"),
        "concept_ids": [concept["id"] for concept in concepts],
        "concept_values": [concept["value"] for concept in concepts],
        "region_count": len(regions),
        "region_type": next(iter(info), None),
        "track_id": regions[0]["track_id"] if regions else None,
        "top_row": box["top_row"] if box else None,
        "left_col": box["left_col"] if box else None,
        "bottom_row": box["bottom_row"] if box else None,
        "right_col": box["right_col"] if box else None,
        "frame_time_ms": None if time is None or time >= 2**63 else time,
        "frame_number": frames[0]["frame_info"]["number"] if frames else None,
    }


def microseconds(text: str) -> datetime:
    """A time with nine digits, the last three cut off."""
    return datetime.fromisoformat(text[:26] + "+00:00")
