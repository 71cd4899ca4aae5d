"""Is what was sent there, with equal values? What the server added is ignored, what it leaves out as a default is filled in."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import cast

from syncer.remotes.clarifai.codes import NUMBERS

_POINT = {"row": 0, "col": 0, "z": 0}
_CHARACTERS = {"char_start": 0, "char_end": 0}
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "concepts": {"value": 1},
    "bounding_box": {"top_row": 0, "left_col": 0, "bottom_row": 0, "right_col": 0},
    "point": _POINT,
    "points": _POINT,
    "keypoint_locations": _POINT,
    "span": _CHARACTERS,
    "token": _CHARACTERS,
    "time_info": {"begin_time": 0, "end_time": 0},
}
"""By the member that holds the object: what its fields are where they are missing, sent or held (wire, 3.2)."""

ENUMS: Mapping[str, Mapping[str, int]] = {
    "code": NUMBERS,
    "visibility": {"NOT_SET": 0, "VISIBLE": 1, "NOT_VISIBLE": 2, "NOT_PRESENT": 3},
    "gettable": {"UNKNOWN_VISIBILITY": 0, "PRIVATE": 10, "ORG": 30, "PUBLIC": 50},
}
STRUCTS = frozenset(("metadata", "annotation_info", "struct_value", "consensus_info"))
"""Members of type google.protobuf.Struct: their keys are the users' own."""
CLOSED = frozenset(("data", "region_info", "annotation_info"))
"""Members into which the service puts nothing of its own: what is there, somebody sent. Others it dresses (names of concepts, say)."""
BYTES = frozenset(("base64", "bytes_value", "decoded_bytes", "buffer"))
TIMES = frozenset(("created_at", "modified_at"))
UNSHOWN = frozenset(("embed_model_version_id",))
"""Members that the service takes and need not show (deprecated in the protos, absent from the wire's answers)."""

_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_STANDARD_BASE64 = str.maketrans("-_", "+/", "=\r\n")


def same_annotation(sent: Mapping[str, object], held: Mapping[str, object], *, exact: bool = False) -> bool:
    """Does `held` hold every field of `sent` with an equal value? Both are annotations in the wire's JSON form.

    `exact`: and does it hold nothing that somebody else must have sent?
    """
    try:
        return sent == held or _same_message(sent, held, "", exact)
    except RecursionError:  # far deeper than any annotation
        return False


def _same_message(sent: Mapping[str, object], held: Mapping[str, object], name: str, exact: bool) -> bool:
    defaults = DEFAULTS.get(name, {})
    wanted = {**defaults, **set_fields(sent)}
    there = {**defaults, **set_fields(held)}
    if exact:
        wanted = {**dict.fromkeys(there if name in CLOSED else CLOSED & there.keys()), **wanted}
    return all(_same(value, there.get(field), field, exact) for field, value in wanted.items() if field in there or field not in UNSHOWN)


def set_fields(message: Mapping[str, object]) -> dict[str, object]:
    """The fields by their snake_case names; a null is a field that is not set."""
    return {_snake_case(field): value for field, value in message.items() if value is not None}


@lru_cache(maxsize=1024)
def _snake_case(field: str) -> str:
    return _CAMEL.sub(r"_\1", field).lower()


def _same(sent: object, held: object, name: str, exact: bool) -> bool:
    if sent == held:  # as most are, down to where the service has dressed them
        return True
    if sent is None:  # there, and not sent: nothing, in whatever form
        sent = type(held)()
    if name in STRUCTS:
        return _same_struct(sent, held, exact)
    if isinstance(sent, dict):
        return isinstance(held, dict | None) and _same_message(sent, held or {}, name, exact)
    if isinstance(sent, list):
        return isinstance(held, list | None) and _same_list(sent, held or [], name, exact)
    if name in ENUMS:
        return _enum(sent, ENUMS[name]) == _enum(held, ENUMS[name])
    if isinstance(sent, str) and isinstance(held, str):
        if name in BYTES:
            return sent.translate(_STANDARD_BASE64) == held.translate(_STANDARD_BASE64)
        return sent == held or (name in TIMES and _same_time(sent, held))
    return _same_scalar(sent, held, strings=True)


def _same_list(sent: list[object], held: list[object], name: str, exact: bool) -> bool:
    """Items are matched by id where they have one, else by position. The list holds what was sent and nothing else."""
    if len(sent) != len(held):
        return False
    by_id = {item_id(item): item for item in held}
    for item, neighbour in zip(sent, held, strict=True):
        id = item_id(item)
        other = neighbour if id is None or item_id(neighbour) == id else by_id.get(id)
        if not _same(item, other, name, exact):
            return False
    return True


def item_id(item: object) -> str | None:
    """The id of a list item, None where it has none."""
    id = item.get("id") if isinstance(item, dict) else None
    return id if isinstance(id, str) and id else None


def _same_struct(sent: object, held: object, exact: bool) -> bool:
    """The same of free-form JSON: no names to translate, no lists by id, no strings that are numbers."""
    if isinstance(sent, dict):
        if not isinstance(held, dict | None):
            return False
        there = held or {}
        if exact and any((sent if key in sent else there)[key] not in (None, [], {}) for key in sent.keys() ^ there.keys()):
            return False  # false and nought are values, too
        return all(_same_struct(value, there.get(key), exact) for key, value in sent.items())
    if isinstance(sent, list):
        items = held or []
        if not isinstance(items, list) or len(sent) != len(items):
            return False
        return all(_same_struct(item, other, exact) for item, other in zip(sent, items, strict=True))
    return _same_scalar(sent, held, strings=False)


def _same_scalar(sent: object, held: object, *, strings: bool) -> bool:
    """`strings`: a number may be written as a string, as 64-bit integers are."""
    if sent == held or (not sent and held is None):  # what is empty need not be there
        return True
    if isinstance(sent, str) and isinstance(held, str):
        return False
    first, second = _number(sent, strings=strings), _number(held, strings=strings)
    return first is not None and second is not None and _float32(first) == _float32(second)


def _number(value: object, *, strings: bool) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if strings and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _float32(value: float) -> float:
    """Coordinates and concept values are float32 on the wire."""
    try:
        return cast(float, struct.unpack("<f", struct.pack("<f", float(value)))[0])
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _enum(value: object, names: Mapping[str, int]) -> object:
    """The number of an enum's value, however it is written; as it is where it cannot be told."""
    if isinstance(value, str):
        return names.get(value, int(value) if re.fullmatch("[0-9]{1,9}", value) else value)
    return value or 0


def _same_time(first: str, second: str) -> bool:
    """Are both the same instant?"""
    try:
        return datetime.fromisoformat(first) == datetime.fromisoformat(second)
    except ValueError:
        return False
