"""The items of the lists in a large JSON file, one by one.

An item that is not JSON (Python writes NaN) does not end the file, and a file of
gigabytes takes the memory of its largest item.

    a wanted list    the last end of an item in some kilobytes is guessed. If all that
                     ends there is JSON, it is a run of items: no JSON value is the
                     beginning of another. If not, its items are cut one by one: again
                     by a guess, counting brackets, else by looking at tokens.
    another list     all but quotes and brackets is taken out of a block, then pairs of
                     them, until only those are left that lead out of it, or into it
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, cast

import orjson
from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from syncer.formats.labels import JSON

ITEM_BYTES_MAX = 16 << 20
PARTS_MAX = 300_000
VALUES_MAX = 2_500_000
"""Each takes up to a hundred times the bytes that it has in the file."""
_BLOCK_BYTES = 1 << 20
_RUN_BYTES = 1 << 16
_SKIPPED_BYTES = 1 << 20
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRINGS = re.compile(_STRING, re.DOTALL)
_STRING_REST = re.compile(_STRING[1:], re.DOTALL)
_QUOTED = re.compile(rb'"[^"]*"')
_BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_INNER = re.compile(_STRING + rb'|[\[\]{}"]', re.DOTALL)
_OUTER = re.compile(_STRING + rb'|[\[\]{}:"]', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n,]*")
_SCALAR = re.compile(rb"[^\]},]*")
_QUOTE, _COLON, _LIST, _LIST_END, _OBJECT, _OBJECT_END = b'":[]{}'
_ROUND = bytes.maketrans(b"[{]}", b"(())")
_PLAIN = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_MARK = b"\xef\xbb\xbf"
_GUESSES = 4
_NESTED_MAX = 64
_WINDOW_BYTES = 1 << 10
"""Of what is passed over, the first that is looked at: many values are small."""


class JsonRun(Struct, frozen=True):
    """Items of a list, one after the other; none where the list is empty."""

    key: str
    """Of the list, in the object that the file is; "" where the file is a list."""
    index: int
    """That of the first."""
    values: list[object]
    fault: str = ""
    """Why the only one has no value."""


class JsonItem(Struct, frozen=True):
    """An item of a list."""

    key: str
    """Of the list, in the object that the file is; "" where the file is a list."""
    index: int
    value: JSON
    fault: str = ""
    """Why it has no value."""

    @property
    def place(self) -> str:
        """The item in words for people: `annotations[3]`."""
        return f"{self.key}[{self.index}]"


def parse(text: bytes) -> JSON:
    """Return the value; NaN and Infinity are numbers, half a character is text.

    Raises ValueError, also for one of so many parts that it would fill the memory.
    """
    if _is_crowded(text):
        raise ValueError(
            f"more than {PARTS_MAX:,} lists and objects, or {VALUES_MAX:,} values, in one item"
        )
    try:
        value: JSON = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(f"not JSON: {error.msg}") from None
    return value


def _is_crowded(text: bytes) -> bool:
    if len(text) <= PARTS_MAX:
        return False
    return text.count(b"[") + text.count(b"{") > PARTS_MAX or text.count(b",") > VALUES_MAX


def _take_plain(block: bytes) -> bytes:
    """Return the quotes and brackets, without quotes that are part of a string."""
    if b"\\" in block:
        block = block.replace(rb"\\", b"").replace(rb"\"", b"")
    return block.translate(None, _PLAIN)


def _take_strings(text: bytes) -> tuple[bytes, bytes]:
    """Return the brackets that are not within strings, and a quote if one is not
    closed.
    """
    left = text.replace(b'""', b"")
    if b'"' not in left:  # a bracket within a string would have kept its quote
        return left, b""
    if left.find(b'"') == len(left) - 1:  # nor is one after the quote that is not closed
        return left[:-1], b'"'
    left = _QUOTED.sub(b"", text)
    before, quote, _ = left.partition(b'"')
    return before, quote


def iterate_items(file: BinaryIO, *keys: str) -> Iterator[JsonItem]:
    """Yield the items of the lists under these keys of the object that the file is, or
    of the list that it is, in the order of the file.

    Raises ValueError where the file as a whole is not JSON, and for an item of more
    than 16 MiB.
    """
    for run in iterate_runs(file, dict.fromkeys(keys)):
        for index, value in enumerate(run.values, run.index):
            yield JsonItem(run.key, index, cast(JSON, value), run.fault)


def iterate_runs(
    file: BinaryIO, decoders: Mapping[str, Decoder[list[object]] | None]
) -> Iterator[JsonRun]:
    """Yield the same, several at a time.

    Items are what the decoder of their key makes of them where it can read all of a
    run, else JSON.
    """
    return _ItemCutter(file, decoders).cut()


def pass_over(file: BinaryIO) -> None:
    """Read the file to its end. Raises ValueError where it as a whole is not JSON."""
    for _ in iterate_items(file):
        pass


class _ItemCutter:
    """A part of the file, and a place in it."""

    def __init__(
        self, file: BinaryIO, decoders: Mapping[str, Decoder[list[object]] | None]
    ) -> None:
        self._file = file
        self._decoders = decoders
        self._decoder: Decoder[list[object]] | None = None
        """That of the list in which this is."""
        self._buffer = b""
        self._start = 0
        """The first byte in the buffer that is still needed."""
        self._at = 0
        self._base = 0
        """The bytes of the file before the buffer."""
        self._doubted = 0
        """The byte of the file up to which items are cut one by one."""

    def cut(self) -> Iterator[JsonRun]:
        """Yield the items of a file from its start. Raises ValueError."""
        self._grow()
        if self._buffer.startswith(_MARK):
            self._at = len(_MARK)
        if b"\0" in self._buffer[:4]:
            raise ValueError("not UTF-8")
        root = self._next()
        self._at += 1
        if root == _LIST:
            yield from self._iterate_list("")
        elif root == _OBJECT:
            yield from self._iterate_object()
        else:
            raise ValueError("neither a JSON object nor a list")
        rest = self._buffer[self._at :] + self._file.read(64)
        if rest.strip():
            raise ValueError(f"something follows the JSON at byte {self._base + self._at}")

    def _iterate_object(self) -> Iterator[JsonRun]:
        key = last = b""
        while True:
            found = self._find(_OUTER)
            match found[0]:
                case 0x22:  # a string: a key, if a colon follows
                    last = found
                case 0x3A:
                    key = last
                case 0x5B | 0x7B:
                    name = str(parse(key)) if key else ""
                    if found == b"[" and name in self._decoders:
                        yield from self._iterate_list(name)
                    else:
                        self._skip(1)
                case 0x7D:
                    return
                case _:
                    raise ValueError(f"a bracket too many at byte {self._base + self._at}")

    def _iterate_list(self, key: str) -> Iterator[JsonRun]:
        """Yield the items up to the bracket that closes what was just opened."""
        index = 0
        self._decoder = self._decoders.get(key)
        while (first := self._next()) != _LIST_END:
            if first == _OBJECT:
                if values := self._take_run():
                    yield JsonRun(key, index, values)
                    index += len(values)
                    continue
                item = self._guess(key, index)
                if item is None:
                    self._at += 1
                    self._scan(1)
                    item = self._take(key, index)
            elif first == _LIST:
                self._at += 1
                self._scan(1)
                item = self._take(key, index)
            elif first == _OBJECT_END:
                raise ValueError(f"a bracket too many at byte {self._base + self._at}")
            else:
                self._find(_STRINGS if first == _QUOTE else _SCALAR)
                item = self._take(key, index)
            yield item
            index += 1
        if not index:
            yield JsonRun(key, 0, [])
        self._at += 1

    def _take_run(self) -> list[object]:
        """Return the items that begin here and end within some kilobytes, and go past
        them; none, where one of them is not JSON, or they are large.
        """
        begin = self._at
        if self._base + begin < self._doubted:
            return []
        end = begin + _RUN_BYTES
        for _ in range(_GUESSES):
            end = self._buffer.rfind(b"}", begin, end)
            if end < 0:
                return []
            if _BETWEEN.match(self._buffer, end):
                break
        else:
            return []
        text = b"[%b]" % self._buffer[begin : end + 1]
        try:
            if not _is_crowded(text):
                found = self._decode(text)
                self._at = end + 1
                return found
        except orjson.JSONDecodeError:
            pass
        self._doubted = self._base + end
        return []

    def _decode(self, text: bytes) -> list[object]:
        if self._decoder is not None:
            try:
                return self._decoder.decode(text)
            except DecodeError:
                pass
        found: list[object] = orjson.loads(text)
        return found

    def _guess(self, key: str, index: int) -> JsonRun | None:
        """Return the object that begins here, if its end is found at once."""
        begin = end = self._at
        for closed in range(1, _GUESSES + 1):
            end = self._buffer.find(b"}", end) + 1
            if not end:
                return None
            if self._buffer.count(b"{", begin, end) == closed:
                text = self._buffer[begin:end]
                if _is_crowded(text):
                    return None
                try:
                    value = orjson.loads(text)
                except orjson.JSONDecodeError:
                    return None
                self._at = end
                return JsonRun(key, index, [value])
        return None

    def _take(self, key: str, index: int) -> JsonRun:
        """Return the item that begins at the start of what is kept, and ends here."""
        try:
            return JsonRun(key, index, [parse(self._buffer[self._start : self._at])])
        except ValueError as error:
            return JsonRun(key, index, [None], str(error))

    def _next(self) -> int:
        """Go to the next value or bracket, past spaces and commas; its first byte."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._start = self._at = len(self._buffer) if found is None else found.end()
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            self._grow()

    def _find(self, pattern: re.Pattern[bytes]) -> bytes:
        """Return the next token of this pattern, and go past it."""
        while True:
            found = pattern.search(self._buffer, self._at)
            if found is not None and found.group() != b'"':
                self._at = found.end()
                if pattern is not _SCALAR or self._at < len(self._buffer):
                    return found.group()
                self._at = found.start()
            if pattern is _OUTER:
                self._start = self._at = len(self._buffer) if found is None else found.start()
            self._grow()

    def _scan(self, depth: int, *, keep: bool = True) -> None:
        """Go past the bracket that closes `depth` of them, token by token."""
        while True:
            for found in _INNER.finditer(self._buffer, self._at):
                begin, end = found.span()
                first = self._buffer[begin]
                if first == _QUOTE:
                    if end - begin == 1:
                        break
                elif first in (_LIST, _OBJECT):
                    depth += 1
                else:
                    depth -= 1
                    if not depth:
                        self._at = end
                        return
                self._at = end
            else:
                self._at = len(self._buffer)
            if not keep:
                self._start = self._at
            self._grow()

    def _skip(self, depth: int) -> None:
        """Do the same by blocks, and keep nothing of them."""
        size, quote = _WINDOW_BYTES, b""
        while True:
            block = self._buffer[self._at : self._at + size]
            if (len(block) - len(block.rstrip(b"\\"))) % 2:
                block = block[:-1]
            left, unclosed = _take_strings(quote + _take_plain(block))
            brackets = left.translate(_ROUND)
            for _ in range(_NESTED_MAX):
                fewer = brackets.replace(b"()", b"")
                if fewer == brackets:
                    break
                brackets = fewer
            opened = brackets.count(b"(")
            closed = len(brackets) - opened
            if b"()" in brackets or closed >= depth:
                if size > _WINDOW_BYTES:
                    size = max(size // 4, _WINDOW_BYTES)
                    continue
                if quote and (rest := _STRING_REST.match(self._buffer, self._at)):
                    self._at = rest.end()
                self._scan(depth, keep=False)
                return
            depth += opened - closed
            quote = unclosed
            self._start = self._at = self._at + len(block)
            if not block or self._at == len(self._buffer):
                self._grow()
            size = min(2 * size, _SKIPPED_BYTES)

    def _grow(self) -> None:
        """Read on, and forget what is before the start.

        Raises ValueError at the end of the file.
        """
        self._buffer = self._buffer[self._start :]
        self._base += self._start
        self._at -= self._start
        self._start = 0
        if len(self._buffer) > ITEM_BYTES_MAX:
            raise ValueError(
                f"the item at byte {self._base} is larger than {ITEM_BYTES_MAX >> 20} MiB"
            )
        block = self._file.read(max(_BLOCK_BYTES, len(self._buffer)))
        if not block:
            is_empty = not self._buffer and not self._base
            raise ValueError("an empty file" if is_empty else "it ends within its JSON")
        self._buffer += block
