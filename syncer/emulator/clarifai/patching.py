"""PATCH: what merge, remove and overwrite make of what is held (wire section 2.3).

Values in, values out; nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncer.emulator.clarifai.wire import Object

ACTIONS = ("merge", "remove", "overwrite")
_DRAWN = frozenset(("regions", "frames"))
"""Lists that `region-merge` is about: their items are what is drawn, and often have no
id.
"""


def apply_patch(held: Object, sent: Object, action: str, switches: Mapping[str, str]) -> Object:
    """The object after a patch. Raises no error: what cannot be patched stays."""
    if action == "overwrite":
        return {**held, **sent}
    if action == "merge":
        return _merge_object(held, sent, switches["region-merge"] == "replace")
    return _remove_from_object(held, sent, switches["remove-without-ids"] == "append")


def _merge_object(held: Object, sent: Object, replace: bool) -> Object:
    return {
        **held,
        **{name: _merge(held.get(name), value, name, replace) for name, value in sent.items()},
    }


def _merge(held: Any, sent: Any, name: str, replace: bool) -> Any:
    """Objects are merged deeply, lists item by item; what is empty replaces, what is
    null changes nothing.
    """
    if sent is None:
        return held
    if not sent or type(held) is not type(sent):
        return sent
    if isinstance(sent, dict):
        return _merge_object(held, sent, replace)
    if isinstance(sent, list):
        if replace and name in _DRAWN and not any(_id(item) for item in sent):
            return sent
        return _merge_list(held, sent, replace)
    return sent


def _merge_list(held: list[Any], sent: list[Any], replace: bool) -> list[Any]:
    result = list(held)
    places = {_id(item): place for place, item in enumerate(held) if _id(item)}
    for item in sent:
        place = places.get(_id(item))
        if place is None:
            result.append(item)
        else:
            result[place] = _merge_object(result[place], item, replace)
    return result


def _remove_from_object(held: Object, sent: Object, append: bool) -> Object:
    """`true` takes a member away; items are taken away by their ids; any other scalar
    replaces.
    """
    result = dict(held)
    for name, value in sent.items():
        if value is True:
            result.pop(name, None)
        elif isinstance(value, dict):
            if isinstance(result.get(name), dict):
                result[name] = _remove_from_object(result[name], value, append)
        elif isinstance(value, list):
            if isinstance(result.get(name), list):
                result[name] = _remove_from_list(result[name], value, append)
        elif value is not None:
            result[name] = value
    return result


def _remove_from_list(held: list[Any], sent: list[Any], append: bool) -> list[Any]:
    gone = {id for item in sent if (id := _id(item))}
    left = [item for item in held if _id(item) not in gone]
    return left + [item for item in sent if not _id(item)] if append else left


def _id(item: Any) -> str | None:
    """Return the id of an item; None if it has no id."""
    return (item.get("id") or None) if isinstance(item, dict) else None
