"""JSON_MIN, the short form of Label Studio's exports, as a task of the long one.

    {"image": "a.jpg", "id": 1, "label": [{"x": …, "rectanglelabels": ["car"]}], "mood":
     "good", "annotator": 2, "annotation_id": 7, "created_at": …}

The data of the task come first, then its id, then what each control tag found, then the
annotation's own values. Nothing but this order tells data from results that are texts.
"""

from __future__ import annotations

from typing import Any

from syncer.formats.labelstudio_results import GEOMETRY
from syncer.formats.labelstudio_tasks import Object
from syncer.formats.names import MEDIA_ENDING

__all__ = ["expand_short"]

CHOICE_MAX = 64
"""A longer text was written, not chosen: the short form says neither."""
OF_ANNOTATION = {
    *("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"),
}
KINDS = {"choices", "taxonomy", "rating", "text", "number", "datetime", "ranker", "pairwise"}


def expand_short(task: Object) -> Object:
    """Return the task with `data` and one annotation."""
    data: dict[str, Any] = {}
    results: list[Object] = []
    is_after = "id" not in task  # then there is no order to go by
    for key, value in task.items():
        if key == "id":
            is_after = True
        elif key in OF_ANNOTATION:
            continue
        elif is_after and (found := _read_results(key, value, has_order="id" in task)):
            results += found
        else:
            data[key] = value
    annotation = {
        "id": task.get("annotation_id"),
        "completed_by": task.get("annotator"),
        "result": results,
    }
    return {"id": task.get("id"), "data": data, "annotations": [annotation]}


def _read_results(key: str, value: Any, has_order: bool) -> list[Object]:
    values = value if isinstance(value, list) else [value]
    results = []
    for each in values:
        if isinstance(each, dict) and (_is_region(each) or (has_order and KINDS & each.keys())):
            results.append(_make_result(key, each))
        elif has_order and _is_written(each):
            is_choice = len(each) <= CHOICE_MAX and "\n" not in each
            kind = "choices" if is_choice else "textarea"
            results.append(_make_result(key, {kind: [each]}))
        else:
            return []
    return results


def _is_region(value: Object) -> bool:
    return any(key in value for key in GEOMETRY) and any(
        key.endswith("labels") or key in KINDS for key in value
    )


def _is_written(value: Any) -> bool:
    if not isinstance(value, str) or not value:
        return False
    return "://" not in value and not value.startswith("/") and not MEDIA_ENDING.search(value)


def _make_result(key: str, value: Object) -> Object:
    kinds = [name for name in value if name.endswith("labels") or name in KINDS]
    sizes = {name: value[name] for name in ("original_width", "original_height") if name in value}
    kind = kinds[0] if kinds else next(iter(value))
    return {"from_name": key, "type": kind, "value": value, "id": value.get("id"), **sizes}
