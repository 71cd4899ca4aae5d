"""A change as a user's program hands it over (text, bytes, a mapping) to the bytes of a
line, or the reason why that is impossible.

JSON is written by orjson, which is fast and silent about NaN (it writes null). So a
value is looked through only where orjson refuses it, or where there is a null in what
it wrote.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import orjson

from syncer.sources.cutter import BOM

INTEGERS = range(-(1 << 63), 1 << 64)
DEPTH_MAX = 254
"""How deep a value may be for orjson."""
REASON_MAX = 300
"""Characters of a reason."""


class Unwritable(Exception):
    """A change that is not a line."""

    def __init__(self, reason: str, shown: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.shown = shown
        """The change, for people, since it has no JSON form."""


def as_line(change: object) -> bytes:
    """The line, without a byte-order mark. Raises Unwritable."""
    if isinstance(change, bytes):
        return change.removeprefix(BOM)
    try:
        if isinstance(change, str):
            return change.encode().removeprefix(BOM)
        if isinstance(change, Mapping):
            line = orjson.dumps(change, default=_mapping)
            if b"null" in line and (why := _fault(change)) is not None:
                raise Unwritable(_clean(why), _show(change))
            return line
        reason = f"a change is a line as text or bytes, or a mapping; this is {_kind(change)}"
    except UnicodeEncodeError as error:
        reason = f"not Unicode: character {error.start + 1} is half of one (a lone surrogate)"
    except Unwritable:
        raise
    except Exception as error:  # of orjson, or of the user's own mapping
        reason = _fault_or_none(change) or f"cannot be written as JSON: {error.__cause__ or error}"
    raise Unwritable(_clean(reason), _show(change))


def ids_of(change: object) -> dict[str, object]:
    """Return what identifies a change that is not a line: op, input_id and id, if
    text.
    """
    told: dict[str, object] = {}
    try:
        if isinstance(change, Mapping):
            annotation = change.get("annotation", {} if "op" in change else change)
            told = {"op": change["op"]} if "op" in change else {}
            ids = (
                {name: annotation[name] for name in ("input_id", "id") if name in annotation}
                if isinstance(annotation, Mapping)
                else {}
            )
            told["annotation"] = {
                name: _clean(id) for name, id in ids.items() if isinstance(id, str)
            }
            if isinstance(told.get("op"), str):
                told["op"] = _clean(str(told["op"]))
    except Exception:  # noqa: S110 - the user's own mapping, which says nothing of itself then
        pass
    return told


def _mapping(value: object) -> object:
    """Convert what orjson does not know: a mapping that is not a dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(_kind(value))


def _fault_or_none(change: object) -> str | None:
    try:
        return _fault(change)
    except Exception:  # of the user's own mapping
        return None


def _fault(change: object) -> str | None:
    """Return where the first value is that JSON has no form for, and what it is; None
    if all have one.
    """
    waiting: list[tuple[object, str, int]] = [(change, "", 0)]
    while waiting:
        value, path, depth = waiting.pop()
        if depth > DEPTH_MAX:
            return f"{_cut(path)} is nested deeper than {DEPTH_MAX} levels, or holds itself"
        if (why := _fault_of_scalar(value)) is not None:
            return f"{_cut(path)} {why}"
        inner: list[tuple[object, str, int]] = []
        for key, item in _members(value):
            if isinstance(key, str) and (why := _fault_of_scalar(key)) is not None:
                return f"a key of {_cut(path) or 'the change'} {why}"
            if not isinstance(key, str | int) or (
                isinstance(key, int) and not isinstance(value, list | tuple)
            ):
                return f"a key of {_cut(path) or 'the change'} is {_kind(key)}, not text"
            at = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
            inner.append((item, at, depth + 1))
        waiting += reversed(inner)
    return None


def _members(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
    elif _is_record(value):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))  # type: ignore[arg-type]


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _fault_of_scalar(value: object) -> str | None:
    """Return what is wrong with a value that holds no others."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {float(value)}, a number that JSON does not have"
    if isinstance(value, int) and value not in INTEGERS:
        return "is an integer that does not fit 64 bits"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return f"is not Unicode: character {error.start + 1} is half of one (a lone surrogate)"
        return None
    try:
        if not isinstance(value, Mapping | list | tuple) and not _is_record(value):
            orjson.dumps(value)
    except orjson.JSONEncodeError:
        return f"is {_kind(value)}, which JSON has no form for"
    return None


def _kind(value: object) -> str:
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"of type {module}{kind.__qualname__}"


def _cut(path: str) -> str:
    return path if len(path) <= REASON_MAX // 2 else f"{path[: REASON_MAX // 2]}…"


def _clean(text: str) -> str:
    """Return it as text that can be written down, with any content."""
    return text[:REASON_MAX].encode("utf-8", "backslashreplace").decode()


def _show(change: object) -> bytes:
    try:
        return (change if isinstance(change, str) else repr(change)).encode(
            "utf-8", "backslashreplace"
        )
    # what is nested too deep, or too large a number, or the user's own
    except Exception:
        return f"<{type(change).__qualname__}>".encode()
