"""Annotations of every kind that labels have, and of every kind some may refuse."""

from __future__ import annotations

from typing import Any

from tests.support.stand_in import ids_under

Annotation = dict[str, Any]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg=="
)

NEVER_TAKEN = {
    "id-charset=word": {"with a space"},
    "id-length=32": {"long" * 50},
    "caller=collaborator": {"assigned"},
    "inputs=must-exist": {"nowhere"},
}
"""Which ids of `rich` the service would never take under a value of a switch: they, and
nothing else, are dead letters.
"""


def never_taken(faults: str = "") -> set[str]:
    """Those under the values that a stand-in with such faults has."""
    return ids_under(faults, NEVER_TAKEN)


def rich() -> list[Annotation]:
    """One of each, on four inputs."""

    def region(**info: Any) -> Annotation:
        return {
            "regions": [
                {"id": "r", "region_info": info, "data": {"concepts": [{"id": "tree", "value": 1}]}}
            ]
        }

    box = {"top_row": 0, "left_col": 0.123456789, "bottom_row": 0.3333333333333333, "right_col": 1}
    frame = {"frame_info": {"time": 1500, "number": 45}, "data": region(bounding_box=box)}
    data: dict[str, Annotation] = {
        "boxed": region(bounding_box=box),
        "outlined": region(polygon={"points": [{"row": 0, "col": 0.1}, {"row": 0.7, "col": 0.2}]}),
        "masked": region(mask={"image": {"base64": PIXEL}}),
        "pointed": region(point={"row": 0.1, "col": 0, "visibility": "VISIBLE"}),
        "spanned": region(span={"char_start": 0, "char_end": 5, "raw_text": "Hello"}),
        "filmed": {"frames": [frame]},
        "with a space": {"metadata": {"camelCase": {"deep": [1, None, "x"]}, "n": 1}},
        "long" * 50: {},
        "assigned": {},
        "nowhere": {},
    }
    made = [
        {"id": id, "input_id": "nowhere" if id == "nowhere" else f"input-{n % 3}", "data": data[id]}
        for n, id in enumerate(data)
    ]
    for annotation in made:
        annotation["data"].setdefault("concepts", [{"id": "tree", "value": 1}])
        if annotation["id"] == "assigned":
            annotation |= {"user_id": "somebody", "status": {"code": "ANNOTATION_PENDING"}}
    return made
