"""A wish laid over what is held: the wish decides what it names, the rest stays.

What the service shows only as an address (the picture of a mask) cannot be sent back.
What it does not know it does not show.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from syncer.protos import MESSAGES, Field
from syncer.remotes.clarifai.same import item_id, message_of, set_fields

Fields = dict[str, object]
_BYTES = "base64"
_ADDRESSES = ("hosted", "url")
_PICTURES = frozenset(("Image", "Video", "Audio", "Text"))


class Unsendable(ValueError):
    """Something that has to be sent is held only as an address."""


def lay_over(type_: str, held: Mapping[str, object], wish: Mapping[str, object]) -> Fields:
    """Return the message that shall be there. Raises Unsendable."""
    message, named, there = message_of(type_), set_fields(wish), set_fields(held)
    if type_ == "Concept" or (type_ in _PICTURES and _BYTES in named):
        return named
    kept = {
        name: _sendable(message.fields.get(name), value, of_mask=type_ == "Mask")
        for name, value in there.items()
        if name not in named and name not in message.filled
    }
    return kept | {
        name: _lay_value(message.fields.get(name), there.get(name), value)
        for name, value in named.items()
    }


def _lay_value(field: Field | None, held: object, wish: object) -> object:
    if field is None or field.type not in MESSAGES or field.map:
        return _lay_free(held, wish)
    if isinstance(wish, list):
        return [
            lay_over(field.type, other if isinstance(other, dict) else {}, item)
            if isinstance(item, dict)
            else item
            for item, other in pair(wish, held if isinstance(held, list) else [])
        ]
    if isinstance(wish, dict):
        return lay_over(field.type, held if isinstance(held, dict) else {}, wish)
    return wish


def _lay_free(held: object, wish: object) -> object:
    """Keys that the wish does not name stay; lists are values."""
    if isinstance(held, dict) and isinstance(wish, dict):
        return {**held, **{key: _lay_free(held.get(key), value) for key, value in wish.items()}}
    return wish


def pair(wish: Sequence[object], held: Sequence[object]) -> Iterator[tuple[object, object]]:
    """Each item of a wish with its own of those that are held, None where it has none:
    by id where it has one, the others by their order.
    """
    named = {id for item in wish if (id := item_id(item)) is not None}
    by_id = {item_id(item): item for item in held}
    others = deque(item for item in held if item_id(item) not in named)
    for item in wish:
        id = item_id(item)
        if id is not None:
            yield item, by_id.get(id)
        else:
            yield item, others.popleft() if others else None


def _sendable(field: Field | None, value: object, *, of_mask: bool = False) -> object:
    """Return a value as it may be sent back: of a concept with an id just its value."""
    if field is None or field.type not in MESSAGES or field.map:
        return value
    if isinstance(value, list):
        return [_sendable(field, item) for item in value]
    if not isinstance(value, dict):
        return value
    named = set_fields(value)
    if field.type == "Concept" and item_id(named) is not None:
        return {name: named[name] for name in ("id", "value") if name in named}
    if (of_mask or "hosted" in named) and _is_address(named):
        raise Unsendable
    known = message_of(field.type).fields
    return {
        name: _sendable(known.get(name), item, of_mask=field.type == "Mask")
        for name, item in named.items()
    }


def _is_address(picture: Mapping[str, object]) -> bool:
    return not picture.get(_BYTES) and any(picture.get(name) for name in _ADDRESSES)


def as_shown(type_: str, wish: Mapping[str, object], held: Mapping[str, object]) -> Fields:
    """Return the wish with what the service shows only as an address in the place of
    the bytes that were sent: both are there.
    """
    message, named, there = message_of(type_), set_fields(wish), set_fields(held)
    if type_ in _PICTURES and named.get(_BYTES) and _is_address(there):
        return there
    return {
        name: _value_as_shown(message.fields.get(name), value, there.get(name))
        for name, value in named.items()
    }


def _value_as_shown(field: Field | None, wish: object, held: object) -> object:
    if field is None or field.type not in MESSAGES or field.map:
        return wish
    if isinstance(wish, list) and isinstance(held, list):
        return [
            as_shown(field.type, item, other)
            if isinstance(item, dict) and isinstance(other, dict)
            else item
            for item, other in pair(wish, held)
        ]
    if isinstance(wish, dict) and isinstance(held, dict):
        return as_shown(field.type, wish, held)
    return wish


def pick_shown(type_: str, wish: Mapping[str, object], held: Mapping[str, object]) -> Fields:
    """Return the wish without the fields that no version known here has, and that are
    not there: the service may take them, and not show them.
    """
    message, named, there = message_of(type_), set_fields(wish), set_fields(held)
    return {
        name: _pick_value(message.fields.get(name), value, there.get(name))
        for name, value in named.items()
        if name in message.fields or name in there
    }


def _pick_value(field: Field | None, wish: object, held: object) -> object:
    if field is None or field.type not in MESSAGES or field.map:
        return wish
    if isinstance(wish, list):
        return [
            pick_shown(field.type, item, other if isinstance(other, dict) else {})
            if isinstance(item, dict)
            else item
            for item, other in pair(wish, held if isinstance(held, list) else [])
        ]
    if isinstance(wish, dict):
        return pick_shown(field.type, wish, held if isinstance(held, dict) else {})
    return wish
