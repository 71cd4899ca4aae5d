"""A change as a program hands it over: written as a line, or refused with the place of
what JSON has no form for.
"""

from __future__ import annotations

import enum
import math
import types
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest

from syncer.sources.objects import Unwritable, as_line, ids_of


def post(**metadata: Any) -> dict[str, Any]:
    return {
        "op": "post",
        "annotation": {"id": "a", "input_id": "i", "data": {"metadata": metadata}},
    }


class Row(Mapping[str, object]):
    """A mapping of the user's own."""

    def __init__(self, **items: object) -> None:
        self._items = items

    def __getitem__(self, key: str) -> object:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class Broken(Row):
    def __iter__(self) -> Iterator[str]:
        raise ConnectionError("the table is gone")


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("no")


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Box:
    top: float


def nested(depth: int, innermost: object) -> object:
    value = innermost
    for _ in range(depth):
        value = [value]
    return value


def itself() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["k"] = [value]
    return value


WRITTEN: dict[str, tuple[object, object]] = {
    "text": ('{"a": 1}', {"a": 1}),
    "bytes": (b'{"a": 1}', {"a": 1}),
    "text with a byte-order mark": ('\ufeff{"a": 1}', {"a": 1}),
    "bytes with a byte-order mark": (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    "a dict": ({"a": [1, (2, 3), None, True, "ä", 0.1]}, {"a": [1, [2, 3], None, True, "ä", 0.1]}),
    "a mapping that is not a dict": (
        types.MappingProxyType({"a": Row(b=OrderedDict(c=1))}),
        {"a": {"b": {"c": 1}}},
    ),
    "integers of 64 bits": (
        {"a": (1 << 64) - 1, "b": -(1 << 63)},
        {"a": (1 << 64) - 1, "b": -(1 << 63)},
    ),
    "a null, deep inside": ({"a": nested(240, None)}, {"a": nested(240, None)}),
    "a null, and the word": ({"a": None, "b": "null"}, {"a": None, "b": "null"}),
    "what orjson has a form for": (
        {
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "id": UUID(int=1),
            "colour": Colour.RED,
            "box": Box(0.5),
            "none": None,
        },
        {
            "at": "2026-01-02T00:00:00+00:00",
            "id": str(UUID(int=1)),
            "colour": "red",
            "box": {"top": 0.5},
            "none": None,
        },
    ),
}

REFUSED: dict[str, tuple[object, str]] = {
    "not a number": (
        post(k=math.nan),
        "annotation.data.metadata.k is nan, a number that JSON does not have",
    ),
    "infinity": (
        post(a=None, k=[0, {"l": -math.inf}]),
        "annotation.data.metadata.k[1].l is -inf, a number",
    ),
    "not a number, deep in an object": (
        post(k=Box(math.nan)),
        "annotation.data.metadata.k.top is nan",
    ),
    "not a number, in a mapping that is not a dict": (Row(op=Row(a=math.nan)), "op.a is nan"),
    "a set": (
        post(tags={"x"}),
        "annotation.data.metadata.tags is of type set, which JSON has no form for",
    ),
    "bytes inside": (post(k=b"x"), "annotation.data.metadata.k is of type bytes, which"),
    "a number of numpy": (
        post(k=np.float64(0.5)),
        "annotation.data.metadata.k is of type numpy.float64, which",
    ),
    "an object": (post(k=object()), "annotation.data.metadata.k is of type object, which"),
    "an integer of more than 64 bits": (
        post(k=1 << 64),
        "annotation.data.metadata.k is an integer that does not fit 64 bits",
    ),
    "an integer below 64 bits": (
        post(k=-(1 << 63) - 1),
        "annotation.data.metadata.k is an integer that does not fit",
    ),
    "an integer too long to be shown": (
        post(k=10**5000),
        "annotation.data.metadata.k is an integer that does not fit",
    ),
    "half a character": (
        post(k="ab\ud800"),
        "annotation.data.metadata.k is not Unicode: character 3 is half of one (a lone surrogate)",
    ),
    "half a character in a key": ({"a": {"\udfff": 1}}, "a key of a is not Unicode: character 1"),
    "half a character in a key of the change": (
        {"\udfff": 1},
        "a key of the change is not Unicode: character 1",
    ),
    "a class": (
        post(k=Box),
        "annotation.data.metadata.k is of type type, which JSON has no form for",
    ),
    "half a character in text": (
        '{"a": "\ud800"}',
        "not Unicode: character 8 is half of one (a lone surrogate)",
    ),
    "a key that is a number": ({"a": {5: 1}}, "a key of a is of type int, not text"),
    "a key that is nothing": ({None: 1}, "a key of the change is of type NoneType, not text"),
    "a key that is true": ({"a": [{True: 1}]}, "a key of a[0] is of type bool, not text"),
    "what holds itself": (post(k=itself()), "is nested deeper than 254 levels, or holds itself"),
    "what is nested too deep": (
        post(k=nested(300, 1)),
        "is nested deeper than 254 levels, or holds itself",
    ),
    "a mapping that fails": (Broken(a=1), "cannot be written as JSON: the table is gone"),
    "a mapping that fails inside": (
        post(k=Broken(a=1)),
        "cannot be written as JSON: the table is gone",
    ),
    "nothing": (
        None,
        "a change is a line as text or bytes, or a mapping; this is of type NoneType",
    ),
    "a number": (7, "a change is a line as text or bytes, or a mapping; this is of type int"),
    "a list": ([1], "this is of type list"),
    "an array of bytes": (bytearray(b"{}"), "this is of type bytearray"),
    "what cannot even be shown": (
        post(k=Unshowable()),
        "metadata.k is of type tests.sources.test_objects.Unshowable, which JSON has no form for",
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_written(name: str) -> None:
    change, wanted = WRITTEN[name]
    assert orjson.loads(as_line(change)) == wanted


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_by_its_place(name: str) -> None:
    change, reason = REFUSED[name]
    with pytest.raises(Unwritable) as refused:
        as_line(change)
    assert reason in refused.value.reason
    # it can be written down
    assert refused.value.shown.decode().encode() == refused.value.shown
    assert refused.value.reason.encode()


def test_a_line_is_taken_as_it_is() -> None:
    """Byte for byte: whether it is JSON is for the parser to say."""
    assert as_line(b'{ "a" : 1.50 }\n') == b'{ "a" : 1.50 }\n'
    assert as_line("not JSON") == b"not JSON"
    assert as_line(b"\xff") == b"\xff"


@pytest.mark.parametrize("length", [150, 151, 290, 100_000])
def test_a_reason_is_short_and_says_what_is_wrong_however_long_the_path_is(length: int) -> None:
    with pytest.raises(Unwritable) as refused:
        as_line({"k" * length: {1}})
    assert len(refused.value.reason) < 400
    assert "is of type set, which JSON has no form for" in refused.value.reason


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        (post(k={1}), {"op": "post", "annotation": {"id": "a", "input_id": "i"}}),
        ({"input_id": "i", "id": 7, "k": {1}}, {"annotation": {"input_id": "i"}}),
        (
            {"op": {1}, "annotation": {"input_id": "\ud800"}},
            {"op": {1}, "annotation": {"input_id": "\\ud800"}},
        ),
        ({"op": "po\udfffst", "annotation": [1]}, {"op": "po\\udfffst", "annotation": {}}),
        (Broken(op="post", annotation={"id": "a"}), {"op": "post", "annotation": {"id": "a"}}),
        ({"op": "post", "id": "a", "k": {1}}, {"op": "post", "annotation": {}}),
        (None, {}),
        ("text", {}),
    ],
)
def test_what_tells_it_from_others_is_kept_as_far_as_it_is_text(
    change: object, ids: object
) -> None:
    assert ids_of(change) == ids
