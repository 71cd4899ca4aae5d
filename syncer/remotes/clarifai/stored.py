"""An answer that says of each change in turn that it is stored, each time in the same
words: seen at once, without an object for each.

    {"status":{…},"annotations":[{"id":"a1","input_id":"i1","status":{…}},…]}
    └──── read each time ──────┘ └ words, an id, words, the other, words ┘

The words are those of an answer that was read item by item. Why they mean the same
around other ids: text with nothing to escape, inside a JSON string, leaves all around
it as it is; and with two strangers in the places of the ids, just these were read as
the ids of the item. So the status, too, is the one that was read. What is left of an
answer without its items ends in an empty list named just so: a quote after a comma,
with a letter after it, begins a name.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import orjson

from syncer.core.change import Key
from syncer.remotes.clarifai.answers import ItemStatus

LEARNT_MAX = 8
"""So many answers are searched for words. Where annotations are shown with what makes
each another one, no two items are alike, and there are none.
"""
_BEFORE, _AFTER = ',"annotations":[', "]}"
_NOTHING = (_BEFORE + _AFTER).encode()
_STRANGERS = ("b7c1f0e2d94a", "5e08a3c6917d")


class _Items(msgspec.Struct, gc=False):
    annotations: list[msgspec.Raw]


_items = msgspec.json.Decoder(_Items)
_item = msgspec.json.Decoder(ItemStatus)


class Words:
    """The text around the ids of an item.

    `swapped`: the id comes before that of its input.
    """

    __slots__ = ("_after", "_before", "_between", "_swapped")

    def __init__(self, before: str, between: str, after: str, *, swapped: bool) -> None:
        self._before = before
        self._between = between
        self._after = after
        self._swapped = swapped

    def item(self, key: Key) -> str:
        """The item of one key."""
        first, second = reversed(key) if self._swapped else key
        return f"{self._before}{first}{self._between}{second}{self._after}"

    def end_of_answer(self, keys: Sequence[Key]) -> bytes | None:
        """The end of an answer with the items of these keys, at least one; None where
        an id cannot be written as it is.
        """
        first, second = zip(*keys, strict=True)
        try:
            if b"\\" in orjson.dumps([*first, *second]):
                return None
        except orjson.JSONEncodeError:  # no UTF-8
            return None
        if self._swapped:
            first, second = second, first
        parts = [self._between] * (4 * len(keys) + 1)
        parts[1::4], parts[3::4] = first, second
        parts[4::4] = [f"{self._after},{self._before}"] * len(keys)
        parts[0], parts[-1] = _BEFORE + self._before, self._after + _AFTER
        return "".join(parts).encode()


class StoredItems:
    """Knows the words of earlier answers."""

    def __init__(self) -> None:
        self._words: Words | None = None
        self._left = LEARNT_MAX

    def without(self, keys: Sequence[Key], body: bytes) -> bytes | None:
        """An answer without its items, if these say in the known words that these keys
        are stored, one after the other; else None.
        """
        if self._words is None:
            return None
        end = self._words.end_of_answer(keys)
        if end is None or not body.endswith(end):
            return None
        return body[: -len(end)] + _NOTHING

    def learn(self, keys: Sequence[Key], body: bytes) -> None:
        """Look for words in an answer by which these are stored, item by item in this
        order.
        """
        if not self._left:
            return
        self._left -= 1
        words = words_of(keys[0], body)
        end = None if words is None else words.end_of_answer(keys)
        self._words = None if end is None or not body.endswith(end) else words


def words_of(key: Key, body: bytes) -> Words | None:
    """The words of the first item of an answer, which is about this key and stored."""
    try:
        text = str(_items.decode(body).annotations[0], "utf-8")
    except UnicodeDecodeError:
        return None
    places = [text.find(f'"{part}"') + 1 for part in key]
    swapped = places[0] > places[1]
    (first, second), (at, then) = (reversed(key), reversed(places)) if swapped else (key, places)
    words = Words(
        text[:at], text[at + len(first) : then], text[then + len(second) :], swapped=swapped
    )
    if any(stranger in text for stranger in _STRANGERS):
        return None
    try:
        read = _item.decode(words.item(_STRANGERS))
    except msgspec.DecodeError:
        return None
    return words if (read.input_id, read.id) == _STRANGERS else None
