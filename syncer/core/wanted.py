"""From what an annotation was last asked to be to what it is wanted to be: the changes
that make the difference.
"""

from __future__ import annotations

from collections.abc import Mapping

WantedLabel = Mapping[str, object]
"""An annotation as users write it, without its ids."""
ChangeLine = dict[str, object]
"""A change, as a line of a change log."""


def find_changes(
    input_id: str, id: str, asked: WantedLabel | None, wanted: WantedLabel | None
) -> list[ChangeLine]:
    """Return the changes that make of what was asked what is wanted; None: no such
    annotation.

    A patch overwrites whole members, since lists without ids would be appended to by
    any other (wire/clarifai.md 2.3). What is not wanted any more is made empty; where
    it has no empty form, the annotation is deleted and posted again.
    """
    named = {"id": id, "input_id": input_id}
    delete: ChangeLine = {"op": "delete", "annotation": named}
    if wanted is None:
        return [] if asked is None else [delete]
    post: ChangeLine = {"op": "post", "annotation": {**named, **wanted}}
    if asked is None:
        return [post]
    gone = {name: _empty(value) for name, value in asked.items() if name not in wanted}
    if None in gone.values():
        return [delete, post]
    new = {name: value for name, value in wanted.items() if asked.get(name) != value}
    patched = {**gone, **new}
    if not patched:
        return []
    return [{"op": "patch", "action": "overwrite", "annotation": {**named, **patched}}]


def _empty(value: object) -> object:
    """The empty form of a value; None where there is none."""
    if isinstance(value, dict):
        return {}
    return [] if isinstance(value, list) else None
