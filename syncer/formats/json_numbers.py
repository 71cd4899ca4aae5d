"""NaN, Infinity and numbers beyond all doubles in JSON, which has none: texts in their
place, that a parser takes, and back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from syncer.formats.pieces import PieceTooLarge

__all__ = ["OddNumbers", "restore_numbers"]

BLOCK_BYTES = 1 << 16
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRINGS = re.compile(_STRING, re.DOTALL)
_ODD = re.compile(_STRING + rb"|NaN|-?Infinity|-?[0-9]+(?:\.[0-9]*)?[eE]\+?[0-9]{3,}", re.DOTALL)
_ENDS = b",:[]{} \t\r\n"
_QUOTE = b'"'
_VALUES = {"\0nan": math.nan, "\0inf": math.inf, "\0-inf": -math.inf}
"""No text of a label begins so."""


class OddNumbers:
    """A file of JSON in which numbers that are none are texts."""

    def __init__(self, file: BinaryIO, bytes_max: int) -> None:
        self._file = file
        self._bytes_max = bytes_max
        self._kept = b""
        self._ready = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`. Raises PieceTooLarge, OSError."""
        while not self._ready:
            block = self._file.read(BLOCK_BYTES)
            whole = self._kept + block
            end = _find_end(whole) if block else len(whole)
            self._ready, self._kept = _ODD.sub(_replace, whole[:end]), whole[end:]
            if len(self._kept) > self._bytes_max:
                raise PieceTooLarge(f"one text of it is larger than {self._bytes_max >> 20} MiB")
            if not block:
                break
        size = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:size], self._ready[size:]
        return given


def restore_numbers(events: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the events of a parser with numbers in the place of those texts."""
    for event, value in events:
        if event == "string" and value in _VALUES:
            yield "number", _VALUES[value]
        else:
            yield event, value


def _find_end(data: bytes) -> int:
    """Return where the last text or number that is here as a whole ends."""
    after = 0
    for found in _STRINGS.finditer(data):
        after = found.end()
    quote = data.find(_QUOTE, after)
    if quote >= 0:
        return quote
    return max(after, *(data.rfind(each, after) + 1 for each in map(_as_byte, _ENDS)))


def _as_byte(number: int) -> bytes:
    return bytes((number,))


def _replace(found: re.Match[bytes]) -> bytes:
    token = found[0]
    if token.startswith(_QUOTE):
        return token
    value = float(token)
    return token if math.isfinite(value) else b'"\\u0000%s"' % str(value).encode()
