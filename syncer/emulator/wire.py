"""The wire's JSON form (wire section 3): what a client sent becomes what the service shows, in one pass.

In: snake_case and camelCase names, enums as number, name or numeric string, 64-bit integers as string or number, `null` as not
there. Out: snake_case, enums as numbers, 64-bit integers as strings, times with nine digits, coordinates as float32, defaults left
out but for those that are shown.
"""

from __future__ import annotations

import binascii
import math
import re
import struct
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, cast

from syncer.emulator.codes import NUMBERS
from syncer.emulator.messages import ENUMS, MESSAGES

Read = Callable[[Any], Any]
Object = dict[str, Any]

_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")
_SNAKE = re.compile(r"_([a-z0-9])")
_FLOAT32 = struct.Struct("<f")
_FLOAT32_MAX = 3.4028235677973366e38
DIGITS_EXACT = 8
"""Characters of a number's text up to which it is sure to be the shortest of its float32: `0.` and six digits."""


class Malformed(Exception):
    """What was sent is not the JSON form of its message. Says where and why."""

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.why, self.where = why, where

    def within(self, name: str) -> Malformed:
        """The same, seen from the message around it."""
        return Malformed(self.why, f"{name}.{self.where}" if self.where else name)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message: the name that it is shown by, what reads its value, and whether it is shown with its default."""

    name: str
    kind: str
    repeated: bool
    shown: bool
    default: Any
    read: Read


class Messages:
    """Readers of all messages. `floats`: `shortest`, `widened` or `exact`; `strict`: unknown fields are refused."""

    def __init__(self, floats: str, *, strict: bool) -> None:
        self._scalars: dict[str, Read] = {**_SCALARS, "float": _FLOATS[floats]}
        self._strict = strict
        self.fields: dict[str, dict[str, Field]] = {name: {} for name in MESSAGES}
        """By message and by the name that a client may use."""
        self.read: dict[str, Callable[[Any], Object]] = {name: self._message(name) for name in MESSAGES}
        for name, text in MESSAGES.items():
            for part in text.split():
                if part != "...":
                    field = self._field(part)
                    self.fields[name][field.name] = self.fields[name][camel(field.name)] = field

    def _field(self, text: str) -> Field:
        text, _, default = text.partition("=")
        shown = text.endswith("!")
        text = text.removesuffix("!")
        repeated = text.endswith("[]")
        name, _, kind = text.removesuffix("[]").partition(":")
        kind = kind or "string"
        one = self.read[kind] if kind in MESSAGES else self._scalars[kind]
        value = float(default) if default else _DEFAULTS.get(kind)
        return Field(name, kind, repeated, shown and value is not None, value, _list(one) if repeated else one)

    def _message(self, message: str) -> Callable[[Any], Object]:
        fields = self.fields[message]
        strict = self._strict and not MESSAGES[message].startswith("...")
        shown: list[tuple[str, Any]] | None = None

        def read(sent: Any) -> Object:
            nonlocal shown
            if shown is None:  # the table is complete by now
                shown = [(field.name, field.default) for name, field in fields.items() if field.shown and name == field.name]
            if type(sent) is not dict:
                raise Malformed(f"an object is wanted, not {_kind_of(sent)}")
            result: Object = {}
            for name, value in sent.items():
                field = fields.get(name)
                if field is None:
                    if strict:
                        raise Malformed("unknown field", name)
                elif value is not None:
                    try:
                        value = field.read(value)
                    except Malformed as malformed:
                        raise malformed.within(name) from None
                    if value or field.shown or field.repeated or type(value) is dict:
                        result[field.name] = value
            for name, default in shown:
                if name not in result:
                    result[name] = default
            return result

        return read

    def query(self, message: str, sent: Mapping[str, list[str]]) -> Object:
        """A request from a query string: dotted names, repeated keys. What is not a field of the request is let pass.

        The official client writes a repeated message as `statuses=code` (wire 2.1), which says nothing: it is let pass as well.
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
    """Nanoseconds since 1970 as the service writes a time: nine digits of a second, UTC."""
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos:09}Z"


def _list(one: Read) -> Read:
    def read(sent: Any) -> list[Any]:
        if type(sent) is not list:
            raise Malformed(f"a list is wanted, not {_kind_of(sent)}")
        return [one(item) for item in sent]

    return read


def _kind_of(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")


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


def _integer(sent: Any, least: int, most: int) -> int:
    try:
        number = sent if type(sent) is int else int(sent) if type(sent) is str else int(sent) if sent == int(sent) else None
    except (ValueError, TypeError, OverflowError):
        number = None
    if number is None or type(sent) is bool or not least <= number <= most:
        raise Malformed(f"an integer from {least} to {most} is wanted")
    return number


def _int(sent: Any) -> int:
    return _integer(sent, -(1 << 31), (1 << 32) - 1)


def _long(sent: Any) -> str:
    return str(_integer(sent, -(1 << 63), (1 << 64) - 1))


def _exact(sent: Any) -> float:
    if type(sent) is float or type(sent) is int:
        return cast(float, sent)
    try:
        number = float(sent) if type(sent) is str else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Malformed("a number is wanted")
    return number


def _widened(sent: Any) -> float:
    """The double that a float32 is."""
    number = _exact(sent)
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
    return _shortest_text(_widened(sent))


def _bytes(sent: Any) -> str:
    """Base64, standard or for URLs, as standard base64."""
    text = _string(sent).translate(str.maketrans("-_", "+/"))
    try:
        b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise Malformed("base64 is wanted") from None
    return text


def _struct(sent: Any) -> Object:
    if type(sent) is not dict:
        raise Malformed(f"an object is wanted, not {_kind_of(sent)}")
    return sent


def _time(sent: Any) -> str:
    """An RFC 3339 time, in UTC and with nine digits, so that times compare as texts."""
    parts = _TIME.fullmatch(_string(sent))
    try:
        if parts is None:
            raise ValueError
        at = datetime.fromisoformat(f"{parts[1]}{'+00:00' if parts[3] in 'Zz' else parts[3]}").astimezone(UTC)
    except ValueError:
        raise Malformed("a time as RFC 3339 has it is wanted") from None
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f".{parts[2] or '':0<9}Z"


def _enum(names: Mapping[str, int]) -> Read:
    def read(sent: Any) -> int:
        if type(sent) is str and sent in names:
            return names[sent]
        try:
            return _integer(sent, -(1 << 31), (1 << 31) - 1)
        except Malformed:
            raise Malformed("a value of its enum is wanted, as number or name") from None

    return read


_FLOATS: Mapping[str, Read] = {"shortest": _shortest, "widened": _widened, "exact": _exact}
_SCALARS: Mapping[str, Read] = {
    "string": _string,
    "bool": _bool,
    "int": _int,
    "long": _long,
    "double": _exact,
    "bytes": _bytes,
    "struct": _struct,
    "time": _time,
    "any": lambda sent: sent,
    "StatusCode": _enum(NUMBERS),
    **{name: _enum(values) for name, values in ENUMS.items()},
}
_DEFAULTS: Mapping[str, Any] = {"string": "", "int": 0, "long": "0", "float": 0.0}
"""Of the types of which some field is shown though it has its default."""
