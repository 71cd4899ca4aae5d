"""Is what was sent there, with equal values? What the server added is ignored, what it leaves out as a default is filled in."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from syncer.remotes.clarifai.codes import number

VISIBILITY = {"NOT_SET": 0, "VISIBLE": 1, "NOT_VISIBLE": 2, "NOT_PRESENT": 3}
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_FREE = frozenset(("metadata", "annotation_info", "struct_value", "consensus_info"))
"""Members whose keys are the users' own (google.protobuf.Struct)."""


def same_annotation(sent: Mapping[str, object], held: Mapping[str, object], *, exact: bool = True) -> bool:
    """Does `held` hold every field of `sent` with an equal value? Both are annotations in the wire's JSON form.

    `exact`: a list holds nothing but what was sent; otherwise (a merge) it may hold more.
    """
    return _same_object(sent, held, free=False, exact=exact)


def nothing_to_remove(sent: object, held: object) -> bool:
    """Is all that a patch with action remove takes away gone? Items are named by their ids, members by `true`."""
    if isinstance(sent, dict) and isinstance(held, dict):
        return all(
            key in ("id", "input_id") or (key not in held if value is True else nothing_to_remove(value, held.get(key)))
            for key, value in sent.items()
        )
    if isinstance(sent, list) and isinstance(held, list):
        gone = {item.get("id") for item in sent if isinstance(item, dict)}
        return not any(isinstance(item, dict) and item.get("id") in gone for item in held)
    return sent is None or held is None or isinstance(sent, dict | list) or sent == held


def _same_object(sent: Mapping[str, object], held: Mapping[str, object], *, free: bool, exact: bool, of: str = "") -> bool:
    if not free:
        held = {_snake(key): value for key, value in held.items()}
    for key, value in sent.items():
        name = key if free else _snake(key)
        other = held.get(name)
        if name == "value" and of == "concepts":
            value = 1 if value is None else value
            other = 1 if other is None else other
        if not _same(value, other, name, free=free or name in _FREE, exact=exact):
            return False
    missing_value = of == "concepts" and not free and "value" not in sent
    return not missing_value or _same_number(1, held.get("value", 1))


def _same(sent: object, held: object, name: str, *, free: bool, exact: bool) -> bool:
    if name == "code" and not free:
        return number(sent) == number(held)
    if name == "visibility" and not free:
        return _visibility(sent) == _visibility(held)
    if _empty(sent) and _empty(held):
        return True
    if isinstance(sent, dict):
        return _same_object(sent, cast(dict[str, object], held) if isinstance(held, dict) else {}, free=free, exact=exact, of=name)
    if isinstance(sent, list):
        return _same_list(sent, held if isinstance(held, list) else [], name, free=free, exact=exact)
    if isinstance(sent, bool) or isinstance(held, bool):
        return bool(sent) == bool(held) and not (isinstance(sent, str) or isinstance(held, str))
    numbers = _as_number(sent, strings=not free), _as_number(0 if held is None else held, strings=not free)
    if numbers[0] is not None and numbers[1] is not None and not (isinstance(sent, str) and isinstance(held, str)):
        return _same_number(numbers[0], numbers[1])
    if isinstance(sent, str) and isinstance(held, str):
        return sent == held or (name.endswith("_at") and _same_time(sent, held))
    return sent == held


def _same_list(sent: Sequence[object], held: Sequence[object], name: str, *, free: bool, exact: bool) -> bool:
    """Items are matched by id where they have one, else by position."""
    if len(sent) != len(held) if exact else len(sent) > len(held):
        return False
    by_id = {item["id"]: item for item in held if isinstance(item, dict) and item.get("id")} if not free else {}
    for position, item in enumerate(sent):
        id = item.get("id") if isinstance(item, dict) else None
        other = by_id.get(cast(str, id)) if id and not free else held[position]
        if isinstance(item, dict):
            if not isinstance(other, dict) or not _same_object(item, other, free=free, exact=exact, of=name):
                return False
        elif not _same(item, other, "", free=free, exact=exact):
            return False
    return True


def _empty(value: object) -> bool:
    """A default of proto3: what a server may leave out."""
    if isinstance(value, dict):
        return all(_empty(item) for item in value.values())
    return value is None or value is False or value == "" or value == 0 or value == []


def _as_number(value: object, *, strings: bool) -> float | int | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if strings and isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    return None


def _same_number(first: object, second: object) -> bool:
    if first == second:
        return True
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return False
    return _float32(first) == _float32(second)


def _float32(value: float) -> float:
    """Coordinates and concept values are float32 on the wire."""
    try:
        return cast(float, struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _visibility(value: object) -> object:
    return VISIBILITY.get(value, value) if isinstance(value, str) else (value or 0)


def _same_time(first: str, second: str) -> bool:
    try:
        return datetime.fromisoformat(first) == datetime.fromisoformat(second)
    except ValueError:
        return False


def _snake(name: str) -> str:
    return _CAMEL.sub(lambda match: "_" + match[1].lower(), name)
