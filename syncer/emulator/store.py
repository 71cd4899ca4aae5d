"""What an app holds, and what posting, patching and deleting do to it. No network, no faults."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterable, Sequence
from typing import Any

Annotation = dict[str, Any]
Key = tuple[str, str]

ITEMS_MAX = 128
OK, MODIFIED, INVALID, NO_INPUT, GONE, DUPLICATE = 24150, 24250, 24155, 30102, 11101, 40010
DESCRIPTIONS = {
    OK: "Annotation success",
    MODIFIED: "Annotation modify success",
    INVALID: "Annotation invalid argument",
    24152: "Annotation failed",
    NO_INPUT: "Input does not exist",
    GONE: "Resource does not exist",
    DUPLICATE: "Object has a duplicate ID",
}

_made = itertools.count(1)


def now() -> str:
    """A time as the service writes it, nine digits of a second."""
    seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanos:09}Z"


class App:
    """One app: annotations by (input_id, id), in the order in which they were made."""

    def __init__(self) -> None:
        self.annotations: dict[Key, Annotation] = {}
        self.inputs: dict[str, dict[str, Any]] = {}
        self._by_input: dict[str, set[str]] = {}
        self._ids: dict[str, int] = {}

    def has(self, key: Key, scope: str) -> bool:
        """Is the id taken? `scope`: within its input, or within the app."""
        return key in self.annotations if scope == "input" else key[1] in self._ids

    def put(self, annotation: Annotation) -> None:
        """Store, new or in the place of the old one."""
        key = (annotation["input_id"], annotation["id"])
        if key not in self.annotations:
            self._by_input.setdefault(key[0], set()).add(key[1])
            self._ids[key[1]] = self._ids.get(key[1], 0) + 1
        self.annotations[key] = annotation
        self.inputs.setdefault(
            key[0], {"id": key[0], "data": {}, "status": {"code": 30000, "description": "Download complete"}, "created_at": now()}
        )

    def delete(self, key: Key) -> bool:
        """Remove one; was it there?"""
        if self.annotations.pop(key, None) is None:
            return False
        self._by_input[key[0]].discard(key[1])
        self._ids[key[1]] -= 1
        if not self._ids[key[1]]:
            del self._ids[key[1]]
        return True

    def delete_input(self, input_id: str) -> int:
        """Remove all of an input but the input-level one; how many."""
        ids = [id for id in self._by_input.get(input_id, ()) if not self.annotations[input_id, id].get("input_level")]
        return sum(self.delete((input_id, id)) for id in ids)

    def of_inputs(self, input_ids: Iterable[str]) -> list[Annotation]:
        """All annotations of these inputs."""
        return [self.annotations[input_id, id] for input_id in input_ids for id in sorted(self._by_input.get(input_id, ()))]


def made(annotation: Annotation, user_id: str) -> Annotation:
    """The annotation as it is stored: defaults filled in, owner and times added."""
    stored = copy.deepcopy(annotation)
    stored.setdefault("id", f"{next(_made):032x}")
    fill(stored)
    at = now()
    stored.setdefault("status", {"code": OK, "description": DESCRIPTIONS[OK]})
    stored.update({"user_id": stored.get("user_id", user_id), "created_at": at, "modified_at": at, "trusted": True})
    return stored


def fill(value: Any, name: str = "") -> None:
    """What the service shows though it was not sent: concept values, coordinates, names (wire sections 2 and 3.2)."""
    if isinstance(value, list):
        for item in value:
            if name == "concepts" and isinstance(item, dict):
                item.setdefault("value", 1.0)
                item.setdefault("name", item.get("id", ""))
            fill(item)
    elif isinstance(value, dict):
        if name == "bounding_box":
            for side in ("top_row", "left_col", "bottom_row", "right_col"):
                value.setdefault(side, 0.0)
        for key, item in value.items():
            if key not in ("metadata", "annotation_info"):
                fill(item, key)


def invalid(annotation: Any) -> str | None:
    """Why the service would not take it."""
    if not isinstance(annotation, dict) or not annotation.get("input_id"):
        return "input_id is required"
    data = annotation.get("data") or {}
    for part in ("regions", "frames"):
        if len(data.get(part) or ()) > 1:
            return f"at most one of {part} an annotation"
    return None


def patched(held: Annotation, patch: Annotation, action: str, region_merge: str) -> Annotation:
    """The annotation after a patch (wire section 2.3)."""
    result = copy.deepcopy(held)
    for key, value in patch.items():
        if key in ("id", "input_id"):
            continue
        if action == "overwrite":
            result[key] = copy.deepcopy(value)
        elif action == "merge":
            result[key] = _merged(result.get(key), value, region_merge)
        else:
            result[key] = _removed(result.get(key), value)
    fill(result)
    result["modified_at"] = now()
    return result


def _merged(held: Any, sent: Any, region_merge: str, name: str = "") -> Any:
    if sent is None:
        return held
    if isinstance(sent, dict) and isinstance(held, dict) and sent:
        return {**held, **{key: _merged(held.get(key), value, region_merge, key) for key, value in sent.items()}}
    if isinstance(sent, list) and isinstance(held, list) and sent:
        if name == "regions" and region_merge == "replace" and not any(_id(item) for item in sent):
            return copy.deepcopy(sent)
        result = list(held)
        places = {_id(item): place for place, item in enumerate(held) if _id(item)}
        for item in sent:
            place = places.get(_id(item)) if _id(item) else None
            if place is None:
                result.append(copy.deepcopy(item))
            else:
                result[place] = _merged(result[place], item, region_merge)
        return result
    return copy.deepcopy(sent)


def _removed(held: Any, sent: Any) -> Any:
    if isinstance(sent, dict) and isinstance(held, dict):
        result = dict(held)
        for key, value in sent.items():
            if value is True:
                result.pop(key, None)
            elif key in result and isinstance(value, dict | list):
                result[key] = _removed(result[key], value)
        return result
    if isinstance(sent, list) and isinstance(held, list):
        gone = {_id(item) for item in sent}
        return [item for item in held if not _id(item) or _id(item) not in gone]
    return held


def _id(item: Any) -> str | None:
    return item.get("id") if isinstance(item, dict) else None


def pairs(ids: Sequence[str], input_ids: Sequence[str]) -> list[Key] | None:
    """(input_id, id) pairs of two lists of equal length and order; None where they are not."""
    return list(zip(input_ids, ids, strict=True)) if len(ids) == len(input_ids) else None
