"""Would sending a patch (again) change anything? Asked of a patch in doubt, with what the remote holds now."""

from __future__ import annotations

from collections.abc import Mapping

from syncer.remotes.clarifai.same import item_id, same_annotation


def merged(sent: Mapping[str, object], held: Mapping[str, object]) -> bool:
    """Is all that a merge brings there? Lists may hold more items than it names."""
    try:
        named = _named(sent, held)
    except RecursionError:  # far deeper than any annotation
        return False
    return isinstance(named, dict) and same_annotation(sent, named)


def _named(sent: object, held: object) -> object:
    """`held` without the list items that `sent` does not name."""
    if isinstance(sent, dict) and isinstance(held, dict):
        return {key: _named(sent.get(key), value) for key, value in held.items()}
    if isinstance(sent, list) and isinstance(held, list):
        by_id = {id: item for item in sent if (id := item_id(item)) is not None}
        return [_named(by_id[id], item) for item in held if (id := item_id(item)) in by_id]
    return held


def removed(sent: object, held: object) -> bool:
    """Is all that a remove takes away gone? Items are named by their ids, members by `true`; scalars are replaced."""
    try:
        return _removed(sent, held)
    except RecursionError:  # far deeper than any annotation
        return False


def _removed(sent: object, held: object) -> bool:
    if isinstance(sent, dict) and isinstance(held, dict):
        return all(
            key in ("id", "input_id") or (key not in held if value is True else _removed(value, held.get(key)))
            for key, value in sent.items()
        )
    if isinstance(sent, list) and isinstance(held, list):
        gone = {id for item in sent if (id := item_id(item)) is not None}
        return not any(item_id(item) in gone for item in held)
    return sent is None or held is None or isinstance(sent, dict | list) or sent == held
