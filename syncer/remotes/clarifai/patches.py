"""The effect of a patch that is in doubt: whether sending it (again) would change what
the remote holds now.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncer.protos import MESSAGES, Field
from syncer.remotes.clarifai.same import (
    item_id,
    message_of,
    same_annotation,
    same_field,
    set_fields,
)

_NAMES = frozenset(("id", "input_id"))
"""What is patched, not what changes."""


def shows_merge(sent: Mapping[str, object], held: Mapping[str, object]) -> bool:
    """Whether all that a merge brings is there.

    Lists may hold more items than it names; null changes nothing, {} and [] replace.
    """
    try:
        return _shows_merged_message("Annotation", sent, held)
    except RecursionError:  # far deeper than any annotation
        return False


def _shows_merged_message(
    type_: str, sent: Mapping[str, object], held: Mapping[str, object]
) -> bool:
    message, wanted, there = message_of(type_), set_fields(sent), set_fields(held)
    names = dict.fromkeys([*wanted, *message.filled])
    return all(
        _shows_merged(message.fields.get(name), wanted.get(name), there.get(name)) for name in names
    )


def _shows_merged(field: Field | None, sent: object, held: object) -> bool:
    if isinstance(sent, list) and sent:
        by_id = (
            {id: item for item in held if (id := item_id(item)) is not None}
            if isinstance(held, list)
            else {}
        )
        return all(
            (id := item_id(item)) in by_id and _shows_merged_one(field, item, by_id[id])
            for item in sent
        )
    return _shows_merged_one(field, sent, held)


def _shows_merged_one(field: Field | None, sent: object, held: object) -> bool:
    if not isinstance(sent, dict) or not sent:
        return same_field(field, sent, held, exact=True)
    if not isinstance(held, dict):
        return same_field(field, sent, held, exact=False)
    if field is not None and field.type in MESSAGES:
        return _shows_merged_message(field.type, sent, held)
    return all(
        value is None or _shows_merged(_FREE, value, held.get(key)) for key, value in sent.items()
    )


def shows_overwrite(sent: Mapping[str, object], held: Mapping[str, object]) -> bool:
    """Whether each member that an overwrite brings is there, and nothing beside it in
    that member.
    """
    wanted, there = set_fields(sent), set_fields(held)
    return same_annotation(
        wanted, {name: there[name] for name in wanted if name in there}, exact=True
    )


def shows_removal(sent: Mapping[str, object], held: Mapping[str, object]) -> bool:
    """Whether all that a remove takes away is gone.

    Items are named by their ids, members by `true`; scalars are replaced.
    """
    try:
        return _shows_removed_message("Annotation", sent, held)
    except RecursionError:  # far deeper than any annotation
        return False


def _shows_removed_message(
    type_: str, sent: Mapping[str, object], held: Mapping[str, object]
) -> bool:
    fields, there = message_of(type_).fields, set_fields(held)
    return all(
        name in _NAMES or _shows_removed(fields.get(name, _FREE), value, there.get(name))
        for name, value in set_fields(sent).items()
    )


def _shows_removed(field: Field, sent: object, held: object) -> bool:
    if sent is True:
        return same_field(field, None, held, exact=True)
    if isinstance(sent, list):
        gone = {id for item in sent if (id := item_id(item)) is not None}
        return not isinstance(held, list) or not any(item_id(item) in gone for item in held)
    if isinstance(sent, dict):
        if not isinstance(held, dict):
            return True
        if field.type in MESSAGES:
            return _shows_removed_message(field.type, sent, held)
        return all(_shows_removed(_FREE, value, held.get(key)) for key, value in sent.items())
    return sent is None or held is None or same_field(field, sent, held, exact=False)


_FREE = Field("", "struct")
"""What is inside a free-form object."""
