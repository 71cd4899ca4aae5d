"""A JSON document in pieces: each with the keys that lead to it.

Small documents are decoded at once, large ones are cut while they are read, so that
memory holds one piece and no more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from typing import Any, BinaryIO, TypeAlias, cast

import ijson  # type: ignore[import-untyped]
import orjson
from ijson.common import ObjectBuilder  # type: ignore[import-untyped]

from syncer.formats.json_numbers import OddNumbers, restore_numbers
from syncer.formats.pieces import FileInPieces, PieceTooLarge

__all__ = ["Cut", "JsonFault", "Keys", "NotJson", "Walk", "make_walk"]

Keys: TypeAlias = tuple[str, ...]
SMALL_BYTES_MAX = 4 << 20
"""As objects it takes about ten times as much."""
PIECE_BYTES_MAX = 12 << 20
BLOCK_BYTES = 1 << 16
MARK = b"\xef\xbb\xbf"


class Cut(Enum):
    """The treatment of a key."""

    OPEN = 1
    """Its members are pieces, or are opened in turn; what has none is a piece."""
    TAKE = 2
    """Its value is a piece."""
    PASS = 3
    """Its value is not needed: the piece is None."""


Cutter: TypeAlias = Callable[[Keys], Cut]
Walk: TypeAlias = Callable[[Cutter], Iterator[tuple[Keys, Any]]]


class JsonFault(ValueError):
    """A document that cannot be read."""


class NotJson(JsonFault):
    """A document that is not JSON, or has numbers that JSON has not."""


def make_walk(
    open_file: Callable[[], BinaryIO], size: int, *, has_odd_numbers: bool = False
) -> Walk:
    """Return a function that yields the pieces of a document, as often as it is called.

    `size` is in bytes. NaN is a number in small documents; in large ones it takes
    longer, so that they are to be tried without. Raises JsonFault, OSError; so does the
    function.
    """
    walk_file = partial(_walk_file, open_file, has_odd_numbers)
    if size > SMALL_BYTES_MAX:
        return walk_file
    with open_file() as file:
        data = file.read(SMALL_BYTES_MAX + 1)
    if len(data) > SMALL_BYTES_MAX:  # it has grown, or is a stream without a size
        return walk_file
    return partial(_walk_value, _decode(data), keys=())


def _decode(data: bytes) -> Any:
    try:
        return orjson.loads(data.removeprefix(MARK))
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data)  # it takes NaN, which Python writes
    except (ValueError, RecursionError) as error:
        raise NotJson(f"it is not JSON: {error}") from None


def _walk_value(value: Any, cut: Cutter, *, keys: Keys) -> Iterator[tuple[Keys, Any]]:
    match cut(keys):
        case Cut.OPEN if isinstance(value, dict) and value:
            for key, member in value.items():
                yield from _walk_value(member, cut, keys=(*keys, key))
        case Cut.PASS:
            yield keys, None
        case _:
            yield keys, value


def _walk_file(
    open_file: Callable[[], BinaryIO], has_odd_numbers: bool, cut: Cutter
) -> Iterator[tuple[Keys, Any]]:
    with open_file() as opened:
        plain = cast(BinaryIO, OddNumbers(opened, PIECE_BYTES_MAX)) if has_odd_numbers else opened
        file = FileInPieces(plain, PIECE_BYTES_MAX)
        events = ijson.basic_parse(file, BLOCK_BYTES, use_float=True)
        try:
            for piece in _cut_events(restore_numbers(events) if has_odd_numbers else events, cut):
                yield piece
                file.begin_piece()
        except PieceTooLarge as error:
            raise JsonFault(str(error)) from None
        except (ijson.JSONError, ValueError) as error:
            why = str(error).partition("\n")[0]
            if not has_odd_numbers:  # of which it has others bytes than the file
                why = f"byte {_find_fault(open_file, file.bytes_read)}: {why}"
            raise NotJson(f"it is not JSON: {why}") from None


def _find_fault(open_file: Callable[[], BinaryIO], end: int) -> int:
    """Return which byte a parser stumbles over, in the last block up to `end`."""
    with open_file() as opened:
        events = ijson.sendable_list()
        parser = ijson.basic_parse_coro(events, use_float=True)
        start = max(0, (end - 1) // BLOCK_BYTES * BLOCK_BYTES)
        try:
            for _ in range(0, start, BLOCK_BYTES):
                parser.send(opened.read(BLOCK_BYTES))
                events.clear()
            while byte := opened.read(1):
                start += 1
                parser.send(byte)
        except (ijson.JSONError, ValueError):
            pass
    return start


def _cut_events(events: Iterator[tuple[str, Any]], cut: Cutter) -> Iterator[tuple[Keys, Any]]:
    keys: list[str] = []
    is_empty = False  # the object that was opened last
    for event, value in events:
        if event == "map_key":
            is_empty = False
            keys.append(value)
            continue
        if event == "end_map" and not is_empty:
            _leave(keys)
            continue
        what = cut(tuple(keys))
        if what is Cut.OPEN and event == "start_map":
            is_empty = True
            continue
        piece: Any = None
        if is_empty:
            is_empty, piece = False, {}
        elif what is Cut.PASS:
            _pass_value(event, events)
        else:
            piece = _build(event, value, events)
        yield tuple(keys), piece
        _leave(keys)


def _leave(keys: list[str]) -> None:
    if keys:  # the document itself has none
        keys.pop()


def _pass_value(event: str, events: Iterator[tuple[str, Any]]) -> None:
    depth = 0
    while True:
        depth += event.startswith("start") - event.startswith("end")
        if depth == 0:
            return
        event, _ = next(events)


def _build(event: str, value: Any, events: Iterator[tuple[str, Any]]) -> Any:
    if not event.startswith("start"):
        return value
    builder = ObjectBuilder()
    depth = 0
    while True:
        builder.event(event, value)
        depth += event.startswith("start") - event.startswith("end")
        if depth == 0:
            return builder.value
        event, value = next(events)
