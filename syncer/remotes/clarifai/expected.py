"""The annotations that a change log should have left of an input, compared with what
the service holds. Pure.

Patches are folded as the service documents them (wire, 2.3): merge by ids, overwrite by
members, remove by ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from syncer.core.change import Verb
from syncer.remotes.clarifai.overlay import as_shown
from syncer.remotes.clarifai.patches import shows_merge, shows_removal
from syncer.remotes.clarifai.same import CLOSED, item_id, same_annotation, set_fields, snake_cased

JsonObject = dict[str, object]
DiffMark = Literal["same", "missing", "differs", "doubled", "extra"]
_NAMES = frozenset(("id", "input_id"))
DELETED = ("it should be deleted",)
"""Where such an annotation differs."""


@dataclass(slots=True)
class Expected:
    """The part of an annotation that should be there: all of it (it was made by the
    logs), or what the last patch says; None: nothing.
    """

    annotation: JsonObject | None
    made: bool
    action: Verb = "post"


@dataclass(slots=True)
class ExpectedInput:
    """The annotations that should be left of an input, by id."""

    annotations: dict[str, Expected]
    emptied: bool = False
    """All of it was deleted once: what is not of later changes should be gone, no
    matter who made it.
    """


@dataclass(frozen=True, slots=True)
class Difference:
    """An annotation that was looked at. `fields`: where it differs."""

    mark: DiffMark
    input_id: str
    id: str
    fields: tuple[str, ...] = ()


def fold(changes: Iterable[tuple[Verb, str, bytes]]) -> ExpectedInput:
    """Return what the changes (verb, id, body) of one input leave when applied once in
    order.

    A post of an id that is there changes nothing, nor does a patch of one that was
    deleted: the service refuses both.
    """
    left: dict[str, Expected] = {}
    emptied = False
    for verb, id, body in changes:
        before = left.get(id)
        if verb == "delete_input":
            left, emptied = {known: Expected(None, made=True) for known in left}, True
        elif verb == "delete":
            left[id] = Expected(None, made=True)
        elif verb == "post":
            if before is None or before.annotation is None:
                left[id] = Expected(orjson.loads(body), made=True)
        elif before is None or not before.made:
            left[id] = Expected(orjson.loads(body), made=False, action=verb)
        elif before.annotation is not None:
            before.annotation = apply_patch(before.annotation, orjson.loads(body), verb)
    return ExpectedInput(left, emptied)


def apply_patch(held: JsonObject, sent: JsonObject, verb: Verb) -> JsonObject:
    """The annotation after a patch. What is written in camelCase is the same field."""
    held = snake_cased(held)
    sent = {name: value for name, value in snake_cased(sent).items() if name not in _NAMES}
    if verb == "overwrite":
        return {**held, **sent}
    return _merge(held, sent) if verb == "merge" else _remove(held, sent)


def _merge(held: JsonObject, sent: JsonObject) -> JsonObject:
    return {**held, **{name: _merge_value(held.get(name), value) for name, value in sent.items()}}


def _merge_value(held: object, sent: object) -> object:
    """Objects are merged deeply, list items by their ids; what is empty replaces, null
    changes nothing.
    """
    if sent is None:
        return held
    if isinstance(sent, dict) and isinstance(held, dict) and sent:
        return _merge(held, sent)
    if isinstance(sent, list) and isinstance(held, list) and sent:
        news = {id: item for item in sent if (id := item_id(item)) is not None}
        kept = [
            _merge_value(item, news.pop(id)) if (id := item_id(item)) in news else item
            for item in held
        ]
        return kept + [item for item in sent if item_id(item) is None or item_id(item) in news]
    return sent


def _remove(held: JsonObject, sent: JsonObject) -> JsonObject:
    left = dict(held)
    for name, value in sent.items():
        there = left.get(name)
        if value is True:
            left.pop(name, None)
        elif isinstance(value, dict) and isinstance(there, dict):
            left[name] = _remove(there, value)
        elif isinstance(value, list) and isinstance(there, list):
            gone = {item_id(item) for item in value} - {None}
            left[name] = [item for item in there if item_id(item) not in gone]
        elif name in left and value is not None and not isinstance(value, dict | list):
            left[name] = value
    return left


def compare(input_id: str, left: ExpectedInput, held: Mapping[str, JsonObject]) -> list[Difference]:
    """Every annotation that should be there, or should not, beside what is held; then
    what is held beyond them.
    """
    found: list[Difference] = []
    expected = left.annotations
    for id, wanted in expected.items():
        row = held.get(id)
        if wanted.annotation is None:
            if row is not None:
                found.append(Difference("differs", input_id, id, DELETED))
        elif row is None:
            found.append(Difference("missing", input_id, id))
        else:
            fields = tuple(_differing(wanted, row))
            found.append(Difference("differs" if fields else "same", input_id, id, fields))
    for id, row in held.items():
        if id not in expected:
            if _is_double(row, expected):
                found.append(Difference("doubled", input_id, id))
            else:
                found.append(
                    Difference("differs", input_id, id, DELETED)
                    if left.emptied
                    else Difference("extra", input_id, id)
                )
    return found


def _differing(wanted: Expected, row: JsonObject) -> Iterable[str]:
    annotation = wanted.annotation or {}
    if wanted.action == "merge":
        return () if shows_merge(annotation, row) else ("what the last merge says",)
    if wanted.action == "remove":
        return () if shows_removal(annotation, row) else ("what the last remove says",)
    return differing_fields(as_shown("Annotation", annotation, row), row, exact=wanted.made)


def differing_fields(annotation: JsonObject, row: JsonObject, *, exact: bool) -> list[str]:
    """Return the members that differ, those of `data` one by one.

    `exact`: also what was added to them since.
    """
    fields = []
    annotation = set_fields(annotation)
    for name in {**annotation, **dict.fromkeys(CLOSED & row.keys() if exact else ())}:
        value, there = annotation.get(name), row.get(name)
        if same_annotation({name: value}, {name: there}, exact=exact):
            continue
        fields += _parts_of_data(value, there, exact) or [name] if name == "data" else [name]
    return fields


def _parts_of_data(sent: object, held: object, exact: bool) -> list[str]:
    """The members of data that differ, where both are objects."""
    if not isinstance(sent, dict | None) or not isinstance(held, dict | None):
        return []
    wanted, there = set_fields(sent or {}), set_fields(held or {})
    return [
        f"data.{part}"
        for part in {**wanted, **there}
        if not same_annotation(
            {"data": {part: wanted.get(part)}}, {"data": {part: there.get(part)}}, exact=exact
        )
    ]


def _is_double(row: JsonObject, expected: Mapping[str, Expected]) -> bool:
    """Whether it holds what another annotation of its input should, and nothing
    else.
    """
    return any(
        same_annotation(
            {name: value for name, value in wanted.annotation.items() if name != "id"},
            row,
            exact=True,
        )
        for wanted in expected.values()
        if wanted.annotation is not None and wanted.made
    )
