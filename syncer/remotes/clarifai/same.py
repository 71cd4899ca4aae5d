"""Whether what was sent is there, with equal values. Each is compared as its type on
the wire is (`syncer.protos`).

What the server added is ignored, what it leaves out as a default is filled in: a
missing concept value is 1, a missing coordinate 0, a missing message one that holds
nothing. In free-form objects (metadata) numbers are doubles, `true` is not 1, and a
missing key equals only null, {} or [].
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from syncer.protos import MESSAGES, Field, fields
from syncer.remotes.clarifai.scalars import DEFAULTS, READERS, double

_POINTS = (
    "top_row",
    "left_col",
    "bottom_row",
    "right_col",
    "row",
    "col",
    "z",
    "longitude",
    "latitude",
)
_SPANS = ("char_start", "char_end", "begin_time", "end_time")
FILLED: Mapping[str, Sequence[str]] = {
    "Concept": ("value",),
    **dict.fromkeys(("BoundingBox", "Point", "GeoPoint"), _POINTS),
    **dict.fromkeys(("Span", "Token", "TimeInfo"), _SPANS),
}
"""By message, fields that count as sent with their default where they are not sent: the
service puts nothing else there (wire, 3.2).
"""
CLOSED = frozenset(("data", "region_info", "annotation_info"))
"""Members into which the service puts nothing of its own: all of it was sent. Others it
dresses (names of concepts, say).
"""
_CLOSED_MESSAGES = ("Data", "RegionInfo")
_UNSHOWN = frozenset(("embed_model_version_id",))
"""Members that the service takes and need not show (deprecated in the protos, absent
from the wire's answers).
"""
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the table, as it is compared."""

    fields: Mapping[str, Field]
    filled: Sequence[str]
    closed: bool


@cache
def message_of(type_: str) -> Message:
    """The message of this type."""
    known = {field.name: field for field in fields(MESSAGES[type_])}
    return Message(
        known,
        [field for field in FILLED.get(type_, ()) if field in known],
        type_ in _CLOSED_MESSAGES,
    )


def same_annotation(
    sent: Mapping[str, object], held: Mapping[str, object], *, exact: bool = False
) -> bool:
    """Whether `held` holds every field of `sent` with an equal value. Both are
    annotations in the wire's JSON form.

    `exact`: and does it hold nothing that somebody else must have sent?
    """
    try:
        return _same_message("Annotation", sent, held, exact)
    except RecursionError:  # far deeper than any annotation
        return False


def set_fields(message: Mapping[str, object]) -> dict[str, object]:
    """The fields by their snake_case names; a null is a field that is not set."""
    return {_snake_case(field): value for field, value in message.items() if value is not None}


def snake_cased(message: Mapping[str, object], type_: str = "Annotation") -> dict[str, object]:
    """The message with the snake_case names of its fields, and of those inside it."""
    known = message_of(type_).fields
    named = {_snake_case(field): value for field, value in message.items()}
    return {
        name: _snake_cased(known[name], value) if name in known else value
        for name, value in named.items()
    }


def _snake_cased(field: Field, value: object) -> object:
    if field.type not in MESSAGES or field.map:
        return value
    if isinstance(value, list):
        return [_snake_cased(field, item) for item in value]
    return snake_cased(value, field.type) if isinstance(value, dict) else value


@lru_cache(maxsize=1024)
def _snake_case(field: str) -> str:
    return _CAMEL.sub(r"_\1", field).lower()


def _same_message(
    type_: str,
    sent: Mapping[str, object],
    held: Mapping[str, object],
    exact: bool,
    *,
    unsent: bool = False,
) -> bool:
    message, wanted, there = message_of(type_), set_fields(sent), set_fields(held)
    names = dict.fromkeys([*wanted, *message.filled])
    # a field of a later version is not known to be anybody else's than the service's
    if exact:
        names |= dict.fromkeys(
            there.keys() & (message.fields.keys() if message.closed or unsent else CLOSED)
        )
    return all(
        same_field(message.fields.get(name), wanted.get(name), there.get(name), exact=exact)
        for name in names
        if name in there or name not in _UNSHOWN
    )


def same_field(field: Field | None, sent: object, held: object, *, exact: bool) -> bool:
    """The same of one field; None where it is not set.

    Without a `field`, one of a later version, whose type is not known.
    """
    if field is None:
        return same_free(sent, held, exact=exact) or (not sent and held is None)
    if field.type == "struct":
        return same_free(sent, held, exact=exact)
    if field.repeated:
        return _same_list(field, sent, held, exact)
    return _same_map(field, sent, held, exact) if field.map else _same_one(field, sent, held, exact)


def _same_one(field: Field, sent: object, held: object, exact: bool) -> bool:
    """The type of a field, or of an item of one that is repeated."""
    if field.type in MESSAGES:
        if isinstance(sent, dict | None) and isinstance(held, dict | None):
            return _same_message(field.type, sent or {}, held or {}, exact, unsent=sent is None)
        return same_free(sent, held, exact=exact)
    if isinstance(sent, str) and sent == held:
        return True
    default = DEFAULTS.get(field.type) if field.default is None else field.default
    read = READERS[field.type]
    try:
        return read(default if sent is None else sent) == read(default if held is None else held)
    except (ValueError, TypeError):  # one of them is nothing that its type has
        return same_free(sent, held, exact=exact)


def _same_list(field: Field, sent: object, held: object, exact: bool) -> bool:
    """The list holds what was sent and nothing else.

    Items are matched by id where they have one, the others by their order.
    """
    if not isinstance(sent, list | None) or not isinstance(held, list | None):
        return same_free(sent, held, exact=exact)
    sent, held = sent or [], held or []
    if len(sent) != len(held):
        return False
    named: dict[str | None, deque[object]] = {
        id: deque() for item in sent if (id := item_id(item)) is not None
    }
    others: deque[object] = deque()
    for item in held:
        named.get(item_id(item), others).append(item)
    for item in sent:
        candidates = named.get(item_id(item), others)
        if not candidates or not _same_one(field, item, candidates.popleft(), exact):
            return False
    return True


def _same_map(field: Field, sent: object, held: object, exact: bool) -> bool:
    if not isinstance(sent, dict | None) or not isinstance(held, dict | None):
        return same_free(sent, held, exact=exact)
    wanted, there = sent or {}, held or {}
    return all(
        _same_one(field, wanted.get(key), there.get(key), exact)
        for key in (there if sent is None and exact else wanted)
    )


def item_id(item: object) -> str | None:
    """Return the id of a list item, None if it has no id."""
    id = item.get("id") if isinstance(item, dict) else None
    return id if isinstance(id, str) and id else None


def same_free(sent: object, held: object, *, exact: bool) -> bool:
    """The same of free-form JSON, None where it is missing: no names to translate, no
    lists by id, no strings that are numbers.
    """
    if isinstance(sent, dict) and isinstance(held, dict):
        keys = {**sent, **held} if exact else sent
        return all(same_free(sent.get(key), held.get(key), exact=exact) for key in keys)
    return (_is_nothing(sent) and _is_nothing(held)) or _same_free_value(sent, held, exact)


def _same_free_value(sent: object, held: object, exact: bool) -> bool:
    """Of items of a list, too, where null, {} and [] are three values."""
    if isinstance(sent, list) and isinstance(held, list):
        return len(sent) == len(held) and all(
            _same_free_value(item, other, exact) for item, other in zip(sent, held, strict=True)
        )
    if isinstance(sent, dict) and isinstance(held, dict):
        return same_free(sent, held, exact=exact)
    if _is_number(sent) and _is_number(held):
        return double(sent) == double(held)
    return type(sent) is type(held) and sent == held


def _is_nothing(value: object) -> bool:
    """Null, {} or [], or an object that holds nothing else."""
    return (
        value is None
        or value == []
        or (isinstance(value, dict) and all(map(_is_nothing, value.values())))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
