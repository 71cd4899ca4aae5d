"""Scalars of the wire as values that are equal if they mean the same, in any way that
the JSON form allows.

Each reader takes a JSON value that is there, and raises ValueError (or TypeError) for
one that its type does not have.
"""

from __future__ import annotations

import binascii
import math
import re
import struct
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import cast

from syncer.protos import ENUMS
from syncer.remotes.clarifai.codes import NUMBERS

ScalarReader = Callable[[object], object]

_FLOAT32 = struct.Struct("<f")
_DIGITS = re.compile(r"[+-]?[0-9]{1,40}")
_STANDARD_BASE64 = str.maketrans("-_", "+/", "=\r\n")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))"
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - offsets are added up beside it, so that the first and last year have room


def double(value: object) -> float:
    """A number of 64 bits. What is too large for one is infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if cast(int, value) > 0 else -math.inf
    if math.isnan(number):
        raise ValueError  # equal to nothing, itself included, but as a text
    return number


def _float32(value: object) -> float:
    number = double(value)
    try:
        return cast(float, _FLOAT32.unpack(_FLOAT32.pack(number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


def _integer(value: object) -> int:
    """Exactly, also as a string, or as a float without a fraction."""
    if isinstance(value, str):
        value = int(value) if _DIGITS.fullmatch(value) else float(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _enum(names: Mapping[str, int], value: object) -> int:
    return names[value] if isinstance(value, str) and value in names else _integer(value)


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bytes(value: object) -> bytes:
    """Base64, standard or for URLs, with or without its padding."""
    text = _string(value).translate(_STANDARD_BASE64)
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError from None


def _time(value: object) -> tuple[int, int]:
    """(seconds, nanoseconds) since 1970."""
    parts = _TIME.fullmatch(_string(value))
    if parts is None:
        raise ValueError
    since = datetime.fromisoformat(f"{parts[1]}T{parts[2]}") - _EPOCH
    east = (
        (int(parts[5]) * 60 + int(parts[6])) * 60 * (-1 if parts[4] == "-" else 1)
        if parts[4]
        else 0
    )
    return since.days * 86_400 + since.seconds - east, int(f"{parts[3] or '':0<9}")


READERS: Mapping[str, ScalarReader] = {
    "string": _string,
    "bool": _bool,
    "float": _float32,
    "double": double,
    **dict.fromkeys(("int32", "uint32", "int64", "uint64"), _integer),
    "bytes": _bytes,
    "time": _time,
    "StatusCode": partial(_enum, NUMBERS),
    **{name: partial(_enum, values) for name, values in ENUMS.items()},
}
"""By the type's name in the table of `syncer.protos`."""

DEFAULTS: Mapping[str, object] = {
    "string": "",
    "bool": False,
    "bytes": "",
    **dict.fromkeys(
        ("float", "double", "int32", "uint32", "int64", "uint64", "StatusCode", *ENUMS), 0
    ),
}
"""The value of a missing field. A missing time is not a time."""
