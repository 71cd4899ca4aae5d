"""The wire's JSON form (wire section 3): what a client sent becomes what the service
shows, in one pass.

In: snake_case and camelCase names, enums as number, name or numeric string, 64-bit
integers as string or number, `null` as not there. Out: snake_case, enums as numbers,
64-bit integers as strings, times with nine digits, coordinates as float32, defaults
left out except those that are shown.
"""

from __future__ import annotations

import binascii
import math
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, cast

from syncer import protos
from syncer.emulator.clarifai.messages import ENUMS, MESSAGES
from syncer.emulator.codes import NUMBERS

ValueReader = Callable[[Any], Any]
Object = dict[str, Any]

_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")
_SNAKE = re.compile(r"_([a-z0-9])")
_DIGITS = re.compile(r"[+-]?[0-9]{1,30}")
_STANDARD_BASE64 = str.maketrans("-_", "+/", "=")
LATER = "added_by_a_later_version"
"""A member that the switch `added-fields` adds: a service that adds it knows it when it
comes back.
"""
EXACT_MAX = 1 << 53
"""Integers up to here are their own doubles."""
_FLOAT32 = struct.Struct("<f")
_FLOAT32_MAX = 3.4028235677973366e38
DIGITS_EXACT = 8
"""Characters of a number's text up to which it is sure to be the shortest of its
float32: `0.` and six digits.
"""


class Malformed(Exception):
    """A body that is not the JSON form of its message. Says where and why."""

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.why, self.where = why, where

    def within(self, name: str) -> Malformed:
        """The same, seen from the message around it."""
        return Malformed(self.why, f"{name}.{self.where}" if self.where else name)


@dataclass(frozen=True, slots=True)
class WireField:
    """A field of a message: the name that it is shown by, what reads its value, and
    whether it is shown with its default.
    """

    name: str
    kind: str
    repeated: bool
    shown: bool
    default: Any
    read: ValueReader


class Messages:
    """Readers of all messages.

    `floats`: `shortest`, `widened` or `exact`; `strict`: unknown fields are refused.
    """

    def __init__(self, floats: str, *, strict: bool) -> None:
        self._scalars: dict[str, ValueReader] = {**_SCALARS, "float": _FLOATS[floats]}
        self._strict = strict
        self.fields: dict[str, dict[str, WireField]] = {name: {} for name in MESSAGES}
        """By message and by the name that a client may use."""
        self.read: dict[str, Callable[[Any], Object]] = {
            name: self._message(name) for name in MESSAGES
        }
        for name, text in MESSAGES.items():
            for told in protos.fields(text):
                self.fields[name][told.name] = self.fields[name][camel(told.name)] = self._field(
                    told
                )

    def _field(self, told: protos.Field) -> WireField:
        kind = told.type
        one = self.read[kind] if kind in MESSAGES else self._scalars[kind]
        value = told.default if told.default is not None else _DEFAULTS.get(kind)
        read = _list(one) if told.repeated else _map(one) if told.map else one
        return WireField(
            told.name, kind, told.repeated, told.shown and value is not None, value, read
        )

    def _message(self, message: str) -> Callable[[Any], Object]:
        fields = self.fields[message]
        strict = self._strict and not MESSAGES[message].startswith("...")
        shown: list[tuple[str, Any]] | None = None

        def read(sent: Any) -> Object:
            nonlocal shown
            if shown is None:  # the table is complete by now
                shown = [
                    (field.name, field.default)
                    for name, field in fields.items()
                    if field.shown and name == field.name
                ]
            if type(sent) is not dict:
                raise Malformed(f"an object is wanted, not {_kind_of(sent)}")
            result: Object = {}
            for name, value in sent.items():
                field = fields.get(name)
                if field is None:
                    if strict and name != LATER:
                        raise Malformed("unknown field", name)
                elif value is not None:
                    try:
                        value = field.read(value)
                    except Malformed as malformed:
                        raise malformed.within(name) from None
                    if (
                        (value and value != _DEFAULTS.get(field.kind))
                        or field.shown
                        or field.repeated
                        or type(value) is dict
                    ):
                        result[field.name] = value
            for name, default in shown:
                if name not in result:
                    result[name] = default
            return result

        return read

    def query(self, message: str, sent: Mapping[str, list[str]]) -> Object:
        """A request from a query string: dotted names, repeated keys. What is not a
        field of the request is let pass.

        The official client writes a repeated message as `statuses=code` (wire 2.1),
        which says nothing: it is let pass as well.
        """
        result: Object = {}
        for name, values in sent.items():
            names = name.split(".")
            fields, place = self.fields[message], result
            for outer in names[:-1]:
                field = fields.get(outer)
                if field is None or field.kind not in MESSAGES:
                    break
                fields = self.fields[field.kind]
                if field.repeated:
                    place.setdefault(field.name, [{}])
                    place = place[field.name][0]
                else:
                    place = place.setdefault(field.name, {})
            else:
                field = fields.get(names[-1])
                if field is not None and field.kind not in MESSAGES:
                    try:
                        place[field.name] = field.read(values if field.repeated else values[-1])
                    except Malformed as malformed:
                        raise malformed.within(name) from None
        return result


@cache
def messages(floats: str, *, strict: bool) -> Messages:
    """The readers under these switches."""
    return Messages(floats, strict=strict)


def camel(name: str) -> str:
    """lowerCamelCase, as proto3's JSON form has it."""
    return _SNAKE.sub(lambda letter: letter[1].upper(), name)


def time_of(nanoseconds: int) -> str:
    """Nanoseconds since 1970 as the service writes a time: nine digits of a second,
    UTC.
    """
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos:09}Z"


