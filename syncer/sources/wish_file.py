"""A file that holds the wanted annotations of one input, as a value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from syncer.core.change import BadLine, IgnoredLine
from syncer.sources.lines import LineOptions, LinePlace, parse

FORM = '{"input_id": …, "annotations": […]}'


@dataclass(frozen=True, slots=True)
class WishFile:
    """The wishes of a file, by the ids of annotations."""

    input_id: str
    wishes: dict[str, bytes]
    """Each as JSON with sorted keys, without its ids: equal wishes are equal bytes."""


class UnreadableWish(Exception):
    """A file that nobody can act on, and why; `input_id` where it names one."""

    def __init__(self, reason: str, input_id: str | None = None) -> None:
        super().__init__(reason)
        self.input_id = input_id


def parse_wishes(content: bytes, options: LineOptions) -> WishFile:
    """Return what a file asks for. Raises UnreadableWish: one annotation that is bad
    makes all of it bad, since nobody knows what was meant.
    """
    if not content.strip():
        raise UnreadableWish("it is empty")
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise UnreadableWish(f"it is not JSON, or not whole yet: {error}") from None
    if not isinstance(found, dict):
        raise UnreadableWish(f"it is not of the form {FORM}")
    input_id, annotations = found.get("input_id"), found.get("annotations")
    if not isinstance(input_id, str) or not input_id or not isinstance(annotations, list):
        raise UnreadableWish(f"it is not of the form {FORM}")
    if others := found.keys() - {"input_id", "annotations"}:
        raise UnreadableWish(f'there is no "{min(others)}" in {FORM}', input_id)
    wishes: dict[str, bytes] = {}
    equals = Counter[bytes]()
    for number, annotation in enumerate(annotations, 1):
        read = _parse_annotation(annotation, input_id, equals, options)
        if isinstance(read, str):
            raise UnreadableWish(f"annotation {number}: {read}", input_id)
        if read is None:
            continue
        id, wish = read
        if id in wishes:
            raise UnreadableWish(f"annotation {number}: its id {id!r} is there twice", input_id)
        wishes[id] = wish
    return WishFile(input_id, wishes)


def _parse_annotation(
    annotation: Any, input_id: str, equals: Counter[bytes], options: LineOptions
) -> tuple[str, bytes] | str | None:
    """The id and the wish of an annotation; a text says what is wrong with it, None
    that it is not a user's to send.
    """
    if not isinstance(annotation, dict):
        return "it is not a JSON object"
    if annotation.get("input_id", input_id) != input_id:
        return "it is of another input"
    if "op" in annotation:
        return 'it is a change: leave "op" out, what is wanted is written here'
    bare = {"input_id": input_id, **annotation}
    made_id = None
    if "id" not in annotation:
        content = orjson.dumps(bare, option=orjson.OPT_SORT_KEYS)
        equals[content] += 1
        made_id = make_wish_id(content, equals[content])
    place = LinePlace(0, 0, 0, 0, b"", made_id)
    line = parse(orjson.dumps(bare), place, options)
    if isinstance(line, BadLine):
        return line.reason
    if isinstance(line, IgnoredLine):
        return None
    wish = orjson.loads(line.body)
    del wish["id"], wish["input_id"]
    return line.id, orjson.dumps(wish, option=orjson.OPT_SORT_KEYS)


def make_wish_id(content: bytes, number: int) -> str:
    """32 hex digits for the annotation with this content that is the `number`-th of its
    equals in a file.
    """
    digest = blake2b(digest_size=16)
    digest.update(b"%d:" % number)
    digest.update(content)
    return digest.hexdigest()