def _list(one: ValueReader) -> ValueReader:
    def read(sent: Any) -> list[Any]:
        if type(sent) is not list:
            raise Malformed(f"a list is wanted, not {_kind_of(sent)}")
        return [one(item) for item in sent]

    return read


def _map(one: ValueReader) -> ValueReader:
    def read(sent: Any) -> Object:
        return {key: one(value) for key, value in _object(sent).items()}

    return read


def _kind_of(value: Any) -> str:
    return {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        type(None): "null",
    }.get(type(value), "a number")


def _string(sent: Any) -> str:
    if type(sent) is not str:
        raise Malformed(f"a string is wanted, not {_kind_of(sent)}")
    return sent


def _bool(sent: Any) -> bool:
    if sent is True or sent is False:
        return bool(sent)
    if sent in ("true", "True", "1"):
        return True
    if sent in ("false", "False", "0", ""):
        return False
    raise Malformed(f"a boolean is wanted, not {_kind_of(sent)}")


def _integer(least: int, most: int) -> Callable[[Any], int]:
    def read(sent: Any) -> int:
        number = sent
        if type(sent) is str:
            number = int(sent) if _DIGITS.fullmatch(sent) else _number(sent)
        if type(number) is float and number.is_integer():
            number = int(number)
        if type(number) is not int or not least <= number <= most:
            raise Malformed(f"an integer from {least} to {most} is wanted")
        return number

    return read


def _long(least: int, most: int) -> Callable[[Any], str]:
    """An integer of 64 bits, which JSON writes as a string."""
    read = _integer(least, most)
    return lambda sent: str(read(sent))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _double(sent: Any) -> float:
    number = (
        sent
        if type(sent) is float or type(sent) is int
        else _number(sent)
        if type(sent) is str
        else math.nan
    )
    if not math.isfinite(number):
        raise Malformed("a number is wanted")
    return number if abs(number) <= EXACT_MAX else float(number)


def _widen(sent: Any) -> float:
    """The double that a float32 is."""
    number = _double(sent)
    if abs(number) >= _FLOAT32_MAX:
        raise Malformed("a number that fits a float32 is wanted")
    return cast(float, _FLOAT32.unpack(_FLOAT32.pack(number))[0])


@lru_cache(maxsize=4096)
def _shortest_text(number: float) -> float:
    for digits in (6, 7, 8):
        short = float(f"{number:.{digits}g}")
        if _FLOAT32.unpack(_FLOAT32.pack(short))[0] == number:
            return short
    return float(f"{number:.9g}")


def _shortest(sent: Any) -> float:
    """The shortest decimal of a float32, which is how services print one."""
    if type(sent) is int and -1_000_000 < sent < 1_000_000:
        return sent
    if type(sent) is float and len(repr(sent)) <= DIGITS_EXACT:
        return sent
    return _shortest_text(_widen(sent))


def _bytes(sent: Any) -> str:
    """Base64, standard or for URLs, with or without its padding, as standard base64."""
    text = _string(sent).translate(_STANDARD_BASE64)
    try:
        return b64encode(b64decode(text + "=" * (-len(text) % 4), validate=True)).decode()
    except binascii.Error:
        raise Malformed("base64 is wanted") from None


def _object(sent: Any) -> Object:
    if type(sent) is not dict:
        raise Malformed(f"an object is wanted, not {_kind_of(sent)}")
    return sent


def _struct(sent: Any) -> Object:
    """JSON of the users' own, its numbers as doubles."""
    return {key: _free(value) for key, value in _object(sent).items()}


def _free(sent: Any) -> Any:
    if type(sent) is dict:
        return _struct(sent)
    if type(sent) is list:
        return [_free(item) for item in sent]
    return float(sent) if type(sent) is int and abs(sent) > EXACT_MAX else sent


def _time(sent: Any) -> str:
    """An RFC 3339 time, in UTC and with nine digits, so that times compare as texts."""
    parts = _TIME.fullmatch(_string(sent))
    try:
        if parts is None:
            raise ValueError
        at = datetime.fromisoformat(
            f"{parts[1]}{'+00:00' if parts[3] in 'Zz' else parts[3]}"
        ).astimezone(UTC)
    except ValueError:
        raise Malformed("a time as RFC 3339 has it is wanted") from None
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f".{parts[2] or '':0<9}Z"


def _enum(names: Mapping[str, int]) -> ValueReader:
    number = _integer(-(1 << 31), (1 << 31) - 1)

    def read(sent: Any) -> int:
        if type(sent) is str and sent in names:
            return names[sent]
        try:
            return number(sent)
        except Malformed:
            raise Malformed("a value of its enum is wanted, as number or name") from None

    return read


_FLOATS: Mapping[str, ValueReader] = {"shortest": _shortest, "widened": _widen, "exact": _double}
_SCALARS: Mapping[str, ValueReader] = {
    "string": _string,
    "bool": _bool,
    "int32": _integer(-(1 << 31), (1 << 31) - 1),
    "uint32": _integer(0, (1 << 32) - 1),
    "int64": _long(-(1 << 63), (1 << 63) - 1),
    "uint64": _long(0, (1 << 64) - 1),
    "double": _double,
    "bytes": _bytes,
    "struct": _struct,
    "time": _time,
    "any": lambda sent: sent,
    "StatusCode": _enum(NUMBERS),
    **{name: _enum(values) for name, values in ENUMS.items()},
}
_DEFAULTS: Mapping[str, Any] = {
    "string": "",
    "uint32": 0,
    "int64": "0",
    "uint64": "0",
    "float": 0.0,
}
"""The types of which some field is shown though it has its default, and of those whose
default does not read as false.
"""
